"""Feeds: of a newsroom, a language, a beat, and of all newsrooms."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.errors import NotFound
from pressroom.feeds import feed as feeds
from pressroom.feeds import ninjs
from pressroom.feeds import version as versions
from pressroom.feeds.channel import Channel
from pressroom.feeds.feed import MEDIA_TYPES, Feed
from pressroom.feeds.frame import LIMIT, frame
from pressroom.feeds.ninjs import collection
from pressroom.releases import newsroom as newsrooms
from pressroom.web import publishing
from pressroom.web.documents import Document, Keep
from pressroom.web.places import beat_of, check_language

bp = Blueprint("feeds", __name__)

_FORMAT = f"feed.<any(atom, rss, json, '{addresses.NINJS_FEED}'):kind>"
_ARCHIVE = "feed-<number:number>.<any(atom, rss, json):kind>"


@bp.get(f"/all/{_FORMAT}")
@bp.get(f"/all/<tag>/{_FORMAT}")
@bp.get(f"/all/{_ARCHIVE}")
@bp.get(f"/all/<tag>/{_ARCHIVE}")
def site_feed(kind: str, tag: str | None = None, number: int | None = None) -> ResponseReturnValue:
    def render(tx: Session, now: datetime) -> Document:
        if tag and not any(tag in newsroom.languages for newsroom in newsrooms.everyone(tx)):
            raise NotFound("No newsroom speaks this language.")
        return _render(tx, Feed(Channel(language=tag), kind, number), now)

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
        return _render(tx, Feed(Channel(newsroom, tag, beat), kind, number), now)

    return publishing.published(slug, render)


def _render(tx: Session, feed: Feed, now: datetime) -> Document:
    if feed.kind == addresses.NINJS_FEED:
        return _ninjs(tx, feed.channel, now)
    config, is_archive = publishing.the_service().config, feed.number is not None
    body = feeds.write(tx, feed, now, config.base_url, config.hub)
    keep = Keep.ARCHIVE if is_archive else Keep.FEED
    document = publishing.data(tx, feed.channel.newsroom, body, MEDIA_TYPES[feed.kind], now, keep=keep)
    if is_archive or not config.hub:
        return document
    links = ("Link", addresses.hub_links(config.hub, config.base_url + feed.path))
    return replace(document, headers=[*document.headers, links])


def _ninjs(tx: Session, channel: Channel, now: datetime) -> Document:
    base_url, newsroom = publishing.base_url(), channel.newsroom
    found = versions.latest(tx, channel, now, limit=LIMIT)
    updated = max((one.at for one in found), default=channel.founded)
    around = frame(channel, addresses.NINJS_FEED, base_url, updated)
    changes = base_url + addresses.changes_feed(newsroom.slug, "json") if newsroom else None
    body = collection(around, found, changes)
    return publishing.data(tx, newsroom, body, ninjs.MEDIA_TYPE, now, keep=Keep.FEED)
