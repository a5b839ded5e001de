from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from urllib.parse import unquote

import pytest
from lxml import html as lxml_html

from pressroom import addresses, languages
from pressroom.db import Database
from pressroom.releases import publishing, retracting, vanishing
from pressroom.releases.translation import Translation
from tests.makers import (
    ABOUT,
    NAMES,
    TITLES,
    Made,
    make_correction,
    make_newsroom,
    make_release,
    make_revision_row,
    now,
)
from tests.web.public import Site, path


def tree(site: Site, address: str) -> lxml_html.HtmlElement:
    answer = site.get(address)
    assert answer.status_code == 200, address
    return lxml_html.fromstring(answer.text)


def places(made: Made) -> list[str]:
    """Every address at which a release might show."""
    slug = made.newsroom.slug
    lists = [f"/{slug}/", "/all/feed.atom", *(f"/{slug}/feed.{kind}" for kind in addresses.FEED_FORMATS)]
    for tag in made.translations:
        lists += [f"/{slug}/{tag}/", f"/all/{tag}/feed.rss", f"/{slug}/{tag}/beats/water/"]
        lists += [
            f"/{slug}/{tag}/{beat}feed.{kind}" for kind in addresses.FEED_FORMATS for beat in ("", "beats/water/")
        ]
    return lists


@pytest.mark.parametrize("tag", ["en", "ckb", "kmr", "ar"])
def test_a_release_page_speaks_its_language_and_links_its_translations(
    site: Site, database: Database, tag: str
) -> None:
    made = make_release(database, make_newsroom(database), beats=["water"], pictures=1)
    page = tree(site, path(made, tag))
    assert (page.get("lang"), page.get("dir")) == (tag, languages.direction(tag))
    assert page.xpath("string(//h1)") == TITLES[tag]
    assert ABOUT[tag] in page.text_content()
    alternates = {one.get("hreflang"): one.get("href") for one in page.xpath("//head/link[@hreflang]")}
    assert alternates.pop("x-default").endswith(f"/river/r/{made.id}")
    assert alternates == {other: f"http://127.0.0.1:8000{path(made, other)}" for other in made.translations}
    feeds = page.xpath("//head/link[@rel='alternate' and @type]/@href")
    assert feeds[:3] == [f"/river/{tag}/feed.{kind}" for kind in addresses.FEED_FORMATS]
    for other in set(made.translations) - {tag}:
        block = page.xpath(f"//aside//li[@lang='{other}']")[0]
        assert block.get("dir") == languages.direction(other)
        assert TITLES[other] in block.text_content()


def test_a_page_asks_nothing_of_others_and_runs_no_script(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), pictures=1)
    answer = site.get(path(made, "ckb"))
    page = lxml_html.fromstring(answer.text)
    loaded = page.xpath("//img/@src | //link[@rel='stylesheet' or @rel='icon']/@href | //script/@src")
    assert loaded and all(one.startswith("/") and not one.startswith("//") for one in loaded)
    assert page.xpath("//script/@type") == ["application/ld+json"]
    assert not page.xpath("//@style | //style | //@onclick")
    assert "Set-Cookie" not in answer.headers
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    for one in loaded:
        assert site.get(one).status_code == 200


def test_structured_data_names_language_dates_and_translations(site: Site, database: Database) -> None:
    titles = {**TITLES, "en": 'A bridge <!--<script> </script><script>alert("x")</script>'}
    made = make_release(database, make_newsroom(database), titles=titles)
    page = tree(site, path(made, "en"))
    assert len(page.xpath("//script")) == 1
    assert not set("<>&") & set(page.xpath("string(//script)"))
    said = json.loads(page.xpath("string(//script)"))
    assert (said["@type"], said["inLanguage"], said["headline"]) == ("NewsArticle", "en", titles["en"])
    assert {one["inLanguage"] for one in said["workTranslation"]} == {"ckb", "kmr", "ar"}
    kurdish = json.loads(tree(site, path(made, "ckb")).xpath("string(//script)"))
    assert kurdish["translationOfWork"]["inLanguage"] == "en"
    assert kurdish["publisher"]["name"] == NAMES["ckb"]


