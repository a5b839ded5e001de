"""What relays report by HTTP, in each one's own words. They signed it, so the address they name is believed.

The code and the words that they quote decide, not their own “hard” and “soft”, which call blocks and full mailboxes
hard. What is not known here is `unclear`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from pressroom.mailing import verdict
from pressroom.mailing.arrival import Form
from pressroom.mailing.report import Finding, Report
from pressroom.mailing.verdict import Verdict

_MANY = 1000
_OURS = re.compile(r"^<?([0-9a-f]{32})@")


def read(form: Form, raw: bytes) -> list[Report]:
    """Raises nothing; empty for what is no JSON."""
    try:
        given = json.loads(raw)
    except (ValueError, RecursionError):
        return []
    events = given if isinstance(given, list) else [given]
    reader = _READERS[form]
    return [found for one in events[:_MANY] if isinstance(one, dict) for found in reader(one)]


def _at(event: Any, *path: str) -> Any:
    for name in path:
        event = event.get(name) if isinstance(event, dict) else None
    return event


def _text(event: Any, *path: str) -> str:
    found = _at(event, *path)
    return str(found) if isinstance(found, str | int) else ""


def _report(said: Verdict, status: str, diagnostic: str, recipient: str, *, path: str = "", ids: str = "") -> Report:
    found = _OURS.match(ids.strip())
    finding = Finding(said, status, diagnostic[:2000], (recipient,) if "@" in recipient else ())
    return Report((finding,), returned=path, message_ids=(found[1],) if found else ())


def _failure(status: str, words: str) -> tuple[Verdict, str]:
    found = verdict.ENHANCED.search(status) or verdict.ENHANCED.search(words)
    code = found[1] if found else ""
    return verdict.of_failure(code, words), code


def _own(event: dict[str, Any]) -> Iterator[Report]:
    words, kind = _text(event, "diagnostic"), _text(event, "type")
    said, code = _failure(_text(event, "status"), words)
    known = {"complaint": Verdict.COMPLAINT, "bounce": said}
    yield _report(
        known.get(kind, Verdict.UNCLEAR), code, words, _text(event, "recipient"),
        path=_text(event, "return_path"), ids=_text(event, "message_id"),
    )  # fmt: skip


def _mailgun(given: dict[str, Any]) -> Iterator[Report]:
    event = _at(given, "event-data")
    words = f"{_text(event, 'delivery-status', 'message')} {_text(event, 'delivery-status', 'description')}".strip()
    said, code = _failure(_text(event, "delivery-status", "enhanced-code"), words)
    kind = _text(event, "event")
    if kind == "failed" and _text(event, "severity") != "permanent":
        said = Verdict.DELAYED
    known = {"failed": said, "complained": Verdict.COMPLAINT, "delivered": Verdict.DELIVERED}
    yield _report(
        known.get(kind, Verdict.UNCLEAR), code, words, _text(event, "recipient"),
        path=_text(event, "envelope", "sender"), ids=_text(event, "message", "headers", "message-id"),
    )  # fmt: skip


def _postmark(event: dict[str, Any]) -> Iterator[Report]:
    words = _text(event, "Details")
    said, code = _failure("", words)
    known = {
        "HardBounce": said, "SoftBounce": said, "Blocked": Verdict.REFUSED, "SpamNotification": Verdict.REFUSED,
        "DMARCPolicy": Verdict.REFUSED, "DnsError": Verdict.UNREACHABLE, "Transient": Verdict.DELAYED,
        "BadEmailAddress": Verdict.GONE, "SpamComplaint": Verdict.COMPLAINT, "AutoResponder": Verdict.AUTO_REPLY,
        "ChallengeVerification": Verdict.AUTO_REPLY,
    }  # fmt: skip
    yield _report(known.get(_text(event, "Type"), Verdict.UNCLEAR), code, words, _text(event, "Email"))


def _sendgrid(event: dict[str, Any]) -> Iterator[Report]:
    words, kind = _text(event, "reason"), _text(event, "event")
    said, code = _failure(_text(event, "status"), words)
    if kind == "bounce" and _text(event, "type") == "blocked" and said is Verdict.GONE:
        said = Verdict.REFUSED
    known = {
        "bounce": said, "deferred": Verdict.DELAYED, "delivered": Verdict.DELIVERED, "spamreport": Verdict.COMPLAINT,
        "dropped": Verdict.FAILED,
    }  # fmt: skip
    yield _report(known.get(kind, Verdict.UNCLEAR), code, words, _text(event, "email"), ids=_text(event, "smtp-id"))


def _ses(notification: dict[str, Any]) -> Iterator[Report]:
    try:
        event = json.loads(_text(notification, "Message"))
    except (ValueError, RecursionError):
        return
    kind = _text(event, "notificationType") or _text(event, "eventType")
    path = _text(event, "mail", "source")
    given = _at(event, "mail", "headers")
    named = given if isinstance(given, list) else []
    ids = next((_text(one, "value") for one in named if _text(one, "name").lower() == "message-id"), "")
    for one in _recipients(event, "bounce", "bouncedRecipients") if kind == "Bounce" else ():
        words = _text(one, "diagnosticCode")
        said, code = _failure(_text(one, "status"), words)
        passing = _text(event, "bounce", "bounceType") != "Permanent" and said is Verdict.GONE
        yield _report(Verdict.EXPIRED if passing else said, code, words, _text(one, "emailAddress"), path=path, ids=ids)
    praised = _text(event, "complaint", "complaintFeedbackType") == "not-spam"
    for one in _recipients(event, "complaint", "complainedRecipients") if kind == "Complaint" and not praised else ():
        yield _report(Verdict.COMPLAINT, "", "", _text(one, "emailAddress"), path=path, ids=ids)


def _recipients(event: Any, *path: str) -> list[Any]:
    found = _at(event, *path)
    return found if isinstance(found, list) else []


def _sparkpost(given: dict[str, Any]) -> Iterator[Report]:
    event = _at(given, "msys", "message_event")
    words, kind = _text(event, "raw_reason") or _text(event, "reason"), _text(event, "type")
    said, code = _failure("", words)
    known = {
        "bounce": said, "out_of_band": said, "policy_rejection": Verdict.REFUSED, "delay": Verdict.DELAYED,
        "delivery": Verdict.DELIVERED, "spam_complaint": Verdict.COMPLAINT,
    }  # fmt: skip
    yield _report(known.get(kind, Verdict.UNCLEAR), code, words, _text(event, "rcpt_to"), path=_text(event, "msg_from"))


_READERS: dict[Form, Callable[[dict[str, Any]], Iterator[Report]]] = {
    Form.REPORT: _own,
    Form.MAILGUN: _mailgun,
    Form.POSTMARK: _postmark,
    Form.SENDGRID: _sendgrid,
    Form.SES: _ses,
    Form.SPARKPOST: _sparkpost,
}
