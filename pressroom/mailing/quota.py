"""The relay's quota: how many messages were handed over, counted by the minute, in the ledger's own transactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom import locks
from pressroom.db import Base, Id, from_micros, to_micros
from pressroom.locks import Lock
from pressroom.mailing.priority import KEPT_FREE, Priority

MINUTE = 60_000_000
_TAKE = """
    INSERT INTO sent_minute (minute, count) VALUES (:minute, :count)
    ON CONFLICT (minute) DO UPDATE SET count = sent_minute.count + :count
"""


class SentMinute(Base):
    """`minute` is its first microsecond, UTC."""

    __tablename__ = "sent_minute"

    minute: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    count: Mapped[int]


@dataclass(frozen=True)
class Quota:
    """None means no limit. Both windows slide: any 60 minutes, any 24 hours."""

    per_hour: int | None = None
    per_day: int | None = None

    @property
    def limited(self) -> bool:
        return self.per_hour is not None or self.per_day is not None


def windows(quota: Quota, rank: int = Priority.REST) -> list[tuple[int, timedelta]]:
    """The limits that hold for mail of a priority, each with how long a message counts towards it."""
    windows = [(quota.per_hour, timedelta(hours=1)), (quota.per_day, timedelta(days=1))]
    kept = KEPT_FREE[Priority(rank)]
    # A whole minute more, because minutes are counted whole.
    return [
        (limit - limit * kept // 100, length + timedelta(minutes=1)) for limit, length in windows if limit is not None
    ]


def free(tx: Session | Connection, quota: Quota, *, now: datetime, rank: int = Priority.REST) -> int | None:
    """How many of a priority may leave now; None if there is no limit."""
    left = []
    for limit, length in windows(quota, rank):
        used = tx.execute(
            select(func.coalesce(func.sum(SentMinute.count), 0)).where(SentMinute.minute > to_micros(now - length))
        )
        left.append(max(0, limit - int(used.scalar_one())))
    return min(left) if left else None


def take(tx: Session | Connection, count: int, *, now: datetime) -> None:
    """Notes that `count` messages are about to leave; a refused one counts too, as relays count it."""
    minute = to_micros(now) // MINUTE * MINUTE
    tx.execute(text(_TAKE), {"minute": minute, "count": count})


def lock(tx: Session | Connection) -> None:
    """One sender at a time reads and takes."""
    locks.take(tx, Lock.QUOTA)


def free_again(tx: Session | Connection, quota: Quota, *, now: datetime, rank: int = Priority.REST) -> datetime:
    """When the first message of the fullest window drops out of it."""
    at = now
    for limit, length in windows(quota, rank):
        query = (
            select(SentMinute.minute, SentMinute.count)
            .where(SentMinute.minute > to_micros(now - length))
            .order_by(SentMinute.minute)
        )
        rows = list(tx.execute(query))
        over = sum(count for _, count in rows) - limit + 1
        for minute, count in rows:
            if over <= 0:
                break
            over -= count
            at = max(at, from_micros(minute) + length)
    return at


def purge(tx: Session, *, now: datetime) -> None:
    tx.execute(delete(SentMinute).where(SentMinute.minute < to_micros(now - timedelta(days=2))))