def test_dates_are_written_as_each_language_writes_them(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database))
    written = {
        "en": "November 20, 2026",
        "kmr": "20ê mijdara 2026an",
        "ckb": "20ی تشرینی دووەمی 2026",
        "ar": "20 نوفمبر 2026",
    }
    for tag, day in written.items():
        dateline = tree(site, path(made, tag)).xpath("string(//p[@class='dateline'])")
        assert day in dateline


def test_an_embargoed_release_is_nowhere_until_its_second(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database)
    lifts = now() + timedelta(hours=1)
    titles = {tag: f"{title} 7319" for tag, title in TITLES.items()}
    made = make_release(database, newsroom, titles=titles, public_from=lifts, beats=["water"], pictures=1)
    own = [*(path(made, tag) for tag in made.translations), f"/river/r/{made.id}", f"/assets/{made.assets[0].id}.png"]
    # Nothing else carries its beat, whose name alone could tell of it.
    own += [address for address in places(made) if "/beats/" in address]
    shared = [address for address in places(made) if "/beats/" not in address]
    unknown = site.get("/river/en/no-such-release")
    for address in own:
        hidden = site.get(address)
        assert (hidden.status_code, hidden.data) == (404, unknown.data)
        assert hidden.headers.to_wsgi_list() == unknown.headers.to_wsgi_list()
    for address in shared:
        answer = site.get(address)
        assert answer.status_code == 200
        assert not [word for word in ("7319", made.id, "/beats/", "Water") if word in answer.text]

    site.ahead = timedelta(minutes=59, seconds=50)
    assert all(site.get(address).status_code == 404 for address in own)
    assert not any("7319" in site.get(address).text for address in shared)

    site.ahead = timedelta(hours=1, seconds=1)
    assert all(site.get(address).status_code == 200 for address in own)
    assert all("7319" in site.get(address).text for address in places(made))


def test_a_source_that_is_never_shown_shows_nowhere(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), ["en", "ckb"])
    with database.transaction() as tx:
        tx.get_one(Translation, made.translations["en"].id).publish = False
        publishing.newsrooms.touch(tx, made.newsroom.id, now=now())
    assert site.get(path(made, "en")).status_code == 404
    assert TITLES["en"] not in site.get(path(made, "ckb")).text
    assert TITLES["en"] not in site.get("/river/en/").text


def test_a_retracted_release_says_so_in_each_language_and_keeps_no_text(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), beats=["water"], pictures=1)
    assert site.get(path(made, "en")).status_code == 200
    assert site.get(f"/assets/{made.assets[0].id}.png").status_code == 200
    reasons = {"en": "The figures were wrong.", "ckb": "ژمارەکان هەڵە بوون."}
    retracting.retract(database, made.id, reasons, now=now())
    for tag, reason in [*reasons.items(), ("ar", reasons["en"])]:
        answer = site.get(path(made, tag))
        assert answer.status_code == 410
        page = lxml_html.fromstring(answer.text)
        said = page.xpath("//article/p[last()]")[0]
        assert said.text_content() == reason
        assert (said.get("lang") or page.get("lang")) == ("en" if tag == "ar" else tag)
        assert made.revisions[tag].text.splitlines()[0] not in answer.text
    assert site.get(f"/assets/{made.assets[0].id}.png").status_code == 404
    assert site.get(f"/river/r/{made.id}").status_code == 410
    for address in places(made):
        said = site.get(address).text
        # Feeds tell those who have read it; lists do not offer it.
        assert "/feed." in address or not any(title in said for title in TITLES.values())
        assert not any(revision.text.splitlines()[0] in said for revision in made.revisions.values())


