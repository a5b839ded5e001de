from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pressroom.db import Database
from pressroom.errors import NotFound
from pressroom.people.account import Role
from pressroom.releases.newsroom import Newsroom
from pressroom.supervising.mailbox import Maildir
from pressroom.web import caught_mail
from tests.conftest import MakeConfig
from tests.makers import make_newsroom
from tests.web.staff import House

GOLDEN = Path(__file__).parent.parent / "golden"
TITLE = "پردە نوێیەکە بۆ پیادەڕۆیان دەکرێتەوە"


def sorani() -> bytes:
    letter = f"""From: =?utf-8?b?{_base64("ژووری هەو")}?=\r
 =?utf-8?b?{_base64("اڵ")}?= <press@example.org>\r
To: rojin@example.org\r
Subject: =?utf-8?b?{_base64(TITLE)}?=\r
Content-Language: ckb\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary="b"\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: 8bit\r
\r
پردەکە کراوەیە. https://press.example.org/unsubscribe/abc\r
--b\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: 8bit\r
\r
<p dir="rtl" style="color:red">پردەکە <script>alert(1)</script></p>\r
--b--\r
"""
    return b"Return-Path: <press@example.org>\r\nDelivered-To: rojin@example.org\r\n" + letter.encode()


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.fixture
def maildir(tmp_path: Path) -> Maildir:
    return Maildir(tmp_path / "mailbox")


@pytest.fixture
def house(make_config: MakeConfig, database: Database, maildir: Maildir) -> Iterator[House]:
    config = make_config(database_url=database.url.replace("+psycopg", ""), demo=True, mailbox_port=2525)
    assert config.mailbox_dir == maildir.path
    house = House(config, database)
    yield house
    house.close()


@pytest.fixture
def newsroom(database: Database) -> Newsroom:
    return make_newsroom(database)


def test_a_sorani_mail_is_shown_from_right_to_left(house: House, newsroom: Newsroom, maildir: Maildir) -> None:
    maildir.keep(sorani())
    owner = house.staff(newsroom, "owner")
    listed = owner.get("/desk/mailbox").text
    found = re.search(rf'<a href="([^"]+)" lang="ckb" dir="rtl">{TITLE}</a>', listed)
    assert found is not None and "rojin@example.org" in listed and "goes nowhere" in listed
    page = owner.get(found[1]).text
    text = re.search(r'<pre class="mail-text" lang="ckb" dir="rtl">(.*?)</pre>', page, re.DOTALL)
    assert text is not None and "پردەکە کراوەیە." in text[1]
    assert 'href="https://press.example.org/unsubscribe/abc"' in text[1]
    assert re.search(rf'<h1 lang="ckb" dir="rtl">{TITLE}</h1>', page) and "ژووری هەواڵ" in page


def test_its_page_is_framed_without_scripts_or_an_origin(house: House, newsroom: Newsroom, maildir: Maildir) -> None:
    maildir.keep(sorani())
    owner, (key,) = house.staff(newsroom, "owner"), caught_mail.keys(maildir.path)
    page = owner.get(f"/desk/mailbox/messages/{key}")
    frame = re.search(r"<iframe[^>]*>", page.text)
    assert frame is not None and "allow-scripts" not in frame[0] and "allow-same-origin" not in frame[0]
    assert "<script>alert" not in page.text and "frame-src 'self'" in page.headers["Content-Security-Policy"]
    framed = owner.get(f"/desk/mailbox/messages/{key}/html")
    policy = framed.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox ") and "default-src 'none'" in policy and "script" not in policy
    assert "frame-ancestors 'self'" in policy and 'dir="rtl"' in framed.text
    source = owner.get(f"/desk/mailbox/messages/{key}/source")
    assert source.mimetype == "text/plain" and source.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("tag", ["en", "ckb", "kmr", "ar"])
def test_every_announcement_can_be_read(house: House, newsroom: Newsroom, maildir: Maildir, tag: str) -> None:
    maildir.keep((GOLDEN / f"announcement.{tag}.eml").read_bytes())
    (key,) = caught_mail.keys(maildir.path)
    opened = caught_mail.open_message(maildir.path, key)
    assert opened.caught.language == tag and opened.text and opened.html and opened.caught.subject
    assert house.staff(newsroom, "owner").get(f"/desk/mailbox/messages/{key}").status_code == 200


