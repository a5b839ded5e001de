"""Shapes of what comes back, written from RFC 3464, 3834, 5965, 6522 and 6533; names and hosts are invented."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace

from pressroom.mailing.verdict import Verdict

OURS = "dilan@example.org"
OTHER = "shilan@example.net"


@dataclass(frozen=True)
class Sent:
    """The message that comes back: to where, and what proves whose it was."""

    path: str = "bounces+1f-0123456789abcdef@press.example.org"
    message_id: str = "<00112233445566778899aabbccddeeff@press.example.org>"
    link: str = "https://press.example.org/unsubscribe/abcdefghijklmnopqrstuvwxyz012345"
    recipient: str = OURS

    @property
    def returned(self) -> str:
        return (
            f"Return-Path: <{self.path}>\nTo: <{self.recipient}>\nMessage-ID: {self.message_id}\n"
            f"List-Unsubscribe: <{self.link}>\nSubject: New bridge opens\n\nThe bridge is open.\n"
        )


def group(action: str = "failed", status: str = "5.1.1", diagnostic: str = "", to: str = OURS, more: str = "") -> str:
    lines = [f"Final-Recipient: rfc822; {to}"] if to else []
    lines += [f"Action: {action}"] if action else []
    lines += [f"Status: {status}"] if status else []
    lines += [f"Diagnostic-Code: smtp; {diagnostic}"] if diagnostic else []
    return "\n".join([*lines, *([more] if more else [])]) + "\n"


def dsn(
    sent: Sent,
    *groups: str,
    kind: str = "message/delivery-status",
    encode: Callable[[str], str] | None = None,
    head: str = "",
    to: str | None = None,
    returned: str | None = None,
) -> bytes:
    body = "Reporting-MTA: dns; mx.example.net\nArrival-Date: Mon, 23 Nov 2026 10:00:00 +0000\n\n" + "\n".join(groups)
    encoding = "Content-Transfer-Encoding: base64\n" if encode else ""
    original = sent.returned if returned is None else returned
    return (
        f"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: <{to or sent.path}>\n"
        "Subject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        f'{head}Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"\n\n'
        "--=_b\nContent-Type: text/plain\n\nYour message could not be delivered.\n\n"
        f"--=_b\nContent-Type: {kind}\n{encoding}\n{encode(body) if encode else body}\n\n"
        f"--=_b\nContent-Type: message/rfc822\n\n{original}\n--=_b--\n"
    ).encode()


def text(sent: Sent, subject: str, body: str, *, sender: str = "MAILER-DAEMON@mx.example.net", head: str = "") -> bytes:
    start = f"Return-Path: <>\nFrom: {sender}\nTo: <{sent.path}>\nSubject: {subject}\n{head}"
    return f"{start}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{body}\n".encode()


def letter(sent: Sent, subject: str, body: str, head: str = "") -> bytes:
    return f"From: Dilan <{OURS}>\nTo: <{sent.path}>\nSubject: {subject}\n{head}\n{body}\n".encode()


def arf(sent: Sent, fields: str, returned: str | None = None, kind: str = "message/rfc822") -> bytes:
    return (
        f"From: <fbl@provider.example.net>\nTo: <{sent.path}>\nSubject: FW: New bridge opens\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="=_a"\n\n'
        "--=_a\nContent-Type: text/plain\n\nThis is a report of abuse.\n\n"
        f"--=_a\nContent-Type: message/feedback-report\n\n{fields}\n\n"
        f"--=_a\nContent-Type: {kind}\n\n{sent.returned if returned is None else returned}\n--=_a--\n"
    ).encode()


def inner(sent: Sent) -> str:
    """A bounce that comes back itself."""
    return dsn(sent, group()).decode().replace("=_b", "=_i")


def base64_lines(body: str) -> str:
    return base64.encodebytes(body.encode()).decode()


QMAIL = "Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver your message.\n\n"
EXIM = (
    "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
    "delivered to one or more of its recipients. This is a permanent error. The following address(es) failed:\n\n"
)

Make = Callable[[Sent], bytes]
SHAPES: dict[str, tuple[Make, Verdict]] = {
    "no such user": (lambda s: dsn(s, group(diagnostic="550 5.1.1 user unknown")), Verdict.GONE),
    "no such domain": (lambda s: dsn(s, group(status="5.1.2")), Verdict.GONE),
    "bad syntax of the mailbox": (lambda s: dsn(s, group(status="5.1.3")), Verdict.GONE),
    "moved without a new address": (lambda s: dsn(s, group(status="5.1.6")), Verdict.GONE),
    "a null MX": (lambda s: dsn(s, group(status="5.1.10")), Verdict.GONE),
    "5.0.0 and the code in the diagnostic": (
        lambda s: dsn(s, group(status="5.0.0", diagnostic="550-5.1.1 The account does not exist")),
        Verdict.GONE,
    ),
    "5.0.0 and plain words": (
        lambda s: dsn(s, group(status="5.0.0", diagnostic="550 no such user here")),
        Verdict.GONE,
    ),
    "5.0.0 and blocked": (
        lambda s: dsn(s, group(status="5.0.0", diagnostic="554 your host is blocked, see spam policy")),
        Verdict.REFUSED,
    ),
    "5.0.0 and quota": (
        lambda s: dsn(s, group(status="5.0.0", diagnostic="552 quota exceeded for this user")),
        Verdict.FULL,
    ),
    "5.0.0 and nothing said": (lambda s: dsn(s, group(status="5.0.0")), Verdict.FAILED),
    "5.1.1 that is a block in truth": (
        lambda s: dsn(s, group(diagnostic="550 5.1.1 recipient rejected: sender is on a blocklist")),
        Verdict.REFUSED,
    ),
    "5.1.1 whose diagnostic says 5.7.1": (
        lambda s: dsn(s, group(diagnostic="550 5.7.1 relaying denied")),
        Verdict.REFUSED,
    ),
    "5.1.8, the sender's fault": (lambda s: dsn(s, group(status="5.1.8")), Verdict.FAILED),
    "mailbox disabled": (lambda s: dsn(s, group(status="5.2.1")), Verdict.FULL),
    "mailbox full": (lambda s: dsn(s, group(status="5.2.2", diagnostic="552 5.2.2 mailbox full")), Verdict.FULL),
    "mailbox full, given up": (lambda s: dsn(s, group(status="4.2.2")), Verdict.FULL),
    "message too big": (lambda s: dsn(s, group(status="5.2.3")), Verdict.FAILED),
    "policy": (lambda s: dsn(s, group(status="5.7.1", diagnostic="550 5.7.1 rejected by policy")), Verdict.REFUSED),
    "unauthenticated": (lambda s: dsn(s, group(status="5.7.26")), Verdict.REFUSED),
    "Outlook's 5.7.515": (lambda s: dsn(s, group(status="5.7.515")), Verdict.REFUSED),
    "no route": (lambda s: dsn(s, group(status="5.4.4")), Verdict.UNREACHABLE),
    "a loop": (lambda s: dsn(s, group(status="5.4.6")), Verdict.UNREACHABLE),
    "4.4.7 with action failed": (
        lambda s: dsn(s, group(status="4.4.7", diagnostic="delivery time expired")),
        Verdict.EXPIRED,
    ),
    "4.7.1 with action failed": (lambda s: dsn(s, group(status="4.7.1")), Verdict.EXPIRED),
    "delayed": (lambda s: dsn(s, group(action="delayed", status="4.4.1")), Verdict.DELAYED),
    "delayed although 5.1.1": (lambda s: dsn(s, group(action="delayed")), Verdict.DELAYED),
    "delivered": (lambda s: dsn(s, group(action="delivered", status="2.1.5")), Verdict.DELIVERED),
    "relayed": (lambda s: dsn(s, group(action="relayed", status="2.0.0")), Verdict.DELIVERED),
    "expanded": (lambda s: dsn(s, group(action="expanded", status="2.0.0")), Verdict.DELIVERED),
    "no action, no status": (lambda s: dsn(s, group(action="", status="")), Verdict.UNCLEAR),
    "no status, words only": (
        lambda s: dsn(s, group(status="", diagnostic="550 unknown user")),
        Verdict.GONE,
    ),
    "several recipients, ours full": (
        lambda s: dsn(s, group(to=OTHER), group(status="5.2.2")),
        Verdict.FULL,
    ),
    "several recipients, ours gone": (
        lambda s: dsn(s, group(status="5.2.2", to=OTHER), group()),
        Verdict.GONE,
    ),
    "passed on to others, one of them gone": (
        lambda s: dsn(s, group(to=OTHER), group(to="nalin@example.net")),
        Verdict.ELSEWHERE,
    ),
    "passed on to somebody who is gone": (lambda s: dsn(s, group(to=OTHER)), Verdict.ELSEWHERE),
    "the original recipient is ours": (
        lambda s: dsn(s, group(to="mbox7@inner.example.org", more=f"Original-Recipient: rfc822;{OURS}")),
        Verdict.GONE,
    ),
    "the same name at an inner host": (lambda s: dsn(s, group(to="Dilan@mail.inner.example.org")), Verdict.GONE),
    "RFC 6533, in UTF-8": (
        lambda s: dsn(
            s,
            f"Final-Recipient: utf-8; {OURS}\nAction: failed\nStatus: 5.1.1\nLocalized-Diagnostic: ckb;نەناسراو\n",
            kind="message/global-delivery-status",
        ),
        Verdict.GONE,
    ),
    "RFC 6533, escaped": (
        lambda s: dsn(
            s,
            r"Final-Recipient: utf-8; \x{64}ilan@example.org" + "\nAction: failed\nStatus: 5.1.1\n",
            kind="message/global-delivery-status",
        ),
        Verdict.GONE,
    ),
    "a report in base64": (lambda s: dsn(s, group(), encode=base64_lines), Verdict.GONE),
    "folded fields and CRLF": (
        lambda s: dsn(s, group(diagnostic="550 5.1.1\n  user\n\tunknown")).replace(b"\n", b"\r\n"),
        Verdict.GONE,
    ),
    "a report without its report part": (
        lambda s: text(s, "Undelivered Mail Returned to Sender", f"<{OURS}>: host mx said: 550 5.1.1 user unknown"),
        Verdict.GONE,
    ),
    "qmail": (
        lambda s: text(
            s,
            "failure notice",
            f"{QMAIL}<{OURS}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
            f"--- Below this line is a copy of the message.\n\n{s.returned}",
        ),
        Verdict.GONE,
    ),
    "qmail, blocked": (
        lambda s: text(s, "failure notice", f"{QMAIL}<{OURS}>:\n192.0.2.7 said: 554 blocked for spam (#5.0.0)\n"),
        Verdict.REFUSED,
    ),
    "Exim": (
        lambda s: text(
            s,
            "Mail delivery failed: returning message to sender",
            f"{EXIM}  {OURS}\n    550 5.1.1 no such user\n",
            sender="Mail Delivery System <Mailer-Daemon@mx.example.net>",
            head=f"Auto-Submitted: auto-replied\nX-Failed-Recipients: {OURS}\n",
        ),
        Verdict.GONE,
    ),
    "Exim, still trying": (
        lambda s: text(
            s,
            "Warning: message 1abc delayed 24 hours",
            f"The address to which it has not yet been delivered is:\n  {OURS}\nNo action is required on your part.",
            sender="Mail Delivery System <Mailer-Daemon@mx.example.net>",
        ),
        Verdict.DELAYED,
    ),
    "Postfix, still trying": (
        lambda s: text(s, "Delayed Mail (still being retried): delivery delayed", f"<{OURS}>: 450 4.2.0 greylisted"),
        Verdict.DELAYED,
    ),
    "out of office": (
        lambda s: letter(s, "Out of office: New bridge opens", "5.1.1 user unknown", "Auto-Submitted: auto-replied\n"),
        Verdict.AUTO_REPLY,
    ),
    "out of office without the header": (
        lambda s: letter(s, "Automatic reply: New bridge opens", "I am back on Monday."),
        Verdict.AUTO_REPLY,
    ),
    "challenge and response": (
        lambda s: letter(s, "Please confirm that you are human", "Click here and your mail is delivered."),
        Verdict.UNCLEAR,
    ),
    "a person who writes": (lambda s: letter(s, "Re: New bridge opens", "Mailbox full of joy!"), Verdict.UNCLEAR),
    "abuse": (
        lambda s: arf(s, f"Feedback-Type: abuse\nUser-Agent: P/1\nVersion: 1\nOriginal-Rcpt-To: <{OURS}>"),
        Verdict.COMPLAINT,
    ),
    "abuse, the recipient left out": (
        lambda s: arf(s, "Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: redacted"),
        Verdict.COMPLAINT,
    ),
    "abuse, headers only": (
        lambda s: arf(s, "Feedback-Type: Abuse\nVersion: 1", kind="text/rfc822-headers"),
        Verdict.COMPLAINT,
    ),
    "fraud": (lambda s: arf(s, "Feedback-Type: fraud\nVersion: 1"), Verdict.COMPLAINT),
    "not spam": (lambda s: arf(s, "Feedback-Type: not-spam\nVersion: 1"), Verdict.UNCLEAR),
    "an authentication failure": (lambda s: arf(s, "Feedback-Type: auth-failure\nVersion: 1"), Verdict.UNCLEAR),
    "a bounce of a bounce": (
        lambda s: dsn(s, group(status="5.2.2"), returned=inner(s)),
        Verdict.FULL,
    ),
    "a text that gives a bounce back": (
        lambda s: dsn(s, group(), kind="text/x-none", returned=inner(s)).replace(
            b"Your message could not", b"552 5.2.2 mailbox full: your message could not"
        ),
        Verdict.FULL,
    ),
    "a huge mail": (lambda s: dsn(s, group(), returned=s.returned + "x" * 2_000_000), Verdict.GONE),
    "NULs": (lambda s: dsn(s, group(diagnostic="550 5.1.1 \0\0 user unknown")), Verdict.GONE),
    "a charset that is none": (
        lambda s: text(s, "Returned mail", f"<{OURS}>: 550 5.1.1 unknown").replace(b"utf-8", b"x-no-such;;"),
        Verdict.GONE,
    ),
    "bytes that are no UTF-8": (
        lambda s: dsn(s, group(diagnostic="550 5.1.1 XX")).replace(b"XX", b"\xff\xfe\x80"),
        Verdict.GONE,
    ),
    "a boundary that never comes": (
        lambda s: dsn(s, group()).replace(b"--=_b", b"--=_c"),
        Verdict.FAILED,
    ),
    "a list of headers and no more": (lambda s: f"To: <{s.path}>".encode(), Verdict.UNCLEAR),
    "nothing": (lambda _: b"", Verdict.UNCLEAR),
}


def without_path(sent: Sent) -> Sent:
    """As it comes back where the newsroom's own address is the return path."""
    return replace(sent, path="press@example.org")
