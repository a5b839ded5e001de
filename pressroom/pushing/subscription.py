"""A subscription: a machine wants each new state of one feed at its callback, for the time of its lease (WebSub)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Index, UniqueConstraint, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base
from pressroom.pushing.sealed_callback import SealedCallback
from pressroom.seal import Keyring

SHORTEST_LEASE, USUAL_LEASE, LONGEST_LEASE = timedelta(hours=1), timedelta(days=10), timedelta(days=30)


@dataclass(frozen=True)
class Topic:
    """A feed's path, and the newsroom whose changes may change it; None for a feed of all newsrooms."""

    path: str
    newsroom_id: int | None


class Subscription(SealedCallback, Base):
    """`etag` is the hash of what was delivered last, None before; `failures` counts the tries in a row that went
    wrong.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        UniqueConstraint("callback_lookup"),
        Index("ix_subscription_newsroom", "newsroom_id", "expires_at"),
        Index("ix_subscription_host", "host_lookup"),
        Index("ix_subscription_network", "network_lookup"),
    )

    etag: Mapped[str | None]
    failures: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]


def lookup(keyring: Keyring, topic: str, callback: str) -> bytes:
    return keyring.lookup("callback", f"{topic}\0{callback}")


def lease(wanted: int | None) -> timedelta:
    """What is granted for the seconds that were asked for."""
    if wanted is None:
        return USUAL_LEASE
    return max(SHORTEST_LEASE, min(LONGEST_LEASE, timedelta(seconds=min(wanted, int(LONGEST_LEASE.total_seconds())))))


def by_callback(tx: Session, callback_lookup: bytes, *, lock: bool = False) -> Subscription | None:
    query = select(Subscription).where(Subscription.callback_lookup == callback_lookup)
    return tx.scalars(query.with_for_update() if lock else query).one_or_none()


def current(tx: Session, newsroom_ids: Iterable[int], now: datetime) -> Sequence[tuple[int, bytes, int]]:
    """Id, host and failures of those that a change in one of these newsrooms may concern."""
    query = select(Subscription.id, Subscription.host_lookup, Subscription.failures).where(
        Subscription.expires_at > now,
        or_(Subscription.newsroom_id.is_(None), Subscription.newsroom_id.in_(list(newsroom_ids))),
    )
    return [(one[0], one[1], one[2]) for one in tx.execute(query.order_by(Subscription.id))]


def count(tx: Session, *, host: bytes | None = None, network: bytes | None = None) -> int:
    query = select(func.count()).select_from(Subscription)
    if host is not None:
        query = query.where(Subscription.host_lookup == host)
    if network is not None:
        query = query.where(Subscription.network_lookup == network)
    return tx.execute(query).scalar_one()
