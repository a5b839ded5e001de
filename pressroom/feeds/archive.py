"""An archive: a part of a channel that is full, and has the same entries for ever (RFC 5005 §4)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.errors import NotFound
from pressroom.feeds.channel import Channel, Span


class Archive(Base):
    """Number 1 begins with the first release ever; each begins where the one before ends. `after` is None for the
    first. An entry belongs to the archive that its time lies in, whatever becomes of it.
    """

    __tablename__ = "feed_archive"
    __table_args__ = (UniqueConstraint("channel", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    channel: Mapped[str]
    newsroom_id: Mapped[int | None] = mapped_column(ForeignKey("newsroom.id"))
    number: Mapped[int]
    after: Mapped[datetime | None]
    until: Mapped[datetime]
    created_at: Mapped[datetime]

    @property
    def span(self) -> Span:
        return Span(self.after, self.until)


def key(channel: Channel) -> str:
    """What a channel is called in the table; it depends on no slug."""
    newsroom = str(channel.newsroom.id) if channel.newsroom else "all"
    return "/".join([newsroom, channel.language or "", str(channel.beat.id) if channel.beat else ""])


def newest(tx: Session, channel: Channel) -> Archive | None:
    query = select(Archive).where(Archive.channel == key(channel)).order_by(Archive.number.desc()).limit(1)
    return tx.scalars(query).one_or_none()


def numbered(tx: Session, channel: Channel, number: int) -> Archive:
    """Raises NotFound."""
    query = select(Archive).where(Archive.channel == key(channel), Archive.number == number)
    found = tx.scalars(query).one_or_none()
    if found is None:
        raise NotFound("This feed has no such archive.")
    return found


def count(tx: Session, channel: Channel) -> int:
    """How many archives a channel has; their numbers run from 1 to that."""
    last = newest(tx, channel)
    return last.number if last else 0
