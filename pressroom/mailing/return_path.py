"""Addresses of our own that mail comes back to: a return path names a delivery, a leaving address a subscriber.

Both carry a MAC under a purpose of their own, in letters that survive relays which lower-case local parts. The first is
no way to leave, the second no way to report a bounce, and neither is the token of a link.
"""

from __future__ import annotations

import hmac
import re

from pressroom.mailing import header
from pressroom.signing import Signer

_MAC = 16
_RETURN, _LEAVING = "return-path", "unsubscribe-by-mail"
_TAG = re.compile(rf"\+(u-)?([0-9a-f]{{1,16}})-([0-9a-f]{{{_MAC}}})@", re.IGNORECASE)

# RFC 5321 §4.5.3.1.1 allows a local part 64 octets; the longest tag takes 36 of them.
LONGEST_LOCAL_PART = 64 - len("+u-") - 16 - 1 - _MAC


def of_delivery(signer: Signer, bounce_address: str | None, delivery_id: int, sender: str) -> str:
    """Where failures return to: with a bounce address, one of this message's own, which nobody else can make."""
    if not bounce_address:
        return header.ascii_domain(sender)
    return _tagged(bounce_address, f"{delivery_id:x}-{_mac(signer, _RETURN, delivery_id)}")


def for_leaving(signer: Signer, bounce_address: str | None, subscriber_id: int) -> str | None:
    """Where one person can write to leave; None without a bounce address, for nobody would read it."""
    if not bounce_address:
        return None
    return _tagged(bounce_address, f"u-{subscriber_id:x}-{_mac(signer, _LEAVING, subscriber_id)}")


def delivery_in(signer: Signer, text: str) -> int | None:
    """The delivery whose return path stands in a text, such as a To header; None if none does, or only forged ones."""
    return _found(signer, text, _RETURN)


def subscriber_in(signer: Signer, text: str) -> int | None:
    """The subscriber whose leaving address stands in a text."""
    return _found(signer, text, _LEAVING)


def _found(signer: Signer, text: str, purpose: str) -> int | None:
    for leaving, number, mac in _TAG.findall(text):
        subject = int(number, 16)
        fits = bool(leaving) is (purpose == _LEAVING) and subject < 1 << 63
        if fits and hmac.compare_digest(mac.lower(), _mac(signer, purpose, subject)):
            return subject
    return None


def _mac(signer: Signer, purpose: str, subject: int) -> str:
    return signer.mac(purpose, str(subject)).hex()[:_MAC]


def _tagged(bounce_address: str, tag: str) -> str:
    local, _, domain = bounce_address.rpartition("@")
    return header.ascii_domain(f"{local}+{tag}@{domain}")
