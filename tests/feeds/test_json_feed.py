from __future__ import annotations

import json
from datetime import timedelta

import pytest

from pressroom.feeds.entry import Entry
from pressroom.feeds.json_feed import json_feed
from pressroom.feeds.notice import Notice
from pressroom.releases.newsroom import Said
from tests.feeds.articles import BASE, MOMENT, around, article, holding
from tests.makers import LANGUAGES, TITLES


@pytest.mark.parametrize("tag", LANGUAGES)
def test_an_item_has_everything_a_reader_needs(tag: str) -> None:
    others = [other for other in LANGUAGES if other != tag]
    source = article(tag, siblings=others, pictures=1)
    feed = json.loads(json_feed(around("json", tag), holding(source)))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert (feed["language"], feed["feed_url"]) == (tag, f"{BASE}/river/{tag}/feed.json")
    (item,) = feed["items"]
    assert (item["id"], item["url"], item["title"]) == (source.translation.urn, BASE + source.path, TITLES[tag])
    assert item["language"] == tag
    assert item["content_html"].startswith(f'<div lang="{tag}" dir=')
    assert (item["date_published"], item["date_modified"]) == ("2026-11-20T08:30:15Z", "2026-11-20T08:35:15Z")
    assert item["image"] == f"{BASE}/assets/picture0.png"
    assert [one["language"] for one in item["_pressroom"]["translations"]] == others


def test_a_feed_in_several_languages_claims_none() -> None:
    feed = json.loads(json_feed(around("json"), holding(article("ckb"), article("en", 2))))
    assert "language" not in feed
    assert [one["language"] for one in feed["items"]] == ["ckb", "en"]


def test_an_item_says_what_became_of_it() -> None:
    told = Notice(2, MOMENT - timedelta(minutes=30), Said("Twelve, not ten.", "en"), is_missing=True)
    corrected = article("ckb", corrections=[told], is_stale=True)
    gone = article("en", 2, reasons={"en": "Not true."}, pictures=1)
    assert gone.retraction is not None
    found = holding(corrected, Entry(corrected, told), gone, Entry(gone, gone.retraction), article("en", 3))
    items = json.loads(json_feed(around("json"), found))["items"]
    said = [one["_pressroom"] for one in items]
    assert [one["status"] for one in said] == ["corrected", "correction", "retracted", "retraction", "published"]
    assert [one["stale"] for one in said] == [True, True, False, False, False]
    correction = {
        "number": 2, "date": "2026-11-20T09:00:15Z", "note": "Twelve, not ten.", "language": "en", "missing": True
    }  # fmt: skip
    assert said[0]["corrections"] == [correction] and said[1]["notice"] == correction
    assert [one.get("about") for one in said] == [
        None, corrected.translation.urn, None, gone.translation.urn, None
    ]  # fmt: skip
    assert said[2]["notice"] == {"date": "2026-11-20T08:00:15Z", "note": "Not true.", "language": "en"}
    assert "image" not in items[2] and "The bridge" not in json.dumps(items[2])
