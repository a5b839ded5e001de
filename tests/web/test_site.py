from __future__ import annotations

from lxml import html as lxml_html

from pressroom.db import Database
from tests.makers import make_newsroom
from tests.web.public import Site


def test_privacy_and_robots_are_there(site: Site) -> None:
    assert lxml_html.fromstring(site.get("/privacy").text).xpath("//section/@lang") == ["en", "ckb", "kmr", "ar"]
    assert "Disallow: /desk/" in site.get("/robots.txt").text


def test_a_missing_slash_is_added_without_repeating_the_host(site: Site, database: Database) -> None:
    make_newsroom(database)
    answer = site.get("/river", Host="elsewhere.example")
    assert answer.headers["Location"] == "/river/"
