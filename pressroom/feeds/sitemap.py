"""Sitemaps (sitemaps.org 0.9, with hreflang alternates) and the news sitemap. Every query asks visibility."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from lxml import etree
from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.feeds import channel as channels
from pressroom.feeds.item import legal
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import translation_is_public

# Far below the 50,000 addresses and 50 MB of the protocol, for each address repeats those of all its translations.
RELEASES_PER_PART = 2000

NEWS_AGE = timedelta(days=2)
NEWS_LIMIT = 1000

_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_XHTML = "http://www.w3.org/1999/xhtml"
_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"


@dataclass(frozen=True)
class Place:
    """A public page: `alternates` are paths by language, its own included."""

    path: str
    changed: datetime | None
    alternates: Sequence[tuple[str, str]] = ()
    x_default: str | None = None


@dataclass(frozen=True)
class News:
    path: str
    publication: str
    language: str
    published: datetime
    title: str


def parts(tx: Session, now: datetime) -> int:
    """How many documents the sitemap takes; 1 even if nothing is public."""
    out = select(Translation.id).where(Translation.release_id == Release.id, translation_is_public(now))
    query = select(func.count()).select_from(Release).where(out.correlate(Release).exists())
    return max(1, -(-int(tx.execute(query).scalar_one()) // RELEASES_PER_PART))


def places(tx: Session, now: datetime, number: int) -> list[Place]:
    """The public pages in part `number`, from 1: releases from the first on, so that what is full stays as it is."""
    start = list(_lists(tx, now)) if number == 1 else []
    return start + list(_releases(tx, now, number))


def sitemap(found: Iterable[Place], base_url: str) -> bytes:
    root = etree.Element(f"{{{_SITEMAP}}}urlset", nsmap={None: _SITEMAP, "xhtml": _XHTML})
    for place in found:
        url = _url(root, base_url + place.path)
        if place.changed:
            _say(url, _SITEMAP, "lastmod", _instant(place.changed))
        offered = [*place.alternates, *([("x-default", place.x_default)] if place.x_default else [])]
        for tag, path in offered:
            given = {"rel": "alternate", "hreflang": tag, "href": base_url + path}
            etree.SubElement(url, f"{{{_XHTML}}}link", given)
    return _written(root)


def index(count: int, base_url: str) -> bytes:
    root = etree.Element(f"{{{_SITEMAP}}}sitemapindex", nsmap={None: _SITEMAP})
    for number in range(1, count + 1):
        part = etree.SubElement(root, f"{{{_SITEMAP}}}sitemap")
        _say(part, _SITEMAP, "loc", base_url + addresses.sitemap_part(number))
    return _written(root)


def news(tx: Session, now: datetime) -> list[News]:
    """What became public in the last two days, newest first."""
    query = (
        select(Newsroom, Translation.language, Translation.slug, Translation.public_from, Revision.title)
        .select_from(Translation)
        .join(Release, Release.id == Translation.release_id)
        .join(Newsroom, Newsroom.id == Translation.newsroom_id)
        .join(Revision, Revision.id == Translation.revision_id)
        .where(translation_is_public(now), Translation.public_from > now - NEWS_AGE)
        .order_by(Translation.public_from.desc(), Translation.id)
        .limit(NEWS_LIMIT)
    )
    return [
        News(addresses.release(newsroom.slug, tag, slug), newsroom.name(tag), tag, began, title)
        for newsroom, tag, slug, began, title in tx.execute(query)
        if began is not None
    ]


def last_aged(tx: Session, now: datetime) -> datetime | None:
    """When something last grew too old for the news sitemap, in whole seconds."""
    query = (
        select(func.max(Translation.public_from))
        .join(Release, Release.id == Translation.release_id)
        .where(translation_is_public(now), Translation.public_from <= now - NEWS_AGE)
    )
    began: datetime | None = tx.execute(query).scalar_one()
    return (began + NEWS_AGE).replace(microsecond=0) if began else None


def news_sitemap(found: Iterable[News], base_url: str) -> bytes:
    root = etree.Element(f"{{{_SITEMAP}}}urlset", nsmap={None: _SITEMAP, "news": _NEWS})
    for one in found:
        said = etree.SubElement(_url(root, base_url + one.path), f"{{{_NEWS}}}news")
        publication = etree.SubElement(said, f"{{{_NEWS}}}publication")
        _say(publication, _NEWS, "name", one.publication)
        # Two or three letters of ISO 639, and nothing of script or region.
        _say(publication, _NEWS, "language", one.language.split("-")[0])
        _say(said, _NEWS, "publication_date", _instant(one.published))
        _say(said, _NEWS, "title", one.title)
    return _written(root)


def _public_releases(now: datetime) -> Subquery:
    return (
        select(Translation.release_id, func.min(Translation.public_from).label("began"))
        .join(Release, Release.id == Translation.release_id)
        .where(translation_is_public(now))
        .group_by(Translation.release_id)
        .subquery()
    )


def _lists(tx: Session, now: datetime) -> Iterator[Place]:
    yield Place(addresses.site(), None)
    yield Place(addresses.PRIVACY, None)
    for newsroom in newsrooms.everyone(tx):
        slug = newsroom.slug
        home = addresses.newsroom(slug)
        alternates = [(tag, addresses.language(slug, tag)) for tag in newsroom.languages]
        yield Place(home, None, alternates, home)
        for _, path in alternates:
            yield Place(path, None, alternates, home)
        by_beat: dict[str, list[tuple[str, str]]] = {}
        for tag, found in channels.beats_of(tx, newsroom, now).items():
            for beat in found:
                by_beat.setdefault(beat.slug, []).append((tag, addresses.beat(slug, tag, beat.slug)))
        for _, same in sorted(by_beat.items()):
            yield from (Place(path, None, same) for _, path in same)


def _releases(tx: Session, now: datetime, number: int) -> Iterator[Place]:
    public = _public_releases(now)
    wanted = (
        select(public.c.release_id, public.c.began)
        .order_by(public.c.began, public.c.release_id)
        .limit(RELEASES_PER_PART)
        .offset((number - 1) * RELEASES_PER_PART)
        .subquery()
    )
    query = (
        select(Newsroom.slug, Translation)
        .join(wanted, wanted.c.release_id == Translation.release_id)
        .join(Release, Release.id == Translation.release_id)
        .join(Newsroom, Newsroom.id == Translation.newsroom_id)
        .where(translation_is_public(now))
        .order_by(wanted.c.began, Translation.release_id, Translation.language)
    )
    rows = [(one[0], one[1]) for one in tx.execute(query)]
    for release_id, group in groupby(rows, key=lambda row: row[1].release_id):
        found = list(group)
        alternates = [(one.language, addresses.release(slug, one.language, one.slug)) for slug, one in found]
        x_default = addresses.short(found[0][0], release_id)
        for (_, path), (_, one) in zip(alternates, found, strict=True):
            yield Place(path, one.updated_at or one.public_from, alternates, x_default)


def _url(root: etree._Element, address: str) -> etree._Element:
    url = etree.SubElement(root, f"{{{_SITEMAP}}}url")
    _say(url, _SITEMAP, "loc", address)
    return url


def _say(parent: etree._Element, namespace: str, name: str, words: str) -> None:
    etree.SubElement(parent, f"{{{namespace}}}{name}").text = legal(words)


def _written(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
