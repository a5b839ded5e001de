"""A channel: which releases stand in a list or feed, newest first. Every query asks visibility.

A channel in one language has an item per translation; one in all languages has an item per release, in the first of
the newsroom's languages that is out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from pressroom import languages
from pressroom.errors import NotFound
from pressroom.feeds import item as items
from pressroom.feeds.item import Item, Row
from pressroom.releases.beat import Beat, ReleaseBeat, in_newsroom
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility, of_translation, translation_is_public

_BEGINNING = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Channel:
    """`newsroom` None is every newsroom of the site; `language` None is all languages."""

    newsroom: Newsroom | None = None
    language: str | None = None
    beat: Beat | None = None


def latest(tx: Session, channel: Channel, now: datetime, *, limit: int = 50, skip: int = 0) -> list[Item]:
    """The items that are public at `now`."""
    if channel.language:
        query = _rows().where(translation_is_public(now), *_conditions(channel))
        query = query.order_by(Translation.public_from.desc(), Translation.id).limit(limit).offset(skip)
        rows = [(one[0], one[1], one[2], one[3]) for one in tx.execute(query)]
    else:
        rows = _one_per_release(tx, channel, now, limit, skip)
    return items.load(tx, rows, now)


def updated(tx: Session, channel: Channel, now: datetime) -> datetime:
    """When the channel last changed: an item came, changed significantly, or was taken back."""
    came = (
        select(func.max(Translation.updated_at))
        .join(Release, Release.id == Translation.release_id)
        .where(translation_is_public(now), *_conditions(channel))
    )
    went = (
        select(func.max(Release.retracted_at))
        .join(Translation, Release.id == Translation.release_id)
        .where(Translation.public_from <= Release.retracted_at, Release.retracted_at <= now, *_conditions(channel))
    )
    moments = (tx.execute(came).scalar_one(), tx.execute(went).scalar_one())
    began = channel.newsroom.created_at if channel.newsroom else _BEGINNING
    return max((moment for moment in moments if moment is not None), default=began)


def by_slug(tx: Session, newsroom: Newsroom, language: str, slug: str, now: datetime) -> tuple[Item, Visibility]:
    """One translation that is, or was, public at its address. Raises NotFound for all else."""
    at_address = (
        Translation.newsroom_id == newsroom.id,
        Translation.language == language,
        Translation.slug == slug,
    )
    found = tx.execute(_rows().where(*at_address)).one_or_none()
    if found is None or (seen := of_translation(found[1], found[2], now)) is Visibility.HIDDEN:
        raise NotFound("There is nothing at this address.")
    return items.load(tx, [(found[0], found[1], found[2], found[3])], now)[0], seen


def beats_of(tx: Session, newsroom: Newsroom, now: datetime) -> dict[str, list[Beat]]:
    """By language, the beats that something public carries."""
    query = (
        select(Translation.language, ReleaseBeat.beat_id)
        .join(Release, Release.id == Translation.release_id)
        .join(ReleaseBeat, ReleaseBeat.release_id == Release.id)
        .where(translation_is_public(now), *_conditions(Channel(newsroom)))
        .distinct()
    )
    carried = {(tag, beat_id) for tag, beat_id in tx.execute(query)}
    beats = in_newsroom(tx, newsroom.id).values()
    return {tag: [beat for beat in beats if (tag, beat.id) in carried] for tag in newsroom.languages}


def best_of(newsroom: Newsroom, found: Sequence[Row]) -> Row:
    """Of one release's rows, the one in the first of the newsroom's languages."""
    by_language = {row[2].language: row for row in found}
    best = languages.best((), sorted(by_language), newsroom.languages)
    return by_language[best or min(by_language)]


def _rows() -> Select[Newsroom, Release, Translation, Revision]:
    return (
        select(Newsroom, Release, Translation, Revision)
        .select_from(Translation)
        .join(Release, Release.id == Translation.release_id)
        .join(Newsroom, Newsroom.id == Translation.newsroom_id)
        .join(Revision, Revision.id == Translation.revision_id)
    )


def _conditions(channel: Channel) -> list[ColumnElement[bool]]:
    """For a query that joins Release and Translation."""
    conditions: list[ColumnElement[bool]] = []
    if channel.newsroom:
        conditions.append(Translation.newsroom_id == channel.newsroom.id)
    if channel.language:
        conditions.append(Translation.language == channel.language)
    if channel.beat:
        carried = select(ReleaseBeat.release_id).where(ReleaseBeat.beat_id == channel.beat.id)
        conditions.append(Translation.release_id.in_(carried))
    return conditions


def _one_per_release(tx: Session, channel: Channel, now: datetime, limit: int, skip: int) -> list[Row]:
    newest = (
        select(Translation.release_id)
        .join(Release, Release.id == Translation.release_id)
        .where(translation_is_public(now), *_conditions(channel))
        .group_by(Translation.release_id, Release.public_from)
        .order_by(Release.public_from.desc(), Translation.release_id)
        .limit(limit)
        .offset(skip)
    )
    order = list(tx.scalars(newest))
    by_release: dict[str, list[Row]] = {release_id: [] for release_id in order}
    for one in tx.execute(_rows().where(Translation.release_id.in_(order), translation_is_public(now))):
        by_release[one[1].id].append((one[0], one[1], one[2], one[3]))
    return [best_of(found[0][0], found) for found in by_release.values() if found]
