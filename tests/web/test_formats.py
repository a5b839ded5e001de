from __future__ import annotations

import zipfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from lxml import etree
from lxml import html as lxml_html

from pressroom.db import Database
from pressroom.phrases import translator
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import publishing, retracting, vanishing
from pressroom.releases.reading import read_statements
from pressroom.releases.submitting import submit
from pressroom.releases.translation import Translation
from tests.makers import TITLES, make_correction, make_newsroom, make_release, now
from tests.web.public import Site, path

KINDS = {"txt": "text/plain; charset=utf-8", "md": "text/markdown; charset=utf-8"}
NEWS = {
    "ninjs.json": "application/json; charset=utf-8",
    "newsml.xml": "application/vnd.iptc.g2.newsitem+xml; charset=utf-8",
}
ALL = {**KINDS, **NEWS, "zip": "application/zip"}
MEDIA_TYPES = {kind: media_type.partition(";")[0] for kind, media_type in ALL.items()}
LINK = "{http://iptc.org/std/nar/2006-10-01/}link"


@pytest.mark.parametrize("kind", ALL)
def test_a_release_comes_in_each_format_and_is_answered_as_a_feed_is(site: Site, database: Database, kind: str) -> None:
    made = make_release(database, make_newsroom(database))
    for tag in made.translations:
        answer = site.get(f"{path(made, tag)}.{kind}")
        assert (answer.status_code, answer.content_type) == (200, ALL[kind])
        assert TITLES[tag].encode() in answer.data and made.id.encode() in answer.data
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        again = site.get(f"{path(made, tag)}.{kind}", If_None_Match=answer.headers["ETag"])
        assert again.status_code == 304


def test_the_page_links_its_formats_in_its_head_and_beside_the_text(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database))
    for tag, word in {"en": "Text", "ckb": "دەق", "kmr": "Nivîs", "ar": "نص"}.items():
        page = lxml_html.fromstring(site.get(path(made, tag)).text)
        for kind in ("txt", "md", "newsml.xml", "zip"):
            media_type = MEDIA_TYPES[kind]
            assert page.xpath(f"//head/link[@rel='alternate' and @type='{media_type}']/@href") == [
                f"{path(made, tag)}.{kind}"
            ]
        links = page.xpath("//aside//a[@type]")
        assert [(one.text, one.get("href")) for one in links] == [
            (word, f"{path(made, tag)}.txt"),
            ("Markdown", f"{path(made, tag)}.md"),
            ("ninjs", f"{path(made, tag)}.ninjs.json"),
            ("NewsML-G2", f"{path(made, tag)}.newsml.xml"),
            (translator(tag)("All files (ZIP)"), f"{path(made, tag)}.zip"),
        ]
        assert not page.xpath("//head/link[@type='application/json']"), "readers of feeds would take it for one"


@pytest.mark.parametrize("kind", ALL)
def test_an_embargoed_release_has_no_formats_until_its_second(site: Site, database: Database, kind: str) -> None:
    made = make_release(database, make_newsroom(database), public_from=now() + timedelta(hours=1))
    unknown = site.get("/river/en/no-such-release")
    addresses = [f"{path(made, tag)}.{kind}" for tag in made.translations]
    for address in (*addresses, f"/river/en/no-such-release.{kind}", f"/nobody/en/x.{kind}"):
        hidden = site.get(address)
        assert (hidden.status_code, hidden.data) == (404, unknown.data)
        assert hidden.headers.to_wsgi_list() == unknown.headers.to_wsgi_list()
    site.ahead = timedelta(minutes=59, seconds=50)
    assert {site.get(address).status_code for address in addresses} == {404}
    site.ahead = timedelta(hours=1, seconds=1)
    assert {site.get(address).status_code for address in addresses} == {200}


@pytest.mark.parametrize("kind", [*KINDS, "zip"])
def test_a_retracted_release_is_gone_in_each_format_too(site: Site, database: Database, kind: str) -> None:
    made = make_release(database, make_newsroom(database))
    assert site.get(f"{path(made, 'ckb')}.{kind}").status_code == 200
    retracting.retract(database, made.id, {"ckb": "ژمارەکان هەڵە بوون."}, now=now())
    answer = site.get(f"{path(made, 'ckb')}.{kind}")
    assert (answer.status_code, answer.data) == (410, site.get(path(made, "ckb")).data)


