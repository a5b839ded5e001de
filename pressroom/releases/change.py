"""A public change: in one translation something came, was corrected, was taken back, or else looks otherwise since.

`number` counts them for each newsroom, under the lock of its row, so that numbers are given in the order of commits
and none comes behind one that somebody has read. What waits for its time has its number already: readers see it from
`public_from` on, and nothing of it before. Nothing is kept here of what is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, case, func, insert, literal, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import translation as translations
from pressroom.releases import visibility
from pressroom.releases.beat import ReleaseBeat
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility

# An act that has to wait for its turn commits later than its `now`, and what lifts meanwhile may have been read.
REACH = timedelta(minutes=1)


class Kind(StrEnum):
    """UPDATE is all that is no act on this text: another language came out, a beat has another name."""

    PUBLICATION = "publication"
    CORRECTION = "correction"
    RETRACTION = "retraction"
    REMOVAL = "removal"
    UPDATE = "update"


class PublicChange(Base):
    """In one translation. Read in the order of `public_from`, then of `number` (feeds/changes.py)."""

    __tablename__ = "public_change"
    __table_args__ = (Index("ix_public_change_order", "newsroom_id", "public_from", "number"),)

    newsroom_id: Mapped[int] = mapped_column(ForeignKey("newsroom.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    translation_id: Mapped[str] = mapped_column(ForeignKey("translation.id"), index=True)
    kind: Mapped[Kind]
    public_from: Mapped[datetime]


def append(tx: Session, newsroom_id: int, kind: Kind, changed: Iterable[Translation], *, now: datetime) -> None:
    """For each of these, seen from `now` on, and never before it is public itself."""
    moments = [(one.id, max(now, one.public_from or now)) for one in changed]
    _number(tx, newsroom_id, kind, moments)


def _number(tx: Session, newsroom_id: int, kind: Kind, moments: Iterable[tuple[str, datetime]]) -> None:
    newsroom = newsrooms.locked(tx, newsroom_id)
    for translation_id, began in moments:
        newsroom.last_change += 1
        tx.add(
            PublicChange(
                newsroom_id=newsroom_id,
                number=newsroom.last_change,
                translation_id=translation_id,
                kind=kind,
                public_from=began,
            )
        )
    tx.flush()


def of_release(
    tx: Session, release: Release, kind: Kind, *, now: datetime, only: Collection[str] | None = None
) -> None:
    """In each translation, or in `only` those with these ids, that readers have or may have before this commits."""
    found = [
        one
        for _, one in sorted(translations.of_release(tx, release.id).items())
        if (only is None or one.id in only)
        and visibility.of_translation(release, one, now + REACH) is not Visibility.HIDDEN
    ]
    append(tx, release.newsroom_id, kind, found, now=now)


def of_newsroom(tx: Session, newsroom: Newsroom, *, now: datetime, beats: Collection[int] | None = None) -> None:
    """An UPDATE of all that is public of a newsroom, or that carries one of these beats."""
    newsrooms.locked(tx, newsroom.id)
    seen: ColumnElement[bool] = or_(
        visibility.translation_is_public(now + REACH), visibility.translation_was_public(now + REACH)
    )
    number = literal(newsroom.last_change) + func.row_number().over(order_by=(Translation.public_from, Translation.id))
    began = case(
        (Translation.public_from > now, Translation.public_from), else_=literal(now, PublicChange.public_from.type)
    )
    query = (
        select(Translation.newsroom_id, number, Translation.id, literal(Kind.UPDATE.value), began)
        .join(Release, Release.id == Translation.release_id)
        .where(Translation.newsroom_id == newsroom.id, seen)
    )
    if beats is not None:
        carried = select(ReleaseBeat.release_id).where(ReleaseBeat.beat_id.in_(beats))
        query = query.where(Translation.release_id.in_(carried))
    columns = ["newsroom_id", "number", "translation_id", "kind", "public_from"]
    tx.execute(insert(PublicChange).from_select(columns, query))
    last = select(func.coalesce(func.max(PublicChange.number), 0)).where(PublicChange.newsroom_id == newsroom.id)
    newsroom.last_change = max(newsroom.last_change, tx.execute(last).scalar_one())


def recall(tx: Session, release: Release, *, now: datetime, renewed: Collection[str] = ()) -> None:
    """After an act on what waits for its time: nobody is told what no longer comes. `renewed` are translations whose
    changes are appended anew.

    What lifts so soon that somebody may read it before this commits is followed by a REMOVAL, unless it comes earlier
    now, so that nobody keeps what we do not show.
    """
    known = {one.id: one for one in translations.of_release(tx, release.id).values()}
    query = select(PublicChange).where(PublicChange.translation_id.in_(known), PublicChange.public_from > now)
    gone = []
    for one in tx.scalars(query).all():
        seen = visibility.of_translation(release, known[one.translation_id], one.public_from)
        if one.kind is Kind.REMOVAL or (seen is not Visibility.HIDDEN and one.translation_id not in renewed):
            continue
        tx.delete(one)
        if seen is Visibility.HIDDEN and one.public_from <= now + REACH:
            gone.append((one.translation_id, one.public_from))
    tx.flush()
    _number(tx, release.newsroom_id, Kind.REMOVAL, gone)
