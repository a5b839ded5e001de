"""A beat: a subject that releases carry and journalists follow."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id

MEDIA_TOPICS = "http://cv.iptc.org/newscodes/mediatopic/"


class Beat(Base):
    """`offered` is True for one that somebody added on purpose; one that only a push named is not to be seen before a
    release that carries it is (visibility.py). `topic` is an IPTC Media Topic, such as `medtop:06000000`.
    """

    __tablename__ = "beat"
    __table_args__ = (UniqueConstraint("newsroom_id", "slug"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    newsroom_id: Mapped[int] = mapped_column(ForeignKey("newsroom.id"))
    slug: Mapped[str]
    names: Mapped[dict[str, str]]
    topic: Mapped[str | None]
    offered: Mapped[bool] = mapped_column(default=False)

    @property
    def topic_code(self) -> str | None:
        """The code alone, as it stands behind MEDIA_TOPICS in the topic's address."""
        return self.topic.partition(":")[2] if self.topic else None


class ReleaseBeat(Base):
    __tablename__ = "release_beat"

    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), primary_key=True)
    beat_id: Mapped[int] = mapped_column(ForeignKey("beat.id"), primary_key=True, index=True)


def in_newsroom(tx: Session, newsroom_id: int) -> dict[str, Beat]:
    """By slug."""
    return {
        beat.slug: beat for beat in tx.scalars(select(Beat).where(Beat.newsroom_id == newsroom_id).order_by(Beat.slug))
    }


def of_release(tx: Session, release_id: str) -> list[Beat]:
    query = select(Beat).join(ReleaseBeat, ReleaseBeat.beat_id == Beat.id).where(ReleaseBeat.release_id == release_id)
    return list(tx.scalars(query.order_by(Beat.slug)))


def is_topic(text: str) -> bool:
    """Whether it is written as a Media Topic; whether IPTC gave it out nobody here can tell."""
    return re.fullmatch(r"medtop:[0-9]{8}", text) is not None


def ensure(tx: Session, newsroom_id: int, slugs: Iterable[str]) -> list[Beat]:
    """The beats with these slugs, made where they are new; a new one is named after its slug until it is renamed."""
    known = in_newsroom(tx, newsroom_id)
    for slug in slugs:
        if slug not in known:
            known[slug] = Beat(
                id=new_id(), newsroom_id=newsroom_id, slug=slug, names={"en": slug.replace("-", " ").capitalize()}
            )
            tx.add(known[slug])
    tx.flush()
    return [known[slug] for slug in slugs]