@pytest.mark.parametrize("kind", NEWS)
def test_in_a_news_format_a_retracted_release_is_canceled_and_a_removed_one_has_no_words(
    site: Site, database: Database, kind: str
) -> None:
    made = make_release(database, make_newsroom(database))
    address, urn = f"{path(made, 'ckb')}.{kind}", made.translations["ckb"].urn
    retracting.retract(database, made.id, {"ckb": "ژمارەکان هەڵە بوون."}, now=now())
    answer = site.get(address)
    assert (answer.status_code, answer.content_type) == (410, NEWS[kind])
    assert "canceled" in answer.text and "ژمارەکان هەڵە بوون." in answer.text and TITLES["ckb"] in answer.text
    assert made.revisions["ckb"].text[:10] not in answer.text
    vanishing.vanish_release(database, made.id, now=now())
    answer = site.get(address)
    assert answer.status_code == 410 and "canceled" in answer.text and urn in answer.text
    assert "ژمارەکان" not in answer.text and TITLES["ckb"] not in answer.text


def test_a_version_rises_with_each_change_and_says_when_it_was(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), public_from=now() - timedelta(days=1))
    address = f"{path(made, 'ckb')}.ninjs.json"
    first = site.get(address).get_json()
    make_correction(database, made, {"en": "It opens in May."}, {"en": "Not in spring."})
    second = site.get(address).get_json()
    assert (first["version"], second["version"]) == ("1", "2")
    assert first["versionCreated"] == first["firstCreated"] == second["firstCreated"] < second["versionCreated"]
    assert "edNote" not in first and "Not in spring." in second["edNote"]


def test_pictures_are_described_as_they_are_served(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), pictures=2)
    found = site.get(f"{path(made, 'kmr')}.ninjs.json").get_json()["associations"]
    assert [one["rel"] for one in found] == ["picture", "picture", "translation", "translation", "translation"]
    for one in found[:2]:
        (rendition,) = one["renditions"]
        served = site.get(rendition["href"].removeprefix("http://127.0.0.1:8000"))
        told = rendition["contentType"], rendition["sizeInBytes"], rendition["width"], rendition["height"]
        assert told == (served.content_type, len(served.data), 120, 80)
        assert {text["role"]: text["value"] for text in one["descriptions"]} == {
            "alt": "The bridge at dawn",
            "caption": "The new bridge",
        }
        assert (one["by"], one["usageTerms"]) == ("River Valley Archive", "CC BY 4.0")
    sizes = [link.get("size") for link in etree.fromstring(site.get(f"{path(made, 'kmr')}.newsml.xml").data).iter(LINK)]
    assert [size for size in sizes if size] == [str(one["renditions"][0]["sizeInBytes"]) for one in found[:2]]


def test_a_kit_has_every_format_and_the_files_that_push_wants(site: Site, database: Database, tmp_path: Path) -> None:
    made = make_release(database, make_newsroom(database), pictures=2)
    with zipfile.ZipFile(BytesIO(site.get(f"{path(made, 'ckb')}.zip").data)) as kit:
        kit.extractall(tmp_path / "kit")
    slug = made.translations["ckb"].slug
    texts = {f"{slug}.{kind}": site.get(f"{path(made, 'ckb')}.{kind}").data for kind in (*KINDS, *NEWS)}
    pictures = {
        f"picture-{number}.png": site.get(f"/assets/{one.id}.png").data for number, one in enumerate(made.assets)
    }
    held = {one.name: one.read_bytes() for one in (tmp_path / "kit").iterdir()}
    readme = held.pop("README.txt").decode()
    assert held == {**texts, **pictures}
    for words in (TITLES["ckb"], "picture-0.png", "River Valley Archive", "CC BY 4.0", path(made, "ckb")):
        assert words in readme
    (statement,) = read_statements([tmp_path / "kit" / f"{slug}.md"])
    assert [one.name for one in statement.assets] == list(pictures)


