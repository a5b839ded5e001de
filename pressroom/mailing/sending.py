"""Sending: claim, mark, hand over, store; group commit without a barrier (design §4 "Mail").

Each tick is one short transaction. It stores whatever has been answered and marks the next rows for the lines that are
free; only after its commit are those handed over. So at most one message per connection is ever in doubt. A sender goes
on to the next chunk while the last answers of one are still out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from pressroom.db import Database, to_micros
from pressroom.errors import TryLater
from pressroom.kept_connection import KeptConnection
from pressroom.mailing import hot_rows, ledger, steering
from pressroom.mailing import mailing as mailings
from pressroom.mailing.composing import Composer
from pressroom.mailing.course import Course
from pressroom.mailing.delivery import Delivery
from pressroom.mailing.holding import Holding
from pressroom.mailing.mailing import State
from pressroom.mailing.marking import Marked, Marker
from pressroom.mailing.quota import Quota
from pressroom.mailing.settling import Patience, Settler
from pressroom.mailing.throttle import Begun, Limits, Throttle
from pressroom.mailing.wire import Answer, Lines, OpenLines
from pressroom.people import telling
from pressroom.seal import Keyring
from pressroom.signing import Signer

log = logging.getLogger(__name__)

T = TypeVar("T")

TELL = "tell_of_refusal"

_TICK, _GRACE = 1.0, 8.0
_STORE_PATIENCE = 120.0
# Between two looks for chunks to go on with, when there were none or nothing more urgent.
_LOOK_AGAIN = 1.0
_MOST_HOLDINGS = 400


@dataclass(frozen=True)
class Terms:
    """How to send. `lease` is database time; a job ends itself after `run_for` seconds and rings again.

    At most `connections` + `spare` messages are on the wire, and so in doubt if a worker dies (smtp/lines.py).
    """

    base_url: str
    bounce_address: str | None = None
    signs: bool = True
    connections: int = 4
    spare: int = 0
    quota: Quota = field(default_factory=Quota)
    limits: Limits = field(default_factory=Limits)
    begun: Begun = field(default_factory=Begun)
    lease: timedelta = timedelta(seconds=15)
    run_for: float = 30.0
    patience: Patience = field(default_factory=Patience)


def send_chunk(
    database: Database,
    keyring: Keyring,
    signer: Signer,
    terms: Terms,
    chunk_id: int,
    *,
    owner: str,
    open_lines: OpenLines,
    stop: Callable[[], bool],
    ring: Callable[[int], object],
) -> None:
    """Sends what is due in a chunk, unless another holds it, and goes on with others. `stop` asks it to end at its next
    commit.
    """
    with closing(KeptConnection(database)) as kept:
        sender = _Sender(kept, keyring, signer, terms, owner, stop)
        if not sender.claim(chunk_id):
            return
        with closing(open_lines(terms.connections, terms.spare)) as lines:
            sender.to_the_end(lines)
    for one in sender.to_ring_again:
        ring(one)


class _Sender:
    """One job's time with the chunks it holds."""

    def __init__(
        self,
        kept: KeptConnection,
        keyring: Keyring,
        signer: Signer,
        terms: Terms,
        owner: str,
        stop: Callable[[], bool],
    ) -> None:
        self._kept, self._keyring, self._signer, self._terms = kept, keyring, signer, terms
        self._owner, self._stop = owner, stop
        self._throttle = Throttle(terms.limits, terms.begun, keyring)
        self._settler = Settler(keyring, terms.patience, self._throttle)
        self._marker = Marker(terms.quota, self._throttle, terms.lease)
        self._holdings: dict[int, Holding] = {}
        self._courses: dict[int, Course] = {}
        self._on_the_wire: dict[int, Holding] = {}
        self._ends_at = time.monotonic() + terms.run_for
        self._none_until = self._none_more_urgent_until = 0.0
        self._stopped_at: float | None = None
        self.to_ring_again: list[int] = []

    def claim(self, chunk_id: int | None = None, *, before: int | None = None) -> bool:
        """Takes a chunk into hand: this one, or the most urgent that is due, if more urgent than rank `before`."""
        return self._persistently(partial(self._claim, chunk_id=chunk_id, before=before))

    def _claim(self, tx: Session, chunk_id: int | None, before: int | None) -> bool:
        started, now = time.monotonic(), hot_rows.now(tx)
        self._throttle.refresh(tx, now)
        if self._throttle.relay_rests_until is not None:
            return False
        if chunk_id is None:
            due = ledger.due_chunks(tx, now, 1, before)
            if not due:
                return False
            (chunk_id,) = due
        epoch = ledger.claim(tx, chunk_id, self._owner, self._terms.lease, now)
        if epoch is None:
            return False
        mailing_id, rank, state = ledger.mailing_of(tx, chunk_id)
        doubted = ledger.settle_doubts(tx, chunk_id, now, cancelled=state is State.CANCELLED)
        if doubted:
            log.warning("chunk %s: %s message(s) in doubt after a worker died", chunk_id, doubted)
        items = ledger.due_items(tx, chunk_id, now)
        trust_until = started + self._terms.lease.total_seconds() - 1
        self._holdings[chunk_id] = Holding(chunk_id, mailing_id, epoch, rank, items, trust_until, time.monotonic())
        if mailing_id not in self._courses:
            terms = self._terms
            composer = Composer(self._keyring, self._signer, terms.base_url, terms.bounce_address, signs=terms.signs)
            self._courses[mailing_id] = Course(mailing_id, composer)
        return True

    def to_the_end(self, lines: Lines) -> None:
        while self._holdings:
            answered = lines.answers(_TICK)
            started = time.monotonic()
            for delivery_id, _ in answered:
                self._throttle.end(self._on_the_wire[delivery_id].on_the_wire[delivery_id][0].domain)
            self._end_in_time(lines)
            self._go_on_with_more(lines)
            marked = self._persistently(partial(self._tick, answered=answered, room=lines.free, started=started))
            for delivery_id, _ in answered:
                self._on_the_wire.pop(delivery_id).on_the_wire.pop(delivery_id, None)
            for one in marked:
                one.holding.on_the_wire[one.item.id] = (one.item, one.revision_id)
                self._on_the_wire[one.item.id] = one.holding
                lines.hand_over(one.item.id, one.envelope, one.holding.trust_until)
            self._give_back_done()
            if lines.busy and self._overstayed():
                return
            if not marked and not lines.busy and any(one.waits for one in self._holdings.values()):
                # A rate holds them back: the next moment has room again.
                time.sleep(0.05)

    def _end_in_time(self, lines: Lines) -> None:
        # While some answer is long in coming the others need not wait for it.
        if self._stop() or (time.monotonic() > self._ends_at and not lines.waits_long):
            for holding in self._holdings.values():
                holding.end()

    def _go_on_with_more(self, lines: Lines) -> None:
        """Another chunk before the rows in hand run out, and now and then a look for what is more urgent than they."""
        over = self._stop() or (time.monotonic() > self._ends_at and not lines.waits_long)
        if over or len(self._holdings) >= _MOST_HOLDINGS:
            return
        waiting = [one for one in self._holdings.values() if one.waits]
        if not waiting or sum(len(one.items) for one in waiting) < lines.free:
            looks_at, before = self._none_until, None
        else:
            looks_at, before = self._none_more_urgent_until, min(one.rank for one in waiting)
        if time.monotonic() < looks_at:
            return
        found = self.claim(before=before)
        if not found and before is None:
            self._none_until = time.monotonic() + _LOOK_AGAIN
        self._none_more_urgent_until = time.monotonic() + _LOOK_AGAIN

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
                with self._kept.transaction() as tx:
                    return act(tx)
            except (DBAPIError, hot_rows.driver_error(self._kept.database), TryLater) as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("%s: the database did not answer (%s)", self._owner, type(error).__name__)
                for course in self._courses.values():
                    course.forget()
                time.sleep(wait)
                wait = min(2.0, wait * 2)

    def _tick(self, tx: Session, answered: list[tuple[int, Answer]], room: int, started: float) -> list[Marked]:
        now = self._look_at_mailings(tx, answered)
        self._store(tx, answered, now)
        self._heartbeat(tx, now, started)
        self._throttle.refresh_now_and_then(tx, now)
        if (until := self._throttle.relay_rests_until) is not None:
            for holding in self._holdings.values():
                holding.end(until)
        waiting = sorted((one for one in self._holdings.values() if one.waits), key=lambda one: one.rank)
        return self._marker.mark(tx, waiting, self._courses, room, now, started)

    def _look_at_mailings(self, tx: Session, answered: list[tuple[int, Answer]]) -> datetime:
        """Of everything this transaction stores or may mark, in one order, as steering locks them; returns the time."""
        now = None
        concerned = {self._on_the_wire[one].mailing_id for one, _ in answered}
        concerned |= {one.mailing_id for one in self._holdings.values() if one.waits}
        for mailing_id in sorted(concerned):
            now = self._courses[mailing_id].look(tx)
            if self._courses[mailing_id].state is not State.SENDING:
                for holding in self._holdings.values():
                    if holding.mailing_id == mailing_id:
                        holding.end()
        return now or hot_rows.now(tx)

    def _store(self, tx: Session, answered: list[tuple[int, Answer]], now: datetime) -> None:
        by_holding: dict[Holding, list[tuple[int, Answer]]] = {}
        for one in answered:
            by_holding.setdefault(self._on_the_wire[one[0]], []).append(one)
        for holding, answers in by_holding.items():
            cancelled = self._courses[holding.mailing_id].state is State.CANCELLED
            self._settler.settle(tx, holding, answers, now, cancelled=cancelled)

    def _heartbeat(self, tx: Session, now: datetime, started: float) -> None:
        """Renews every lease now and then; those that rows are marked in are renewed each time (marking.py)."""
        lease = self._terms.lease
        due = [one for one in self._holdings.values() if started - one.renewed_at > lease.total_seconds() / 4]
        if due:
            ledger.renew_all(tx, [one.chunk_id for one in due], self._owner, now + lease)
            for holding in due:
                holding.renewed_at = started

    def _give_back_done(self) -> None:
        done = [one for one in self._holdings.values() if one.is_done]
        if not done:
            return
        self._persistently(partial(self._give_back, done=done))
        for holding in done:
            del self._holdings[holding.chunk_id]
            if holding.fenced:
                log.warning("chunk %s: taken over by another worker", holding.chunk_id)
            if holding.policy:
                log.error(
                    "mailing %s paused: the mail server refuses our mail (%s)", holding.mailing_id, holding.policy
                )

    def _give_back(self, tx: Session, done: list[Holding]) -> None:
        for holding in sorted(done, key=lambda one: one.mailing_id):
            mailing = mailings.get(tx, holding.mailing_id, lock=True)
            now = hot_rows.now(tx)
            if hot_rows.renew(tx, holding.chunk_id, holding.epoch, now + self._terms.lease) is None:
                continue
            if mailing.state is State.CANCELLED:
                ledger.cancel_waiting(tx, Delivery.chunk_id == holding.chunk_id, now)
            elif holding.policy and mailing.state is State.SENDING:
                steering.hold(tx, mailing, f"refused by the mail server ({holding.policy})")
                telling.tell_owners(
                    tx,
                    TELL,
                    mailing.newsroom_id,
                    now=now,
                    mailing_id=mailing.id,
                    status=holding.policy,
                    at=to_micros(now),
                )
            next_due = ledger.release_chunk(tx, holding.chunk_id, holding.epoch, now, holding.not_before)
            ledger.finish_if_done(tx, mailing, now)
            due_now = next_due is not None and next_due <= now
            if mailing.state is State.SENDING and due_now and holding.policy is None:
                self.to_ring_again.append(holding.chunk_id)
