"""A delivery: one message to one address. A chunk: the deliveries one worker claims at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom import bulk
from pressroom.db import Base, Id, from_micros, new_id
from pressroom.query_plan import partial


class DeliveryState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


_NEVER = from_micros(0)

OPEN = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DEFERRED)


class Chunk(Base):
    """Claimed by compare-and-set. `epoch` fences: only the holder of the newest may mark or store.

    `lease_until` and `next_due` are database time; `next_due` None means nothing in it is open.
    """

    __tablename__ = "chunk"
    __table_args__ = (Index("ix_chunk_due", "next_due", "lease_until"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailing.id"), index=True)
    epoch: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime]
    next_due: Mapped[datetime | None]


class Delivery(Base):
    """`subscriber_id` is None for a test. `waits_for` is a language that is not out yet, for whose sake it is not due.

    `doubts` counts attempts that ended without an answer; `doubled` is 1 once it was sent again after a doubt.
    `reply_sealed` is what the mail server answered, for it may name the address.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_chunk", "chunk_id", "state", "next_at"),
        Index("ix_delivery_mailing", "mailing_id", "state", "id"),
        Index("ix_delivery_doubted", "mailing_id", **partial("doubts > 0")),
        Index("ix_delivery_waits", "mailing_id", **partial("waits_for IS NOT NULL")),
        Index("ix_delivery_subscriber", "subscriber_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailing.id"))
    chunk_id: Mapped[int] = mapped_column(ForeignKey("chunk.id"))
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"))
    language: Mapped[str]
    waits_for: Mapped[str | None]
    revision_id: Mapped[int | None]
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.PENDING)
    epoch: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    doubts: Mapped[int] = mapped_column(default=0)
    doubled: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    first_at: Mapped[datetime | None]
    sending_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    reply_code: Mapped[str | None]
    reply_sealed: Mapped[bytes | None]


def add(tx: Session, mailing_id: int, rows: Sequence[Mapping[str, Any]], *, due: datetime) -> int:
    """A chunk with these deliveries, in nobody's hands; returns its id."""
    chunk = Chunk(id=new_id(), mailing_id=mailing_id, lease_until=_NEVER, next_due=due)
    tx.add(chunk)
    tx.flush()
    same = {"mailing_id": mailing_id, "chunk_id": chunk.id, "state": DeliveryState.PENDING}
    if rows:
        # Rows and no objects, which takes half as long, and others wait for the lock.
        wanted = [{"waits_for": None, "next_at": due, **one, **same} for one in rows]
        bulk.insert_rows(tx.connection(), Delivery, wanted)
    return chunk.id
