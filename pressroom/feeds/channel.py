"""A channel: which releases stand in a list or feed, newest first. Every query asks visibility.

A channel in one language has an item per translation; one in all languages has an item per release, in the first of
the newsroom's languages that is out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from pressroom import languages
from pressroom.errors import NotFound
from pressroom.feeds import item as items
from pressroom.feeds.item import Item
from pressroom.feeds.notice import Row
from pressroom.query_plan import unindexed
from pressroom.releases import former_slug as former_slugs
from pressroom.releases import visibility
from pressroom.releases.beat import Beat, ReleaseBeat
from pressroom.releases.change import PublicChange
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import IS_TAKEN_BACK, Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility, translation_is_public

_T = TypeVar("_T")
_BEGINNING = datetime(2025, 1, 1, tzinfo=UTC)
_MANY = 500
_NOTHING = "There is nothing at this address."


@dataclass(frozen=True)
class Channel:
    """`newsroom` None is every newsroom of the site; `language` None is all languages."""

    newsroom: Newsroom | None = None
    language: str | None = None
    beat: Beat | None = None

    @property
    def founded(self) -> datetime:
        return self.newsroom.created_at if self.newsroom else _BEGINNING


@dataclass(frozen=True)
class Span:
    """A stretch of time: after `after`, or from the beginning, to `until` and with it, or without an end."""

    after: datetime | None = None
    until: datetime | None = None

    def covers(self, moment: InstrumentedAttribute[datetime | None]) -> ColumnElement[bool]:
        after = moment > self.after if self.after is not None else true()
        return and_(after, moment <= self.until if self.until is not None else true())


ALWAYS = Span()


@dataclass(frozen=True)
class Found:
    """What stands at an address. `item` is None for what was removed, of which nothing may be shown. `moved_to` is the
    slug of what is public at another address now, because this one named somebody.
    """

    seen: Visibility
    item: Item | None
    moved_to: str | None = None
    translation_id: str | None = None


def latest(tx: Session, channel: Channel, now: datetime, *, limit: int = 50, skip: int = 0) -> list[Item]:
    """The items that are public at `now`."""
    return items.load(tx, rows(tx, channel, translation_is_public(now), limit=limit, skip=skip), now)


def holding(tx: Session, channel: Channel, words: Sequence[str], now: datetime, *, limit: int) -> list[Item]:
    """The items of a channel in one language whose headline, subtitle or text holds each of the folded words."""
    wanted = (Revision.folded.contains(word, autoescape=True) for word in words)
    return items.load(tx, rows(tx, channel, and_(translation_is_public(now), *wanted), limit=limit), now)


def rows(
    tx: Session,
    channel: Channel,
    shown: ColumnElement[bool],
    *,
    limit: int | None,
    skip: int = 0,
    by: InstrumentedAttribute[datetime | None] | None = None,
    span: Span = ALWAYS,
) -> list[Row]:
    """The newest of what meets a condition on Newsroom, Release and Translation.

    `by` is a time of the release, by default the one from which the channel has it; `span` is of that time.
    """
    by = by or began(channel)
    if not channel.language:
        newest = _releases(channel, shown, by, span, Release.id).order_by(by.desc(), Release.id)
        by_release = of_releases(tx, list(tx.scalars(newest.limit(limit).offset(skip))), shown)
        return [best_of(found[0][0], found) for found in by_release.values() if found]
    query = joined().where(shown, span.covers(by), *_own(tx, channel, by))
    query = query.order_by(by.desc(), Translation.id).limit(limit).offset(skip)
    return [(one[0], one[1], one[2], one[3]) for one in tx.execute(query)]


def moments(
    tx: Session,
    channel: Channel,
    shown: ColumnElement[bool],
    *,
    limit: int,
    span: Span,
    by: InstrumentedAttribute[datetime | None] | None = None,
) -> list[datetime]:
    """The times of what `rows` would find, but the earliest, and first."""
    by = by or began(channel)
    if channel.language:
        query = (
            select(by)
            .select_from(Translation)
            .join(Release, Release.id == Translation.release_id)
            .join(Newsroom, Newsroom.id == Translation.newsroom_id)
            .where(shown, span.covers(by), *_own(tx, channel, by))
        )
    else:
        query = _releases(channel, shown, by, span, by)
    return [moment for moment in tx.scalars(query.order_by(by).limit(limit)) if moment is not None]


def began(channel: Channel) -> InstrumentedAttribute[datetime | None]:
    """The time from which a channel has a release."""
    return Translation.public_from if channel.language else Release.public_from


def updated(tx: Session, newsroom: Newsroom | None, now: datetime) -> datetime:
    """When something public of a newsroom, None being the site, last changed."""
    last = (
        select(func.max(PublicChange.public_from))
        .where(PublicChange.newsroom_id == Newsroom.id, PublicChange.public_from <= now)
        .correlate(Newsroom)
        .scalar_subquery()
    )
    query = select(func.coalesce(last, Newsroom.created_at, type_=Newsroom.created_at.type))
    if newsroom is not None:
        query = query.where(Newsroom.id == newsroom.id)
    return max(tx.scalars(query), default=_BEGINNING)


def by_slug(tx: Session, newsroom: Newsroom, language: str, slug: str, now: datetime) -> Found:
    """One translation that is, or was, public at its address. Raises NotFound for all else."""
    at_address = (
        Translation.newsroom_id == newsroom.id,
        Translation.language == language,
        Translation.slug == slug,
    )
    translation = tx.scalars(select(Translation).where(*at_address)).one_or_none()
    moved = None
    if translation is None:
        former = former_slugs.translation_at(tx, newsroom.id, language, slug)
        translation = tx.get(Translation, former) if former else None
        moved = translation.slug if translation else None
    if translation is None:
        raise NotFound(_NOTHING)
    return of_translation(tx, translation, now, moved_to=moved)


def of_translation(tx: Session, translation: Translation, now: datetime, *, moved_to: str | None = None) -> Found:
    """What the public may know of a translation. Raises NotFound where that is nothing."""
    seen = visibility.of_translation(tx.get_one(Release, translation.release_id), translation, now)
    if seen is Visibility.HIDDEN:
        raise NotFound(_NOTHING)
    if seen is Visibility.REMOVED:
        return Found(seen, None, translation_id=translation.id)
    one = tx.execute(joined().where(Translation.id == translation.id)).one()
    item = items.load(tx, [(one[0], one[1], one[2], one[3])], now)[0]
    return Found(seen, item, moved_to if seen is Visibility.PUBLIC else None, translation.id)


def of_site(everyone: Sequence[Newsroom]) -> list[Channel]:
    """Those of all newsrooms together, the widest first."""
    spoken = dict.fromkeys(tag for newsroom in everyone for tag in newsroom.languages)
    return [Channel(), *(Channel(language=tag) for tag in spoken)]


def of_newsroom(tx: Session, newsroom: Newsroom, now: datetime) -> list[Channel]:
    """Those that stand at an address, the widest first; of beats also where nothing carries them in a language."""
    beats = (None, *visibility.public_beats(tx, newsroom.id, now).values())
    return [Channel(newsroom), *(Channel(newsroom, tag, beat) for beat in beats for tag in newsroom.languages)]


def beats_of(tx: Session, newsroom: Newsroom, now: datetime) -> dict[str, list[Beat]]:
    """By language, the beats that something public carries."""
    own = select(Beat).where(Beat.newsroom_id == newsroom.id).order_by(Beat.slug)

    def carried(tag: str) -> ColumnElement[bool]:
        return visibility.is_carried(and_(translation_is_public(now), unindexed(Translation.language) == tag))

    return {tag: list(tx.scalars(own.where(carried(tag)))) for tag in newsroom.languages}


def best_of(newsroom: Newsroom, found: Sequence[Row]) -> Row:
    """Of one release's rows, the one in the first of the newsroom's languages."""
    by_language = {row[2].language: row for row in found}
    best = languages.best((), sorted(by_language), newsroom.languages)
    return by_language[best or min(by_language)]


def joined() -> Select[Newsroom, Release, Translation, Revision]:
    return (
        select(Newsroom, Release, Translation, Revision)
        .select_from(Translation)
        .join(Release, Release.id == Translation.release_id)
        .join(Newsroom, Newsroom.id == Translation.newsroom_id)
        .join(Revision, Revision.id == Translation.revision_id)
    )


def conditions(tx: Session, channel: Channel) -> list[ColumnElement[bool]]:
    """For a query of Release and Translation that takes the newest translations, or all."""
    if channel.beat is not None and _is_rare(tx, channel.beat):
        carried = select(ReleaseBeat.release_id).where(ReleaseBeat.beat_id == channel.beat.id)
        return [Translation.release_id.in_(carried), *among_few(replace(channel, beat=None))]
    found = _carries_beat(channel)
    if channel.newsroom:
        found.append(Translation.newsroom_id == channel.newsroom.id)
    if channel.language:
        found.append(Translation.language == channel.language)
    return found


def _is_rare(tx: Session, beat: Beat) -> bool:
    """Whether a query had better begin at what carries the beat than at what is new."""
    some = select(ReleaseBeat.release_id).where(ReleaseBeat.beat_id == beat.id).limit(_MANY).subquery()
    return tx.execute(select(func.count()).select_from(some)).scalar_one() < _MANY


def among_taken_back(channel: Channel) -> list[ColumnElement[bool]]:
    """For a query of Release and Translation that begins at what was taken back, which is little."""
    whole_site = Release.newsroom_id.in_(select(Newsroom.id))
    whose = Release.newsroom_id == channel.newsroom.id if channel.newsroom else whole_site
    return [IS_TAKEN_BACK, whose, *among_few(replace(channel, newsroom=None))]


def among_few(channel: Channel) -> list[ColumnElement[bool]]:
    """For a query of Release and Translation that begins at a few rows."""
    found: list[ColumnElement[bool]] = []
    if channel.newsroom:
        found.append(unindexed(Release.newsroom_id) == channel.newsroom.id)
    if channel.language:
        found.append(unindexed(Translation.language) == channel.language)
    return [*found, *_carries_beat(channel)]


def _carries_beat(channel: Channel) -> list[ColumnElement[bool]]:
    if channel.beat is None:
        return []
    own = ReleaseBeat.release_id == Release.id, ReleaseBeat.beat_id == channel.beat.id
    return [select(ReleaseBeat.beat_id).where(*own).correlate(Release).exists()]


def _own(tx: Session, channel: Channel, by: InstrumentedAttribute[datetime | None]) -> list[ColumnElement[bool]]:
    return among_taken_back(channel) if by is Release.retracted_at else conditions(tx, channel)


def _releases(
    channel: Channel,
    shown: ColumnElement[bool],
    by: InstrumentedAttribute[datetime | None],
    span: Span,
    wanted: InstrumentedAttribute[_T],
) -> Select[_T]:
    """Of the releases of which a translation meets the condition. For channels without a language."""
    has_one = select(Translation.id).where(Translation.release_id == Release.id, shown).correlate(Release, Newsroom)
    query = (
        select(wanted)
        .join(Newsroom, Newsroom.id == Release.newsroom_id)
        .where(by > _BEGINNING, span.covers(by), has_one.exists(), *_carries_beat(channel))
    )
    if by is Release.retracted_at:
        query = query.where(IS_TAKEN_BACK)
    return query.where(Release.newsroom_id == channel.newsroom.id) if channel.newsroom else query


def of_releases(tx: Session, release_ids: Sequence[str], shown: ColumnElement[bool]) -> dict[str, list[Row]]:
    """By release, in the order given, the rows that meet the condition."""
    by_release: dict[str, list[Row]] = {release_id: [] for release_id in release_ids}
    for one in tx.execute(joined().where(Translation.release_id.in_(release_ids), shown)):
        by_release[one[1].id].append((one[0], one[1], one[2], one[3]))
    return by_release
