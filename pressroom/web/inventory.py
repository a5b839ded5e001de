"""Every public address, from the database through visibility: what a copy of the site has to hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.feeds import archive as archives
from pressroom.feeds import channel as channels
from pressroom.feeds import sitemap as sitemaps
from pressroom.feeds.channel import Channel
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.asset import Rendition, RevisionAsset
from pressroom.releases.beat import Beat, ReleaseBeat
from pressroom.releases.correction import Correction
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility, of_translation, public_beats, translation_is_public
from pressroom.web import static
from pressroom.web.newsroom import PER_PAGE
from pressroom.web.places import RELEASE_FILES

_FEEDS = (*addresses.FEED_FORMATS, addresses.NINJS_FEED)


def public_paths(tx: Session, now: datetime) -> list[str]:
    """Each once; also those that say what was retracted or removed. Search, which answers to words, is none of them,
    and neither are the changes, whose pages are without end.
    """
    return list(dict.fromkeys((*_of_site(tx, now), *_of_newsrooms(tx, now), *_of_releases(tx, now), *static.paths())))


def _of_site(tx: Session, now: datetime) -> Iterator[str]:
    yield from (addresses.site(), addresses.PRIVACY, addresses.OPML, addresses.ROBOTS)
    yield from (addresses.SITEMAP, addresses.NEWS_SITEMAP)
    yield from (addresses.sitemap_part(number + 1) for number in range(sitemaps.parts(tx, now)))
    for channel in channels.of_site(newsrooms.everyone(tx)):
        yield from _of_feed(tx, channel)


def _of_newsrooms(tx: Session, now: datetime) -> Iterator[str]:
    for newsroom in newsrooms.everyone(tx):
        yield addresses.newsroom(newsroom.slug)
        for channel in channels.of_newsroom(tx, newsroom, now):
            yield from _of_feed(tx, channel)
        for beat in (None, *public_beats(tx, newsroom.id, now).values()):
            counts = _counts(tx, newsroom, beat, now)
            for tag in newsroom.languages:
                for number in range(max(1, -(-counts.get(tag, 0) // PER_PAGE))):
                    yield addresses.archive(newsroom.slug, tag, number + 1, beat.slug if beat else None)


def _of_feed(tx: Session, channel: Channel) -> Iterator[str]:
    """With its archives."""
    newsroom, beat = channel.newsroom, channel.beat
    for number in (None, *range(1, archives.count(tx, channel) + 1)):
        for kind in _FEEDS if number is None else addresses.FEED_FORMATS:
            yield addresses.feed(
                kind,
                slug=newsroom.slug if newsroom else None,
                tag=channel.language,
                beat_slug=beat.slug if beat else None,
                archive_number=number,
            )


def _counts(tx: Session, newsroom: Newsroom, beat: Beat | None, now: datetime) -> dict[str, int]:
    """How many releases are public, by language."""
    query = (
        select(Translation.language, func.count())
        .join(Release, Release.id == Translation.release_id)
        .where(Translation.newsroom_id == newsroom.id, translation_is_public(now))
        .group_by(Translation.language)
    )
    if beat is not None:
        carried = select(ReleaseBeat.release_id).where(ReleaseBeat.beat_id == beat.id)
        query = query.where(Translation.release_id.in_(carried))
    return {one[0]: one[1] for one in tx.execute(query)}


def _of_releases(tx: Session, now: datetime) -> Iterator[str]:
    query = (
        select(Newsroom.slug, Release, Translation)
        .join(Release, Release.newsroom_id == Newsroom.id)
        .join(Translation, Translation.release_id == Release.id)
        .order_by(Release.id, Translation.language)
    )
    corrected = set(tx.scalars(select(Correction.release_id).where(Correction.at <= now)))
    for slug, release, translation in tx.execute(query):
        if of_translation(release, translation, now) is not Visibility.HIDDEN:
            if release.id in corrected:
                yield addresses.changes(slug, translation.language, translation.slug)
            yield addresses.short(slug, release.id)
            yield addresses.release(slug, translation.language, translation.slug)
            for kind in RELEASE_FILES:
                yield addresses.release_file(slug, translation.language, translation.slug, kind)
    yield from _of_assets(tx, now)


def _of_assets(tx: Session, now: datetime) -> Iterator[str]:
    shown = (
        select(Rendition)
        .join(RevisionAsset, RevisionAsset.asset_id == Rendition.asset_id)
        .join(Translation, Translation.revision_id == RevisionAsset.revision_id)
        .join(Release, Release.id == Translation.release_id)
        .where(translation_is_public(now))
    )
    yield from sorted({rendition.path for rendition in tx.scalars(shown)})
