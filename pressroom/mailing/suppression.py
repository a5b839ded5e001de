"""Suppression: an address never written to. Held as a keyed hash, so it outlives the address itself.

Bounces, complaints and "never write to me again" hold for the whole site. No import and no sign-up overrides one; a
person can lift it (lifting.py).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base
from pressroom.mailing.subscriber import IN_ANY_NEWSROOM, Subscriber


class Reason(StrEnum):
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    REQUEST = "request"


class Suppression(Base):
    """`delivery_id` is the message that showed it, `bounce_id` what came back; None where a person asked, or for one
    that is older than these columns.
    """

    __tablename__ = "suppression"

    email_lookup: Mapped[bytes] = mapped_column(primary_key=True)
    reason: Mapped[Reason]
    at: Mapped[datetime]
    delivery_id: Mapped[int | None]
    bounce_id: Mapped[int | None]


def find(tx: Session, email_lookup: bytes) -> Suppression | None:
    return tx.get(Suppression, email_lookup)


def among(tx: Session, lookups: list[bytes]) -> set[bytes]:
    return set(tx.scalars(select(Suppression.email_lookup).where(Suppression.email_lookup.in_(lookups))))


def add(
    tx: Session,
    email_lookup: bytes,
    reason: Reason,
    *,
    now: datetime,
    delivery_id: int | None = None,
    bounce_id: int | None = None,
) -> None:
    """Also marks the address's subscriber rows, whose locks the senders hold while they decide.

    What a person said outweighs a bounce, which is easier to lift.
    """
    # Before the suppression itself, so that two at once wait for each other here.
    tx.execute(
        update(Subscriber)
        .where(IN_ANY_NEWSROOM, Subscriber.email_lookup == email_lookup, Subscriber.suppressed_at.is_(None))
        .values(suppressed_at=now)
    )
    found = find(tx, email_lookup)
    if found is None:
        tx.add(
            Suppression(email_lookup=email_lookup, reason=reason, at=now, delivery_id=delivery_id, bounce_id=bounce_id)
        )
    elif found.reason is Reason.BOUNCE and reason is not Reason.BOUNCE:
        found.reason, found.at, found.delivery_id, found.bounce_id = reason, now, delivery_id, bounce_id


def of_subscriber(
    tx: Session,
    subscriber_id: int,
    reason: Reason,
    *,
    now: datetime,
    delivery_id: int | None = None,
    bounce_id: int | None = None,
) -> None:
    lookup = tx.get_one(Subscriber, subscriber_id).email_lookup
    add(tx, lookup, reason, now=now, delivery_id=delivery_id, bounce_id=bounce_id)


def remove(tx: Session, found: Suppression) -> None:
    theirs = (IN_ANY_NEWSROOM, Subscriber.email_lookup == found.email_lookup)
    tx.execute(update(Subscriber).where(*theirs).values(suppressed_at=None))
    tx.delete(found)
