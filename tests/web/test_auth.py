from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pressroom import catalogues
from pressroom.config import Config
from pressroom.db import Database
from pressroom.people import attempt, inviting, signing_in
from pressroom.people.account import Role
from pressroom.releases.newsroom import Newsroom
from pressroom.web.auth import COOKIE
from tests.conftest import MakeConfig
from tests.makers import make_newsroom
from tests.web.staff import Browser, House

EMAIL = "shilan@example.org"
PASSWORD = "بەفری سپی لە زستان"


@pytest.fixture
def house(config: Config, database: Database) -> Iterator[House]:
    house = House(config, database)
    yield house
    house.close()


@pytest.fixture
def newsroom(house: House) -> Newsroom:
    newsroom = make_newsroom(house.database)
    house.add(newsroom, Role.EDITOR, EMAIL, PASSWORD)
    return newsroom


def log_in(browser: Browser, password: str = PASSWORD, *, next: str = "", **more):
    data = {"csrf_token": browser.form_token("/login"), "email": EMAIL, "password": password, "next": next}
    return browser.client.post("/login", data=data, **more)


def test_logging_in_opens_the_desk_and_logging_out_closes_it(house: House, newsroom: Newsroom) -> None:
    browser = house.browser()
    answer = log_in(browser)
    assert (answer.status_code, answer.location) == (303, "/desk/")
    cookie = answer.headers.getlist("Set-Cookie")[0]
    assert cookie.startswith(f"{COOKIE}=") and {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    token = browser.client.get_cookie(COOKIE)
    assert browser.get("/desk/river/").status_code == 200
    assert browser.send("/login/out").location == "/login"
    assert browser.get("/desk/river/").location.startswith("/login?next=")
    assert token is not None
    browser.client.set_cookie(COOKIE, token.value)
    assert browser.get("/desk/river/").status_code == 303, "the old token is worth nothing"


def test_a_wrong_password_is_refused_and_keeps_the_address(house: House, newsroom: Newsroom) -> None:
    browser = house.browser()
    answer = log_in(browser, "wrong")
    assert answer.status_code == 403 and EMAIL in answer.text and 'role="alert"' in answer.text
    assert browser.client.get_cookie(COOKIE) is None


def test_too_many_attempts_are_told_to_wait(house: House, newsroom: Newsroom) -> None:
    browser = house.browser()
    for _ in range(signing_in.PER_ACCOUNT):
        assert log_in(browser, "wrong").status_code == 403
    answer = log_in(browser)
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "900"


def test_a_form_without_its_token_is_refused(house: House, newsroom: Newsroom) -> None:
    browser = house.browser()
    data = {"email": EMAIL, "password": PASSWORD}
    assert browser.client.post("/login", data=data).status_code == 400
    log_in(browser)
    assert browser.client.post("/login/out").status_code == 400
    assert browser.client.post("/desk/river/new", data={"language": "en", "text": "A"}).status_code == 400
    assert browser.get("/desk/river/").status_code == 200


def test_a_form_token_from_before_the_log_in_is_worth_nothing(house: House, newsroom: Newsroom) -> None:
    browser = house.browser()
    before = browser.form_token("/login")
    log_in(browser)
    assert browser.client.post("/login/out", data={"csrf_token": before}).status_code == 400


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/desk/river/releases/abc?page=2", "/desk/river/releases/abc?page=2"),
        ("/desk/", "/desk/"),
        ("", "/desk/"),
        ("/deskulous", "/desk/"),
        ("https://evil.example/desk/", "/desk/"),
        ("//evil.example/desk/", "/desk/"),
        ("/\\evil.example/desk/", "/desk/"),
        ("/desk/\\..\\x", "/desk/"),
        ("/desk/../login", "/desk/"),
        ("/desk/\r\nSet-Cookie: a=b", "/desk/"),
        ("http://[", "/desk/"),
    ],
)
def test_a_log_in_leads_to_the_desk_and_nowhere_else(
    house: House, newsroom: Newsroom, wanted: str, leads_to: str
) -> None:
    assert log_in(house.browser(), next=wanted).location == leads_to


def test_the_way_to_the_log_in_remembers_the_page(house: House, newsroom: Newsroom) -> None:
    answer = house.browser().get("/desk/river/releases/abc?page=2")
    assert answer.location == "/login?next=/desk/river/releases/abc?page%3D2"


