"""A feed: one channel in one format, and the path at which it stands, by which machines subscribe to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.errors import NotFound
from pressroom.feeds import archive as archives
from pressroom.feeds.channel import Channel
from pressroom.feeds.contents import archived, contents
from pressroom.feeds.document import atom, rss
from pressroom.feeds.frame import LIMIT, frame
from pressroom.feeds.json_feed import json_feed
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import visibility

MEDIA_TYPES = {"atom": "application/atom+xml", "rss": "application/rss+xml", "json": "application/feed+json"}
_WRITERS = {"atom": atom, "rss": rss, "json": json_feed}
_PATH = re.compile(r"/([^/]+)/(?:([^/]+)/(?:beats/([^/]+)/)?)?feed\.(atom|rss|json)")


@dataclass(frozen=True)
class Feed:
    """`number` is of one of its archives; nobody subscribes to these."""

    channel: Channel
    kind: str
    number: int | None = None

    @property
    def path(self) -> str:
        one = self.channel
        slug, beat_slug = one.newsroom.slug if one.newsroom else None, one.beat.slug if one.beat else None
        return addresses.feed(self.kind, slug=slug, tag=one.language, beat_slug=beat_slug, archive_number=self.number)

    @property
    def content_type(self) -> str:
        return f"{MEDIA_TYPES[self.kind]}; charset=utf-8"


def at(tx: Session, path: str, now: datetime) -> Feed:
    """The public feed whose address this is, letter by letter. Raises NotFound, also for beats nobody may know of."""
    found = _PATH.fullmatch(path)
    if found is None or "%00" in path:
        raise NotFound("There is no feed at this address.")
    slug, tag, beat_slug = (unquote(part) if part else None for part in found.groups()[:3])
    newsroom = None if slug == "all" else newsrooms.by_slug(tx, slug or "")
    speakers = [newsroom] if newsroom else newsrooms.everyone(tx)
    if tag and not any(tag in one.languages for one in speakers):
        raise NotFound("There is no feed in this language.")
    beat = visibility.public_beats(tx, newsroom.id, now).get(beat_slug) if newsroom and beat_slug else None
    feed = Feed(Channel(newsroom, tag, beat), found[4])
    if feed.path != path:
        raise NotFound("There is no feed at this address.")
    return feed


def write(tx: Session, feed: Feed, now: datetime, base_url: str, hub_url: str | None) -> bytes:
    """What it says at `now`; the same content makes the same bytes."""
    channel, number = feed.channel, feed.number
    if number is None:
        found = contents(tx, channel, now, limit=LIMIT)
    else:
        found = archived(tx, channel, now, archives.numbered(tx, channel, number).span)
    around = frame(
        channel,
        feed.kind,
        base_url,
        found.updated or channel.founded,
        hub_url=hub_url,
        archives=archives.count(tx, channel),
        number=number,
    )
    return _WRITERS[feed.kind](around, found)
