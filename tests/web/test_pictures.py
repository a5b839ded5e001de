"""Pictures and files as readers and staff meet them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO

import feedparser
import pytest
from lxml import etree
from lxml import html as lxml_html
from PIL import Image
from sqlalchemy import select

from pressroom.config import Config
from pressroom.db import Database
from pressroom.releases import asset as assets
from pressroom.releases import covering, illustrating, publishing
from pressroom.releases import revision as revisions
from pressroom.releases.asset import Asset, Size
from pressroom.releases.covering import Box
from pressroom.releases.illustrating import Description
from pressroom.releases.newsroom import Newsroom
from tests.makers import Made, make_newsroom, make_release, now
from tests.releases import uploads
from tests.releases.uploads import SECRETS
from tests.web.public import Site, path
from tests.web.staff import House

SAID = {
    "en": Description("A bridge at dawn", "The new bridge", "River Archive", "CC BY 4.0"),
    "ckb": Description("پردێک لە بەیانیدا", "پردە نوێیەکە", "ئەرشیڤ", "CC BY 4.0"),
}
FILES = {"a.jpg": uploads.photograph, "b.png": uploads.drawing, "c.webp": uploads.webp}


@pytest.fixture
def newsroom(database: Database) -> Newsroom:
    return make_newsroom(database, languages=["en", "ckb"])


@pytest.fixture
def house(config: Config, database: Database) -> Iterator[House]:
    house = House(config, database)
    yield house
    house.close()


def add(database: Database, made: Made, name: str, data: bytes) -> str:
    return illustrating.attach(database, made.id, name, data, SAID, now=now(), by=None)


def addresses(database: Database, asset_id: str) -> dict[Size, str]:
    with database.reading() as tx:
        return {size: one.path for size, one in assets.renditions(tx, [asset_id])[asset_id].items()}


def descriptions(data: bytes) -> dict[str, str]:
    """What the picture itself says of what it shows, by language."""
    xmp = Image.open(BytesIO(data)).info.get("xmp")
    if not xmp:
        return {}
    (found,) = etree.fromstring(xmp).xpath("//*[local-name()='description']")
    return {one.get("{http://www.w3.org/XML/1998/namespace}lang"): one.text for one in found.iter("{*}li")}


@pytest.mark.parametrize("name", FILES)
def test_what_is_served_has_credit_and_texts_and_nothing_of_the_camera(
    site: Site, database: Database, newsroom: Newsroom, name: str
) -> None:
    made = make_release(database, newsroom, draft=True)
    asset_id = add(database, made, name, FILES[name]())
    publishing.publish(database, made.id, now=now())
    found = addresses(database, asset_id)
    assert set(found) == {Size.WEB, Size.PRINT}
    for address in found.values():
        answer = site.get(address)
        assert answer.status_code == 200
        assert [secret for secret in SECRETS if secret in answer.data] == []
        image = Image.open(BytesIO(answer.data))
        assert not image.getexif()
        assert not {"icc_profile", "photoshop", "comment", "exif"} & set(image.info)
        assert b"River Archive" in answer.data
        assert descriptions(answer.data) == {
            "x-default": "The new bridge", "en": "The new bridge", "ckb": "پردە نوێیەکە",
        }  # fmt: skip
    page = site.get(path(made, "en")).text
    assert [secret for secret in SECRETS if secret.decode() in page] == []
    assert f'href="{found[Size.PRINT]}"' in page and f'src="{found[Size.WEB]}"' in page


def test_a_picture_says_only_what_texts_that_are_public_say_of_it(
    site: Site, database: Database, newsroom: Newsroom
) -> None:
    made = make_release(database, newsroom, draft=True)
    asset_id = add(database, made, "a.jpg", uploads.photograph())
    later = now() + timedelta(hours=1)
    web, large = addresses(database, asset_id).values()
    publishing.publish(database, made.id, now=now(), at=later)
    with database.transaction() as tx:
        tx.merge(made.translations["ckb"]).publish = False
    for address in (web, large):
        assert site.get(address).data == site.get("/assets/unknown00000.jpg").data
    site.ahead = timedelta(hours=1, seconds=1)
    for address in (web, large):
        assert list(descriptions(site.get(address).data)) == ["x-default", "en"]
        assert "ئەرشیڤ".encode() not in site.get(address).data


def test_only_the_address_in_the_right_form_leads_to_a_picture(
    site: Site, database: Database, newsroom: Newsroom
) -> None:
    made = make_release(database, newsroom, pictures=1)
    asset_id = made.assets[0].id
    for address, status in {
        f"/assets/{asset_id}.png": 200, f"/assets/{asset_id}.jpg": 404, f"/assets/{asset_id}-print.png": 404,
        f"/assets/{asset_id}-web.png": 404,
    }.items():  # fmt: skip
        assert site.get(address).status_code == status, address


def test_documents_and_recordings_are_linked_and_played(site: Site, database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, draft=True)
    pdf = add(database, made, "Annual report.pdf", uploads.document())
    sound = add(database, made, "a.mp3", uploads.mp3())
    publishing.publish(database, made.id, now=now())
    answer = site.get(path(made, "ckb"))
    tree = lxml_html.fromstring(answer.text)
    (link,) = tree.xpath(f"//figure/a[@href='/assets/{pdf}.pdf']")
    assert (link.text_content(), link.get("type")) == ("Annual report.pdf", "application/pdf")
    assert "kB" in link.getparent().text_content() and "پردە نوێیەکە" in link.getparent().text_content()
    (player,) = tree.xpath(f"//audio[@src='/assets/{sound}.mp3']")
    assert (player.get("preload"), "controls" in player.attrib, player.get("aria-label")) == (
        "none",
        True,
        SAID["ckb"].alt,
    )
    assert not tree.xpath("//figure/img")
    assert "media-src 'self'" in answer.headers["Content-Security-Policy"]
    heard, read = site.get(f"/assets/{sound}.mp3"), site.get(f"/assets/{pdf}.pdf", Accept_Encoding="br, gzip")
    assert (heard.mimetype, read.mimetype) == ("audio/mpeg", "application/pdf")
    assert read.headers["Content-Disposition"] == "attachment" and "Content-Encoding" not in read.headers
    assert len(heard.data) == 417 * 76


def test_feeds_and_texts_link_to_documents_and_recordings(site: Site, database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, draft=True)
    found = [
        add(database, made, name, data) for name, data in (("a.pdf", uploads.document()), ("a.wav", uploads.wav()))
    ]
    publishing.publish(database, made.id, now=now())
    ends = (f"/assets/{found[0]}.pdf", f"/assets/{found[1]}.wav")
    (entry,) = feedparser.parse(site.get("/river/ckb/feed.atom").data).entries
    for kind in ("atom", "rss", "json"):
        text = site.get(f"/river/ckb/feed.{kind}").text
        assert all(f"http://127.0.0.1:8000{end}" in text for end in ends)
        assert "<audio" not in text and "&lt;audio" not in text
    assert all(end in entry.content[0].value for end in ends)
    assert all(f"http://127.0.0.1:8000{end}\n" in site.get(f"{path(made, 'ckb')}.txt").text for end in ends)
    assert all(name in site.get(f"{path(made, 'ckb')}.md").text for name in ("path: a.pdf", "path: recording.wav"))
    assert "image" not in site.get("/river/ckb/feed.json").json["items"][0]


def test_what_is_covered_is_served_covered_at_once(site: Site, database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, pictures=1)
    address = f"/assets/{made.assets[0].id}.png"
    before = site.get(address)
    assert Image.open(BytesIO(before.data)).convert("RGB").getpixel((60, 40)) != (0, 0, 0)
    covering.cover(database, made.assets[0].id, [Box(0, 0, 1, 1)], now=now())
    after = site.get(address, If_None_Match=before.headers["ETag"])
    assert after.status_code == 200
    assert Image.open(BytesIO(after.data)).convert("RGB").getpixel((60, 40)) == (0, 0, 0)


def test_staff_add_describe_check_cover_and_take_out(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, draft=True)
    author = house.staff(newsroom, "author")
    here = f"/desk/river/releases/{made.id}/pictures"
    fields = {
        "alt-en": "A bridge",
        "alt-ckb": "پردێک",
        "caption-ckb": "لە بەیانیدا",
        "credit": "Archive",
        "licence": "CC0",
    }
    sent = author.send(here, file=(BytesIO(uploads.photograph()), "IMG_4711.jpg", "image/jpeg"), **fields)
    assert (sent.status_code, sent.location) == (303, here)
    with house.database.reading() as tx:
        (asset_id,) = tx.scalars(select(Asset.id).where(Asset.release_id == made.id))
    page = author.get(here)
    tree = lxml_html.fromstring(page.text)
    assert "IMG_4711" not in page.text and "پردێک" in page.text
    (shown,) = tree.xpath("//section//img/@src")
    picture = author.get(shown)
    assert picture.mimetype == "image/jpeg" and not descriptions(picture.data)
    assert author.get(shown.replace(".jpg", "-print.jpg")).status_code == 200
    assert house.browser().get(shown).status_code == 303
    one = f"{here}/{asset_id}"
    described = author.send(f"{one}/texts", language="ckb", alt="پردێکی نوێ", caption="", credit="ئەرشیڤ", licence="")
    assert described.status_code == 303 and "پردێکی نوێ" in author.get(here).text
    assert author.send(f"{one}/faces").status_code == 303
    with house.database.reading() as tx:
        assert tx.get_one(Asset, asset_id).checked_by is not None
    assert author.send(f"{one}/cover", left="10", top="10", width="30,5", height="30").status_code == 303
    with house.database.reading() as tx:
        asset = tx.get_one(Asset, asset_id)
        assert asset.covered_at is not None and asset.checked_at is None
    assert author.send(f"{one}/detach").status_code == 303
    with house.database.reading() as tx:
        newest = revisions.newest(tx, made.translations["en"].id)
        assert newest is not None and assets.of_revision(tx, newest.id) == []


def test_a_picture_needs_words_for_those_who_cannot_see_it(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, draft=True)
    here, author = f"/desk/river/releases/{made.id}/pictures", house.staff(newsroom, "author")
    for given, sentence in (
        (
            {"file": (BytesIO(uploads.photograph()), "a.pdf"), "alt-en": "A bridge"},
            "what the picture shows",
        ),
        ({"file": (BytesIO(b"nothing"), "a.pdf"), "alt-en": "A bridge"}, "not a picture"),
        ({"alt-en": "A bridge"}, "Choose a file"),
    ):
        refused = author.send(here, **given)
        assert refused.status_code == 422 and sentence in refused.text
        assert 'name="alt-en"' in refused.text and ">A bridge</textarea>" in refused.text, (
            "what was typed is still there"
        )
    with house.database.reading() as tx:
        assert not tx.scalars(select(Asset)).all()


def test_parts_that_are_no_numbers_are_asked_for_again(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, draft=True, pictures=1)
    one, author = f"/desk/river/releases/{made.id}/pictures/{made.assets[0].id}/cover", house.staff(newsroom, "author")
    page = author.get(one).text
    assert page.count('name="left"') == 4 and "cover.js" in page and "style=" not in page
    for value in ("ten", "200", "nan"):
        refused = author.send(one, left=["10", value], top=["10", "1"], width=["10", "1"], height=["10", "1"])
        assert refused.status_code == 422 and f'value="{value}"' in refused.text
    assert author.send(one).status_code == 422
    with house.database.reading() as tx:
        assert tx.get_one(Asset, made.assets[0].id).covered_at is None


def test_the_pictures_of_another_release_are_not_found(house: House, newsroom: Newsroom) -> None:
    made, other = (make_release(house.database, newsroom, draft=True, pictures=1) for _ in range(2))
    author = house.staff(newsroom, "author")
    wrong = f"/desk/river/releases/{other.id}/pictures/{made.assets[0].id}"
    assert author.get(f"{wrong}/cover").status_code == 404
    for act in ("faces", "detach", "cover", "texts"):
        assert (
            author.send(f"{wrong}/{act}", language="en", left="1", top="1", width="1", height="1").status_code == 404
        ), act
