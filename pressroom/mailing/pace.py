"""Pace: how the relay's quota spreads messages over time, given what was sent and what stands in the queue."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pressroom.db import from_micros, to_micros
from pressroom.mailing.delivery import OPEN, Delivery
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.quota import MINUTE, Quota, SentMinute, windows

_GOING = (State.COUNTING, State.HELD, State.SENDING)


class _Window:
    """One sliding limit: what was sent in it, the oldest first, each until it drops out."""

    def __init__(self, limit: int, length: timedelta) -> None:
        self._limit, self._length = limit, length
        self._sent: deque[tuple[datetime, int]] = deque()
        self._used = 0

    def take(self, minute: datetime, count: int) -> None:
        self._sent.append((minute, count))
        self._used += count

    def free(self, now: datetime) -> int:
        while self._sent and self._sent[0][0] + self._length <= now:
            self._used -= self._sent.popleft()[1]
        return max(0, self._limit - self._used)

    def free_again(self) -> datetime:
        """When the oldest drops out; only for a window that is full, which is never empty."""
        return self._sent[0][0] + self._length


class Pace:
    """The queue is served in the order in which messages fall due; what is paused, or not counted yet, is not in it.

    The line is taken to be infinitely quick, so nothing leaves earlier than this says, and little later.
    """

    def __init__(self, tx: Session, quota: Quota, *, now: datetime) -> None:
        self._now = now
        self._windows = [_Window(limit, length) for limit, length in windows(quota)]
        longest = max((length for _, length in windows(quota)), default=timedelta(0))
        sent = select(SentMinute.minute, SentMinute.count).where(SentMinute.minute > to_micros(now - longest))
        for minute, count in tx.execute(sent.order_by(SentMinute.minute)):
            for window in self._windows:
                window.take(from_micros(minute), count)
        self._queue = _queue(tx, now)

    def leave(self, count: int, due: datetime) -> tuple[datetime, datetime]:
        """When the first and the last of `count` messages leave that fall due then."""
        at = self._now
        for earlier, waiting in self._queue:
            if earlier > due:
                break
            _, at = self._send(waiting, max(at, earlier))
        return self._send(count, max(at, due))

    def _send(self, count: int, at: datetime) -> tuple[datetime, datetime]:
        first = None
        while True:
            free = min(window.free(at) for window in self._windows)
            if free:
                first = first or at
                leaving = min(free, count)
                for window in self._windows:
                    window.take(_minute(at), leaving)
                count -= leaving
            if not count:
                return first or at, at
            at = max(window.free_again() for window in self._windows if not window.free(at))


def _minute(at: datetime) -> datetime:
    return from_micros(to_micros(at) // MINUTE * MINUTE)


def _queue(tx: Session, now: datetime) -> list[tuple[datetime, int]]:
    """How many messages fall due in which minute."""
    minute = Delivery.next_at
    query = (
        select(minute, func.count())
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .where(Delivery.state.in_(OPEN), Mailing.state.in_(_GOING))
        .group_by(minute)
        .order_by(minute)
    )
    return [(max(due, now), count) for due, count in tx.execute(query)]
