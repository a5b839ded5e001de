"""A real SMTP server for tests: takes mail in a thread of its own, counts it, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Literal

Stage = Literal["connect", "mail", "rcpt", "data", "dot", "after"]
_ADDRESS = re.compile(rb"<([^>]*)>")
_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Received:
    """One message for one recipient, as accepted; `at` is time.monotonic()."""

    sender: str
    recipient: str
    data: bytes
    at: float

    @property
    def message_id(self) -> str:
        found = _MESSAGE_ID.search(self.data.partition(b"\r\n\r\n")[0])
        return found[1].decode() if found else ""

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.data, policy=policy.default)

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def language(self) -> str:
        return str(self.message["Content-Language"])

    @property
    def text(self) -> str:
        """The plain part, with its lines joined."""
        part = self.message.get_body(("plain",))
        return " ".join(str(part.get_content()).split()) if part else ""


@dataclass
class Rule:
    """What happens at one stage for the recipients that match; `times` counts down, None means always.

    Stages: `connect` (the greeting), `mail`, `rcpt`, `data` (before the text), `dot` (the final dot, before the
    message counts) and `after` (it has counted, the reply is still to come).
    """

    stage: Stage
    matches: Callable[[str], bool]
    reply: str | None
    delay: float
    drop: bool
    times: int | None


class Sink:
    """Listens on loopback from start() to stop()."""

    extensions = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "SIZE 33554432")

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self._lock = threading.Condition()
        self._received: list[Received] = []
        self._rules: list[Rule] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self.connections = 0

    def forget(self) -> None:
        """What was received so far."""
        with self._lock:
            self._received.clear()

    def start(self) -> Sink:
        listening = self._loop.create_task(asyncio.start_server(self._session, self.host, self.port, limit=2**20))
        listening.add_done_callback(self._started)
        self._thread.start()
        with self._lock:
            assert self._lock.wait_for(lambda: self._server is not None, timeout=10)
        return self

    def _started(self, task: asyncio.Task[asyncio.Server]) -> None:
        with self._lock:
            self._server = task.result()
            self.port = self._server.sockets[0].getsockname()[1]
            self._lock.notify_all()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    # --- what a test tells it

    def rule(
        self,
        stage: Stage,
        to: str | Callable[[str], bool] = "",
        *,
        reply: str | None = None,
        delay: float = 0.0,
        drop: bool = False,
        times: int | None = None,
    ) -> None:
        """At `stage`, for recipients ending in `to`: waits `delay` seconds, then drops the connection or replies."""
        matches = to if callable(to) else (lambda address: address.endswith(to))
        with self._lock:
            self._rules.append(Rule(stage, matches, reply, delay, drop, times))

    def defer(self, to: str = "", *, times: int | None = None) -> None:
        self.rule("rcpt", to, reply="451 4.3.0 Try again later", times=times)

    def refuse(self, to: str = "", *, times: int | None = None) -> None:
        self.rule("rcpt", to, reply="550 5.1.1 No such person", times=times)

    def delay(self, seconds: float) -> None:
        """Each reply to a final dot takes this long."""
        self.rule("dot", delay=seconds)

    def drop_after_accepting(self, times: int) -> None:
        """Takes the message but closes the connection instead of saying so: the doubt of RFC 1047."""
        self.rule("after", drop=True, times=times)

    def behave(self) -> None:
        """Forgets every rule."""
        with self._lock:
            self._rules.clear()

    # --- what a test asks it

    @property
    def received(self) -> list[Received]:
        with self._lock:
            return list(self._received)

    def counts(self) -> Counter[tuple[str, str]]:
        """How often each (Message-ID, recipient) was accepted."""
        return Counter((one.message_id, one.recipient) for one in self.received)

    def recipients(self) -> Counter[str]:
        return Counter(one.recipient for one in self.received)

    def wait_for(self, number: int, seconds: float = 30.0) -> list[Received]:
        """Returns as soon as so many messages were accepted. Raises TimeoutError."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self._received) >= number, timeout=seconds):
                raise TimeoutError(f"{len(self._received)} of {number} messages after {seconds:g} s")
            return list(self._received)

    # --- the protocol (RFC 5321, 2920)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        self.connections += 1
        try:
            await _Session(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            self._sessions.discard(task)
            writer.close()

    def _apply(self, stage: Stage, recipient: str) -> Rule | None:
        with self._lock:
            for rule in self._rules:
                if rule.stage == stage and rule.times != 0 and rule.matches(recipient):
                    if rule.times is not None:
                        rule.times -= 1
                    return rule
        return None

    def _accept(self, sender: str, recipients: list[str], data: bytes) -> None:
        with self._lock:
            self._received += [Received(sender, one, data, time.monotonic()) for one in recipients]
            self._lock.notify_all()


@dataclass
class _Session:
    sink: Sink
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)
    refused: int = 0

    async def run(self) -> None:
        await self._answer("connect", "", "220 sink.example ESMTP")
        while line := await self.reader.readline():
            verb, _, rest = line.strip().partition(b" ")
            if not await self._command(verb.upper(), rest):
                return

    async def _command(self, verb: bytes, rest: bytes) -> bool:
        """False when the conversation is over."""
        if verb in (b"EHLO", b"HELO"):
            lines = ["sink.example", *(self.sink.extensions if verb == b"EHLO" else ())]
            self._say(*(f"250{' ' if line is lines[-1] else '-'}{line}" for line in lines))
        elif verb == b"MAIL":
            if await self._answer("mail", "", "250 2.1.0 Sender OK"):
                self._reset()
                self.sender = _address(rest)
        elif verb == b"RCPT":
            await self._recipient(_address(rest))
        elif verb == b"DATA":
            return await self._data()
        elif verb in (b"RSET", b"NOOP"):
            self._reset() if verb == b"RSET" else None
            self._say("250 2.0.0 OK")
        elif verb == b"QUIT":
            self._say("221 2.0.0 Bye")
            await self.writer.drain()
            return False
        else:
            self._say("502 5.5.1 Unknown command")
        return True

    async def _recipient(self, address: str) -> None:
        if self.sender is None:
            self._say("503 5.5.1 MAIL first")
        elif await self._answer("rcpt", address, "250 2.1.5 Recipient OK"):
            self.recipients.append(address)

    async def _data(self) -> bool:
        first = self.recipients[0] if self.recipients else ""
        if not self.recipients:
            self._say("554 5.5.1 No valid recipients")
            return True
        if not await self._answer("data", first, "354 Go on"):
            return True
        data = await self._text()
        if await self._answer("dot", first, None):
            self.sink._accept(self.sender or "", self.recipients, data)
            await self._answer("after", first, "250 2.0.0 Kept")
        self._reset()
        return True

    async def _text(self) -> bytes:
        lines = []
        while (line := await self.reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    async def _answer(self, stage: Stage, recipient: str, usual: str | None) -> bool:
        """Whether it was the usual answer, or none was due; raises ConnectionResetError where a rule drops it."""
        rule = self.sink._apply(stage, recipient)
        if rule and rule.delay:
            await self.writer.drain()
            await asyncio.sleep(rule.delay)
        if rule and rule.drop:
            raise ConnectionResetError
        said = rule.reply if rule and rule.reply else usual
        if said:
            self._say(said)
        return not (rule and rule.reply) or said[:1] in "23"

    def _say(self, *lines: str) -> None:
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())

    def _reset(self) -> None:
        self.sender = None
        self.recipients = []


def _address(argument: bytes) -> str:
    found = _ADDRESS.search(argument)
    return found[1].decode("utf-8", "replace") if found else ""
