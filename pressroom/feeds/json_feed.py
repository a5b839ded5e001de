"""JSON Feed 1.1 (jsonfeed.org/version/1.1). Our own extension, `_pressroom`, names the translations and the licence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pressroom.feeds.document import block
from pressroom.feeds.frame import Frame, fitting
from pressroom.feeds.item import Item, directed, legal
from pressroom.releases.newsroom import in_language


def json_feed(frame: Frame, items: Sequence[Item]) -> bytes:
    return fitting(items, lambda kept: _write(frame, kept))


def _write(frame: Frame, items: Sequence[Item]) -> bytes:
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": frame.title,
        "home_page_url": frame.home_url,
        "feed_url": frame.self_url,
        "description": frame.subtitle,
        "authors": [{"name": frame.author}],
    }
    if frame.language:
        feed["language"] = frame.language
    feed["items"] = [_item(one, frame.base_url) for one in items]
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def _item(item: Item, base_url: str) -> dict[str, Any]:
    tag, newsroom = item.language, item.newsroom
    said: dict[str, Any] = {
        "id": item.translation.urn,
        "url": base_url + item.path,
        "title": directed(item.title, tag),
        "content_html": block(item, base_url),
        "summary": directed(item.summary, tag),
        "date_published": _instant(item.published),
        "date_modified": _instant(item.updated),
        "authors": [{"name": legal(newsroom.name(tag))}],
        "language": tag,
        "tags": [legal(in_language(beat.names, tag, newsroom.languages)) for beat in item.beats],
        "_pressroom": {
            "translations": [
                {"language": one.language, "url": base_url + one.path(newsroom.slug), "title": one.title}
                for one in item.siblings
            ],
            "licence": newsroom.licence or "",
        },
    }
    if item.pictures:
        said["image"] = base_url + item.pictures[0].asset.path
    return said


def _instant(moment: datetime) -> str:
    """RFC 3339, whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
