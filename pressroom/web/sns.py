"""Amazon SNS, through which SES reports: a signature by a certificate that only Amazon's own hosts may give."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from flask import current_app
from werkzeug.datastructures import Headers

from pressroom.config import Config
from pressroom.errors import TryLater
from pressroom.pushing.call import Call, Caller, Forbidden, Unreachable

_HOST = re.compile(r"sns\.[a-z0-9-]{1,30}\.amazonaws\.com(\.cn)?")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-zA-Z]{1,64}\.pem")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_LARGEST = 64 * 1024
_OK = 200


class Amazon:
    """What is had from addresses that are Amazon's. A certificate never changes at its address, so it is kept."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.certificate = lru_cache(maxsize=32)(self._certificate)

    @cached_property
    def call(self) -> Caller:
        # Here, so that whoever has no such hook need not hold it in memory.
        from pressroom.outgoing.client import Client

        return Client.of(self._config)

    def confirm(self, url: str) -> None:
        """Asks each time: a topic may have been taken off and put back. Raises TryLater."""
        self._get(url)

    def _certificate(self, url: str) -> x509.Certificate:
        """Raises TryLater, and ValueError for what is none."""
        return x509.load_pem_x509_certificate(self._get(url))

    def _get(self, url: str) -> bytes:
        try:
            answer = self.call(Call("GET", url, reads=_LARGEST))
        except (Unreachable, Forbidden):
            raise TryLater("Amazon cannot be reached just now.") from None
        if answer.status != _OK:
            raise TryLater("Amazon cannot be reached just now.")
        return answer.body


def check(topic: str, _headers: Headers, body: bytes, _now: datetime) -> bool | None:
    """Raises TryLater where the certificate cannot be had just now; SNS then sends it again."""
    given = _read(body)
    if not isinstance(given.get("Signature"), str) or given.get("Type") not in _SIGNED:
        return None
    # Before anything is fetched for it.
    if given.get("TopicArn") != topic:
        return False
    url = str(given.get("SigningCertURL", ""))
    if not _is_amazons(url) or not _CERTIFICATE.fullmatch(urlsplit(url).path):
        return False
    try:
        public = _amazon().certificate(url).public_key()
        if not isinstance(public, RSAPublicKey):
            return False
        algorithm = SHA256() if given.get("SignatureVersion") == "2" else SHA1()  # noqa: S303 -- what SNS signs with
        public.verify(base64.b64decode(given["Signature"]), _canonical(given), PKCS1v15(), algorithm)
    except (ValueError, InvalidSignature):
        return False
    return True


def is_notification(body: bytes) -> bool:
    return _read(body).get("Type") == "Notification"


def confirm(body: bytes) -> None:
    """Tells Amazon that this topic may report here. Only for what was checked. Raises TryLater."""
    url = str(_read(body).get("SubscribeURL", ""))
    if _is_amazons(url):
        _amazon().confirm(url)


def _read(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _canonical(given: dict[str, Any]) -> bytes:
    names = [name for name in _SIGNED[given["Type"]] if name in given]
    return "".join(f"{name}\n{given[name]}\n" for name in names).encode(errors="replace")


def _is_amazons(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(_HOST.fullmatch(parts.netloc))
    except ValueError:
        return False


def _amazon() -> Amazon:
    amazon: Amazon = current_app.extensions["pressroom.amazon"]
    return amazon
