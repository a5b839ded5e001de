"""Sending one chunk: claim, mark, hand over, store; group commit without a barrier (design §4 "Mail").

Each tick is one short transaction. It stores whatever has been answered and marks the next rows for the lines that
are free; only after its commit are those handed over. So at most one message per connection is ever in doubt.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.errors import TryLater
from pressroom.mailing import ledger, quota, steering, suppression
from pressroom.mailing import mailing as mailings
from pressroom.mailing.composing import Composer
from pressroom.mailing.delivery import Delivery, DeliveryState
from pressroom.mailing.ledger import Item, Stored
from pressroom.mailing.lines import Lines
from pressroom.mailing.mailing import State
from pressroom.mailing.quota import Quota
from pressroom.mailing.wire import Answer, Envelope, OpenLine, Outcome
from pressroom.seal import Keyring
from pressroom.signing import Signer

log = logging.getLogger(__name__)

T = TypeVar("T")

_PEACE = timedelta(seconds=60)
_RECONNECT = timedelta(seconds=10)
_TICK = 2.0
_GRACE = 8.0
_STORE_PATIENCE = 120.0


@dataclass(frozen=True)
class Terms:
    """How to send. `lease` is database time; a job ends itself after `run_for` seconds and rings again."""

    base_url: str
    bounce_address: str | None = None
    connections: int = 4
    quota: Quota = field(default_factory=Quota)
    lease: timedelta = timedelta(seconds=15)
    run_for: float = 30.0
    first_wait: timedelta = timedelta(seconds=60)
    give_up: timedelta = timedelta(hours=48)


def send_chunk(
    database: Database,
    keyring: Keyring,
    signer: Signer,
    terms: Terms,
    chunk_id: int,
    *,
    owner: str,
    open_line: OpenLine,
    stop: Callable[[], bool],
    ring: Callable[[int], object],
) -> None:
    """Sends what is due in a chunk, unless another holds it. `stop` asks it to end at its next commit."""
    with database.transaction() as tx:
        now = database.now(tx)
        started = time.monotonic()
        epoch = ledger.claim(tx, chunk_id, owner, terms.lease, now)
        if epoch is None:
            return
        mailing_id = ledger.mailing_of(tx, chunk_id)
        cancelled = mailings.get(tx, mailing_id).state is State.CANCELLED
        doubted = ledger.settle_doubts(tx, chunk_id, now, cancelled=cancelled)
        items = ledger.due_items(tx, chunk_id, now)
    if doubted:
        log.warning("chunk %s: %s message(s) in doubt after a worker died", chunk_id, doubted)
    lines = Lines(open_line, min(terms.connections, max(1, len(items))))
    run = _Run(database, keyring, signer, terms, chunk_id, mailing_id, epoch, deque(items), lines, stop)
    run.trust_until = started + terms.lease.total_seconds() - 1
    try:
        run.to_the_end()
    finally:
        lines.close()
    if run.rings_again:
        ring(chunk_id)


class _Run:
    """One holder's time with a chunk."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        signer: Signer,
        terms: Terms,
        chunk_id: int,
        mailing_id: int,
        epoch: int,
        items: deque[Item],
        lines: Lines,
        stop: Callable[[], bool],
    ) -> None:
        self._database, self._keyring, self._terms = database, keyring, terms
        self._chunk_id, self._mailing_id, self._epoch = chunk_id, mailing_id, epoch
        self._items, self._lines, self._stop = items, lines, stop
        self._composer = Composer(keyring, signer, terms.base_url, terms.bounce_address)
        self._on_the_wire: dict[int, tuple[Item, int | None]] = {}
        self._ends_at = time.monotonic() + terms.run_for
        self._stopped_at: float | None = None
        self._ending = False
        self._not_before: datetime | None = None
        self._policy: str | None = None
        self._fenced = False
        self.trust_until = 0.0
        self.rings_again = False

    def to_the_end(self) -> None:
        while True:
            answered = self._lines.answers(_TICK)
            started = time.monotonic()
            outgoing = self._persistently(partial(self._tick, answered=answered))
            for delivery_id, _ in answered:
                self._on_the_wire.pop(delivery_id, None)
            if self._fenced:
                log.warning("chunk %s: taken over by another worker", self._chunk_id)
                return
            self.trust_until = started + self._terms.lease.total_seconds() - 1
            for item, envelope, revision_id in outgoing:
                self._on_the_wire[item.id] = (item, revision_id)
                self._lines.hand_over(item.id, envelope, self.trust_until)
            if not self._lines.busy:
                break
            if self._overstayed():
                return
        self._persistently(self._give_back)
        if self._policy:
            log.error("mailing %s paused: the mail server refuses our mail (%s)", self._mailing_id, self._policy)

    def _overstayed(self) -> bool:
        """After SIGTERM a slow answer is waited for a little; then its row stays marked, and in doubt."""
        if not self._stop():
            return False
        self._stopped_at = self._stopped_at or time.monotonic()
        return time.monotonic() > self._stopped_at + _GRACE

    def _persistently(self, act: Callable[[Session], T]) -> T:
        """`act` in a transaction, again while the database is away: answers are kept until they are stored."""
        deadline, wait = time.monotonic() + _STORE_PATIENCE, 0.05
        while True:
            try:
                with self._database.transaction() as tx:
                    return act(tx)
            except (DBAPIError, TryLater) as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("chunk %s: the database did not answer (%s)", self._chunk_id, type(error).__name__)
                time.sleep(wait)
                wait = min(2.0, wait * 2)

    def _tick(self, tx: Session, answered: list[tuple[int, Answer]]) -> list[tuple[Item, Envelope, int | None]]:
        mailing = mailings.get_shared(tx, self._mailing_id)
        now = self._database.now(tx)
        self._fenced = not ledger.renew(tx, self._chunk_id, self._epoch, self._terms.lease, now)
        cancelled = mailing.state is State.CANCELLED
        results = [self._judge(tx, *one, now=now, cancelled=cancelled) for one in answered]
        ledger.store(tx, results, self._epoch, now)
        self._ending |= (
            self._fenced or self._stop() or time.monotonic() > self._ends_at or mailing.state is not State.SENDING
        )
        if self._ending:
            return []
        return self._mark_next(tx, mailing, now)

    def _mark_next(
        self, tx: Session, mailing: mailings.Mailing, now: datetime
    ) -> list[tuple[Item, Envelope, int | None]]:
        room = self._lines.free
        outgoing: list[tuple[Item, Envelope, int | None]] = []
        items = list(self._items)
        if not self._composer.prepare(tx, mailing, now):
            self._ending, self._not_before = True, now + _PEACE
            return []
        if self._terms.quota.limited:
            quota.lock(tx)
            left = quota.free(tx, self._terms.quota, now=now)
            if left == 0:
                self._ending, self._not_before = True, quota.free_again(tx, self._terms.quota, now=now)
                return []
            room = min(room, left if left is not None else room)
        while room > len(outgoing) and items:
            batch, items = items[: room - len(outgoing)], items[room - len(outgoing) :]
            outgoing.extend(self._mark(tx, batch, mailing, now))
        if outgoing and self._terms.quota.limited:
            quota.take(tx, len(outgoing), now=now)
        self._items = deque(items)
        return outgoing

    def _mark(
        self, tx: Session, batch: list[Item], mailing: mailings.Mailing, now: datetime
    ) -> list[tuple[Item, Envelope, int | None]]:
        ready = self._composer.compose(tx, mailing, batch, now)
        for state, delivery_ids in ready.set_aside.items():
            ledger.set_aside(tx, delivery_ids, state, now)
        for language, delivery_ids in ready.spoken.items():
            ledger.speak(tx, delivery_ids, language)
        marked = ledger.mark(tx, [item.id for item, _, _ in ready.outgoing], self._epoch, now)
        return [one for one in ready.outgoing if one[0].id in marked]

    def _judge(self, tx: Session, delivery_id: int, answer: Answer, *, now: datetime, cancelled: bool) -> Stored:
        """What an answer means for its delivery, and for the rest of this chunk."""
        item, revision_id = self._on_the_wire[delivery_id]
        state, wait = DeliveryState.DEFERRED, self._wait(item)
        doubts, doubled = item.doubts, min(1, item.doubts)
        if answer.outcome is Outcome.SENT:
            state = DeliveryState.SENT
        elif answer.outcome is Outcome.FAILED:
            state = DeliveryState.FAILED
        elif answer.outcome is Outcome.BOUNCED:
            state = DeliveryState.BOUNCED
            self._suppress(tx, item, now)
        elif answer.outcome is Outcome.DOUBT:
            state = DeliveryState.DEFERRED if item.doubts == 0 and not cancelled else DeliveryState.UNKNOWN
            doubts, doubled = item.doubts + 1, 1 if state is DeliveryState.DEFERRED else doubled
        elif answer.outcome is Outcome.POLICY:
            self._ending, self._policy = True, answer.short
        elif answer.outcome is Outcome.BUSY:
            self._ending, self._not_before = True, now + _PEACE
        elif answer.outcome is Outcome.UNSENT:
            self._ending, self._not_before, wait = True, now + _RECONNECT, _RECONNECT
        tried = answer.outcome in (Outcome.WAIT, Outcome.BUSY)
        if tried and now + wait > (item.first_at or now) + self._terms.give_up:
            state = DeliveryState.FAILED
        reply = None
        if answer.outcome is not Outcome.SENT and answer.text:
            reply = self._keyring.seal(answer.text[:2000], "delivery", "reply", delivery_id)
        next_at = now + wait if state is DeliveryState.DEFERRED else None
        return Stored(delivery_id, state, next_at, doubts, doubled, revision_id, answer.short, reply)

    def _wait(self, item: Item) -> timedelta:
        seconds = self._terms.first_wait.total_seconds() * 2 ** min(item.attempts, 8)
        return timedelta(seconds=min(seconds, 4 * 3600) * random.uniform(0.8, 1.2))

    def _suppress(self, tx: Session, item: Item, now: datetime) -> None:
        if item.subscriber_id is not None:
            suppression.of_subscriber(tx, item.subscriber_id, suppression.Reason.BOUNCE, now=now, delivery_id=item.id)

    def _give_back(self, tx: Session) -> None:
        mailing = mailings.get(tx, self._mailing_id, lock=True)
        now = self._database.now(tx)
        if not ledger.renew(tx, self._chunk_id, self._epoch, self._terms.lease, now):
            return
        if mailing.state is State.CANCELLED:
            ledger.cancel_waiting(tx, Delivery.chunk_id == self._chunk_id, now)
        elif self._policy and mailing.state is State.SENDING:
            steering.hold(tx, mailing, f"refused by the mail server ({self._policy})")
        next_due = ledger.release_chunk(tx, self._chunk_id, self._epoch, now, self._not_before)
        ledger.finish_if_done(tx, mailing, now)
        self.rings_again = (
            mailing.state is State.SENDING and next_due is not None and next_due <= now and self._policy is None
        )
