"""Marking: which rows a sender begins next, as quota, throttle and each person's wish allow; before any DATA."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from pressroom.mailing import hot_rows, ledger, quota
from pressroom.mailing.composing import Ready
from pressroom.mailing.course import Course
from pressroom.mailing.holding import Holding
from pressroom.mailing.ledger import Item
from pressroom.mailing.quota import Quota
from pressroom.mailing.throttle import Full, Throttle
from pressroom.mailing.wire import Envelope

# How long a release that may not be mailed at the moment is left alone.
_PEACE = timedelta(seconds=60)


class Marked(NamedTuple):
    """What is handed over once the transaction is committed."""

    holding: Holding
    item: Item
    envelope: Envelope
    revision_id: int | None


class Marker:
    """For one sender. What it takes from a holding counts once `mark` returned; on an error it may be called again."""

    def __init__(self, limit: Quota, throttle: Throttle, lease: timedelta) -> None:
        self._quota, self._throttle, self._lease = limit, throttle, lease
        self._about_to_begin = Counter[str]()

    def mark(
        self,
        tx: Session,
        waiting: Sequence[Holding],
        courses: Mapping[int, Course],
        room: int,
        now: datetime,
        started: float,
    ) -> list[Marked]:
        """At most `room` rows of these holdings, the first first. `started` is monotonic, before the transaction."""
        room = self._throttle.room(room)
        # Forgotten when the transaction fails and is done again, which the throttle's own count would not be.
        self._about_to_begin = Counter[str]()
        found: list[Marked] = []
        left: dict[Holding, deque[Item]] = {}
        for holding in waiting:
            if room <= len(found):
                break
            course = courses[holding.mailing_id]
            if not self._may_begin(tx, holding, course, now):
                continue
            allowed = self._allowed(tx, holding, room - len(found), now)
            if allowed > 0:
                marked, left[holding] = self._of_holding(tx, holding, course, allowed, now)
                found += marked
                if marked and self._quota.limited:
                    quota.take(tx, len(marked), now=now)
        for holding, items in left.items():
            holding.items = items
            holding.renewed_at = started
            holding.trust_until = started + self._lease.total_seconds() - 1
        for one in found:
            self._throttle.begin(one.item.domain)
        return found

    def _may_begin(self, tx: Session, holding: Holding, course: Course, now: datetime) -> bool:
        generation = hot_rows.renew(tx, holding.chunk_id, holding.epoch, now + self._lease)
        if generation is None:
            holding.fenced = True
            holding.end()
            return False
        if not course.prepare(tx, now, generation):
            holding.end(now + _PEACE)
            return False
        return True

    def _allowed(self, tx: Session, holding: Holding, room: int, now: datetime) -> int:
        if not self._quota.limited:
            return room
        quota.lock(tx)
        left = quota.free(tx, self._quota, now=now, rank=holding.rank)
        if left == 0:
            holding.end(quota.free_again(tx, self._quota, now=now, rank=holding.rank))
        return min(room, left if left is not None else room)

    def _of_holding(
        self, tx: Session, holding: Holding, course: Course, room: int, now: datetime
    ) -> tuple[list[Marked], deque[Item]]:
        items = deque(holding.items)
        found: list[Marked] = []
        full: list[Item] = []
        while items and room > len(found) and len(full) < 4 * room:
            batch = [items.popleft() for _ in range(min(room - len(found), len(items)))]
            assert course.mailing is not None
            ready = course.composer.compose(tx, course.mailing, batch, now)
            found += self._of_ready(tx, holding, ready, full, now)
        items.extend(full)
        return found, items

    def _of_ready(self, tx: Session, holding: Holding, ready: Ready, full: list[Item], now: datetime) -> list[Marked]:
        for state, delivery_ids in ready.set_aside.items():
            ledger.set_aside(tx, delivery_ids, state, now)
        outgoing = ready.outgoing if self._throttle.is_idle else self._let_through(tx, ready, full, now)
        if not outgoing:
            return []
        marked = hot_rows.mark(tx, [item.id for item, _, _ in outgoing], holding.epoch, now)
        for language, delivery_ids in ready.spoken.items():
            if spoken := [one for one in delivery_ids if one in marked]:
                ledger.speak(tx, spoken, language)
        return [
            Marked(holding, item._replace(domain=_domain(envelope)), envelope, revision_id)
            for item, envelope, revision_id in outgoing
            if item.id in marked
        ]

    def _let_through(
        self, tx: Session, ready: Ready, full: list[Item], now: datetime
    ) -> list[tuple[Item, Envelope, int | None]]:
        """Without those whose domain rests, which are put off, and those whose domain is full, which try again soon."""
        through: list[tuple[Item, Envelope, int | None]] = []
        resting: dict[datetime, list[int]] = {}
        for one in ready.outgoing:
            domain = _domain(one[1])
            answer = self._throttle.ask(domain, now, self._about_to_begin[domain])
            if answer is None:
                through.append(one)
                self._about_to_begin[domain] += 1
            elif isinstance(answer, Full):
                full.append(one[0])
            else:
                resting.setdefault(answer, []).append(one[0].id)
        for until, delivery_ids in resting.items():
            ledger.put_off(tx, delivery_ids, until)
        return through


def _domain(envelope: Envelope) -> str:
    return envelope.recipient.rpartition("@")[2].lower()
