"""Feeds: of a newsroom, a language, a beat, and of all newsrooms."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from pressroom.errors import NotFound
from pressroom.feeds import archive as archives
from pressroom.feeds import channel as channels
from pressroom.feeds.channel import Channel
from pressroom.feeds.contents import archived, contents
from pressroom.feeds.document import atom, rss
from pressroom.feeds.frame import LIMIT, frame
from pressroom.feeds.json_feed import json_feed
from pressroom.releases import newsroom as newsrooms
from pressroom.web import publishing
from pressroom.web.documents import Document, Keep
from pressroom.web.places import beat_of, check_language

bp = Blueprint("feeds", __name__)

_WRITERS = {"atom": atom, "rss": rss, "json": json_feed}
MEDIA_TYPES = {"atom": "application/atom+xml", "rss": "application/rss+xml", "json": "application/feed+json"}
_FORMAT = "feed.<any(atom, rss, json):kind>"
_ARCHIVE = "feed-<number:number>.<any(atom, rss, json):kind>"


@bp.get(f"/all/{_FORMAT}")
@bp.get(f"/all/<tag>/{_FORMAT}")
@bp.get(f"/all/{_ARCHIVE}")
@bp.get(f"/all/<tag>/{_ARCHIVE}")
def site_feed(kind: str, tag: str | None = None, number: int | None = None) -> ResponseReturnValue:
    def render(tx: Session, now: datetime) -> Document:
        if tag and not any(tag in newsroom.languages for newsroom in newsrooms.everyone(tx)):
            raise NotFound("No newsroom speaks this language.")
        return _render(tx, Channel(language=tag), kind, number, now)

    return publishing.published(None, render)


@bp.get(f"/<slug>/{_FORMAT}")
@bp.get(f"/<slug>/<tag>/{_FORMAT}")
@bp.get(f"/<slug>/<tag>/beats/<beat_slug>/{_FORMAT}")
@bp.get(f"/<slug>/{_ARCHIVE}")
@bp.get(f"/<slug>/<tag>/{_ARCHIVE}")
@bp.get(f"/<slug>/<tag>/beats/<beat_slug>/{_ARCHIVE}")
def newsroom_feed(
    slug: str, kind: str, tag: str | None = None, beat_slug: str | None = None, number: int | None = None
) -> ResponseReturnValue:
    def render(tx: Session, now: datetime) -> Document:
        newsroom = newsrooms.by_slug(tx, slug)
        if tag:
            check_language(newsroom, tag)
        beat = beat_of(tx, newsroom, beat_slug, now) if beat_slug else None
        return _render(tx, Channel(newsroom, tag, beat), kind, number, now)

    return publishing.published(slug, render)


def _render(tx: Session, channel: Channel, kind: str, number: int | None, now: datetime) -> Document:
    count, base_url = archives.count(tx, channel), publishing.base_url()
    if number is None:
        keep, found = Keep.FEED, contents(tx, channel, now, limit=LIMIT)
        updated = channels.updated(tx, channel, now)
    else:
        span = archives.numbered(tx, channel, number).span
        keep, found = Keep.ARCHIVE, archived(tx, channel, now, span)
        updated = found.updated or channels.updated(tx, channel, now)
    around = frame(channel, kind, base_url, updated, archives=count, number=number)
    return publishing.feed(tx, channel.newsroom, _WRITERS[kind](around, found), MEDIA_TYPES[kind], now, keep=keep)
