"""A release for machines: as plain text, as the Markdown that `push` reads, in news formats, with its files."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.feeds import channel as channels
from pressroom.feeds import version as versions
from pressroom.feeds.channel import Found
from pressroom.feeds.item import Item
from pressroom.feeds.kit import kit
from pressroom.feeds.markdown import markdown
from pressroom.feeds.newsml import newsml
from pressroom.feeds.ninjs import ninjs
from pressroom.feeds.text import text
from pressroom.feeds.version import Version
from pressroom.releases import asset as assets
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import xmp
from pressroom.releases.asset import Rendition
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.visibility import Visibility
from pressroom.web import publishing
from pressroom.web.documents import Document
from pressroom.web.locale import speak
from pressroom.web.newsroom import gone, moved
from pressroom.web.places import RELEASE_FILES

bp = Blueprint("formats", __name__)

_TEXTS: dict[str, Callable[[Item, str], bytes]] = {"txt": text, "md": markdown}
_NEWS: dict[str, Callable[[Version, str], bytes]] = {"ninjs.json": ninjs, "newsml.xml": newsml}
_GONE = 410


@bp.get("/<slug>/<tag>/<release_slug>.<any(txt, md, 'ninjs.json', 'newsml.xml', zip):kind>")
def release_file(slug: str, tag: str, release_slug: str, kind: str) -> ResponseReturnValue:
    normal = unicodedata.normalize("NFC", release_slug)
    if normal != release_slug:
        return redirect(addresses.release_file(slug, tag, normal, kind), code=301)

    def render(tx: Session, now: datetime) -> Document:
        newsroom = newsrooms.by_slug(tx, slug)
        found = channels.by_slug(tx, newsroom, tag, release_slug, now)
        if found.moved_to:
            return moved(tx, newsroom, addresses.release_file(slug, tag, found.moved_to, kind), now)
        if kind in _NEWS:
            return _news(tx, newsroom, found, kind, now)
        if found.item is None or found.seen is not Visibility.PUBLIC:
            speak(tag)
            return gone(tx, newsroom, tag, found, now)
        if kind == "zip":
            return _kit(tx, newsroom, found, now)
        body = _TEXTS[kind](found.item, publishing.base_url())
        return publishing.data(tx, newsroom, body, RELEASE_FILES[kind], now)

    return publishing.published(slug, render)


def _news(tx: Session, newsroom: Newsroom, found: Found, kind: str, now: datetime) -> Document:
    """What was taken back is gone, and says so in the format that was asked for."""
    body = _NEWS[kind](_version(tx, found, now), publishing.base_url())
    status = 200 if found.seen is Visibility.PUBLIC else _GONE
    return publishing.data(tx, newsroom, body, RELEASE_FILES[kind], now, status=status)


def _kit(tx: Session, newsroom: Newsroom, found: Found, now: datetime) -> Document:
    def fetch(rendition: Rendition) -> bytes:
        said = assets.said_in_public(tx, rendition.asset_id, now)
        return xmp.with_credit(rendition.data, rendition.media_type, said)

    body = kit(_version(tx, found, now), publishing.base_url(), fetch)
    return publishing.download(tx, newsroom, body, RELEASE_FILES["zip"], now)


def _version(tx: Session, found: Found, now: datetime) -> Version:
    assert found.translation_id is not None
    return versions.of_translations(tx, [found.translation_id], now)[found.translation_id]
