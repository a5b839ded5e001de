"""A storm: every fault that the promise of design names, at random, in the middle of one mailing."""

from __future__ import annotations

import random
import signal
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update

from pressroom.db import Database
from pressroom.mailing.delivery import Chunk, Delivery, DeliveryState
from tests.chaos.crew import Crew
from tests.servers import PostgresServer, RedisServer
from tests.sink import Sink

LEASE = 15.0


class Storm:
    """Each call does one fault; `counts` says which. Stopped workers go on by themselves once their lease is over."""

    def __init__(self, crew: Crew, redis: RedisServer, sink: Sink, postgres: PostgresServer | None, seed: int) -> None:
        self._crew, self._redis, self._sink, self._postgres = crew, redis, sink, postgres
        self._chance = random.Random(seed)
        self._timers: list[threading.Timer] = []
        self.counts: Counter[str] = Counter()

    def __call__(self) -> None:
        faults: list[tuple[int, str, Callable[[], None]]] = [
            (40, "worker killed", self._kill_worker),
            (15, "other process killed", self._kill_other),
            (15, "Redis emptied", self._redis.flush),
            (8, "Redis killed", self._redis.restart),
            (6, "worker stopped past its lease", self._stop_worker),
            (10, "connection dropped after the final dot", lambda: self._sink.drop_after_accepting(1)),
            (6, "PostgreSQL restarted", self._restart_postgres),
        ]
        weights = [weight if name != "PostgreSQL restarted" or self._postgres else 0 for weight, name, _ in faults]
        ((_, name, act),) = self._chance.choices(faults, weights)
        act()
        self.counts[name] += 1

    @property
    def doubts(self) -> tuple[int, int]:
        """How many faults leave one message for each connection in doubt, and how many one message alone."""
        whole = ("worker killed", "worker stopped past its lease", "PostgreSQL restarted")
        return sum(self.counts[one] for one in whole), self.counts["connection dropped after the final dot"]

    def end(self) -> None:
        for timer in self._timers:
            timer.join()

    def _worker(self) -> str:
        return self._chance.choice(["mail", "mail 2"])

    def _kill_worker(self) -> None:
        self._crew.kill(self._worker())

    def _kill_other(self) -> None:
        self._crew.kill(self._chance.choice(["default", "clock"]))

    def _stop_worker(self) -> None:
        process = self._crew.processes[self._worker()]
        process.send_signal(signal.SIGSTOP)
        timer = threading.Timer(LEASE + 2, process.send_signal, [signal.SIGCONT])
        timer.start()
        self._timers.append(timer)

    def _restart_postgres(self) -> None:
        assert self._postgres is not None
        self._postgres.restart()


def weather(sink: Sink) -> None:
    """30 % are put off at first, 5 % are no addresses, 1 % of answers take five seconds; by recipient, always alike."""
    seen: set[str] = set()

    def put_off(recipient: str) -> bool:
        if _share(recipient) >= 0.30 or recipient in seen:
            return False
        seen.add(recipient)
        return True

    sink.rule("rcpt", put_off, reply="451 4.3.0 Try again later")
    sink.rule("rcpt", gone, reply="550 5.1.1 No such person")
    sink.rule("dot", lambda recipient: _share(f"slow {recipient}") < 0.01, delay=5.0)


def gone(recipient: str) -> bool:
    return _share(f"gone {recipient}") < 0.05


def _share(text: str) -> float:
    return zlib.crc32(text.encode()) / 2**32


def _count(database: Database, mailing_id: int, condition: Callable[[datetime], ColumnElement[bool]]) -> int:
    with database.reading() as tx:
        met = condition(database.now(tx))
        return int(tx.execute(select(func.count()).where(Delivery.mailing_id == mailing_id, met)).scalar_one())


def _is_due(now: datetime) -> ColumnElement[bool]:
    return Delivery.state.in_((DeliveryState.PENDING, DeliveryState.DEFERRED)) & (Delivery.next_at <= now)


def hasten(database: Database) -> None:
    """What was put off is due now, as if time had passed."""
    with database.transaction() as tx:
        now = database.now(tx)
        # As senders lock them.
        tx.execute(update(Chunk).where(Chunk.next_due > now).values(next_due=now))
        tx.execute(update(Delivery).where(Delivery.state == DeliveryState.DEFERRED).values(next_at=now))


def recovery(database: Database, mailing_id: int, crew: Crew, sink: Sink, patience: float = 120) -> float:
    """Seconds until nothing hangs that the faults interrupted, and what is due leaves again. Raises TimeoutError."""
    began, accepted = time.monotonic(), len(sink.received)
    with database.reading() as tx:
        since = database.now(tx)
    hangs = (Delivery.state == DeliveryState.SENDING) & (Delivery.sending_at < since)
    while (hanging := _count(database, mailing_id, lambda _: hangs)) or (
        len(sink.received) == accepted and _count(database, mailing_id, _is_due)
    ):
        crew.revive()
        if time.monotonic() > began + patience:
            raise TimeoutError(f"{hanging} rows hang after {patience:g} s")
        time.sleep(0.2)
    return time.monotonic() - began
