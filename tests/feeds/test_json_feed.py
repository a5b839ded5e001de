from __future__ import annotations

import json

import pytest

from pressroom.feeds.json_feed import json_feed
from tests.feeds.articles import BASE, around, article
from tests.makers import LANGUAGES, TITLES


@pytest.mark.parametrize("tag", LANGUAGES)
def test_an_item_has_everything_a_reader_needs(tag: str) -> None:
    others = [other for other in LANGUAGES if other != tag]
    source = article(tag, siblings=others, pictures=1)
    feed = json.loads(json_feed(around("json", tag), [source]))
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
    feed = json.loads(json_feed(around("json"), [article("ckb"), article("en", 2)]))
    assert "language" not in feed
    assert [one["language"] for one in feed["items"]] == ["ckb", "en"]
