"""A release for machines: as plain text, and as the Markdown statement that `push` reads."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.feeds import channel as channels
from pressroom.feeds.item import Item
from pressroom.feeds.markdown import markdown
from pressroom.feeds.text import text
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.visibility import Visibility
from pressroom.web import publishing
from pressroom.web.documents import Document
from pressroom.web.locale import speak
from pressroom.web.newsroom import gone, moved
from pressroom.web.places import RELEASE_FILES

bp = Blueprint("formats", __name__)

_WRITERS: dict[str, Callable[[Item, str], bytes]] = {"txt": text, "md": markdown}


@bp.get("/<slug>/<tag>/<release_slug>.<any(txt, md):kind>")
def release_file(slug: str, tag: str, release_slug: str, kind: str) -> ResponseReturnValue:
    normal = unicodedata.normalize("NFC", release_slug)
    if normal != release_slug:
        return redirect(addresses.release_file(slug, tag, normal, kind), code=301)

    def render(tx: Session, now: datetime) -> Document:
        newsroom = newsrooms.by_slug(tx, slug)
        found = channels.by_slug(tx, newsroom, tag, release_slug, now)
        if found.moved_to:
            return moved(tx, newsroom, addresses.release_file(slug, tag, found.moved_to, kind), now)
        if found.item is None or found.seen is not Visibility.PUBLIC:
            speak(tag)
            return gone(tx, newsroom, tag, found, now)
        body = _WRITERS[kind](found.item, publishing.base_url())
        return publishing.feed(tx, newsroom, body, RELEASE_FILES[kind], now)

    return publishing.published(slug, render)
