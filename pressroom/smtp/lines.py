"""Several connections to the relay at once, driven by one thread: a slow answer on one holds up no other.

A connection whose answer is long in coming is set apart and another opened in its place, up to `spare` more.
"""

from __future__ import annotations

import logging
import select
import time

from pressroom.mailing.wire import Answer, Envelope, Outcome
from pressroom.smtp.channel import Address, Channel
from pressroom.smtp.line import Line, Task, resolve, unsent
from pressroom.smtp.relay import Relay
from pressroom.smtp.session import OpeningRefused, OutOfStep, Session

log = logging.getLogger(__name__)

# An answer is waited for apart once it takes so many times as long as usual, within these limits in seconds.
_TIMES, _SHORTEST, _LONGEST = 4, 0.004, 0.5
_CONNECT_SECONDS = 30
# How long answers are gathered, so that one commit stores many.
_GATHER = 0.003


class Lines:
    """At most `connections` messages are on the wire whose answers come soon, and `spare` whose answers do not."""

    def __init__(self, relay: Relay, connections: int, spare: int = 0) -> None:
        self._relay, self._connections, self._spare = relay, connections, spare
        self._epoll = select.epoll()
        self._lines: dict[int, Line] = {}
        self._idle: list[Line] = []
        self._working: set[Line] = set()
        self._apart = 0
        self._usual = _LONGEST / _TIMES
        self._has_new_room = False
        self._answers: list[tuple[int, Answer]] = []
        self._addresses: list[Address] = []
        self._looked_at = 0.0

    @property
    def busy(self) -> int:
        return len(self._working)

    @property
    def free(self) -> int:
        """How many more may be handed over now."""
        return self._connections - (len(self._working) - self._apart)

    @property
    def waits_long(self) -> bool:
        return self._apart > 0

    def hand_over(self, delivery_id: int, envelope: Envelope, deadline: float) -> None:
        """Sends it unless `deadline` (monotonic seconds) has passed before its text begins; then it is FENCED."""
        self._assign(Task(delivery_id, envelope, deadline))

    def answers(self, patience: float) -> list[tuple[int, Answer]]:
        """What has been answered; waits up to `patience` seconds for the first, not at all if nothing is out, and no
        longer than until others may be handed over in place of what is set apart.
        """
        until = time.monotonic() + patience
        gather_until = 0.0
        while self._working or self._answers:
            now = time.monotonic()
            if self._answers:
                gather_until = gather_until or now + _GATHER
                if now >= gather_until or len(self._working) == self._apart:
                    break
            elif now >= until or self._has_new_room:
                break
            self._turn(max(0.0, (gather_until or min(until, now + self._until_next_look)) - now))
        answers, self._answers, self._has_new_room = self._answers, [], False
        return answers

    def close(self) -> None:
        """Ends idle connections properly; one that still waits for an answer is left."""
        for line in list(self._lines.values()):
            if line.task is None and line.session.is_ready:
                try:
                    line.channel.write(b"QUIT\r\n")
                except OSError:
                    log.debug("a connection was gone before QUIT")
            line.channel.close()
        self._lines.clear()
        self._idle.clear()
        self._working.clear()
        self._apart = 0
        self._epoll.close()

    @property
    def _until_next_look(self) -> float:
        return _SHORTEST if self._apart < min(self._spare, len(self._working)) else 0.1

    def _assign(self, task: Task) -> None:
        if task.is_second_try or not self._idle:
            self._open_for(task)
            return
        line = self._idle.pop()
        self._occupy(line, task)
        self._begin(line)

    def _occupy(self, line: Line, task: Task) -> None:
        line.task, line.since, line.is_apart = task, time.monotonic(), False
        self._working.add(line)

    def _open_for(self, task: Task) -> None:
        try:
            self._addresses = self._addresses or resolve(self._relay)
        except OSError as error:
            self._answers.append((task.delivery_id, unsent(error)))
            return
        self._connect(task, list(self._addresses))

    def _connect(self, task: Task, addresses: list[Address]) -> None:
        """To the first address that can be tried; what fails later tries those after it."""
        failure: OSError = OSError("no address")
        while addresses:
            try:
                channel = Channel(addresses.pop(0), self._relay.host)
            except OSError as error:
                failure = error
                continue
            line = Line(channel, Session(self._relay.terms), addresses)
            line.expires = time.monotonic() + _CONNECT_SECONDS
            self._lines[channel.fileno()] = line
            line.watched = select.EPOLLIN | select.EPOLLOUT
            self._epoll.register(channel.fileno(), line.watched)
            self._occupy(line, task)
            return
        self._addresses = []
        self._answers.append((task.delivery_id, unsent(failure)))

    def _begin(self, line: Line) -> None:
        task = line.task
        assert task is not None
        if time.monotonic() > task.deadline:
            # The lease may be another's by now: whoever stalled (a stopped process) starts nothing.
            self._settle(line, Answer(Outcome.FENCED))
            return
        line.session.begin(task.envelope, f"{task.delivery_id:x}")
        if line.session.answer is not None:
            self._settle(line, line.session.answer)
            return
        self._speak(line)

    def _speak(self, line: Line) -> None:
        """Writes what the session has to say, and renews its time limit."""
        try:
            if data := line.session.take():
                line.channel.write(data)
        except OSError as error:
            self._lost(line, error)
            return
        line.expires = time.monotonic() + line.session.patience
        self._watch(line)

    def _watch(self, line: Line) -> None:
        wanted = select.EPOLLIN | (select.EPOLLOUT if line.channel.wants_write else 0)
        if wanted != line.watched:
            line.watched = wanted
            self._epoll.modify(line.channel.fileno(), wanted)

    def _turn(self, patience: float) -> None:
        for descriptor, event in self._epoll.poll(patience):
            line = self._lines.get(descriptor)
            if line is not None:
                self._handle(line, event)
        now = time.monotonic()
        if now - self._looked_at >= self._until_next_look:
            self._looked_at = now
            self._look_at_time(now)

    def _handle(self, line: Line, event: int) -> None:
        try:
            if not line.channel.connected:
                line.channel.finish_connecting()
                line.expires = time.monotonic() + line.session.patience
                if self._relay.tls_at_once:
                    assert self._relay.context is not None
                    line.channel.start_tls(self._relay.context)
                self._watch(line)
            elif event & select.EPOLLOUT:
                line.channel.flush()
                self._watch(line)
            if event & ~select.EPOLLOUT:
                self._read(line)
        except OSError as error:
            self._lost(line, error)
        except OpeningRefused as refused:
            self._drop(line)
            self._settle(line, refused.answer)
        except OutOfStep as error:
            self._lost(line, error)

    def _read(self, line: Line) -> None:
        data = line.channel.read()
        if data is None:
            if line.session.wants_tls and line.channel.is_secured:
                line.session.secured()
                self._speak(line)
            self._watch(line)
            return
        if not data:
            raise ConnectionResetError("closed by the server")
        session = line.session
        if session.wants_tls and line.channel.is_secured:
            session.secured()
        session.feed(data)
        self._go_on(line)

    def _go_on(self, line: Line) -> None:
        session = line.session
        if session.wants_tls and not line.channel.is_secured:
            assert self._relay.context is not None
            line.channel.start_tls(self._relay.context)
            self._watch(line)
            return
        if line.task is not None and session.is_granted:
            if time.monotonic() > line.task.deadline:
                self._drop(line)
                self._settle(line, Answer(Outcome.FENCED))
                return
            session.say_text()
        if session.answer is not None and line.task is not None:
            answer, session.answer = session.answer, None
            if not session.is_ready:
                self._speak(line)
            self._settle(line, answer)
            return
        if line.task is not None and session.is_ready:
            self._begin(line)
            return
        if line.task is None and session.is_ready and line not in self._idle:
            self._idle.append(line)
        self._speak(line)

    def _settle(self, line: Line, answer: Answer) -> None:
        task = line.task
        assert task is not None
        self._answers.append((task.delivery_id, answer))
        line.task = None
        if not line.is_apart:
            self._usual += (min(time.monotonic() - line.since, _LONGEST) - self._usual) / 64
        self._leave_work(line)
        if line.session.is_ready and line.channel.fileno() in self._lines:
            self._idle.append(line)

    def _leave_work(self, line: Line) -> None:
        self._working.discard(line)
        if line.is_apart:
            line.is_apart, self._apart = False, self._apart - 1

    def _lost(self, line: Line, error: Exception) -> None:
        """The connection is of no more use; what that means for its message depends on how far it came."""
        session, task = line.session, line.task
        was_used, connected = not session.is_fresh, line.channel.connected
        self._drop(line)
        if task is None:
            return
        if session.answer is not None:
            self._settle(line, session.answer)
        elif session.refusal is not None:
            self._settle(line, session.refusal)
        elif session.dotted:
            self._settle(line, Answer(Outcome.DOUBT, text=type(error).__name__))
        elif was_used and not task.is_second_try:
            # Servers close connections that were idle: that says nothing about whether they take mail.
            self._leave_work(line)
            line.task, task.is_second_try = None, True
            self._assign(task)
        elif not connected and line.addresses:
            self._leave_work(line)
            line.task = None
            self._connect(task, line.addresses)
        else:
            self._settle(line, unsent(error))

    def _drop(self, line: Line) -> None:
        descriptor = line.channel.fileno()
        if self._lines.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)
            line.channel.close()
        if line in self._idle:
            self._idle.remove(line)

    def _look_at_time(self, now: float) -> None:
        long = min(_LONGEST, max(_SHORTEST, _TIMES * self._usual))
        for line in list(self._working):
            if now > line.expires:
                self._lost(line, TimeoutError("no answer in time"))
            elif (
                not line.is_apart
                and now - line.since > (_LONGEST if line.session.is_fresh else long)
                and self._apart < self._spare
            ):
                line.is_apart, self._apart, self._has_new_room = True, self._apart + 1, True
