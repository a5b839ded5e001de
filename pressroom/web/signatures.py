"""How each hook is signed. A check says True, False for a wrong signature, or None for none at all.

A request that is sent again within its time is stored once: the digest of its bytes is known (collecting.py).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from werkzeug.datastructures import Headers

Check = Callable[[str, Headers, bytes, datetime], bool | None]

_OWN_LASTS = timedelta(minutes=5)
# Relays send again for hours what was not acknowledged, some with the time of the first try.
_RELAY_LASTS = timedelta(hours=48)


def own(secret: str, headers: Headers, body: bytes, now: datetime) -> bool | None:
    """`Pressroom-Signature: v1=` HMAC-SHA256, in hex, of the timestamp, a dot and the body."""
    timestamp, given = headers.get("Pressroom-Timestamp", ""), headers.get("Pressroom-Signature", "")
    if not timestamp or not given:
        return None
    wanted = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return _is_recent(timestamp, now, _OWN_LASTS) & _same(f"v1={wanted}", given)


def basic(login: str, headers: Headers, _body: bytes, _now: datetime) -> bool | None:
    """NAME:PASSWORD of HTTP Basic (RFC 7617), which such relays take from the address they are given."""
    kind, _, given = headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    return _same(base64.b64encode(login.encode()).decode(), given.strip())


def mailgun(key: str, _headers: Headers, body: bytes, now: datetime) -> bool | None:
    """The signature stands in the body, over a timestamp and a token but not the event: a token is good once."""
    try:
        signature = json.loads(body)["signature"]
        timestamp, token, given = (str(signature[name]) for name in ("timestamp", "token", "signature"))
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    wanted = hmac.new(key.encode(), f"{timestamp}{token}".encode(errors="replace"), hashlib.sha256).hexdigest()
    return _is_recent(timestamp, now, _RELAY_LASTS) & _same(wanted, given)


def mailgun_token(body: bytes) -> str:
    """Of a request that was checked."""
    return str(json.loads(body)["signature"]["token"])


def sendgrid(key: str, headers: Headers, body: bytes, now: datetime) -> bool | None:
    """ECDSA over the timestamp and the body; the key is the base64 of its DER form, as SendGrid shows it."""
    given = headers.get("X-Twilio-Email-Event-Webhook-Signature", "")
    timestamp = headers.get("X-Twilio-Email-Event-Webhook-Timestamp", "")
    if not given or not timestamp:
        return None
    try:
        public = load_der_public_key(base64.b64decode(key))
        if not isinstance(public, EllipticCurvePublicKey):
            return False
        public.verify(base64.b64decode(given), timestamp.encode() + body, ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return _is_recent(timestamp, now, _RELAY_LASTS)


def _is_recent(timestamp: str, now: datetime, lasts: timedelta) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    return abs(now.timestamp() - int(timestamp)) <= lasts.total_seconds()


def _same(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode(), given.encode(errors="replace"))
