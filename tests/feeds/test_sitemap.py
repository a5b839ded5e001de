from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote

import pytest
from lxml import etree

from pressroom.db import Database
from pressroom.feeds import sitemap as sitemaps
from pressroom.feeds.sitemap import News, Place, index, news_sitemap, places, sitemap
from pressroom.releases import retracting, vanishing
from tests.makers import make_correction, make_newsroom, make_release, now

BASE = "https://press.example.org"
NAMES = {
    "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "x": "http://www.w3.org/1999/xhtml",
    "n": "http://www.google.com/schemas/sitemap-news/0.9",
}
MOMENT = datetime(2026, 11, 20, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=3)))


def test_a_page_names_its_change_and_its_alternates_with_whole_addresses() -> None:
    found = [
        Place("/river/en/a", MOMENT, [("en", "/river/en/a"), ("ckb", "/river/ckb/b")], "/river/r/1"),
        Place("/", None),
    ]
    root = etree.fromstring(sitemap(found, BASE))
    assert root.xpath("s:url/s:loc/text()", namespaces=NAMES) == [f"{BASE}/river/en/a", f"{BASE}/"]
    assert root.xpath("s:url/s:lastmod/text()", namespaces=NAMES) == ["2026-11-20T09:30:15Z"]
    links = [dict(one.attrib) for one in root.xpath("s:url[1]/x:link", namespaces=NAMES)]
    assert links == [
        {"rel": "alternate", "hreflang": tag, "href": BASE + path}
        for tag, path in (("en", "/river/en/a"), ("ckb", "/river/ckb/b"), ("x-default", "/river/r/1"))
    ]
    assert not root.xpath("s:url[2]/x:link", namespaces=NAMES)


def test_news_name_the_newsroom_the_bare_language_and_the_headline_as_it_is() -> None:
    one = News("/river/ckb/b", "River\x0b & Co", "ckb-Arab", MOMENT, "NGO: <پرد>\x00")
    root = etree.fromstring(news_sitemap([one], BASE))
    assert root.xpath("string(s:url/s:loc)", namespaces=NAMES) == f"{BASE}/river/ckb/b"
    said = root.xpath("s:url/n:news", namespaces=NAMES)[0]
    assert [child.text for child in said.iter() if child.text and child.text.strip()] == [
        "River & Co", "ckb", "2026-11-20T09:30:15Z", "NGO: <پرد>",
    ]  # fmt: skip


def test_an_index_names_its_parts() -> None:
    root = etree.fromstring(index(2, BASE))
    assert root.xpath("s:sitemap/s:loc/text()", namespaces=NAMES) == [f"{BASE}/sitemap-1.xml", f"{BASE}/sitemap-2.xml"]


def test_parts_hold_every_release_once_and_the_oldest_stay_where_they_are(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemaps, "RELEASES_PER_PART", 2)
    newsroom = make_newsroom(database, languages=["en", "ckb"])
    for number in range(5):
        make_release(
            database, newsroom, titles={"en": f"Bridge {number}"}, public_from=now() - timedelta(days=number + 1)
        )
    with database.reading() as tx:
        at = datetime.now(UTC)
        assert sitemaps.parts(tx, at) == 3
        found = [[place.path for place in places(tx, at, number)] for number in (1, 2, 3)]
        assert sitemaps.parts(tx, at - timedelta(days=30)) == 1
    english = [[path.rpartition("/")[2] for path in part if path.startswith("/river/en/bridge")] for part in found]
    assert english == [["bridge-4", "bridge-3"], ["bridge-2", "bridge-1"], ["bridge-0"]]
    assert "/" in found[0] and "/" not in found[1] + found[2]


def test_corrections_move_the_date_of_a_page_and_what_is_taken_back_leaves(database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en", "ckb"])
    made, other, third = (make_release(database, newsroom) for _ in range(3))
    at = now()
    make_correction(database, made, {"en": "It opens in May."}, {"en": "Not in spring."}, at=at)
    make_correction(database, third, {"en": "The brigde."}, {}, minor=True, at=at)

    def changed() -> dict[str, datetime | None]:
        with database.reading() as tx:
            found = places(tx, now(), 1)
            news = {one.path for one in sitemaps.news(tx, now())}
        pages = {one.path: one.changed for one in found if one.x_default and "/r/" in one.x_default}
        assert set(pages) == news
        return {unquote(path).rpartition("/")[2]: moment for path, moment in pages.items()}

    slugs = [[one.slug for one in release.translations.values()] for release in (made, other, third)]
    found = changed()
    assert [found[one] == at for one in (*slugs[0], *slugs[2])] == [True, True, False, False]
    retracting.retract(database, made.id, {"en": "Not true."}, now=now())
    vanishing.vanish_release(database, other.id, now=now())
    assert set(changed()) == set(slugs[2])
