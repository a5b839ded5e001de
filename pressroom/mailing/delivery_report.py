"""Delivery status notifications: RFC 3464, and RFC 6533 for addresses in letters beyond ASCII."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pressroom.mailing import verdict
from pressroom.mailing.letter_parts import groups_of
from pressroom.mailing.verdict import Verdict

KINDS = ("message/delivery-status", "message/global-delivery-status")

_NO_FAILURE = {
    "delayed": Verdict.DELAYED,
    "delivered": Verdict.DELIVERED,
    "relayed": Verdict.DELIVERED,
    "expanded": Verdict.DELIVERED,
}
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")


def read(text: str) -> Iterator[tuple[Verdict, str, str, tuple[str, ...]]]:
    """Verdict, status, diagnostic and addresses of each recipient it names."""
    for fields in groups_of(text):
        if not fields.keys() & {"final-recipient", "original-recipient", "action", "status"}:
            continue
        found = verdict.ENHANCED.search(fields.get("status", ""))
        status = found[1] if found else ""
        diagnostic = fields.get("diagnostic-code", "").partition(";")[2].strip() or fields.get("diagnostic-code", "")
        named = (_address(fields.get(name, "")) for name in ("original-recipient", "final-recipient"))
        said = _verdict(fields.get("action", "").split(" ")[0].strip(" ;").lower(), status, diagnostic)
        yield said, status, diagnostic, tuple(dict.fromkeys(one for one in named if one))


def _verdict(action: str, status: str, diagnostic: str) -> Verdict:
    if action in _NO_FAILURE:
        return _NO_FAILURE[action]
    if action == "failed":
        return verdict.of_failure(status, diagnostic)
    # Without an action a passing code is no failure yet.
    return verdict.of_failure(status, diagnostic) if status.startswith("5") else Verdict.UNCLEAR


def _address(value: str) -> str:
    """From `rfc822; a@example.org`, or `utf-8;` with its own escapes (RFC 6533 §3)."""
    kind, semicolon, rest = value.partition(";")
    address = (rest if semicolon else value).strip().strip("<>")
    if kind.strip().lower() == "utf-8":
        address = _UNITEXT.sub(_letter, address)
    return address if "@" in address else ""


def _letter(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    is_letter = number < 0x110000 and not 0xD800 <= number < 0xE000
    return chr(number) if is_letter else found[0]
