"""A watermark: up to which change of a newsroom everybody who asked has been told, or is about to be."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id
from pressroom.releases.newsroom import Newsroom


class Watermark(Base):
    """`generation` is the newsroom's; `lifts_at` the next instant at which the clock alone changes what is public."""

    __tablename__ = "watermark"

    newsroom_id: Mapped[int] = mapped_column(Id, ForeignKey("newsroom.id"), primary_key=True, autoincrement=False)
    generation: Mapped[int]
    lifts_at: Mapped[datetime | None]


class Pinged(Base):
    """What a hub elsewhere was told last of a feed: the hash of its bytes."""

    __tablename__ = "pinged"

    topic: Mapped[str] = mapped_column(primary_key=True)
    etag: Mapped[str]


def overtaken(tx: Session, now: datetime) -> list[Newsroom]:
    """The newsrooms that have changed since, by an act or by the clock."""
    query = (
        select(Newsroom)
        .outerjoin(Watermark, Watermark.newsroom_id == Newsroom.id)
        .where(
            or_(
                Watermark.newsroom_id.is_(None),
                Watermark.generation != Newsroom.generation,
                Watermark.lifts_at <= now,
            )
        )
        .order_by(Newsroom.id)
    )
    return list(tx.scalars(query))
