"""Amazon SNS, through which SES reports: a signature by a certificate that only Amazon's own hosts may give."""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from flask import current_app
from werkzeug.datastructures import Headers

from pressroom.errors import TryLater

_HOST = re.compile(r"sns\.[a-z0-9-]{1,30}\.amazonaws\.com(\.cn)?")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-zA-Z]{1,64}\.pem")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_LARGEST = 64 * 1024
_TIMEOUT = 10.0


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
        public = x509.load_pem_x509_certificate(_fetcher()(url)).public_key()
        if not isinstance(public, RSAPublicKey):
            return False
        algorithm = SHA256() if given.get("SignatureVersion") == "2" else SHA1()  # noqa: S303 -- what SNS signs with
        public.verify(base64.b64decode(given["Signature"]), _canonical(given), PKCS1v15(), algorithm)
    except (ValueError, InvalidSignature):
        return False
    except (OSError, http.client.HTTPException):
        raise TryLater("Amazon's certificate cannot be fetched just now.") from None
    return True


def is_notification(body: bytes) -> bool:
    return _read(body).get("Type") == "Notification"


def confirm(body: bytes) -> None:
    """Tells Amazon that this topic may report here. Only for what was checked. Raises TryLater."""
    url = str(_read(body).get("SubscribeURL", ""))
    if not _is_amazons(url):
        return
    try:
        _fetcher()(url)
    except (OSError, http.client.HTTPException):
        raise TryLater("Amazon cannot be reached just now.") from None


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


def _fetcher() -> Callable[[str], bytes]:
    fetcher: Callable[[str], bytes] = current_app.extensions.get("pressroom.sns", fetch)
    return fetcher


@lru_cache(maxsize=32)
def fetch(url: str) -> bytes:
    """Of an address that is Amazon's. Follows no redirect. Raises OSError and HTTPException."""
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(parts.netloc, timeout=_TIMEOUT, context=ssl.create_default_context())
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise OSError("it did not answer 200")
        return answer.read(_LARGEST)
    finally:
        connection.close()
