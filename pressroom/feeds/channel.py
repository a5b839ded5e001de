"""A channel: which releases stand in a list or feed, newest first. Every query asks visibility.

A channel in one language has an item per translation; one in all languages has an item per release, in the first of
the newsroom's languages that is out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from pressroom import languages
from pressroom.errors import NotFound
from pressroom.feeds import item as items
from pressroom.feeds.item import Item
from pressroom.feeds.notice import Row
from pressroom.releases import former_slug as former_slugs
from pressroom.releases import visibility
from pressroom.releases.beat import Beat, ReleaseBeat, in_newsroom
from pressroom.releases.correction import Correction, CorrectionChange
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility, translation_is_public, translation_was_public

_BEGINNING = datetime(2025, 1, 1, tzinfo=UTC)
_NOTHING = "There is nothing at this address."


@dataclass(frozen=True)
class Channel:
    """`newsroom` None is every newsroom of the site; `language` None is all languages."""

    newsroom: Newsroom | None = None
    language: str | None = None
    beat: Beat | None = None


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
    shown = and_(shown, span.covers(by))
    if not channel.language:
        return _one_per_release(tx, channel, shown, by, limit, skip)
    query = joined().where(shown, *conditions(channel))
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
    query = (
        select(by)
        .select_from(Translation)
        .join(Release, Release.id == Translation.release_id)
        .join(Newsroom, Newsroom.id == Translation.newsroom_id)
        .where(shown, span.covers(by), *conditions(channel))
        .order_by(by)
        .limit(limit)
    )
    if not channel.language:
        query = query.group_by(Translation.release_id, by)
    return [moment for moment in tx.scalars(query) if moment is not None]


def began(channel: Channel) -> InstrumentedAttribute[datetime | None]:
    """The time from which a channel has a release."""
    return Translation.public_from if channel.language else Release.public_from


def updated(tx: Session, channel: Channel, now: datetime) -> datetime:
    """When the channel last changed: an item came, was corrected, or was taken back."""
    public = translation_is_public(now)
    changed = select(CorrectionChange.correction_id).where(
        CorrectionChange.correction_id == Correction.id, CorrectionChange.translation_id == Translation.id
    )
    said_again = and_(public, Correction.at <= now, or_(Correction.minor.is_(False), changed.exists()))
    changes = (
        _last(tx, channel, Translation.updated_at, public),
        _last(tx, channel, Correction.at, said_again),
        _last(tx, channel, Release.retracted_at, translation_was_public(now)),
        # Removed, or a name was taken out of what was retracted before.
        _last(tx, channel, Translation.updated_at, translation_was_public(now)),
    )
    since = channel.newsroom.created_at if channel.newsroom else _BEGINNING
    return max((moment for moment in changes if moment is not None), default=since)


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
    query = (
        select(Translation.language, ReleaseBeat.beat_id)
        .join(Release, Release.id == Translation.release_id)
        .join(ReleaseBeat, ReleaseBeat.release_id == Release.id)
        .where(translation_is_public(now), *conditions(Channel(newsroom)))
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


def joined() -> Select[Newsroom, Release, Translation, Revision]:
    return (
        select(Newsroom, Release, Translation, Revision)
        .select_from(Translation)
        .join(Release, Release.id == Translation.release_id)
        .join(Newsroom, Newsroom.id == Translation.newsroom_id)
        .join(Revision, Revision.id == Translation.revision_id)
    )


def conditions(channel: Channel) -> list[ColumnElement[bool]]:
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


def _one_per_release(
    tx: Session,
    channel: Channel,
    shown: ColumnElement[bool],
    by: InstrumentedAttribute[datetime | None],
    limit: int | None,
    skip: int,
) -> list[Row]:
    newest = (
        select(Translation.release_id)
        .join(Release, Release.id == Translation.release_id)
        .join(Newsroom, Newsroom.id == Translation.newsroom_id)
        .where(shown, *conditions(channel))
        .group_by(Translation.release_id, by)
        .order_by(by.desc(), Translation.release_id)
        .limit(limit)
        .offset(skip)
    )
    by_release = of_releases(tx, list(tx.scalars(newest)), shown)
    return [best_of(found[0][0], found) for found in by_release.values() if found]


def of_releases(tx: Session, release_ids: Sequence[str], shown: ColumnElement[bool]) -> dict[str, list[Row]]:
    """By release, in the order given, the rows that meet the condition."""
    by_release: dict[str, list[Row]] = {release_id: [] for release_id in release_ids}
    for one in tx.execute(joined().where(Translation.release_id.in_(release_ids), shown)):
        by_release[one[1].id].append((one[0], one[1], one[2], one[3]))
    return by_release


def _last(
    tx: Session, channel: Channel, moment: InstrumentedAttribute[datetime | None], condition: ColumnElement[bool]
) -> datetime | None:
    query = (
        select(func.max(moment))
        .select_from(Translation)
        .join(Release, Release.id == Translation.release_id)
        .where(condition, *conditions(channel))
    )
    if moment.class_ is Correction:
        query = query.join(Correction, Correction.release_id == Release.id)
    return tx.execute(query).scalar_one()
