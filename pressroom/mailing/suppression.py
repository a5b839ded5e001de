"""Suppression: an address never written to. Held as a keyed hash, so it outlives the address itself.

Bounces, complaints and "never write to me again" hold for the whole site. No import overrides one.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base
from pressroom.mailing.subscriber import Subscriber


class Reason(StrEnum):
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    REQUEST = "request"


class Suppression(Base):
    __tablename__ = "suppression"

    email_lookup: Mapped[bytes] = mapped_column(primary_key=True)
    reason: Mapped[Reason]
    at: Mapped[datetime]


def find(tx: Session, email_lookup: bytes) -> Suppression | None:
    return tx.get(Suppression, email_lookup)


def among(tx: Session, lookups: list[bytes]) -> set[bytes]:
    return set(tx.scalars(select(Suppression.email_lookup).where(Suppression.email_lookup.in_(lookups))))


def add(tx: Session, email_lookup: bytes, reason: Reason, *, now: datetime) -> None:
    """Also marks the address's subscriber rows, whose locks the senders hold while they decide."""
    if find(tx, email_lookup) is None:
        tx.add(Suppression(email_lookup=email_lookup, reason=reason, at=now))
    tx.execute(
        update(Subscriber)
        .where(Subscriber.email_lookup == email_lookup, Subscriber.suppressed_at.is_(None))
        .values(suppressed_at=now)
    )


def of_subscriber(tx: Session, subscriber_id: int, reason: Reason, *, now: datetime) -> None:
    add(tx, tx.get_one(Subscriber, subscriber_id).email_lookup, reason, now=now)