def test_a_removed_release_leaves_no_word_behind(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database)
    made, single = make_release(database, newsroom, beats=["water"]), make_release(database, newsroom, ["kmr"])
    make_correction(database, made, {"en": "The bridge is shut."}, {"en": "Said of the bridge."})
    secrets = [*TITLES.values(), *(one.text.split("\n")[0] for one in made.revisions.values()), "bridge", "shut"]
    secrets += [one.slug for release in (made, single) for one in release.translations.values()]
    own = [f"{path(made, tag)}{end}" for tag in made.translations for end in ("", ".txt", ".md", "/changes")]
    own += [path(single, "kmr"), *(f"/river/r/{one.id}" for one in (made, single))]
    for one in (made, single):
        vanishing.vanish_release(database, one.id, now=now())
    for address in own:
        answer = site.get(address)
        assert answer.status_code == 410, address
        assert not [secret for secret in secrets if secret in unquote(answer.text)]
    for address in [*places(made), "/sitemap.xml", "/news-sitemap.xml"]:
        assert not [secret for secret in secrets if secret in unquote(site.get(address).text)], address


def note_of(page: lxml_html.HtmlElement) -> list[tuple[str, str | None, str | None]]:
    found = page.xpath("//section[@class='corrections']//p[@class='note']")
    return [(one.text_content(), one.get("lang"), one.get("dir")) for one in found]


def test_a_correction_stands_on_every_translation_at_once(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), public_from=now() - timedelta(days=3))
    notes = {"en": "It opens in May.", "ckb": "لە ئایاردا دەکرێتەوە."}
    bodies = {"en": "The bridge opens in May.", "ar": "يُفتتح الجسر في أيار."}
    assert not tree(site, path(made, "en")).xpath("//section[@class='corrections']")
    make_correction(database, made, bodies, notes)
    said = {
        "en": (notes["en"], None, None),
        "ckb": (notes["ckb"], None, None),
        "kmr": (notes["en"], "en", "ltr"),
        "ar": (notes["en"], "en", "ltr"),
    }
    for tag, note in said.items():
        page = tree(site, path(made, tag))
        assert note_of(page) == [note]
        lagging = page.xpath("//*[@role='note']")
        assert len(lagging) == (1 if tag in ("ckb", "kmr") else 0)
        data = json.loads(page.xpath("string(//script)"))
        assert [(one["@type"], one["text"]) for one in data["correction"]] == [("CorrectionComment", note[0])]
        assert data["dateModified"] > data["datePublished"]
        assert page.xpath("//section[@class='corrections']//a/@href") == [f"{path(made, tag)}/changes"]
        assert tree(site, f"/river/{tag}/").xpath("//article//strong[@class='mark']")
    assert "May" in tree(site, path(made, "en")).xpath("string(//div[@class='text'])")


def test_the_newest_correction_stands_first_and_spelling_is_only_listed(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database, languages=["en", "ckb"]))
    for number, body in enumerate(("In May.", "In June."), 1):
        make_correction(database, made, {"en": body}, {"en": f"Note {number}.\nMore <b>."})
    make_correction(database, made, {"en": "In  Junne."}, {"en": "A slip."}, minor=True)
    page = tree(site, path(made, "en"))
    assert [text for text, _, _ in note_of(page)] == ["Note 2.\nMore <b>.", "Note 1.\nMore <b>."]
    headings = tree(site, f"{path(made, 'en')}/changes").xpath("//section[@class='step']/h2/bdi/text()")
    assert headings == ["3", "2", "1"]
    only_spelling = make_release(database, made.newsroom, ["en"])
    make_correction(database, only_spelling, {"en": "A brigde."}, {}, minor=True)
    page = tree(site, path(only_spelling, "en"))
    assert note_of(page) == [] and page.xpath("//a[contains(@href, '/changes')]")
    assert not tree(site, "/river/en/").xpath("//article[1]//strong[@class='mark']")


