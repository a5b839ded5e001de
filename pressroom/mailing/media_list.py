"""A media list: a named list of subscribers to whom releases are mailed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.errors import NotFound
from pressroom.mailing.subscriber import Subscriber


class MediaList(Base):
    __tablename__ = "media_list"
    __table_args__ = (UniqueConstraint("newsroom_id", "slug"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    newsroom_id: Mapped[int] = mapped_column(ForeignKey("newsroom.id"))
    slug: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime]


class ListMember(Base):
    __tablename__ = "list_member"

    list_id: Mapped[int] = mapped_column(ForeignKey("media_list.id"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True, index=True)


def by_slug(tx: Session, newsroom_id: int, slug: str) -> MediaList:
    """Raises NotFound."""
    found = tx.scalars(
        select(MediaList).where(MediaList.newsroom_id == newsroom_id, MediaList.slug == slug)
    ).one_or_none()
    if found is None:
        raise NotFound(f"There is no media list “{slug}” in this newsroom; add it with `pressroom list add {slug}`.")
    return found


def by_slugs(tx: Session, newsroom_id: int, slugs: Iterable[str]) -> list[MediaList]:
    return [by_slug(tx, newsroom_id, slug) for slug in dict.fromkeys(slugs)]


def of_newsroom(tx: Session, newsroom_id: int) -> list[MediaList]:
    return list(tx.scalars(select(MediaList).where(MediaList.newsroom_id == newsroom_id).order_by(MediaList.slug)))


def reachable(tx: Session, list_ids: Sequence[int]) -> int:
    """How many people would be written to: confirmed, not left, not suppressed, each once."""
    query = (
        select(func.count(func.distinct(ListMember.subscriber_id)))
        .join(Subscriber, Subscriber.id == ListMember.subscriber_id)
        .where(
            ListMember.list_id.in_(list_ids),
            Subscriber.confirmed_at.is_not(None),
            Subscriber.left_at.is_(None),
            Subscriber.suppressed_at.is_(None),
        )
    )
    return tx.execute(query).scalar_one()
