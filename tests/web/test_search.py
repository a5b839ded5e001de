from __future__ import annotations

import logging
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from lxml import html as lxml_html
from sqlalchemy import select

from pressroom.db import Database
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.revision import Revision
from tests.makers import make_newsroom, make_release, now
from tests.web.public import Site


def titles(site: Site, words: str, tag: str = "en") -> list[str]:
    answer = site.get(f"/river/{tag}/search?{urlencode({'q': words})}")
    assert answer.status_code == 200
    return [str(one) for one in lxml_html.fromstring(answer.text).xpath("//article//h2/a/text()")]


def say(database: Database, newsroom: Newsroom, tag: str, title: str, body: str = "Words.", **terms: object) -> None:
    make_release(database, newsroom, [tag], titles={tag: title}, bodies={tag: body}, **terms)  # type: ignore[arg-type]


def test_every_word_must_occur_in_headline_or_text(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database)
    say(database, newsroom, "en", "Bridge opens", "Walkers *rejoice*.", public_from=now() - timedelta(hours=2))
    say(database, newsroom, "en", "Bridge closes", "Drivers complain.", public_from=now() - timedelta(hours=1))
    assert titles(site, "bridge") == ["Bridge closes", "Bridge opens"]
    assert titles(site, "REJOICE bridge") == ["Bridge opens"]
    assert titles(site, "rejoice drivers") == []
    assert titles(site, "  ") == titles(site, "?!") == []


@pytest.mark.parametrize(
    ("tag", "title", "asked"),
    [
        ("kmr", "Şîrîn li Çiya ye", "sirin ciya"),
        ("ckb", "مامۆستایانی کوردستان", "كوردستان"),
        ("ckb", "دۆڵی ڕووبار", "دولي رووبار"),
        ("ar", "المُدَرِّسَة في المـــدينة", "المدرسه المدينة"),
    ],
)
def test_letters_that_look_alike_are_found(site: Site, database: Database, tag: str, title: str, asked: str) -> None:
    say(database, make_newsroom(database), tag, title)
    assert titles(site, asked, tag) == [title]


def test_other_languages_and_newsrooms_are_not_searched(site: Site, database: Database) -> None:
    say(database, make_newsroom(database), "en", "Here")
    say(database, make_newsroom(database, "other"), "en", "Here too")
    assert titles(site, "here") == ["Here"]
    assert titles(site, "here", "kmr") == []


def test_what_is_hidden_is_not_found_before_its_second(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    say(database, newsroom, "en", "Hoopoe census", public_from=now() + timedelta(hours=1))
    make_release(database, newsroom, titles={"en": "Hoopoe draft"}, draft=True)
    nothing = site.get("/river/en/search?q=ibis").text
    assert site.get("/river/en/search?q=hoopoe").text == nothing.replace("ibis", "hoopoe")
    site.ahead = timedelta(hours=1, seconds=1)
    assert titles(site, "hoopoe") == ["Hoopoe census"]


def test_signs_of_the_query_language_are_plain_text(site: Site, database: Database) -> None:
    say(database, make_newsroom(database), "en", "Bridge", "100% of it_all")
    assert titles(site, "%") == titles(site, "_") == titles(site, "\\") == titles(site, "bri%zz") == []
    assert titles(site, "it_all 100%") == ["Bridge"]
    assert titles(site, "bri\0dge") == ["Bridge"]


def test_a_corrected_text_is_searched_as_it_now_is(site: Site, database: Database) -> None:
    say(database, make_newsroom(database, languages=["en"]), "en", "Bridge", "Forty people.")
    with database.transaction() as tx:
        tx.scalars(select(Revision)).one().text = "Fifty people."
    assert (titles(site, "forty"), titles(site, "fifty")) == ([], ["Bridge"])


def test_the_newest_fifty_are_shown(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    for number in range(52):
        say(database, newsroom, "en", f"Item {number}", public_from=now() - timedelta(hours=number + 1))
    assert titles(site, "item") == [f"Item {number}" for number in range(50)]


def test_a_search_is_kept_and_logged_nowhere(site: Site, database: Database, caplog: pytest.LogCaptureFixture) -> None:
    make_newsroom(database)
    with caplog.at_level(logging.DEBUG):
        answer = site.get("/river/en/search?q=wanted-7319")
        site.get("/river/xx/search?q=wanted-7319")
    assert answer.headers["Cache-Control"] == "no-store" and "ETag" not in answer.headers
    assert answer.headers["X-Robots-Tag"] == "noindex" and "Set-Cookie" not in answer.headers
    assert "7319" not in caplog.text
    assert not [path for path in site.app.extensions["pressroom.library"]._shelf if "search" in path]


def test_the_form_needs_no_script_and_says_what_was_asked(site: Site, database: Database) -> None:
    make_newsroom(database)
    asked = '"><script>alert(1)</script>' + "x" * 500
    page = lxml_html.fromstring(site.get(f"/river/ckb/search?{urlencode({'q': asked})}").text)
    form = page.xpath("//form[@role='search']")[0]
    assert (form.get("method"), form.get("action")) == ("get", "/river/ckb/search")
    assert form.xpath(".//input/@value") == [asked[:200]] and form.xpath("//label[@for='q']")
    assert not page.xpath("//script") and page.xpath("//meta[@name='robots']/@content") == ["noindex"]
    assert page.xpath("//p[@role='status']")
    assert not lxml_html.fromstring(site.get("/river/ckb/search").text).xpath("//p[@role='status']")


def test_every_page_of_a_newsroom_leads_to_search_in_its_language(site: Site, database: Database) -> None:
    make_newsroom(database)
    for tag in ("en", "ckb"):
        page = lxml_html.fromstring(site.get(f"/river/{tag}/").text)
        assert page.xpath("//header/div/a[@class='find']/@href") == [f"/river/{tag}/search"]


def test_search_in_nothing_is_not_found(site: Site, database: Database) -> None:
    make_newsroom(database, languages=["en"])
    unknown = site.get("/river/en/no-such-release")
    for address in ("/river/ckb/search?q=x", "/nobody/en/search"):
        assert (site.get(address).status_code, site.get(address).data) == (404, unknown.data)
