"""A subscriber: a journalist, with sealed address and names, languages in order, beats, and proof of consent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.mailing import address
from pressroom.query_plan import partial
from pressroom.releases.newsroom import Newsroom
from pressroom.seal import Keyring


class Frequency(StrEnum):
    """How often somebody is told of releases: each at once, or all of a day or week in one digest."""

    IMMEDIATE = "immediate"
    DAILY = "daily"
    WEEKLY = "weekly"


class Subscriber(Base):
    """Written to only if confirmed, not left and not suppressed.

    `suppressed_at` repeats the suppression table, so that one locked row decides at the moment of sending. With
    `accredited_at` somebody gets what is under embargo. `wait_hours` is how long they would rather wait for their first
    language than get another. Until `paused_until` no release is announced to them, and what waited for a digest before
    it stays away too.
    """

    __tablename__ = "subscriber"
    __table_args__ = (
        UniqueConstraint("newsroom_id", "email_lookup"),
        Index("ix_subscriber_suppressed", "newsroom_id", **partial("suppressed_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    newsroom_id: Mapped[int] = mapped_column(ForeignKey("newsroom.id"))
    email_sealed: Mapped[bytes]
    email_lookup: Mapped[bytes]
    name_sealed: Mapped[bytes | None]
    outlet_sealed: Mapped[bytes | None]
    languages: Mapped[list[str]]
    consent_text: Mapped[str]
    consent_language: Mapped[str | None]
    consent_source: Mapped[str]
    consent_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    suppressed_at: Mapped[datetime | None]
    accredited_at: Mapped[datetime | None]
    wait_hours: Mapped[int] = mapped_column(default=0)
    frequency: Mapped[Frequency] = mapped_column(default=Frequency.IMMEDIATE)
    paused_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


# To be asked beside a look-up hash that may stand in any of them, for the index of hashes begins with the newsroom. One
# of hashes alone would cost an import a sixth of its time.
IN_ANY_NEWSROOM = Subscriber.newsroom_id.in_(select(Newsroom.id))


class SubscriberBeat(Base):
    """The beats a subscriber follows; none means all."""

    __tablename__ = "subscriber_beat"

    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    beat_id: Mapped[int] = mapped_column(ForeignKey("beat.id"), primary_key=True, index=True)


@dataclass(frozen=True)
class Person:
    """A subscriber's open particulars; only where they are needed, never logged."""

    email: str
    name: str
    outlet: str


def lookup(keyring: Keyring, email: str) -> bytes:
    """The same for every newsroom, so that one suppression covers the site."""
    return keyring.lookup("email", address.normal(email))


def seal(keyring: Keyring, subscriber_id: int, person: Person) -> dict[str, bytes | None]:
    """The sealed columns for a row with this id."""

    def column(name: str, value: str) -> bytes | None:
        return keyring.seal(value, "subscriber", name, subscriber_id) if value else None

    return {
        "email_sealed": keyring.seal(person.email, "subscriber", "email", subscriber_id),
        "email_lookup": lookup(keyring, person.email),
        "name_sealed": column("name", person.name),
        "outlet_sealed": column("outlet", person.outlet),
    }


def open_(keyring: Keyring, subscriber: Subscriber) -> Person:
    def column(name: str, value: bytes | None) -> str:
        return keyring.open(value, "subscriber", name, subscriber.id) if value else ""

    return Person(
        keyring.open(subscriber.email_sealed, "subscriber", "email", subscriber.id),
        column("name", subscriber.name_sealed),
        column("outlet", subscriber.outlet_sealed),
    )


def find(tx: Session, newsroom_id: int, email_lookup: bytes) -> Subscriber | None:
    query = select(Subscriber).where(Subscriber.newsroom_id == newsroom_id, Subscriber.email_lookup == email_lookup)
    return tx.scalars(query).one_or_none()


def set_beats(tx: Session, subscriber_id: int, beat_ids: Iterable[int]) -> None:
    tx.execute(delete(SubscriberBeat).where(SubscriberBeat.subscriber_id == subscriber_id))
    tx.add_all(SubscriberBeat(subscriber_id=subscriber_id, beat_id=beat_id) for beat_id in sorted(set(beat_ids)))


def beats_of(tx: Session, subscriber_id: int) -> set[int]:
    query = select(SubscriberBeat.beat_id).where(SubscriberBeat.subscriber_id == subscriber_id)
    return set(tx.scalars(query))