def test_changes_say_what_a_language_said_and_says(site: Site, database: Database) -> None:
    made = make_release(
        database,
        make_newsroom(database),
        bodies={"en": "It opens in spring. All may walk.", "ckb": "لە بەهاردا دەکرێتەوە. هەموو دەتوانن بڕۆن."},
    )
    after = {"en": "It opens in May. All may walk. Bring friends.", "ckb": "لە ئایاردا دەکرێتەوە. هەموو دەتوانن بڕۆن."}
    make_correction(database, made, after, {"en": "May."})
    english = tree(site, f"{path(made, 'en')}/changes")
    words = [" ".join(one.text_content().split()) for one in english.xpath("//dl/div")]
    assert words == ["Was: It opens in spring.", "Now: It opens in May.", "Added: Bring friends."]
    kurdish = tree(site, f"{path(made, 'ckb')}/changes")
    assert [(one.text, one.get("lang"), one.get("dir")) for one in kurdish.xpath("//dd")] == [
        ("لە بەهاردا دەکرێتەوە.", "ckb", "rtl"), ("لە ئایاردا دەکرێتەوە.", "ckb", "rtl"),
    ]  # fmt: skip
    arabic = tree(site, f"{path(made, 'ar')}/changes")
    assert not arabic.xpath("//dl") and arabic.xpath("//*[@role='note']")
    assert arabic.xpath("//nav[@class='languages']//a/@href") == [
        f"{path(made, tag)}/changes" for tag in ("en", "ckb", "kmr", "ar")
    ]
    for page in (english, arabic):
        assert page.xpath("//meta[@name='robots']/@content") == ["noindex"]


def test_where_nothing_was_corrected_there_is_no_list_of_changes(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database))
    hidden = make_release(database, made.newsroom, ["en"], public_from=now() + timedelta(hours=1))
    unknown = site.get("/river/en/no-such-release")
    for one in (made, hidden):
        answer = site.get(f"{path(one, 'en')}/changes")
        assert (answer.status_code, answer.data) == (404, unknown.data)
    make_correction(database, made, {"en": "In May."}, {"en": "May."})
    retracting.retract(database, made.id, {"en": "Not at all."}, now=now())
    answer = site.get(f"{path(made, 'en')}/changes")
    assert answer.status_code == 410 and "In May" not in answer.text


def test_an_address_that_named_somebody_leads_on_for_good(site: Site, database: Database) -> None:
    titles = {"en": "Şîlan speaks", "ckb": "شیلان دەدوێت"}
    made = make_release(database, make_newsroom(database), ["en", "ckb"], titles=titles)
    before = {tag: path(made, tag) for tag in titles}
    vanishing.vanish_text(database, "river", "Şîlan", now=now())
    vanishing.vanish_text(database, "river", "شیلان", now=now())
    for tag, address in before.items():
        for end in ("", ".txt", ".md"):
            answer = site.get(address + end)
            assert answer.status_code == 301
            led = answer.headers["Location"]
            assert led.endswith(end) and site.get(led).status_code == 200
            name = titles[tag].split()[0]
            assert name not in unquote(led) and name not in site.get(led).text
    offered = tree(site, f"/river/r/{made.id}").xpath("//ul[@class='choices']//a/@href")
    assert {site.get(one).status_code for one in offered} == {200} and not set(offered) & set(before.values())
    retracting.retract(database, made.id, {"en": "Not true."}, now=now())
    assert site.get(before["en"]).status_code == 410


def test_the_front_page_and_the_newsroom_offer_every_language(site: Site, database: Database) -> None:
    make_release(database, make_newsroom(database), ["ckb", "ar"])
    for address in ("/", "/river/"):
        for accepted in ("ckb", "de", "ar;q=1"):
            page = lxml_html.fromstring(site.get(address, Accept_Language=accepted).text)
            offered = page.xpath("//ul[@class='choices']//a/@hreflang")
            assert offered == ["en", "ckb", "kmr", "ar"]
    entries = tree(site, "/river/").xpath("//article")
    assert [(one.get("lang"), one.get("dir")) for one in entries] == [("ckb", "rtl")]


