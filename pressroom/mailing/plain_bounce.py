"""Bounces that are no report but a text: qmail, Exim, older Postfix, and gateways of all kinds. Guesses, used last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.message import Message

from pressroom.mailing import verdict
from pressroom.mailing.letter_parts import header, headers, part_text
from pressroom.mailing.verdict import Verdict

_SENDERS = re.compile(r"\b(mailer-?daemon|postmaster|mail delivery (sub)?system|mdaemon)\b", re.I)
_SUBJECTS = re.compile(
    r"undeliver|non.?deliver|delivery (status|fail|report|notification|problem|has been delayed)|returned mail|"
    r"failure notice|mail delivery|^warning: message .* delayed|delivery delayed|"
    r"returned to sender|could not be delivered",
    re.I,
)
_DELAYS = re.compile(
    r"\bwarning\b|delay(ed)?\b|still trying|(will|shall) (continue|keep|be retried|retry|try)|not yet been delivered|"
    r"no action is required|do not need to resend",
    re.I,
)
# Where the returned message begins: what it says is ours, not the server's.
_COPY = re.compile(
    r"^-+ ?(below this line is a copy|this is a copy of|original message|returned message|undelivered message)",
    re.I | re.M,
)
_NAMED = re.compile(r"<([^<>\s@]{1,64}@[^<>\s]{1,253})>")
_STANDING = re.compile(r"^\s{0,8}([^<>\s@:]{1,64}@[^<>\s:]{1,253}):?\s*$", re.M)
_LONGEST = 20_000


def is_bounce(message: Message) -> bool:
    if any(headers(message, "X-Failed-Recipients")):
        return True
    by_machine = bool(_SENDERS.search(header(message, "From"))) or header(message, "Return-Path") == "<>"
    return by_machine and bool(_SUBJECTS.search(header(message, "Subject")))


def read(message: Message, known: Sequence[Message]) -> tuple[Verdict, str, str, tuple[str, ...]]:
    """Verdict, status, diagnostic and addresses."""
    text = next((part_text(part) for part in known if part.get_content_type() == "text/plain"), "")
    said = _COPY.split(text[:_LONGEST])[0]
    found = verdict.ENHANCED.search(said)
    status = found[1] if found else ""
    named = [*_NAMED.findall(" ".join(headers(message, "X-Failed-Recipients"))), *_failed(message)]
    named += [*_NAMED.findall(said), *_STANDING.findall(said)]
    recipients = tuple(dict.fromkeys(named))[:50]
    if _DELAYS.search(header(message, "Subject")) or (_DELAYS.search(said) and not status.startswith("5")):
        return Verdict.DELAYED, status, "", recipients
    return verdict.of_failure(status, said), status, " ".join(said.split())[:2000], recipients


def _failed(message: Message) -> list[str]:
    joined = ",".join(headers(message, "X-Failed-Recipients"))
    return [one.strip() for one in joined.split(",") if "@" in one and "<" not in one]
