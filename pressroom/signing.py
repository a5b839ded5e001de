"""Signed links: tokens that say what they are for and for whom, and cannot be made by others."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime

_MAC = 16


class Signer:
    """Keys for each purpose are derived from the one secret, so that a token of one kind is none of another."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._begun: dict[str, hmac.HMAC] = {}

    def key(self, purpose: str) -> bytes:
        return hmac.digest(self._secret, purpose.encode(), "sha256")

    def mac(self, purpose: str, value: str) -> bytes:
        return self._mac(purpose, value.encode())

    def _mac(self, purpose: str, value: bytes) -> bytes:
        """Copies one that was begun with the key: half the work, and mailings make three for each person."""
        begun = self._begun.get(purpose)
        if begun is None:
            begun = self._begun[purpose] = hmac.new(self.key(purpose), digestmod="sha256")
        mac = begun.copy()
        mac.update(value)
        return mac.digest()

    def token(self, purpose: str, subject: int, *, until: datetime | None = None) -> str:
        """A token of letters, digits, `-` and `_`; without `until` it never expires."""
        body = subject.to_bytes(8, "big") + (int(until.timestamp()).to_bytes(5, "big") if until else b"")
        mac = self._mac(purpose, body)[:_MAC]
        return base64.urlsafe_b64encode(body + mac).decode().rstrip("=")

    def subject(self, purpose: str, token: str, *, now: datetime) -> int | None:
        """Whom the token is for; None if it is forged, altered, of another purpose or expired."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        body, mac = raw[:-_MAC], raw[-_MAC:]
        if len(body) not in (8, 13):
            return None
        if not hmac.compare_digest(self._mac(purpose, body)[:_MAC], mac):
            return None
        # Unused bits of the last letter decode alike: one token has one spelling.
        if base64.urlsafe_b64encode(raw).decode().rstrip("=") != token:
            return None
        if body[8:] and now.timestamp() > int.from_bytes(body[8:], "big"):
            return None
        return int.from_bytes(body[:8], "big")
