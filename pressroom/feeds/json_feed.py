"""JSON Feed 1.1 (jsonfeed.org/version/1.1). Our own extension, `_pressroom`, names the translations, the licence, whom
to ask and who speaks, and what has become of a release: its status, its corrections, and whether a translation lags
behind; of an attachment, what is said of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pressroom.feeds.contents import Contents
from pressroom.feeds.entry import Entry, content
from pressroom.feeds.frame import Frame
from pressroom.feeds.item import legal
from pressroom.feeds.notice import Notice
from pressroom.feeds.shown import Shown
from pressroom.releases.newsroom import in_language


def json_feed(frame: Frame, contents: Contents) -> bytes:
    return frame.fitting(contents.entries, lambda kept: _write(frame, kept))


def _write(frame: Frame, entries: Sequence[Entry]) -> bytes:
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": frame.title,
        "home_page_url": frame.home_url,
        "feed_url": frame.self_url,
        **({"next_url": frame.leads_to["prev-archive"]} if "prev-archive" in frame.leads_to else {}),
        "description": frame.subtitle,
        "authors": [{"name": frame.author}],
    }
    if "hub" in frame.leads_to:
        feed["hubs"] = [{"type": "WebSub", "url": frame.leads_to["hub"]}]
    if frame.language:
        feed["language"] = frame.language
    feed["items"] = [_item(one, frame.base_url) for one in entries]
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def _item(entry: Entry, base_url: str) -> dict[str, Any]:
    item = entry.item
    tag, newsroom = item.language, item.newsroom
    said: dict[str, Any] = {
        "id": entry.id,
        "url": base_url + item.path,
        "title": entry.title,
        "content_html": content(entry, base_url),
        "summary": entry.summary,
        "date_published": _instant(entry.published),
        "date_modified": _instant(entry.updated),
        "authors": [{"name": legal(newsroom.name(tag))}],
        "language": tag,
        "tags": [legal(in_language(beat.names, tag, newsroom.languages)) for beat in item.beats],
        "_pressroom": _particulars(entry, base_url),
    }
    if entry.is_text and item.pictures:
        said["image"] = base_url + item.pictures[0].web.path
    if entry.is_text and item.assets:
        said["attachments"] = [_attachment(one, base_url) for one in item.assets]
    return said


def _particulars(entry: Entry, base_url: str) -> dict[str, Any]:
    item = entry.item
    said: dict[str, Any] = {
        "translations": [
            {"language": one.language, "url": base_url + one.path(item.newsroom.slug), "title": one.title}
            for one in item.siblings
        ],
        "licence": item.newsroom.licence or "",
        "status": entry.standing.value,
        "stale": item.is_stale,
        "corrections": [_notice(one) for one in item.notices] if entry.is_text else [],
    }
    if entry.is_text:
        about = in_language(item.newsroom.about, item.language, item.newsroom.languages)
        said["contacts"] = [{key: legal(text) for key, text in one.parts.items()} for one in item.revision.contacts]
        said["about_newsroom"] = legal(about)
    if entry.told:
        said["notice"] = _notice(entry.told)
    if entry.about:
        said["about"] = entry.about
    return said


def _attachment(shown: Shown, base_url: str) -> dict[str, Any]:
    said, web = shown.said, shown.web
    described = {"alt": said.alt, "caption": said.caption, "credit": said.credit, "licence": said.licence}
    size = {"width": web.width, "height": web.height} if web.width and web.height else {}
    return {
        "url": base_url + web.path,
        "mime_type": web.media_type,
        "title": legal(said.caption or said.name),
        "size_in_bytes": shown.length(web),
        "_pressroom": {**size, **{name: legal(text) for name, text in described.items()}},
    }


def _notice(notice: Notice) -> dict[str, Any]:
    said = {"date": _instant(notice.at), "note": legal(notice.note.text), "language": notice.note.language}
    return said if notice.number is None else {"number": notice.number, **said, "missing": notice.is_missing}


def _instant(moment: datetime) -> str:
    """RFC 3339, whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
