"""What stands in a feed: the newest entries, notices among them, and what is gone. Every query asks visibility."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from pressroom.feeds import channel as channels
from pressroom.feeds import item as items
from pressroom.feeds.channel import ALWAYS, Channel, Span
from pressroom.feeds.entry import Entry, Tombstone, notice_urn
from pressroom.feeds.notice import Row
from pressroom.query_plan import unindexed
from pressroom.releases import correction as corrections
from pressroom.releases import visibility
from pressroom.releases.correction import Correction
from pressroom.releases.newsroom import Newsroom, NoticeStyle
from pressroom.releases.release import Release
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility, translation_is_public, translation_was_public


@dataclass(frozen=True)
class Contents:
    """`tombstones` are of what was public in the feed and was taken back, the newest first."""

    entries: Sequence[Entry]
    tombstones: Sequence[Tombstone] = ()

    @property
    def updated(self) -> datetime | None:
        """When the latest of it changed; None if there is nothing."""
        changes = [*(one.updated for one in self.entries), *(one.when for one in self.tombstones)]
        return max(changes, default=None)


def contents(tx: Session, channel: Channel, now: datetime, *, limit: int = 50) -> Contents:
    """At most `limit` entries, of which each release, correction and retraction has one, and as many tombstones."""
    newest = dated(tx, channel, now, limit=limit)[:limit]
    return Contents([entry for _, entry in newest], _tombstones(tx, channel, now, limit=limit))


def archived(tx: Session, channel: Channel, now: datetime, span: Span) -> Contents:
    """All entries whose time lies in a span, as they are now, and what is gone of the releases that began in it."""
    found = dated(tx, channel, now, span=span)
    return Contents([entry for _, entry in found], _tombstones(tx, channel, now, limit=None, span=span))


def dated(
    tx: Session, channel: Channel, now: datetime, *, limit: int | None = None, span: Span = ALWAYS
) -> list[tuple[datetime, Entry]]:
    """Entries with their times, the newest first: at least the `limit` newest. A time never changes once it is past."""
    found = [
        *_in_place(tx, channel, now, limit, span),
        *_corrections(tx, channel, now, limit, span),
        *_retractions(tx, channel, now, limit, span),
    ]
    return sorted(found, key=lambda one: one[0], reverse=True)


def earliest(tx: Session, channel: Channel, now: datetime, span: Span, limit: int) -> list[datetime]:
    """The times of the first `limit` entries of a span, the earliest first."""
    told = _retold(channel, now, span).order_by(Correction.at).limit(limit)
    found = [
        *channels.moments(tx, channel, _stands_in_place(now), limit=limit, span=span),
        *(at for _, _, at in tx.execute(told) if at is not None),
        *channels.moments(tx, channel, _is_told_apart(now), limit=limit, span=span, by=Release.retracted_at),
    ]
    return sorted(found)[:limit]


_Dated = tuple[datetime, Entry]


def _in_place(tx: Session, channel: Channel, now: datetime, limit: int | None, span: Span) -> Iterable[_Dated]:
    rows = channels.rows(tx, channel, _stands_in_place(now), limit=limit, span=span)
    for item in items.load(tx, _seen(rows, now, Visibility.PUBLIC, Visibility.RETRACTED), now):
        began = item.published if channel.language else item.release.public_from
        assert began is not None
        yield began, Entry(item, tells=item.newsroom.notice_style is not NoticeStyle.NOTICE)


def _stands_in_place(now: datetime) -> ColumnElement[bool]:
    return or_(translation_is_public(now), and_(_is_retracted(now), Newsroom.notice_style != NoticeStyle.NOTICE))


def _corrections(tx: Session, channel: Channel, now: datetime, limit: int | None, span: Span) -> Iterable[_Dated]:
    """For those that were out when it was made; a later language never said anything else."""
    query = _retold(channel, now, span).order_by(Correction.at.desc(), Correction.id).limit(limit)
    made = [(release_id, number, at) for release_id, number, at in tx.execute(query) if at is not None]
    shown = and_(translation_is_public(now), *channels.among_few(channel))
    by_release = channels.of_releases(tx, [one[0] for one in made], shown)
    loaded = {
        one.translation.id: one for one in items.load(tx, [row for found in by_release.values() for row in found], now)
    }
    for release_id, number, at in made:
        # A language that came later would else give the notice another identity.
        out = [row for row in by_release[release_id] if (row[2].public_from or at) <= at]
        item = loaded[channels.best_of(out[0][0], out)[2].id]
        yield from ((at, Entry(item, one)) for one in item.notices if one.number == number)


def _retold(channel: Channel, now: datetime, span: Span) -> Select[str, int | None, datetime | None]:
    """Release, number and time of the corrections that have an entry of their own."""
    stood = (
        select(Translation.id)
        .where(Translation.release_id == Release.id, Translation.public_from <= Correction.at)
        .where(translation_is_public(now), *channels.among_few(channel))
        .correlate(Correction, Release)
    )
    return (
        select(Correction.release_id, Correction.number, Correction.at)
        .join(Release, Release.id == Correction.release_id)
        .join(Newsroom, Newsroom.id == unindexed(Release.newsroom_id))
        .where(Correction.at <= now, Correction.minor.is_(False), Newsroom.notice_style != NoticeStyle.IN_PLACE)
        .where(span.covers(Correction.at), stood.exists())
    )


def _retractions(tx: Session, channel: Channel, now: datetime, limit: int | None, span: Span) -> Iterable[_Dated]:
    found = channels.rows(tx, channel, _is_told_apart(now), limit=limit, by=Release.retracted_at, span=span)
    for item in items.load(tx, _seen(found, now, Visibility.RETRACTED), now):
        told = item.retraction
        assert told is not None
        yield told.at, Entry(item, told)


def _is_told_apart(now: datetime) -> ColumnElement[bool]:
    return and_(_is_retracted(now), Newsroom.notice_style != NoticeStyle.IN_PLACE)


def _is_retracted(now: datetime) -> ColumnElement[bool]:
    return and_(translation_was_public(now), Release.retracted_at.is_not(None), Release.removed_at.is_(None))


def _seen(found: Iterable[Row], now: datetime, *wanted: Visibility) -> list[Row]:
    """What the one rule agrees to."""
    return [row for row in found if visibility.of_translation(row[1], row[2], now) in wanted]


def _tombstones(
    tx: Session, channel: Channel, now: datetime, *, limit: int | None, span: Span = ALWAYS
) -> list[Tombstone]:
    """Of the releases that began in a span. Also of the other languages, where an entry may have stood for a release in
    any of them; and of the notices, whatever the newsroom's style by now, which may have been another when they stood.
    """
    when = func.coalesce(Release.removed_at, Release.retracted_at)
    query = (
        select(Release, Translation)
        .join(Translation, Translation.release_id == Release.id)
        .where(translation_was_public(now), span.covers(channels.began(channel)))
        .where(*channels.among_taken_back(channel))
        .order_by(when.desc(), Translation.id)
        .limit(limit)
    )
    taken = [
        (release, translation)
        for release, translation in ((one[0], one[1]) for one in tx.execute(query))
        if visibility.of_translation(release, translation, now) in (Visibility.RETRACTED, Visibility.REMOVED)
    ]
    found = corrections.of_releases(tx, list({release.id for release, _ in taken}))
    own, beside = [], []
    for release, translation in taken:
        moment = release.removed_at or release.retracted_at
        assert moment is not None
        own.append(Tombstone(translation.urn, moment))
        beside += [Tombstone(urn, moment) for urn in _notice_urns(release, translation, found[release.id])]
    return sorted([*own, *beside], key=lambda one: one.when, reverse=True)[:limit]


def _notice_urns(release: Release, translation: Translation, found: Iterable[Correction]) -> list[str]:
    """Of what stood beside its entry; the retraction stands until the release is removed."""
    began = translation.public_from
    told: list[int | None] = [
        one.number for one in found if not one.minor and began is not None and one.at is not None and one.at >= began
    ]
    if release.removed_at is not None and release.retracted_at is not None:
        told.append(None)
    return [notice_urn(translation.id, number) for number in told]
