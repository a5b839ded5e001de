"""What a feed says of itself, whatever its format: titles, addresses, identity, and how many items fit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

from pressroom import addresses, languages
from pressroom.feeds.channel import Channel
from pressroom.feeds.item import legal
from pressroom.releases.newsroom import in_language

LIMIT = 50
LARGEST = 512 * 1024

_T = TypeVar("_T")

_FEEDS = uuid.UUID("5f3f6c57-2a43-4f0e-9d6f-0c6c5a5f6b11")


@dataclass(frozen=True)
class Frame:
    """`language` is None for a feed in several languages. `id` depends on neither host nor slug of a newsroom, and is
    that of the feed in its archives, too. `leads_to` has addresses by relation: the hub where machines subscribe to it
    (WebSub §4), and those of RFC 5005 §4, where they apply.
    """

    base_url: str
    id: str
    title: str
    subtitle: str
    author: str
    language: str | None
    home_url: str
    self_url: str
    updated: datetime
    is_archive: bool = False
    leads_to: Mapping[str, str] = field(default_factory=dict)

    def fitting(self, entries: Sequence[_T], write: Callable[[Sequence[_T]], bytes]) -> bytes:
        """As below; an archive has all of its entries, come what may."""
        return write(entries) if self.is_archive else fitting(entries, write)


def frame(
    channel: Channel,
    kind: str,
    base_url: str,
    updated: datetime,
    *,
    hub_url: str | None = None,
    archives: int = 0,
    number: int | None = None,
) -> Frame:
    """Of a feed that has so many archives, or with a number of one of these."""
    newsroom, tag, beat = channel.newsroom, channel.language, channel.beat
    name = newsroom.name(tag or "") if newsroom else urlsplit(base_url).netloc
    order = newsroom.languages if newsroom else []
    topic = in_language(beat.names, tag or "", order) if beat else ""
    parts = [name, topic, languages.language(tag).name if tag else ""]
    slug = newsroom.slug if newsroom else None
    beat_slug = beat.slug if beat else None

    def url(number: int | None) -> str:
        return base_url + addresses.feed(kind, slug=slug, tag=tag, beat_slug=beat_slug, archive_number=number)

    return Frame(
        base_url=base_url,
        id=_identity(channel, base_url),
        title=legal(" – ".join(part for part in parts if part)),
        subtitle=legal(in_language(newsroom.about, tag or "", order) if newsroom else "") or legal(name),
        author=legal(name),
        language=tag,
        home_url=base_url + _home(channel),
        self_url=url(number),
        updated=updated,
        is_archive=number is not None,
        leads_to={
            **({"hub": hub_url} if hub_url and number is None else {}),
            **{rel: url(found) for rel, found in _paging(archives, number).items()},
        },
    )


def fitting(items: Sequence[_T], write: Callable[[Sequence[_T]], bytes]) -> bytes:
    """The document of as many of the newest items as stay within the size that readers accept."""
    kept = list(items[:LIMIT])
    body = write(kept)
    while len(body) > LARGEST and len(kept) > 1:
        kept = kept[: max(1, min(len(kept) - 1, len(kept) * LARGEST // len(body)))]
        body = write(kept)
    return body


def _paging(archives: int, number: int | None) -> dict[str, int | None]:
    if number is None:
        return {"prev-archive": archives} if archives else {}
    older = {"prev-archive": number - 1} if number > 1 else {}
    newer = {"next-archive": number + 1} if number < archives else {}
    return {"current": None, **older, **newer}


def _home(channel: Channel) -> str:
    newsroom, tag, beat = channel.newsroom, channel.language, channel.beat
    if newsroom is None:
        return addresses.site()
    if tag and beat:
        return addresses.beat(newsroom.slug, tag, beat.slug)
    return addresses.language(newsroom.slug, tag) if tag else addresses.newsroom(newsroom.slug)


def _identity(channel: Channel, base_url: str) -> str:
    place = f"newsroom:{channel.newsroom.id}" if channel.newsroom else f"site:{base_url}"
    beat = f"beat:{channel.beat.id}" if channel.beat else ""
    return uuid.uuid5(_FEEDS, f"{place}/{channel.language or ''}/{beat}").urn