def test_a_file_that_would_make_a_kit_too_large_is_named_with_its_address(
    site: Site, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_release(database, make_newsroom(database), ["en"], pictures=1)
    monkeypatch.setattr("pressroom.feeds.kit.LARGEST", 10)
    with zipfile.ZipFile(BytesIO(site.get(f"{path(made, 'en')}.zip").data)) as kit:
        assert "picture-0.png" not in kit.namelist()
        assert f"/assets/{made.assets[0].id}.png" in kit.read("README.txt").decode()


def test_a_source_that_is_never_shown_has_no_formats(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), ["en", "ckb"])
    with database.transaction() as tx:
        tx.get_one(Translation, made.translations["en"].id).publish = False
        newsrooms.touch(tx, made.newsroom.id, now=now())
    assert site.get(f"{path(made, 'en')}.md").status_code == 404
    assert "translation_of" not in site.get(f"{path(made, 'ckb')}.md").text


def test_an_address_in_another_unicode_form_leads_to_the_one_that_is_kept(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database))
    answer = site.get(path(made, "kmr").replace("%C3%BB", "u%CC%82") + ".md")
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{path(made, 'kmr')}.md")


def test_pushing_what_was_fetched_changes_nothing(site: Site, database: Database, tmp_path: Path) -> None:
    make_newsroom(database)
    for tag, contact in (("en", "press@example.org"), ("ckb", "ckb@example.org")):
        front = f"title: {TITLES[tag]}\nbeats: [water]\nurgency: 3\ncontacts:\n  - email: {contact}"
        (tmp_path / f"in.{tag}.md").write_text(f"---\n{front}\n---\n\nA *bridge*.\n", encoding="utf-8")
    first = submit(database, "river", read_statements([tmp_path]), now=now() - timedelta(hours=1))
    publishing.publish(database, first.release_id, now=now() - timedelta(minutes=5))
    fetched = []
    for link in lxml_html.fromstring(site.get(f"/river/r/{first.release_id}").text).xpath("//ul[@class='choices']//a"):
        fetched.append(tmp_path / f"{len(fetched)}.md")
        fetched[-1].write_bytes(site.get(f"{link.get('href')}.md").data)
    assert len(fetched) == 2
    again = submit(database, "river", read_statements(fetched), now=now())
    assert (again.release_id, again.changed) == (first.release_id, False)


@pytest.mark.parametrize(
    ("contact", "label"), [("name: Ahmed Omar\n    phone: 0770 1", "Ahmed Omar"), ("email: news@example.org", "news@")]
)
def test_a_contact_of_whom_little_is_known_is_named_everywhere(
    site: Site, database: Database, tmp_path: Path, contact: str, label: str
) -> None:
    make_newsroom(database)
    given = f"---\ntitle: {TITLES['en']}\ncontacts:\n  - {contact}\n---\n\nA *bridge*.\n"
    (tmp_path / "in.en.md").write_text(given, encoding="utf-8")
    made = submit(database, "river", read_statements([tmp_path]), now=now() - timedelta(hours=1))
    publishing.publish(database, made.release_id, now=now() - timedelta(minutes=5))
    page = site.get(f"/river/r/{made.release_id}").location or ""
    feeds = [f"/river/en/feed.{kind}" for kind in ("atom", "rss", "json", "ninjs.json")]
    for address in (page, *(f"{page}.{kind}" for kind in (*KINDS, "ninjs.json")), *feeds):
        answer = site.get(address)
        assert answer.status_code == 200 and label in answer.text and "None" not in answer.text, address


@pytest.mark.parametrize("kind", KINDS)
def test_formats_tell_of_corrections_and_of_what_lags_behind(site: Site, database: Database, kind: str) -> None:
    made = make_release(database, make_newsroom(database))
    make_correction(database, made, {"en": "It opens in May."}, {"en": "Not in spring."})
    english, kurdish = (site.get(f"{path(made, tag)}.{kind}").text for tag in ("en", "ckb"))
    head = 8 if kind == "txt" else 4
    for said in (english, kurdish):
        assert "Not in spring." in "\n".join(said.split("\n")[:head])
    assert "It opens in May." in english
    missing = "The text in this language has not been corrected yet."
    assert missing not in english and translator("ckb")(missing) in kurdish
