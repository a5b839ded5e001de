"""What passes between the ledger and whoever talks SMTP: an envelope out, an answer back."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol

from pressroom.mailing import verdict
from pressroom.mailing.verdict import Verdict


class Outcome(Enum):
    """What an attempt came to, as the ledger needs to know it."""

    SENT = "sent"
    # Try this one again later.
    WAIT = "wait"
    # The destination wants peace (421, 4.7.x): this one and its neighbours wait.
    BUSY = "busy"
    # No such address (5.1.x): never write there again.
    BOUNCED = "bounced"
    # Refused for good, and the address is not to blame.
    FAILED = "failed"
    # Our sending is refused (5.7.x): a person must look, nobody is suppressed.
    POLICY = "policy"
    # The connection could not be made, or ended before the final dot: nothing was accepted.
    UNSENT = "unsent"
    # Its sender's lease ran out before it began: nothing was begun.
    FENCED = "fenced"
    # The connection ended after the final dot and before the answer (RFC 1047).
    DOUBT = "doubt"


class Party(Enum):
    """Whom an answer is about: the relay itself, or the recipient and their domain."""

    RELAY = "relay"
    RECIPIENT = "recipient"


class Envelope(NamedTuple):
    """`data` is the whole message with CRLF line ends, not yet dot-stuffed."""

    sender: str
    recipient: str
    data: bytes


class Answer(NamedTuple):
    """`text` is the server's own words, which may name the address: stored sealed only, never logged."""

    outcome: Outcome
    code: int = 0
    enhanced: str = ""
    text: str = ""
    party: Party = Party.RELAY

    @property
    def short(self) -> str:
        return f"{self.code} {self.enhanced}".strip() if self.code else self.outcome.value


class Lines(Protocol):
    """Several connections to the relay, used by one thread. Raises nothing for what a mail server or network does."""

    @property
    def busy(self) -> int:
        """How many messages have no answer yet."""

    @property
    def free(self) -> int:
        """How many more may be handed over now."""

    @property
    def waits_long(self) -> bool:
        """Whether some answer is long in coming."""

    def hand_over(self, delivery_id: int, envelope: Envelope, deadline: float) -> None:
        """Sends it unless `deadline` (monotonic seconds) has passed before its text begins; then it is FENCED."""

    def answers(self, patience: float) -> list[tuple[int, Answer]]:
        """What has been answered; waits up to `patience` seconds for the first, not at all if nothing is out, and no
        longer than until others may be handed over in place of what is long in coming.
        """

    def close(self) -> None: ...


# How many connections at once, and how many more in place of those whose answers are long in coming.
OpenLines = Callable[[int, int], Lines]

_ENHANCED = re.compile(r"^\s*([245]\.\d{1,3}\.\d{1,3})\b")

_OUTCOMES = {
    Verdict.GONE: Outcome.BOUNCED,
    Verdict.REFUSED: Outcome.POLICY,
    # Servers call full mailboxes and broken routes permanent although they pass.
    Verdict.FULL: Outcome.WAIT,
    Verdict.UNREACHABLE: Outcome.WAIT,
}


def read_reply(code: int, text: str, party: Party = Party.RECIPIENT) -> Answer:
    """Sorts a server's final reply (RFC 5321 §4.2, RFC 3463); 2yz is acceptance. 421 is always about the relay."""
    found = _ENHANCED.match(text)
    enhanced = found[1] if found else ""
    return Answer(_outcome(code, enhanced), code, enhanced, text, Party.RELAY if code == 421 else party)


def _outcome(code: int, enhanced: str) -> Outcome:
    if 200 <= code < 300:
        return Outcome.SENT
    said = verdict.of_code(enhanced)
    if 400 <= code < 500:
        return Outcome.BUSY if code == 421 or said is Verdict.BUSY else Outcome.WAIT
    return _OUTCOMES.get(said, Outcome.FAILED) if said else Outcome.FAILED