def test_a_short_address_leads_on_only_where_there_is_no_choice(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database)
    one, two = make_release(database, newsroom, ["kmr"]), make_release(database, newsroom, ["en", "ar"])
    answer = site.get(f"/river/r/{one.id}")
    assert (answer.status_code, answer.headers["Location"]) == (302, path(one, "kmr"))
    offered = tree(site, f"/river/r/{two.id}").xpath("//ul[@class='choices']//a/@href")
    assert offered == [path(two, "en"), path(two, "ar")]
    assert site.get(f"/nobody/r/{one.id}", follow_redirects="no").status_code == 404


def test_older_releases_are_reached_page_by_page(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    for number in range(23):
        make_release(
            database, newsroom, titles={"en": f"Statement {number}"}, public_from=now() - timedelta(hours=number + 1)
        )
    seen, address = [], "/river/en/"
    while address:
        page = tree(site, address)
        seen += page.xpath("//article//h2/a/text()")
        address = (page.xpath("//nav[@class='pages']/a[@rel='next']/@href") or [None])[0]
    assert seen == [f"Statement {number}" for number in range(23)]
    assert site.get("/river/en/archive/3").status_code == 404


def test_a_translation_older_than_its_source_says_so(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), ["en", "ckb"])
    assert not tree(site, path(made, "ckb")).xpath("//*[@role='note']")
    source = made.translations["en"]
    with database.transaction() as tx:
        newer = make_revision_row(source, "New bridge opens to all", "Open to all.", at=now(), number=2)
        tx.add(newer)
        tx.flush()
        tx.get_one(Translation, source.id).revision_id = newer.id
        publishing.newsrooms.touch(tx, made.newsroom.id, now=now())
    assert tree(site, path(made, "ckb")).xpath("//*[@role='note']")
    assert not tree(site, path(made, "en")).xpath("//*[@role='note']")


def test_pictures_stand_as_figures_with_alt_caption_and_credit(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    body = "Look:\n\n![as typed](picture-1.png)\n\nDone."
    made = make_release(database, newsroom, bodies={"en": body}, pictures=2)
    figures = tree(site, path(made, "en")).xpath("//figure")
    assert [one.xpath("string(img/@src)") for one in figures] == [f"/assets/{asset.id}.png" for asset in made.assets]
    assert figures[1].xpath("string(img/@alt)") == "The bridge at dawn"
    assert "River Valley Archive" in figures[1].xpath("string(figcaption)")


def test_contacts_are_kept_apart_from_the_text_around_them(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database))
    page = tree(site, path(made, "ckb"))
    assert page.xpath("//address//bdi[@dir='ltr']/text()") == ["press@example.org", "+964 770 000 0000"]


def test_an_address_in_another_unicode_form_leads_to_the_one_that_is_kept(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database))
    decomposed = path(made, "kmr").replace("%C3%BB", "u%CC%82")
    answer = site.get(decomposed)
    assert (answer.status_code, answer.headers["Location"]) == (301, path(made, "kmr"))


def test_beats_list_their_own_releases_only(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    make_release(database, newsroom, titles={"en": "About water"}, beats=["water"])
    make_release(database, newsroom, titles={"en": "About labour"}, beats=["labour"])
    assert tree(site, "/river/en/beats/water/").xpath("//article//h2/a/text()") == ["About water"]
    assert site.get("/river/en/beats/nothing/").status_code == 404


def test_titles_are_text_and_never_markup(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    title = "<img src=x> & “quotes” <b>bold</b>"
    made = make_release(database, newsroom, titles={"en": title})
    for address in (path(made, "en"), "/river/en/", "/river/"):
        assert title in unescape(re.sub(r"<[^>]*>", "", site.get(address).text))


def test_addresses_are_unquoted_only_once(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database))
    assert unquote(path(made, "ckb")).endswith(made.translations["ckb"].slug)
    assert site.get(path(made, "ckb").replace("%", "%25")).status_code == 404
