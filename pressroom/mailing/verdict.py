"""A verdict: what a reply, a bounce or a complaint says of an address. One table of enhanced codes for all of them.

Only `gone` and `complaint` keep anybody from getting mail. Full mailboxes, blocks and routes that break pass; and a
server that calls everything 5.0.0 says nothing about the person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from pressroom.mailing.delivery import DeliveryState
from pressroom.mailing.suppression import Reason


class Verdict(StrEnum):
    GONE = "gone"
    FULL = "full"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    EXPIRED = "expired"
    FAILED = "failed"
    BUSY = "busy"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    ELSEWHERE = "elsewhere"
    COMPLAINT = "complaint"
    LEAVING = "leaving"
    AUTO_REPLY = "auto_reply"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Treatment:
    """What a verdict that comes after the mail server's acceptance makes of a delivery, and of its address."""

    state: DeliveryState | None = None
    suppresses: Reason | None = None


_NOTHING = Treatment()
_FAILED = Treatment(DeliveryState.FAILED)

TREATMENTS: dict[Verdict, Treatment] = {
    Verdict.GONE: Treatment(DeliveryState.BOUNCED, Reason.BOUNCE),
    Verdict.FULL: _FAILED,
    Verdict.UNREACHABLE: _FAILED,
    Verdict.REFUSED: _FAILED,
    Verdict.EXPIRED: _FAILED,
    Verdict.FAILED: _FAILED,
    Verdict.BUSY: _NOTHING,
    Verdict.DELAYED: _NOTHING,
    Verdict.DELIVERED: _NOTHING,
    Verdict.ELSEWHERE: _NOTHING,
    Verdict.COMPLAINT: Treatment(None, Reason.COMPLAINT),
    Verdict.LEAVING: _NOTHING,
    Verdict.AUTO_REPLY: _NOTHING,
    Verdict.UNCLEAR: _NOTHING,
}

# The whole code, or its beginning; the longest that fits counts (RFC 3463). 5.1.7 and 5.1.8 are about the sender.
CODES: dict[str, Verdict] = {
    "2.": Verdict.DELIVERED,
    "4.": Verdict.DELAYED,
    "4.7.": Verdict.BUSY,
    "5.": Verdict.FAILED,
    "5.1.1": Verdict.GONE,
    "5.1.2": Verdict.GONE,
    "5.1.3": Verdict.GONE,
    "5.1.6": Verdict.GONE,
    "5.1.10": Verdict.GONE,
    "5.2.1": Verdict.FULL,
    "5.2.2": Verdict.FULL,
    "5.4.4": Verdict.UNREACHABLE,
    "5.4.6": Verdict.UNREACHABLE,
    "5.7.": Verdict.REFUSED,
}

ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")

# Addresses, hosts and links: `spam.example.org` says nothing about spam.
_NAMES = re.compile(r"\S*[@/]\S*|\S*\w\.\w\S*")
_FULL = re.compile(
    r"quota|(mailbox|inbox|disk)\W+(is\W+)?(too\W+)?full|insufficient\W+(disk|system|storage)|size limit", re.I
)
_REFUSED = re.compile(
    r"spam|block(ed|ing|\W*list)|black\W*list|deny\W*list|\bpolicy|policies|reputation|\b(spf|dkim|dmarc|rbl|dnsbl)\b|"
    r"grey\W*list|gray\W*list|access denied|not (authori[sz]ed|permitted|allowed)|banned|rate limit|too many|virus|"
    r"malware|relaying|unsolicited|restricted",
    re.I,
)
_GONE = re.compile(
    r"(user|recipient|mailbox|account|address)\W+(is\W+)?(unknown|not found|invalid)|"
    r"(unknown|invalid|no such) (local\W)?(user|recipient|mailbox|account|person)|no mailbox here|"
    r"(user|recipient|mailbox|account|address)\b.{0,60}(does not|doesn.t) exist|not a known user",
    re.I,
)


def of_code(enhanced: str) -> Verdict | None:
    """None for no code."""
    for length in range(len(enhanced), 1, -1):
        is_whole = length == len(enhanced)
        found = CODES.get(enhanced[:length])
        if found is not None and (is_whole or enhanced[length - 1] == "."):
            return found
    return None


def of_failure(enhanced: str, text: str) -> Verdict:
    """Of a message that will not be delivered any more, by its code and by the words the server used.

    Words never make an address look worse than its code does, but where the code says nothing (5.0.0, or none).
    """
    words = _NAMES.sub(" ", text)
    found = of_code(enhanced)
    for quoted in ENHANCED.findall(text):
        if found in (None, Verdict.GONE) or enhanced.endswith(".0.0"):
            found, enhanced = of_code(quoted), quoted
    if found in (None, Verdict.GONE, Verdict.FAILED, Verdict.DELAYED):
        if _FULL.search(words) or enhanced == "4.2.2":
            return Verdict.FULL
        if _REFUSED.search(words):
            return Verdict.REFUSED
    if found in (Verdict.DELAYED, Verdict.BUSY):
        return Verdict.EXPIRED
    if found is Verdict.DELIVERED:
        return Verdict.UNCLEAR
    says_nothing = found is None or enhanced == "5.0.0"
    if says_nothing and _GONE.search(words):
        return Verdict.GONE
    return found or Verdict.FAILED