def test_limits_see_the_client_behind_a_trusted_proxy_only(make_config: MakeConfig, database: Database) -> None:
    url = database.url.replace("+psycopg", "")
    house = House(make_config(database_url=url, trusted_proxies=("10.0.0.0/8",)), database)
    house.add(make_newsroom(database), Role.EDITOR, EMAIL, PASSWORD)
    with database.transaction() as tx:
        for network in ("198.51.100.0/24", "2001:db8:1:2::/64"):
            for _ in range(signing_in.PER_NETWORK):
                subject = house.service.keyring.lookup("network", network)
                attempt.record(tx, "log-in network", subject, now=house.now)

    def status(peer: str, forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        answer = log_in(house.browser(), environ_base={"REMOTE_ADDR": peer}, headers=headers)
        return answer.status_code

    assert status("10.0.0.1", "198.51.100.7") == 429
    assert status("10.0.0.1", "198.51.100.7, 203.0.113.5") == 303
    assert status("10.0.0.1", "2001:db8:1:2:3::4") == 429
    assert status("10.0.0.1", "2001:db8:1:3:3::4") == 303
    assert status("203.0.113.9", "198.51.100.7") == 303, "a stranger's header says nothing"
    house.close()


def test_over_tls_behind_a_proxy_the_form_works_and_the_cookie_is_secure(
    make_config: MakeConfig, database: Database
) -> None:
    url = database.url.replace("+psycopg", "")
    settings = {"base_url": "https://press.example.org", "trusted_proxies": ("127.0.0.1/32",)}
    house = House(make_config(database_url=url, **settings), database)
    house.add(make_newsroom(database), Role.EDITOR, EMAIL, PASSWORD)
    client = house.app.test_client()
    outside = {"X-Forwarded-Proto": "https", "Host": "press.example.org"}
    page = client.get("/login", headers=outside, base_url="https://press.example.org")
    assert page.headers["Referrer-Policy"] == "same-origin"
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    answer = client.post(
        "/login",
        data={"csrf_token": token, "email": EMAIL, "password": PASSWORD},
        headers={**outside, "Referer": "https://press.example.org/login"},
        base_url="https://press.example.org",
    )
    assert answer.status_code == 303 and "Secure" in answer.headers.getlist("Set-Cookie")[0]
    house.close()


def test_an_invitation_sets_a_password_and_logs_in_once(house: House, newsroom: Newsroom) -> None:
    added = inviting.add(
        house.database, house.service.keyring, "new@example.org", Role.AUTHOR, newsroom.id, now=house.now
    )
    path, browser = f"/login/invitation/{added.token}", house.browser()
    assert browser.get(path).status_code == 200

    def choose(password: str, again: str):
        data = {"csrf_token": browser.form_token(path), "password": password, "again": again}
        return browser.client.post(path, data=data)

    assert choose("short", "short").status_code == 422
    assert choose(PASSWORD, PASSWORD + "x").status_code == 422
    assert choose(PASSWORD, PASSWORD).location == "/desk/"
    assert browser.get("/desk/river/").status_code == 200
    assert browser.get(path).status_code == 404
    assert house.browser().get("/login/invitation/wrong").status_code == 404


@pytest.mark.parametrize(
    ("wanted", "tag", "direction"),
    [
        ("ckb,en;q=0.5", "ckb", "rtl"),
        ("kmr", "kmr", "ltr"),
        ("ar-IQ", "ar", "rtl"),
        ("de,*", "en", "ltr"),
        ("ku", "en", "ltr"),
        ("", "en", "ltr"),
    ],
)
def test_the_desk_speaks_the_browsers_language_once_it_is_translated(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, tag: str, direction: str
) -> None:
    words = {"ckb": "ژوورەکانی هەواڵت", "ku": "Navendên te", "ar": "غرف أخبارك"}
    for folder, word in words.items():
        path = tmp_path / "words" / folder / "LC_MESSAGES" / "messages.po"
        path.parent.mkdir(parents=True)
        path.write_text(f'msgid ""\nmsgstr ""\n\nmsgid "Your newsrooms"\nmsgstr "{word}"\n', encoding="utf-8")
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path / "words")
    catalogues.words.cache_clear()
    try:
        page = house.browser().get("/login", headers={"Accept-Language": wanted})
    finally:
        catalogues.words.cache_clear()
    assert f'<html lang="{tag}" dir="{direction}">' in page.text


def test_the_desk_speaks_english_where_a_language_lacks_its_words(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path / "none")
    catalogues.words.cache_clear()
    try:
        page = house.browser().get("/login", headers={"Accept-Language": "ckb"})
    finally:
        catalogues.words.cache_clear()
    assert '<html lang="en" dir="ltr">' in page.text


def test_nothing_of_the_log_in_is_kept_or_indexed(house: House) -> None:
    page = house.browser().get("/login")
    assert page.headers["Cache-Control"] == "private, no-store" and page.headers["X-Robots-Tag"] == "noindex"
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text and "style=" not in page.text
