"""What machines read in a release page: schema.org NewsArticle as JSON-LD, and where each translation is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from pressroom import addresses
from pressroom.feeds.item import Item
from pressroom.feeds.notice import Notice


def news_article(item: Item, base_url: str) -> Markup:
    """JSON-LD, safe inside a script element."""
    newsroom, tag = item.newsroom, item.language
    publisher = {
        "@type": "NewsMediaOrganization",
        "name": newsroom.name(tag),
        "url": base_url + addresses.language(newsroom.slug, tag),
    }
    said: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "@id": item.translation.urn,
        "genre": "press release",
        "url": base_url + item.path,
        "mainEntityOfPage": base_url + item.path,
        "headline": item.title,
        "description": item.summary,
        "inLanguage": tag,
        "datePublished": _instant(item.published),
        "dateModified": _instant(item.updated),
        "publisher": publisher,
        "author": publisher,
        "isAccessibleForFree": True,
    }
    if item.revision.dateline:
        said["dateline"] = item.revision.dateline
    if newsroom.licence:
        said["license"] = newsroom.licence
    if item.pictures:
        said["image"] = [base_url + shown.web.path for shown in item.pictures]
    if item.notices:
        said["correction"] = [_correction(one) for one in item.notices]
    said |= _translations(item, base_url)
    # A text that contains "</script>" must not end the element.
    escaped = (
        json.dumps(said, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    )
    return Markup(escaped)  # noqa: S704 - escaped above


def _correction(notice: Notice) -> dict[str, Any]:
    told = {"@type": "CorrectionComment", "text": notice.note.text, "inLanguage": notice.note.language}
    return {**told, "datePublished": _instant(notice.at)}


def _translations(item: Item, base_url: str) -> dict[str, Any]:
    others = {
        one.language: {
            "@type": "NewsArticle",
            "headline": one.title,
            "inLanguage": one.language,
            "url": base_url + one.path(item.newsroom.slug),
        }
        for one in item.siblings
    }
    source = item.release.source_language
    if item.language == source:
        return {"workTranslation": list(others.values())} if others else {}
    return {"translationOfWork": others[source]} if source in others else {}


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()
