"""A report: what one arrived message or event says of one recipient, and what it gives to find ours by.

Reading raises nothing, whatever arrives: what cannot be understood is `unclear`, and changes nothing.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.errors import MessageError
from email.message import Message

from pressroom.mailing import delivery_report, feedback_report, plain_bounce
from pressroom.mailing.letter_parts import fields_of, header, headers, part_text, parts
from pressroom.mailing.verdict import Verdict

# What Python's parser is known to raise on malformed mail, deep nesting included.
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, MessageError)

_ENVELOPE = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")
_RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_MESSAGE_ID = re.compile(r"<([0-9a-f]{32})@[^<>\s]{1,253}>", re.IGNORECASE)
_TOKEN = re.compile(r"/unsubscribe/([A-Za-z0-9_-]{20,60})(?![A-Za-z0-9_-])")
_MANY = 50


@dataclass(frozen=True)
class Finding:
    """One recipient's fate. `diagnostic` is the other server's words, which may name the address."""

    verdict: Verdict
    status: str = ""
    diagnostic: str = ""
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """`addressed` and `returned` hold texts in which an address of ours may stand: where this came to, and what it
    gives back. `message_ids` are local parts of Message-IDs, `tokens` those of links for leaving.
    """

    findings: tuple[Finding, ...]
    addressed: str = ""
    returned: str = ""
    message_ids: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    may_leave: bool = False


def of_message(raw: bytes) -> Report:
    """Reads a message that came to an address of ours."""
    try:
        return _read(email.message_from_bytes(raw))
    except _MALFORMED:
        return Report((Finding(Verdict.UNCLEAR),))


def _read(message: Message) -> Report:
    known = list(parts(message))
    report = Report(
        findings=tuple(_findings(message, known))[:_MANY],
        addressed="\n".join(value for name in _ENVELOPE for value in headers(message, name))[:10_000],
    )
    unclear = all(one.verdict is Verdict.UNCLEAR for one in report.findings)
    if unclear:
        is_report = message.get_content_type() == "multipart/report"
        return replace(report, may_leave=not is_report and not plain_bounce.is_bounce(message))
    evidence = "\n".join(_evidence(known))[:200_000]
    return replace(
        report,
        returned=evidence,
        message_ids=tuple(dict.fromkeys(one.lower() for one in _MESSAGE_ID.findall(evidence)))[:_MANY],
        tokens=tuple(dict.fromkeys(_TOKEN.findall(evidence)))[:_MANY],
    )


def _findings(message: Message, known: list[Message]) -> Iterator[Finding]:
    for part in known:
        kind = part.get_content_type()
        if kind in delivery_report.KINDS:
            found = [Finding(*one) for one in delivery_report.read(part_text(part))]
            if found:
                yield from found
                return
        if kind == feedback_report.KIND:
            fields = fields_of(part_text(part))
            yield Finding(feedback_report.verdict(fields), "", "", feedback_report.recipients(fields))
            return
    if plain_bounce.is_bounce(message):
        yield Finding(*plain_bounce.read(message, known))
    elif is_auto_reply(message):
        yield Finding(Verdict.AUTO_REPLY)
    else:
        yield Finding(Verdict.UNCLEAR)


def is_auto_reply(message: Message) -> bool:
    """RFC 3834, and what came before it. A program that asks to leave may say `auto-generated`: that is no reply."""
    return (
        header(message, "Auto-Submitted").lower().startswith("auto-replied")
        or any(name in message for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponse"))
        or header(message, "Precedence").lower() in ("auto_reply", "auto-reply")
        or bool(_AWAY.search(header(message, "Subject")))
    )


_AWAY = re.compile(r"^(out of( the)? office|automatic reply|auto[- ]?reply|abwesen|on (vacation|holiday|leave))", re.I)


def _evidence(known: list[Message]) -> Iterator[str]:
    """The returned message's headers, and the text in which older servers quote them."""
    for part in known:
        kind = part.get_content_type()
        if kind in _RETURNED:
            inner = part.get_payload()
            if isinstance(inner, list) and inner:
                yield from (f"{name}: {value}" for name, value in fields_of(part_text(part)).items())
            else:
                yield part_text(part)
        elif kind == feedback_report.KIND or kind in delivery_report.KINDS or kind == "text/plain":
            yield part_text(part)
