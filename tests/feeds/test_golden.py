"""Feeds as they were when last looked at by a person; UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from pressroom.feeds.contents import Contents
from pressroom.feeds.document import atom, rss
from pressroom.feeds.entry import Entry, Tombstone
from pressroom.feeds.json_feed import json_feed
from pressroom.feeds.newsml import newsml
from pressroom.feeds.ninjs import ninjs
from pressroom.feeds.notice import Notice
from pressroom.feeds.version import Version
from pressroom.releases.change import Kind
from pressroom.releases.newsroom import Said
from tests.feeds.articles import BASE, MOMENT, around, article, holding, version
from tests.makers import LANGUAGES

GOLDEN = Path(__file__).parent.parent / "golden"
WRITERS = {"atom": atom, "rss": rss, "json": json_feed}

NOTES = {
    "en": "Twelve buses run each day, not fourteen.",
    "ckb": "ڕۆژانە دوازدە پاس دەڕۆن، نەک چواردە.",
    "kmr": "Rojê dozdeh otobus diçin, ne çardeh.",
    "ar": "تسير اثنتا عشرة حافلة يوميًا، لا أربع عشرة.",
}
REASONS = {
    "en": "The figures were not ours.",
    "ckb": "ژمارەکان هی ئێمە نەبوون.",
    "kmr": "Hejmar ne yên me bûn.",
    "ar": "لم تكن الأرقام صادرة عنا.",
}


def contents(tag: str) -> Contents:
    """A new text, one with a picture, one corrected twice, one taken back; and a removed one."""
    others = [other for other in LANGUAGES if other != tag]
    second = article(tag, 2, title="3 – UNICEF & “<b>”", pictures=1)
    english = "The name is “A & B”."
    told = (
        Notice(2, MOMENT - timedelta(minutes=20), Said(english, "en"), is_missing=tag != "en"),
        Notice(1, MOMENT - timedelta(minutes=40), Said(NOTES[tag], tag)),
    )
    corrected = article(tag, 3, corrections=told, is_stale=tag != "en")
    retracted = article(tag, 4, reasons=REASONS)
    assert retracted.retraction is not None
    notices = Entry(corrected, told[0]), Entry(retracted, retracted.retraction)
    gone = (
        Tombstone(retracted.translation.urn, retracted.retraction.at),
        Tombstone(article(tag, 9).translation.urn, MOMENT),
    )
    return holding(notices[0], article(tag, siblings=others), second, corrected, notices[1], retracted, tombstones=gone)


def versions(tag: str) -> dict[str, Version]:
    """By what has become of it."""
    others = [other for other in LANGUAGES if other != tag]
    notice = Notice(1, MOMENT - timedelta(minutes=40), Said(NOTES[tag], tag))
    first = article(tag, title="3 – UNICEF & “<b>”", subtitle=NOTES[tag], siblings=others, pictures=1)
    first.release.urgency, first.release.embargo_until = 3, first.published
    retracted = article(tag, 4, reasons=REASONS)
    return {
        "usable": version(first),
        "corrected": version(article(tag, 3, corrections=(notice,), is_stale=tag != "en"), 2, Kind.CORRECTION),
        "retracted": version(retracted, 3, Kind.RETRACTION),
        "removed": version(retracted, 4, Kind.REMOVAL, removed=True),
    }


NEWS = {"ninjs.json": ninjs, "newsml.xml": newsml}


@pytest.mark.parametrize("kind", NEWS)
@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_release_in_a_news_format_is_written_as_it_was(tag: str, kind: str) -> None:
    for name, one in versions(tag).items():
        written = NEWS[kind](one, BASE)
        path = GOLDEN / f"{name}.{tag}.{kind}"
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_bytes(written)
        assert written == path.read_bytes(), name


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_feed_is_written_as_it_was(tag: str, kind: str) -> None:
    written = WRITERS[kind](around(kind, tag), contents(tag))
    path = GOLDEN / f"feed.{tag}.{kind}"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_bytes(written)
    assert written == path.read_bytes()
