from __future__ import annotations

from lxml import etree

from pressroom.feeds.opml import Group, opml
from tests.feeds.articles import BASE, WATER, around


def test_each_feed_is_an_outline_in_its_group() -> None:
    feeds = [around("atom"), around("atom", "ckb"), around("atom", "ckb", WATER)]
    root = etree.fromstring(opml([Group("Site\x0b", []), Group("River", feeds)]))
    assert (root.tag, root.get("version"), root.findtext("head/title")) == ("opml", "2.0", "Site")
    assert [one.get("text") for one in root.findall("body/outline")] == ["Site", "River"]
    found = [dict(one.attrib) for one in root.findall("body/outline/outline")]
    assert {one["type"] for one in found} == {"rss"}
    assert [(one["xmlUrl"], one["htmlUrl"], one.get("language")) for one in found] == [
        (f"{BASE}/river/feed.atom", f"{BASE}/river/", None),
        (f"{BASE}/river/ckb/feed.atom", f"{BASE}/river/ckb/", "ckb"),
        (f"{BASE}/river/ckb/beats/water/feed.atom", f"{BASE}/river/ckb/beats/water/", "ckb"),
    ]
    assert all(one["text"] == one["title"] == feed.title for one, feed in zip(found, feeds, strict=True))
