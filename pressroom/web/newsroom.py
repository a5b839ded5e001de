"""What readers see of a newsroom: its languages and beats, and each release."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.errors import NotFound
from pressroom.feeds import channel as channels
from pressroom.feeds.channel import Channel, Found
from pressroom.feeds.history import history
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

PER_PAGE = 20
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
            items=channels.latest(tx, Channel(newsroom), now, limit=PER_PAGE),
            alternates=_languages(newsroom),
            x_default=addresses.newsroom(slug),
            canonical=addresses.newsroom(slug),
            feeds=feed_links(newsroom, None),
        )
        return publishing.page(tx, newsroom, html, now)

    return publishing.published(slug, render)


@bp.get("/<slug>/<tag>/")
@bp.get("/<slug>/<tag>/archive/<number(min=2, max=9999):number>")
@bp.get("/<slug>/<tag>/beats/<beat_slug>/")
@bp.get("/<slug>/<tag>/beats/<beat_slug>/archive/<number(min=2, max=9999):number>")
def releases(slug: str, tag: str, beat_slug: str | None = None, number: int = 1) -> ResponseReturnValue:
    """The releases in one language, of one beat if it is named, newest first, a page at a time."""

    def render(tx: Session, now: datetime) -> Document:
        newsroom = newsrooms.by_slug(tx, slug)
        check_language(newsroom, tag)
        speak(tag)
        beat = beat_of(tx, newsroom, beat_slug, now) if beat_slug else None
        channel = Channel(newsroom, tag, beat)
        found = channels.latest(tx, channel, now, limit=PER_PAGE + 1, skip=(number - 1) * PER_PAGE)
        if number > 1 and not found:
            raise NotFound("There is no such page.")
        feeds = feed_links(newsroom, tag, beat)
        html = publishing.html(
            "releases",
            newsroom,
            items=found[:PER_PAGE],
            beat=beat,
            beats=[] if beat else list(public_beats(tx, newsroom.id, now).values()),
            number=number,
            newer=addresses.archive(slug, tag, number - 1, beat_slug) if number > 1 else None,
            older=addresses.archive(slug, tag, number + 1, beat_slug) if len(found) > PER_PAGE else None,
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
        found = channels.by_slug(tx, newsroom, tag, release_slug, now)
        speak(tag)
        if found.moved_to:
            return moved(tx, newsroom, addresses.release(slug, tag, found.moved_to), now)
        if found.item is None or found.seen is not Visibility.PUBLIC:
            return gone(tx, newsroom, tag, found, now)
        return publishing.page(tx, newsroom, _release_html(found.item), now)

    return publishing.published(slug, render)


@bp.get("/<slug>/<tag>/<release_slug>/changes")
def changes(slug: str, tag: str, release_slug: str) -> ResponseReturnValue:
    """What was corrected, spelling included: what it said, and what it says. Only where something was."""
    normal = unicodedata.normalize("NFC", release_slug)
    if normal != release_slug:
        return redirect(addresses.changes(slug, tag, normal), code=301)

    def render(tx: Session, now: datetime) -> Document:
        newsroom = newsrooms.by_slug(tx, slug)
        found = channels.by_slug(tx, newsroom, tag, release_slug, now)
        speak(tag)
        if found.item is not None and not found.item.corrections:
            raise NotFound("Nothing of it was corrected.")
        if found.moved_to:
            return moved(tx, newsroom, addresses.changes(slug, tag, found.moved_to), now)
        if found.item is None or found.seen is not Visibility.PUBLIC:
            return gone(tx, newsroom, tag, found, now)
        return publishing.page(tx, newsroom, _changes_html(tx, found.item), now)

    return publishing.published(slug, render)


@bp.get("/<slug>/r/<release_id>")
def short(slug: str, release_id: str) -> ResponseReturnValue:
    """A release in no language: leads on where it is out in one only, else offers them all."""

    def render(tx: Session, now: datetime) -> Document:
        newsroom = newsrooms.by_slug(tx, slug)
        found = _translations(tx, newsroom, release_id, now)
        paths = [Alternate(one.language, addresses.release(slug, one.language, one.slug)) for _, one in found]
        if len(paths) == 1 and of_translation(*found[0], now) is not Visibility.REMOVED:
            return publishing.redirection(tx, newsroom, paths[0].href, now)
        speak(newsroom.languages[0])
        seen = of_translation(found[0][0], found[0][1], now)
        if seen is Visibility.REMOVED:
            return gone(tx, newsroom, newsroom.languages[0], Found(seen, None), now)
        offered = (channels.of_translation(tx, one, now).item for _, one in found)
        html = publishing.html(
            "offer",
            newsroom,
            items=[one for one in offered if one is not None],
            seen=seen.value,
            alternates=paths,
            feeds=feed_links(newsroom, None),
        )
        return publishing.page(tx, newsroom, html, now, status=200 if seen is Visibility.PUBLIC else _GONE)

    return publishing.published(slug, render)


def _release_html(item: Item) -> str:
    newsroom, tag = item.newsroom, item.language
    feeds = feed_links(newsroom, tag)
    return publishing.html(
        "release",
        newsroom,
        item=item,
        body=body_html(item, "", plays=True),
        article=news_article(item, base_url()),
        alternates=_translated(item, addresses.release),
        x_default=addresses.short(newsroom.slug, item.release.id),
        canonical=item.path,
        files=file_links(item),
        feeds=feeds,
        own_feeds=own_feeds(feeds, tag),
    )


def _changes_html(tx: Session, item: Item) -> str:
    newsroom, tag = item.newsroom, item.language
    return publishing.html(
        "changes",
        newsroom,
        item=item,
        steps=history(tx, item),
        alternates=_translated(item, addresses.changes),
        canonical=addresses.changes(newsroom.slug, tag, item.translation.slug),
        feeds=feed_links(newsroom, tag),
    )


def moved(tx: Session, newsroom: Newsroom, path: str, now: datetime) -> Document:
    """What stands at an address that was given up: it leads on for good."""
    return replace(publishing.redirection(tx, newsroom, path, now), status=301)


def gone(tx: Session, newsroom: Newsroom, tag: str, found: Found, now: datetime) -> Document:
    """What stands wherever a release was public that has been taken back."""
    html = publishing.html(
        "gone", newsroom, item=found.item, seen=found.seen.value, alternates=[], feeds=feed_links(newsroom, tag)
    )
    return publishing.page(tx, newsroom, html, now, status=_GONE)


def _translated(item: Item, address: Callable[[str, str, str], str]) -> list[Alternate]:
    """A page of each translation that is out, its own included, in the newsroom's order."""
    slugs = {one.language: one.slug for one in item.siblings} | {item.language: item.translation.slug}
    order = sorted(slugs, key=lambda tag: rank(item.newsroom, tag))
    return [Alternate(tag, address(item.newsroom.slug, tag, slugs[tag])) for tag in order]


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
