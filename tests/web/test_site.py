from __future__ import annotations

import re
from datetime import timedelta

import feedparser
import pytest
from lxml import etree
from lxml import html as lxml_html

from pressroom.db import Database
from pressroom.feeds import sitemap as sitemaps
from pressroom.releases import retracting
from tests.makers import TITLES, make_newsroom, make_release, now
from tests.web.public import Site, path


def test_privacy_and_robots_are_there(site: Site) -> None:
    assert lxml_html.fromstring(site.get("/privacy").text).xpath("//section/@lang") == ["en", "ckb", "kmr", "ar"]
    assert "Disallow: /desk/" in site.get("/robots.txt").text


def test_a_missing_slash_is_added_without_repeating_the_host(site: Site, database: Database) -> None:
    make_newsroom(database)
    answer = site.get("/river", Host="elsewhere.example")
    assert answer.headers["Location"] == "/river/"


def locations(site: Site, path: str) -> list[str]:
    answer = site.get(path)
    assert answer.status_code == 200, path
    assert answer.content_type == "application/xml; charset=utf-8"
    found: list[str] = etree.fromstring(answer.data).xpath("//*[local-name()='loc']/text()")
    return [one.removeprefix("http://127.0.0.1:8000") for one in found]


def test_robots_are_told_of_both_sitemaps(site: Site) -> None:
    lines = site.get("/robots.txt").text.splitlines()
    for one, empty in (("/sitemap.xml", ["/", "/privacy"]), ("/news-sitemap.xml", [])):
        assert f"Sitemap: http://127.0.0.1:8000{one}" in lines
        assert locations(site, one) == empty


def test_the_sitemap_names_every_public_page_and_each_of_them_answers(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), ["en", "ckb"], beats=["water"])
    found = locations(site, "/sitemap.xml")
    assert found == list(dict.fromkeys(found))
    assert set(found) == {
        "/", "/privacy", "/river/", *(f"/river/{tag}/" for tag in made.newsroom.languages),
        *(f"/river/{tag}/beats/water/" for tag in ("en", "ckb")), path(made, "en"), path(made, "ckb"),
    }  # fmt: skip
    for one in found:
        assert site.get(one).status_code == 200, one
    links = etree.fromstring(site.get("/sitemap.xml").data).xpath(
        f"//*[local-name()='url'][*[local-name()='loc' and contains(., '{path(made, 'en')}')]]/*[@hreflang]"
    )
    page = lxml_html.fromstring(site.get(path(made, "en")).text).xpath("//head/link[@hreflang]")
    as_on_page = {one.get("hreflang"): one.get("href") for one in page}
    assert {one.get("hreflang"): one.get("href") for one in links} == as_on_page
    assert locations(site, "/sitemap-1.xml") == found
    assert site.get("/sitemap-2.xml").status_code == 404
    assert set(locations(site, "/news-sitemap.xml")) == {path(made, "en"), path(made, "ckb")}


def test_a_large_sitemap_is_an_index_of_parts(site: Site, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "RELEASES_PER_PART", 1)
    newsroom = make_newsroom(database, languages=["en"])
    made = [make_release(database, newsroom, titles={"en": f"Bridge {number}"}) for number in range(2)]
    parts = locations(site, "/sitemap.xml")
    assert parts == ["/sitemap-1.xml", "/sitemap-2.xml"]
    named = [one for part in parts for one in locations(site, part)]
    assert all(named.count(path(one, "en")) == 1 for one in made)


MAPS = ("/sitemap.xml", "/sitemap-1.xml", "/news-sitemap.xml", "/feeds.opml")


def test_an_embargoed_release_is_in_no_map_until_its_second(site: Site, database: Database) -> None:
    lifts = now() + timedelta(hours=1)
    titles = {tag: f"{title} 7319" for tag, title in TITLES.items()}
    made = make_release(database, make_newsroom(database), titles=titles, public_from=lifts, beats=["water"])

    def telling() -> list[str]:
        return [one for one in MAPS if {"7319", made.id, "water"} & set(re.findall(r"\w+", site.get(one).text))]

    assert telling() == []
    site.ahead = timedelta(minutes=59, seconds=50)
    assert telling() == []
    site.ahead = timedelta(hours=1, seconds=1)
    assert telling() == list(MAPS)


def test_a_retracted_release_leaves_every_map(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), titles={"en": "Bridge 7319"}, languages=["en"])
    before = {one: site.get(one) for one in MAPS[:3]}
    assert all("7319" in answer.text for answer in before.values())
    retracting.retract(database, made.id, {"en": "It was not true."}, now=now())
    for one, answer in before.items():
        after = site.get(one, If_None_Match=answer.headers["ETag"])
        assert after.status_code == 200 and "7319" not in after.text


def test_news_leave_their_sitemap_after_two_days_by_the_clock_alone(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), ["en"], public_from=now() - timedelta(hours=1))
    before = site.get("/news-sitemap.xml")
    site.ahead = timedelta(hours=46, minutes=59)
    assert locations(site, "/news-sitemap.xml") == [path(made, "en")]
    site.ahead = timedelta(hours=47, seconds=1)
    assert locations(site, "/news-sitemap.xml") == []
    assert before.last_modified is not None
    after = site.get("/news-sitemap.xml", If_Modified_Since=before.headers["Last-Modified"])
    assert after.status_code == 200
    assert path(made, "en") in locations(site, "/sitemap.xml")


def test_the_opml_names_every_feed_and_each_of_them_answers(site: Site, database: Database) -> None:
    make_release(database, make_newsroom(database, languages=["en", "ckb"]), ["ckb"], beats=["water"])
    answer = site.get("/feeds.opml")
    assert answer.content_type == "text/x-opml; charset=utf-8"
    found = [one.removeprefix("http://127.0.0.1:8000") for one in etree.fromstring(answer.data).xpath("//@xmlUrl")]
    assert found == [
        "/all/feed.atom", "/all/en/feed.atom", "/all/ckb/feed.atom", "/river/feed.atom", "/river/en/feed.atom",
        "/river/ckb/feed.atom", "/river/ckb/beats/water/feed.atom",
    ]  # fmt: skip
    for one in found:
        link = feedparser.parse(site.get(one).data).feed
        assert [same.href for same in link.links if same.rel == "self"] == [f"http://127.0.0.1:8000{one}"]