def test_the_newest_come_first_a_hundred_to_a_page(house: House, newsroom: Newsroom, maildir: Maildir) -> None:
    for number in range(103):
        (maildir.path / "new" / f"{1_800_000_000 + number}.000000.P1Q{number}.host").write_bytes(
            b"Subject: number %d\r\n\r\nbody\r\n" % number
        )
    owner = house.staff(newsroom, "owner")
    first, second = owner.get("/desk/mailbox").text, owner.get("/desk/mailbox?page=2").text
    assert [int(one) for one in re.findall(r"number (\d+)<", first)] == list(range(102, 2, -1))
    assert [int(one) for one in re.findall(r"number (\d+)<", second)] == [2, 1, 0]


def test_nobody_but_an_owner_reads_it(house: House, newsroom: Newsroom, maildir: Maildir) -> None:
    maildir.keep(sorani())
    (key,) = caught_mail.keys(maildir.path)
    paths = ["/desk/mailbox", *(f"/desk/mailbox/messages/{key}{more}" for more in ("", "/html", "/source"))]
    for role in Role:
        browser = house.staff(newsroom, role)
        expected = 200 if role is Role.OWNER else 403
        assert {browser.get(path).status_code for path in paths} == {expected}, role
        assert ("/desk/mailbox" in browser.get("/desk/river/").text) is (role is Role.OWNER)
    assert {house.browser().get(path).status_code for path in paths} == {303}


def test_where_mail_really_leaves_there_is_no_mailbox(make_config: MakeConfig, database: Database) -> None:
    newsroom, url = make_newsroom(database), database.url.replace("+psycopg", "")
    for settings in ({}, {"mail_server": "mail.example.org", "mail_use_tls": True, "mailbox_port": 2525}):
        house = House(make_config(database_url=url, **settings), database)
        owner = house.staff(newsroom, "owner")
        assert owner.get("/desk/mailbox").status_code == 404
        assert "/desk/mailbox" not in owner.get("/desk/river/").text
        house.close()


def test_an_empty_or_absent_mailbox_says_so(house: House, newsroom: Newsroom, maildir: Maildir) -> None:
    owner = house.staff(newsroom, "owner")
    assert "Nothing yet" in owner.get("/desk/mailbox").text
    for folder in ("new", "cur", "tmp"):
        (maildir.path / folder).rmdir()
    maildir.path.rmdir()
    assert "Nothing yet" in owner.get("/desk/mailbox").text
    assert owner.get("/desk/mailbox/messages/x").status_code == 404


@pytest.mark.parametrize("key", ["..", "nothing", "../../keyring.json", "cur"])
def test_only_messages_are_opened(maildir: Maildir, key: str) -> None:
    with pytest.raises(NotFound):
        caught_mail.open_message(maildir.path, key)


def test_a_broken_message_is_shown_as_far_as_it_goes(maildir: Maildir) -> None:
    maildir.keep(
        b"Subject: =?x-unknown?q?=E9?=\r\nContent-Language: ku\r\n"
        b"Content-Type: text/plain; charset=none\r\n\r\n\xe9t\xe9"
    )
    (key,) = caught_mail.keys(maildir.path)
    opened = caught_mail.open_message(maildir.path, key)
    assert opened.caught.language is None and opened.caught.dir == "auto"
    assert opened.text is not None and "t" in opened.text
    assert (datetime.now(UTC) - opened.caught.at).total_seconds() < 60


def test_where_mail_is_caught_an_error_before_the_log_in_is_still_its_own(
    make_config: MakeConfig, database: Database
) -> None:
    newsroom = make_newsroom(database)
    config = make_config(database_url=database.url.replace("+psycopg", ""), demo=True, mailbox_port=2525)
    house = House(config, database)
    stranger = house.app.test_client()
    assert stranger.get(f"/desk/{newsroom.slug}/mailings/1/progress.json").status_code == 401
    assert stranger.post(f"/desk/{newsroom.slug}/new").status_code == 400
    assert house.staff(newsroom, "owner").get(f"/desk/{newsroom.slug}/releases/%00").status_code == 404
    house.close()


def test_the_mailbox_is_for_who_owns_every_newsroom(make_config: MakeConfig, database: Database) -> None:
    newsroom = make_newsroom(database)
    config = make_config(database_url=database.url.replace("+psycopg", ""), demo=True, mailbox_port=2525)
    house = House(config, database)
    owner = house.staff(newsroom, "owner")
    assert owner.get("/desk/mailbox").status_code == 200
    make_newsroom(database, "other")
    assert owner.get("/desk/mailbox").status_code == 403
    house.close()
