"""ninjs 3.1 (iptc.org/standards/ninjs): one translation as a news object, a feed of them, and a newsroom's changes.

Times are in UTC. What was retracted or removed is `canceled`; of what was removed nothing is left but its identity.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pressroom import addresses, languages
from pressroom.feeds.changes import Change, Page
from pressroom.feeds.editors_note import editors_note
from pressroom.feeds.frame import Frame, fitting
from pressroom.feeds.item import Item, body_html, legal
from pressroom.feeds.shown import Shown
from pressroom.feeds.version import Version
from pressroom.fragment import in_block
from pressroom.releases.asset import Kind, Rendition
from pressroom.releases.beat import MEDIA_TOPICS
from pressroom.releases.media_contact import MediaContact
from pressroom.releases.newsroom import in_language

MEDIA_TYPE = "application/json"

_STANDARD = {
    "name": "ninjs",
    "version": "3.1",
    "schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#",
}
_TYPES = {Kind.PICTURE: "picture", Kind.RECORDING: "audio", Kind.DOCUMENT: "component"}


def ninjs(version: Version, base_url: str) -> bytes:
    return _written(news_object(version, base_url))


def collection(frame: Frame, versions: Sequence[Version], changes_url: str | None) -> bytes:
    """A feed; ninjs knows none, so that what stands around the objects is ours."""

    def write(kept: Sequence[Version]) -> bytes:
        about = {"uri": frame.id, "title": frame.title, "url": frame.self_url, "home": frame.home_url}
        if frame.language:
            about["language"] = frame.language
        if changes_url:
            about["changes"] = changes_url
        objects = [news_object(one, frame.base_url) for one in kept]
        return _written({**about, "updated": instant(frame.updated), "items": objects})

    return fitting(versions, write)


def changes(page: Page, base_url: str) -> tuple[bytes, Page]:
    """The document, and the page with the changes that fitted into it."""

    def write(told: Page) -> bytes:
        return _written(
            {
                "next": base_url + addresses.changes_feed(page.newsroom.slug, "json", after=str(told.cursor)),
                "cursor": str(told.cursor),
                "more": told.more,
                "changes": [_change(one, base_url) for one in told.changes],
            }
        )

    return page.fitted(write)


def _change(change: Change, base_url: str) -> dict[str, Any]:
    return {"event": change.kind.value, "at": instant(change.at), "item": news_object(change.version, base_url)}


def news_object(version: Version, base_url: str) -> dict[str, Any]:
    if version.text is None:
        return _canceled(version)
    item = version.text
    newsroom, tag = item.newsroom, item.language
    name = legal(newsroom.name(tag))
    said: dict[str, Any] = {
        **_identity(version, "usable"),
        "representationType": "full",
        "firstCreated": instant(item.published),
        "embargoedUntil": instant(item.release.embargo_until) if item.release.embargo_until else None,
        "urgency": item.release.urgency,
        "copyrightHolder": name,
        "usageTerms": legal(newsroom.licence or ""),
        "edNote": editors_note(version),
        "language": tag,
        "headlines": list(_headlines(item)),
        "descriptions": [{"role": "summary", "contentType": "text/plain", "value": item.summary}],
        "bodies": _bodies(item, base_url),
        "by": name,
        "located": legal(item.revision.dateline),
        "infoSources": [{"name": name, "uri": base_url + addresses.newsroom(newsroom.slug)}],
        "people": [_contact(one) for one in item.revision.contacts],
        "subjects": list(_subjects(item)),
        "genres": [{"name": "Press release"}],
        "altIds": [{"role": "release", "value": item.release.id}],
        "renditions": [_page(base_url + item.path)],
        "associations": [
            *(_asset(version, one, base_url) for one in item.assets),
            *(_translation(item, number, base_url) for number in range(len(item.siblings))),
        ],
    }
    return {key: value for key, value in said.items() if value not in (None, "", [])}


def _identity(version: Version, status: str) -> dict[str, Any]:
    return {
        "uri": version.translation.urn,
        "standard": _STANDARD,
        "type": "text",
        "version": str(version.number),
        "versionCreated": instant(version.at),
        "pubStatus": status,
    }


def _canceled(version: Version) -> dict[str, Any]:
    said = _identity(version, "canceled")
    if version.item is None:
        return said
    return {
        **said,
        "edNote": editors_note(version),
        "language": version.item.language,
        "headlines": [{"role": "main", "contentType": "text/plain", "value": version.item.title}],
        "altIds": [{"role": "release", "value": version.release.id}],
    }


def _headlines(item: Item) -> Iterator[dict[str, str]]:
    yield {"role": "main", "contentType": "text/plain", "value": item.title}
    if item.revision.subtitle:
        yield {"role": "subtitle", "contentType": "text/plain", "value": legal(item.revision.subtitle)}


def _bodies(item: Item, base_url: str) -> list[dict[str, Any]]:
    text = legal(item.revision.text)
    counts = {"charCount": len(text), "wordCount": len(text.split())}
    html = in_block(body_html(item, base_url), item.language)
    return [
        {"role": "main", "contentType": "text/html", **counts, "value": html},
        {"role": "main", "contentType": "text/plain", **counts, "value": text},
    ]


def _contact(contact: MediaContact) -> dict[str, Any]:
    ways = [
        {"type": kind, "role": "press", "value": legal(value)}
        for kind, value in (("email", contact.email), ("phone", contact.phone))
        if value
    ]
    said = {
        "name": legal(contact.label),
        "rel": "mediaContact",
        "literal": legal(contact.role),
        "contactInfo": ways,
    }
    return {key: value for key, value in said.items() if value}


def _subjects(item: Item) -> Iterator[dict[str, str]]:
    for beat in item.beats:
        name = legal(in_language(beat.names, item.language, item.newsroom.languages))
        said = {"name": name, "rel": "about", "literal": legal(beat.slug)}
        yield {**said, "uri": MEDIA_TOPICS + beat.topic_code} if beat.topic_code else said


def _asset(version: Version, shown: Shown, base_url: str) -> dict[str, Any]:
    """Its alternative text is a description, as ninjs 3 has no other place for it."""
    said = shown.said
    texts = {"alt": said.alt, "caption": said.caption}
    associated: dict[str, Any] = {
        "name": legal(said.name) or shown.asset.id,
        "rel": "picture" if shown.is_picture else shown.asset.kind.value,
        "uri": f"{base_url}{shown.web.path}",
        "type": _TYPES[shown.asset.kind],
        "language": version.translation.language,
        "by": legal(said.credit),
        "usageTerms": legal(said.licence),
        "descriptions": [
            {"role": role, "contentType": "text/plain", "value": legal(text)} for role, text in texts.items() if text
        ],
        "renditions": [
            _rendition(one, shown.length(one), base_url) for _, one in sorted(shown.renditions.items(), reverse=True)
        ],
    }
    return {key: value for key, value in associated.items() if value}


def _rendition(rendition: Rendition, length: int, base_url: str) -> dict[str, Any]:
    said = {
        "name": rendition.size.value,
        "href": base_url + rendition.path,
        "contentType": rendition.media_type,
        "width": rendition.width,
        "height": rendition.height,
        "sizeInBytes": length,
    }
    return {key: value for key, value in said.items() if value is not None}


def _translation(item: Item, number: int, base_url: str) -> dict[str, Any]:
    """Named after its language: its headline may change without a new version of this one."""
    sibling = item.siblings[number]
    return {
        "name": languages.language(sibling.language).name,
        "rel": "translation",
        "uri": sibling.urn,
        "language": sibling.language,
        "renditions": [_page(base_url + sibling.path(item.newsroom.slug))],
    }


def _page(url: str) -> dict[str, str]:
    return {"name": "page", "href": url, "contentType": "text/html"}


def instant(moment: datetime) -> str:
    """RFC 3339, to the microsecond where there are some: versions may follow each other within a second."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _written(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
