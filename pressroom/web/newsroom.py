"""What readers see of a newsroom: its languages and beats, and each release."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.errors import NotFound
from pressroom.feeds import channel as channels
from pressroom.feeds.channel import Channel
from pressroom.feeds.item import Item, body_html
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility, of_translation, public_beats
from pressroom.web import publishing
from pressroom.web.documents import Document
from pressroom.web.locale import speak
from pressroom.web.places import Alternate, beat_of, check_language, feed_links, file_links, own_feeds, rank
from pressroom.web.publishing import base_url
from pressroom.web.structured import news_article

bp = Blueprint("newsroom", __name__)

_PER_PAGE = 20
_GONE = 410


@bp.get("/<slug>/")
def home(slug: str) -> ResponseReturnValue:
    """All languages of a newsroom; it speaks the first of them and guesses nobody's."""

    def render(tx: Session, now: datetime) -> Document:
        newsroom = newsrooms.by_slug(tx, slug)
        speak(newsroom.languages[0])
        html = publishing.html(
            "home",
            newsroom,
            items=channels.latest(tx, Channel(newsroom), now, limit=_PER_PAGE),
            alternates=_languages(newsroom),
            x_default=addresses.newsroom(slug),
            canonical=addresses.newsroom(slug),
            feeds=feed_links(newsroom, None),
        )
        return publishing.page(tx, newsroom, html, now)

    return publishing.published(slug, render)


@bp.get("/<slug>/<tag>/")
@bp.get("/<slug>/<tag>/archive/<int(min=2, max=9999):number>")
@bp.get("/<slug>/<tag>/beats/<beat_slug>/")
@bp.get("/<slug>/<tag>/beats/<beat_slug>/archive/<int(min=2, max=9999):number>")
def releases(slug: str, tag: str, beat_slug: str | None = None, number: int = 1) -> ResponseReturnValue:
    """The releases in one language, of one beat if it is named, newest first, a page at a time."""

    def render(tx: Session, now: datetime) -> Document:
        newsroom = newsrooms.by_slug(tx, slug)
        check_language(newsroom, tag)
        speak(tag)
        beat = beat_of(tx, newsroom, beat_slug, now) if beat_slug else None
        channel = Channel(newsroom, tag, beat)
        found = channels.latest(tx, channel, now, limit=_PER_PAGE + 1, skip=(number - 1) * _PER_PAGE)
        if number > 1 and not found:
            raise NotFound("There is no such page.")
        feeds = feed_links(newsroom, tag, beat)
        html = publishing.html(
            "releases",
            newsroom,
            items=found[:_PER_PAGE],
            beat=beat,
            beats=[] if beat else list(public_beats(tx, newsroom.id, now).values()),
            number=number,
            newer=addresses.archive(slug, tag, number - 1, beat_slug) if number > 1 else None,
            older=addresses.archive(slug, tag, number + 1, beat_slug) if len(found) > _PER_PAGE else None,
            alternates=_languages(newsroom, beat_slug),
            x_default=None if beat else addresses.newsroom(slug),
            canonical=addresses.archive(slug, tag, number, beat_slug),
            feeds=feeds,
            own_feeds=own_feeds(feeds, tag),
        )
        return publishing.page(tx, newsroom, html, now)

    return publishing.published(slug, render)


@bp.get("/<slug>/<tag>/<release_slug>")
def release(slug: str, tag: str, release_slug: str) -> ResponseReturnValue:
    normal = unicodedata.normalize("NFC", release_slug)
    if normal != release_slug:
        return redirect(addresses.release(slug, tag, normal), code=301)

    def render(tx: Session, now: datetime) -> Document:
        newsroom = newsrooms.by_slug(tx, slug)
        item, seen = channels.by_slug(tx, newsroom, tag, release_slug, now)
        speak(tag)
        if seen is Visibility.PUBLIC:
            return publishing.page(tx, newsroom, _release_html(item), now)
        return gone(tx, item, seen, now)

    return publishing.published(slug, render)


@bp.get("/<slug>/r/<release_id>")
def short(slug: str, release_id: str) -> ResponseReturnValue:
    """A release in no language: leads on where it is out in one only, else offers them all."""

    def render(tx: Session, now: datetime) -> Document:
        newsroom = newsrooms.by_slug(tx, slug)
        found = _translations(tx, newsroom, release_id, now)
        paths = [Alternate(one.language, addresses.release(slug, one.language, one.slug)) for _, one in found]
        if len(paths) == 1:
            return publishing.redirection(tx, newsroom, paths[0].href, now)
        items = [channels.by_slug(tx, newsroom, one.language, one.slug, now)[0] for _, one in found]
        seen = of_translation(found[0][0], found[0][1], now)
        speak(newsroom.languages[0])
        html = publishing.html(
            "offer", newsroom, items=items, seen=seen.value, alternates=paths, feeds=feed_links(newsroom, None)
        )
        return publishing.page(tx, newsroom, html, now, status=200 if seen is Visibility.PUBLIC else _GONE)

    return publishing.published(slug, render)


def _release_html(item: Item) -> str:
    newsroom, tag = item.newsroom, item.language
    feeds = feed_links(newsroom, tag)
    paths = [Alternate(one.language, one.path(newsroom.slug)) for one in item.siblings] + [Alternate(tag, item.path)]
    return publishing.html(
        "release",
        newsroom,
        item=item,
        body=body_html(item, ""),
        article=news_article(item, base_url()),
        alternates=sorted(paths, key=lambda one: rank(newsroom, one.language)),
        x_default=addresses.short(newsroom.slug, item.release.id),
        canonical=item.path,
        files=file_links(item),
        feeds=feeds,
        own_feeds=own_feeds(feeds, tag),
    )


def gone(tx: Session, item: Item, seen: Visibility, now: datetime) -> Document:
    """What stands wherever a release was public that has been taken back."""
    newsroom, reasons = item.newsroom, item.release.retraction_reasons
    html = publishing.html(
        "gone",
        newsroom,
        item=item,
        seen=seen.value,
        reasons=reasons,
        alternates=[],
        feeds=feed_links(newsroom, item.language),
    )
    return publishing.page(tx, newsroom, html, now, status=_GONE)


def _languages(newsroom: Newsroom, beat_slug: str | None = None) -> list[Alternate]:
    def path(tag: str) -> str:
        return addresses.beat(newsroom.slug, tag, beat_slug) if beat_slug else addresses.language(newsroom.slug, tag)

    return [Alternate(tag, path(tag)) for tag in newsroom.languages]


def _translations(tx: Session, newsroom: Newsroom, release_id: str, now: datetime) -> list[tuple[Release, Translation]]:
    """Of one release, what the public may know of, in the newsroom's order. Raises NotFound if that is nothing."""
    query = (
        select(Release, Translation)
        .join(Translation, Translation.release_id == Release.id)
        .where(Release.id == release_id, Release.newsroom_id == newsroom.id)
        .order_by(Translation.language)
    )
    rows = [(one[0], one[1]) for one in tx.execute(query)]
    found = [row for row in rows if of_translation(*row, now) is not Visibility.HIDDEN]
    if not found:
        raise NotFound("There is no such release.")
    return sorted(found, key=lambda row: rank(newsroom, row[1].language))
