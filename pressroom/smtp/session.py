"""One SMTP conversation without its socket: bytes in, bytes out (RFC 5321, 2920, 3207, 3461, 4954, 6531).

Whoever drives it (lines.py) moves the bytes, starts TLS when asked, and watches the time limit of each step.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Generator
from dataclasses import dataclass

from pressroom.mailing.wire import Answer, Envelope, Outcome, Party, read_reply

# RFC 5321 §4.5.3.2; the last one is what keeps a slow server's acceptance from becoming a second copy.
COMMAND_SECONDS = 300
DATA_BLOCK_SECONDS = 180
FINAL_DOT_SECONDS = 600

# RFC 5321 §4.5.3.1.5 allows a reply line 512 octets; who sends this much without one speaks another protocol.
_LONGEST_REPLY = 65_536

_LEADING_DOT = re.compile(rb"\r\n\.")  # takes half as long as `in`, over all of each message
_NO_XTEXT = re.compile(r"[^!-~]|[+=]")

Reply = tuple[int, bytes]


@dataclass(frozen=True)
class Terms:
    """How to open a conversation. `hello` is our own name; `starttls` is refused a silent absence."""

    hello: str
    starttls: bool = False
    username: str | None = None
    password: str = ""


class OpeningRefused(Exception):
    """The server takes no mail from us now, or ever; `answer` says which, and names nobody."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.short)
        self.answer = answer


class OutOfStep(Exception):
    """What was read is no SMTP reply, or one that nothing was asked for."""


class StartTls:
    """Asked of the driver."""


