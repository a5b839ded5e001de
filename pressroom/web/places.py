"""What an address names: a newsroom's language, its beat, its short form; and what a page links to around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from pressroom import addresses, languages
from pressroom.errors import NotFound
from pressroom.feeds import kit, newsml, ninjs
from pressroom.feeds.item import Item
from pressroom.releases.beat import Beat
from pressroom.releases.newsroom import Newsroom, in_language
from pressroom.releases.visibility import public_beats

_FEED_TYPES = {"atom": "application/atom+xml", "rss": "application/rss+xml", "json": "application/feed+json"}
RELEASE_FILES = {
    "txt": "text/plain",
    "md": "text/markdown",
    "ninjs.json": ninjs.MEDIA_TYPE,
    "newsml.xml": newsml.ITEM_TYPE,
    "zip": kit.MEDIA_TYPE,
}
_FEED_NAMES = {"atom": "Atom", "rss": "RSS", "json": "JSON Feed"}


@dataclass(frozen=True)
class FeedLink:
    href: str
    media_type: str
    kind: str
    title: str
    language: str | None


@dataclass(frozen=True)
class FileLink:
    """A release in a format for machines."""

    href: str
    media_type: str
    name: str

    @property
    def is_announced(self) -> bool:
        """Whether the page's head names it: readers of feeds would take any JSON there for a feed."""
        return self.media_type != ninjs.MEDIA_TYPE


@dataclass(frozen=True)
class Alternate:
    """The same page in another language; `href` is a path."""

    language: str
    href: str


def rank(newsroom: Newsroom, tag: str) -> int:
    """Where a language stands in the newsroom's order; last if it is not one of its own."""
    return newsroom.languages.index(tag) if tag in newsroom.languages else len(newsroom.languages)


def check_language(newsroom: Newsroom, tag: str) -> None:
    """Raises NotFound for one the newsroom does not speak; a tag in other letters is another address."""
    if tag not in newsroom.languages:
        raise NotFound("This newsroom does not speak this language.")


def beat_of(tx: Session, newsroom: Newsroom, slug: str, now: datetime) -> Beat:
    """Raises NotFound, also for one that only what is hidden carries."""
    beat = public_beats(tx, newsroom.id, now).get(slug)
    if beat is None:
        raise NotFound("This newsroom has no such beat.")
    return beat


def feed_links(newsroom: Newsroom, tag: str | None, beat: Beat | None = None) -> list[FeedLink]:
    """For autodiscovery: this page's own language first, then the other languages, then all of them."""
    links: list[FeedLink] = []
    if beat and tag:
        topic = in_language(beat.names, tag, newsroom.languages)
        links += _formats(newsroom, tag, f"{topic} – ", beat.slug)
    for one in ([tag] if tag else []) + [other for other in newsroom.languages if other != tag]:
        links += _formats(newsroom, one)
    return [*links, *_formats(newsroom, None)]


def _formats(newsroom: Newsroom, tag: str | None, topic: str = "", beat_slug: str | None = None) -> Iterable[FeedLink]:
    named = f"{languages.language(tag).name} – " if tag else ""
    for kind in addresses.FEED_FORMATS:
        href = addresses.feed(kind, slug=newsroom.slug, tag=tag, beat_slug=beat_slug)
        title = f"{newsroom.name(tag or '')} – {topic}{named}{_FEED_NAMES[kind]}"
        yield FeedLink(href, _FEED_TYPES[kind], _FEED_NAMES[kind], title, tag)


def file_links(item: Item) -> list[FileLink]:
    """Named in the language of the request."""
    names = {"txt": _("Text"), "md": _("Markdown"), "zip": _("All files (ZIP)")}
    names |= {"ninjs.json": "ninjs", "newsml.xml": "NewsML-G2"}
    newsroom, slug = item.newsroom.slug, item.translation.slug
    return [
        FileLink(addresses.release_file(newsroom, item.language, slug, kind), media_type, names[kind])
        for kind, media_type in RELEASE_FILES.items()
    ]


def own_feeds(links: Iterable[FeedLink], tag: str | None) -> list[FeedLink]:
    return [link for link in links if link.language == tag][: len(_FEED_TYPES)]
