"""Who may see a release, and from when: the one rule, in Python and as SQL.

Public if and only if now ≥ `public_from` and not retracted or removed. A page, feed, list, asset or mail that shows
a release asks here and nowhere else.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from pressroom.releases.beat import Beat, ReleaseBeat
from pressroom.releases.release import IS_TAKEN_BACK, Release
from pressroom.releases.translation import Translation


class Visibility(Enum):
    """RETRACTED and REMOVED are what the public may know of a release that once was public."""

    HIDDEN = "hidden"
    PUBLIC = "public"
    RETRACTED = "retracted"
    REMOVED = "removed"


def of_release(release: Release, now: datetime) -> Visibility:
    return _since(release, release.public_from, now)


def of_translation(release: Release, translation: Translation, now: datetime) -> Visibility:
    if not translation.publish or translation.revision_id is None or translation.public_from is None:
        return Visibility.HIDDEN
    return _since(release, max(translation.public_from, release.public_from or translation.public_from), now)


def _since(release: Release, began: datetime | None, now: datetime) -> Visibility:
    """What was taken back before it began never was public, and stays unknown."""
    taken_back = min((at for at in (release.retracted_at, release.removed_at) if at is not None), default=None)
    if began is None or release.public_from is None or now < began:
        return Visibility.HIDDEN
    if taken_back is None:
        return Visibility.PUBLIC
    if taken_back < began:
        return Visibility.HIDDEN
    return Visibility.REMOVED if release.removed_at is not None else Visibility.RETRACTED


def may_be_told_early(release: Release, translation: Translation) -> bool:
    """Whether accredited people may have this text under its embargo: it is scheduled as it stands, not taken back."""
    scheduled = release.public_from is not None and translation.public_from is not None
    taken_back = release.retracted_at is not None or release.removed_at is not None
    return scheduled and not taken_back and translation.publish and translation.revision_id is not None


def release_is_public(now: datetime) -> ColumnElement[bool]:
    return and_(Release.public_from <= now, Release.retracted_at.is_(None), Release.removed_at.is_(None))


def translation_is_public(now: datetime) -> ColumnElement[bool]:
    """For a query that joins Release and Translation."""
    return and_(
        release_is_public(now),
        Translation.publish.is_(True),
        Translation.revision_id.is_not(None),
        Translation.public_from <= now,
    )


def translation_was_public(now: datetime) -> ColumnElement[bool]:
    """Of what was taken back: whether anybody saw it before. For a query that joins Release and Translation."""
    taken_back = func.coalesce(Release.retracted_at, Release.removed_at)
    return and_(
        IS_TAKEN_BACK,
        Translation.publish.is_(True),
        Translation.revision_id.is_not(None),
        Release.public_from <= taken_back,
        Translation.public_from <= taken_back,
        taken_back <= now,
    )


def next_change(tx: Session, now: datetime, newsroom_id: int | None = None) -> datetime | None:
    """The next instant at which the clock alone changes what is public; None if there is none."""
    query = (
        select(func.min(Translation.public_from))
        .join(Release, Release.id == Translation.release_id)
        .where(
            Translation.public_from > now,
            Translation.publish.is_(True),
            Release.retracted_at.is_(None),
            Release.removed_at.is_(None),
        )
    )
    if newsroom_id is not None:
        query = query.where(Translation.newsroom_id == newsroom_id)
    return tx.execute(query).scalar_one()


def public_beats(tx: Session, newsroom_id: int, now: datetime) -> dict[str, Beat]:
    """By slug: those added on purpose, and those that something public carries, or something that was and of which
    readers are told that it was retracted. The name of another may tell of it.
    """
    retracted = and_(translation_was_public(now), Release.removed_at.is_(None))
    shown = or_(Beat.offered.is_(True), is_carried(translation_is_public(now)), is_carried(retracted))
    query = select(Beat).where(Beat.newsroom_id == newsroom_id, shown).order_by(Beat.slug)
    return {beat.slug: beat for beat in tx.scalars(query)}


def is_carried(shown: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a release with a translation that meets the condition carries a beat. For a query of Beat."""
    carried = (
        select(ReleaseBeat.beat_id)
        .join(Release, Release.id == ReleaseBeat.release_id)
        .join(Translation, Translation.release_id == Release.id)
        .where(ReleaseBeat.beat_id == Beat.id, shown)
    )
    return carried.correlate(Beat).exists()
