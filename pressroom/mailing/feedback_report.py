"""Complaints of mailbox providers: RFC 5965 (ARF). Many leave the recipient out; the returned headers stay."""

from __future__ import annotations

from collections.abc import Mapping

from pressroom.mailing.verdict import Verdict

KIND = "message/feedback-report"

_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})


def verdict(fields: Mapping[str, str]) -> Verdict:
    """`not-spam` praises, and an authentication failure (RFC 6591) is about our set-up: neither is a complaint."""
    return Verdict.COMPLAINT if fields.get("feedback-type", "").strip().lower() in _COMPLAINTS else Verdict.UNCLEAR


def recipients(fields: Mapping[str, str]) -> tuple[str, ...]:
    named = (fields.get(name, "") for name in ("original-rcpt-to", "removal-recipient"))
    cleaned = (one.rpartition(";")[2].strip().strip("<>") for one in named)
    return tuple(dict.fromkeys(one for one in cleaned if "@" in one))