class Session:
    """`feed` takes what was read; `take` gives what is to be written. One message at a time.

    `answer` is set once the message in hand has had its answer; `is_ready` says that another may begin.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._unread = b""
        self._lines: list[bytes] = []
        self._outgoing: list[bytes] = []
        self.extensions: frozenset[str] = frozenset()
        self._auth: frozenset[str] = frozenset()
        self._opening: Generator[bytes | StartTls, Reply, None] | None = self._open()
        self._asked = next(self._opening)
        self._replies: list[Reply] = []
        self._expected = 1
        self._commands: list[bytes] = []
        self._envelope: Envelope | None = None
        self._resetting = False
        self.dotted = False
        self.refusal: Answer | None = None
        self.answer: Answer | None = None
        self.wants_tls = False
        self.is_ready = False
        self.is_fresh = True
        self.patience: float = COMMAND_SECONDS

    def begin(self, envelope: Envelope, envelope_id: str) -> None:
        """Only when ready. `envelope_id` is the ENVID of RFC 3461, without meaning for others."""
        self.is_ready, self.dotted, self.refusal, self.answer = False, False, None, None
        self._envelope = envelope
        mail, rcpt = self._parameters(envelope, envelope_id)
        if mail is None:
            self.is_ready = True
            self.answer = Answer(
                Outcome.FAILED, text="this mail server cannot carry an address with such letters (SMTPUTF8)"
            )
            return
        commands = [f"MAIL FROM:<{envelope.sender}>{mail}\r\n", f"RCPT TO:<{envelope.recipient}>{rcpt}\r\n", "DATA\r\n"]
        self._replies = []
        self.patience = COMMAND_SECONDS
        if "PIPELINING" in self.extensions:
            self._outgoing.append("".join(commands).encode())
            self._commands, self._expected = [], 3
        else:
            self._commands, self._expected = [one.encode() for one in commands[1:]], 1
            self._outgoing.append(commands[0].encode())

    def take(self) -> bytes:
        """What is to be written now; asked for once."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing[0] if len(outgoing) == 1 else b"".join(outgoing)

    def feed(self, data: bytes) -> None:
        """Raises OpeningRefused and OutOfStep."""
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            if not line[:3].isdigit():
                raise OutOfStep("no reply code")
            self._lines.append(line[4:].rstrip(b"\r"))
            if line[3:4] != b"-":
                text, self._lines = b"\n".join(self._lines), []
                self._hear((int(line[:3]), text))
        if len(self._unread) > _LONGEST_REPLY or len(self._lines) > 500:
            raise OutOfStep("an endless reply")

    def secured(self) -> None:
        """TLS stands; what was learnt before it counts for nothing (RFC 3207 §4.2)."""
        self.wants_tls, self._unread, self._lines = False, b"", []
        self.extensions = self._auth = frozenset()
        self._step((220, b""))

    def _hear(self, reply: Reply) -> None:
        if self.wants_tls:
            # Whoever put it there wants it to count as said inside (CVE-2011-0411).
            raise OutOfStep("a reply before TLS stands")
        if self._opening is not None:
            self._step(reply)
        elif self._resetting:
            if reply[0] != 250:
                raise OutOfStep("RSET was refused")
            self._resetting, self.is_ready = False, True
        elif self.dotted:
            self._end(reply)
        elif self._envelope is not None and self.answer is None:
            self._hear_command(reply)
        else:
            # Such as 421 to a connection that was idle too long.
            raise OutOfStep("an unexpected reply")

    def _hear_command(self, reply: Reply) -> None:
        self._replies.append(reply)
        if reply[0] >= 400 and self.refusal is None:
            self.refusal = _refused(reply, Party.RELAY if len(self._replies) == 1 else Party.RECIPIENT)
            if self._commands:
                self._commands, self._expected = [], len(self._replies)
        if self._commands:
            self._outgoing.append(self._commands.pop(0))
            self._expected += 1
        elif len(self._replies) >= self._expected:
            self._decide()

    def _decide(self) -> None:
        """All of MAIL, RCPT and DATA have been answered."""
        granted = len(self._replies) == 3 and self._replies[2][0] == 354
        if granted and self.refusal is None:
            self._expected = 0  # the text goes out when the driver says that it still may
        elif granted:
            # A pipelined DATA was granted though the recipient was refused: end it with nothing (RFC 2920 §3.1).
            self._outgoing.append(b".\r\n")
            self.dotted = True
        else:
            self.refusal = self.refusal or _refused(self._replies[-1], Party.RELAY)
            self._conclude(self.refusal)
            self._reset()

    @property
    def is_granted(self) -> bool:
        return self._expected == 0 and not self.dotted and self._envelope is not None

    def say_text(self) -> None:
        """The message with its final dot. From here on its fate is in doubt until the answer is read."""
        assert self._envelope is not None
        self._outgoing.append(_stuffed(self._envelope.data))
        self.dotted, self._expected = True, 1
        self.patience = FINAL_DOT_SECONDS

    def _end(self, reply: Reply) -> None:
        self.dotted = False
        if self.refusal is not None:
            self._conclude(self.refusal)
            self._reset()
            return
        code, text = reply
        if code // 100 not in (2, 4, 5):
            # Out of step: nothing it says can be told apart from an acceptance.
            self._conclude(Answer(Outcome.DOUBT, code, text=_decode(text)))
            raise OutOfStep("an impossible answer to the final dot")
        self._conclude(read_reply(code, _decode(text), Party.RECIPIENT))
        self.is_ready = True

    def _conclude(self, answer: Answer) -> None:
        self.answer, self._envelope, self.is_fresh = answer, None, False
        if answer.code == 421:
            raise OutOfStep("the server closes")

    def _reset(self) -> None:
        self._outgoing.append(b"RSET\r\n")
        self._resetting = True
        self.patience = COMMAND_SECONDS

    def _parameters(self, envelope: Envelope, envelope_id: str) -> tuple[str | None, str]:
        mail = f" SIZE={len(envelope.data)}" if "SIZE" in self.extensions else ""
        rcpt = ""
        if not (envelope.sender.isascii() and envelope.recipient.isascii()):
            if "SMTPUTF8" not in self.extensions:
                return None, ""
            mail += " SMTPUTF8"
        if "DSN" in self.extensions:
            mail += f" RET=HDRS ENVID={envelope_id}"
            rcpt = " NOTIFY=FAILURE,DELAY"
            if envelope.recipient.isascii():
                rcpt += f" ORCPT=rfc822;{_xtext(envelope.recipient)}"
        return mail, rcpt

    def _step(self, reply: Reply) -> None:
        assert self._opening is not None
        try:
            asked = self._opening.send(reply)
        except StopIteration:
            self._opening, self.is_ready = None, True
            return
        if isinstance(asked, StartTls):
            self.wants_tls = True
        else:
            self._outgoing.append(asked)

    def _open(self) -> Generator[bytes | StartTls, Reply, None]:
        _require(220, (yield b""))
        yield from self._greet()
        if self._terms.starttls:
            if "STARTTLS" not in self.extensions:
                raise OpeningRefused(Answer(Outcome.UNSENT, text="the mail server offers no STARTTLS"))
            _require(220, (yield b"STARTTLS\r\n"))
            yield StartTls()
            yield from self._greet()
        if self._terms.username:
            yield from self._log_in(self._terms.username, self._terms.password)

    def _greet(self) -> Generator[bytes | StartTls, Reply, None]:
        code, text = yield f"EHLO {self._terms.hello}\r\n".encode()
        if code // 100 != 2:
            _require(250, (yield f"HELO {self._terms.hello}\r\n".encode()))
            return
        offered = [_decode(line).upper().split() for line in text.split(b"\n")[1:]]
        self.extensions = frozenset(words[0] for words in offered if words)
        self._auth = frozenset(method for words in offered if words[:1] == ["AUTH"] for method in words[1:])

    def _log_in(self, username: str, password: str) -> Generator[bytes | StartTls, Reply, None]:
        if "PLAIN" in self._auth:
            _require(235, (yield b"AUTH PLAIN " + _base64(f"\0{username}\0{password}") + b"\r\n"))
        elif "LOGIN" in self._auth:
            _require(334, (yield b"AUTH LOGIN\r\n"))
            _require(334, (yield _base64(username) + b"\r\n"))
            _require(235, (yield _base64(password) + b"\r\n"))
        else:
            raise OpeningRefused(Answer(Outcome.UNSENT, text="the mail server offers no login that we know"))


def _require(expected: int, reply: Reply) -> None:
    code, text = reply
    if code // 100 == expected // 100:
        return
    answer = read_reply(code, _decode(text), Party.RELAY)
    # Whatever a server says before it has seen a recipient is not about the recipient.
    outcome = Outcome.POLICY if code >= 500 else Outcome.BUSY
    raise OpeningRefused(Answer(outcome, code, answer.enhanced, answer.text, Party.RELAY))


def _refused(reply: Reply, party: Party) -> Answer:
    answer = read_reply(reply[0], _decode(reply[1]), party)
    # 1yz, 2yz and 3yz in the wrong place are a server's confusion, not an acceptance.
    return answer if answer.code >= 400 else Answer(Outcome.WAIT, answer.code, answer.enhanced, answer.text, party)


def _stuffed(data: bytes) -> bytes:
    """With leading dots doubled and the final dot (RFC 5321 §4.5.2); `data` ends with CRLF."""
    if _LEADING_DOT.search(data):
        data = data.replace(b"\r\n.", b"\r\n..")
    if data.startswith(b"."):
        data = b"." + data
    return data + b".\r\n"


def _xtext(value: str) -> str:
    """RFC 3461 §4."""
    return _NO_XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", value)


def _base64(value: str) -> bytes:
    return base64.b64encode(value.encode())


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "replace")
