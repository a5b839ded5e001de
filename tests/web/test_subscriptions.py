from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from pressroom import create_app
from pressroom.config import Config
from pressroom.db import Database
from pressroom.mailing import choosing, subscriber, subscribing, suppression
from pressroom.mailing.subscriber import Frequency, Subscriber
from pressroom.outbox import OutboxRow
from pressroom.releases.founding import add_beat
from pressroom.service import Service
from tests.makers import NAMES, make_newsroom, now

EMAIL = "dilan@example.org"


class Site:
    """A site with one newsroom, seen by a browser and by a mail program without cookies."""

    def __init__(self, database: Database, config: Config) -> None:
        self.database, self.service = database, Service(config)
        self.newsroom = make_newsroom(database)
        with database.reading() as tx:
            self.now = database.now(tx)
        add_beat(database, "river", "water", {"en": "Water", "ckb": "ئاو"}, now=self.now)
        self.app = create_app(service=self.service)
        self.app.testing = True
        self.browser: FlaskClient = self.app.test_client()
        self.program: FlaskClient = self.app.test_client(use_cookies=False)

    def submit(self, page: str, to: str | None = None, **fields: str | list[str]) -> TestResponse:
        """Fills in and sends the form on a page, as a browser does."""
        shown = self.browser.get(page)
        token = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)
        assert token is not None, shown.text
        return self.browser.post(to or page.partition("?")[0], data={"csrf_token": token[1], **fields})

    def sign_up(self, email: str = EMAIL, **fields: str | list[str]) -> TestResponse:
        given = {"email": email, "language_1": "ckb", "language_2": "en", "agree": "1", "lang": "ckb", **fields}
        return self.submit("/subscribe/river?lang=ckb", **given)

    def row(self, email: str = EMAIL) -> Subscriber | None:
        with self.database.reading() as tx:
            return subscriber.find(tx, self.newsroom.id, subscriber.lookup(self.service.keyring, email))

    def subscribed(self) -> int:
        self.sign_up()
        row = self.row()
        assert row is not None
        subscribing.confirm(self.database, row.id, now=self.now)
        return row.id

    def token(self, purpose: str, subscriber_id: int, days: int | None = None) -> str:
        until = None if days is None else self.now + timedelta(days=days)
        return self.service.signer.token(purpose, subscriber_id, until=until)

    def asked(self, kind: str) -> int:
        with self.database.reading() as tx:
            return len(tx.scalars(select(OutboxRow).where(OutboxRow.kind == kind)).all())


@pytest.fixture
def site(database: Database, config: Config) -> Site:
    return Site(database, config)


def left(site: Site) -> bool:
    row = site.row()
    assert row is not None
    return row.left_at is not None


@pytest.mark.parametrize(("tag", "direction"), [("en", "ltr"), ("ckb", "rtl"), ("kmr", "ltr"), ("ar", "rtl")])
def test_the_form_speaks_the_language_asked_for(site: Site, tag: str, direction: str) -> None:
    page = site.browser.get(f"/subscribe/river?lang={tag}")
    assert page.status_code == 200
    assert f'<html lang="{tag}" dir="{direction}">' in page.text
    assert NAMES[tag] in unescape(page.text)
    assert page.headers["Cache-Control"] == "no-store" and page.headers["X-Robots-Tag"] == "noindex"


def test_a_language_the_newsroom_does_not_speak_gives_its_first(site: Site) -> None:
    assert '<html lang="en"' in site.browser.get("/subscribe/river?lang=fr").text


def test_a_sign_up_stores_the_wording_that_was_shown(site: Site) -> None:
    shown = unescape(site.browser.get("/subscribe/river?lang=ckb").text)
    assert site.sign_up(beat=["water"]).status_code == 200
    row = site.row()
    assert row is not None and row.languages == ["ckb", "en"] and row.confirmed_at is None
    assert row.consent_language == "ckb" and row.consent_text
    agreed = re.search(r'name="agree"[^>]*> ([^<]+)</label>', shown)
    assert agreed is not None and row.consent_text.startswith(agreed[1])
    with site.database.reading() as tx:
        assert choosing.choices(tx, row, now=now()).beats == ["water"]
    assert site.asked("send_confirmation") == 1


def test_known_and_unknown_addresses_get_the_same_answer(site: Site) -> None:
    site.subscribed()
    known, unknown = site.sign_up(), site.sign_up("another@example.org")
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data) == (200, unknown.data)


@pytest.mark.parametrize(
    "fields", [{"email": "no-at-sign"}, {"language_1": "", "language_2": ""}, {"agree": ""}, {"beat": ["nope"]}]
)
def test_a_form_that_is_wrong_stores_nothing(site: Site, fields: dict[str, str]) -> None:
    assert site.sign_up(**fields).status_code == 422
    with site.database.reading() as tx:
        assert tx.scalars(select(Subscriber)).all() == []


def test_a_form_without_its_token_is_refused(site: Site) -> None:
    answer = site.program.post("/subscribe/river", data={"email": EMAIL, "language_1": "en", "agree": "1"})
    assert answer.status_code == 400 and site.row() is None


def test_too_many_sign_ups_from_one_network_are_put_off(site: Site) -> None:
    for number in range(20):
        assert site.sign_up(f"p{number}@example.org").status_code == 200
    answer = site.sign_up()
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "3600"
    assert site.row() is None


def test_a_confirmation_link_shows_a_button_and_changes_nothing(site: Site) -> None:
    site.sign_up(beat=["water"])
    row = site.row()
    assert row is not None
    path = f"/subscribe/river/confirm/{site.token('confirm', row.id, 7)}"
    for _ in range(3):
        page = site.program.get(path)
        assert page.status_code == 200 and 'dir="rtl"' in page.text and "ئاو" in unescape(page.text)
    assert site.program.head(path).status_code == 200
    row = site.row()
    assert row is not None and row.confirmed_at is None
    assert site.submit(path).status_code == 200
    row = site.row()
    assert row is not None and row.confirmed_at is not None


def test_a_confirmation_link_of_before_leaving_says_so(site: Site) -> None:
    subscriber_id = site.subscribed()
    subscribing.leave(site.database, subscriber_id, now=site.now + timedelta(hours=1))
    assert site.submit(f"/subscribe/river/confirm/{site.token('confirm', subscriber_id, 7)}").status_code == 409
    assert left(site)


def test_looking_at_the_leaving_page_leaves_nobody_out(site: Site) -> None:
    path = f"/unsubscribe/{site.token('unsubscribe', site.subscribed())}"
    for _ in range(20):
        assert site.program.get(path).status_code == 200
        assert site.program.head(path).status_code == 200
    assert not left(site)


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_leaves_without_cookie_token_or_redirect(site: Site, content_type: str) -> None:
    path = f"/unsubscribe/{site.token('unsubscribe', site.subscribed())}"
    for _ in range(2):
        answer = site.program.post(path, data={"List-Unsubscribe": "One-Click"}, content_type=content_type)
        assert answer.status_code == 200 and "Set-Cookie" not in answer.headers
    assert left(site)


def test_the_button_leaves_too(site: Site) -> None:
    path = f"/unsubscribe/{site.token('unsubscribe', site.subscribed())}"
    assert site.browser.post(path).status_code == 200
    assert left(site)


def test_forged_altered_and_foreign_tokens_find_nothing(site: Site) -> None:
    subscriber_id = site.subscribed()
    token = site.token("unsubscribe", subscriber_id)
    altered = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    for wrong in (altered, token[:-1], "x", site.token("preferences", subscriber_id), site.token("unsubscribe", 7)):
        assert site.program.get(f"/unsubscribe/{wrong}").status_code == 404
        assert site.program.post(f"/unsubscribe/{wrong}").status_code == 404
    assert site.program.get(f"/preferences/{token}").status_code == 404
    assert site.program.get(f"/subscribe/river/confirm/{site.token('confirm', subscriber_id, -1)}").status_code == 404
    assert not left(site)


def test_never_again_suppresses_the_address(site: Site) -> None:
    path = f"/unsubscribe/{site.token('unsubscribe', site.subscribed())}"
    assert site.program.post(f"{path}/never").status_code == 400
    assert site.submit(path, f"{path}/never").status_code == 200
    with site.database.reading() as tx:
        assert suppression.find(tx, subscriber.lookup(site.service.keyring, EMAIL)) is not None


def test_a_forwarded_mail_gives_no_way_into_the_preferences(site: Site) -> None:
    path = f"/unsubscribe/{site.token('unsubscribe', site.subscribed())}"
    assert "/preferences/" not in site.program.get(path).text.replace(f"{path}/preferences", "")
    answer = site.submit(path, f"{path}/preferences")
    assert answer.status_code == 200 and "/preferences/" not in answer.text
    assert site.asked("send_preferences_link") == 1


def test_preferences_show_and_keep_what_was_chosen(site: Site) -> None:
    path = f"/preferences/{site.token('preferences', site.subscribed())}"
    shown = site.browser.get(path).text
    assert re.search(r'<option value="ckb"[^>]* selected>', shown)
    answer = site.submit(path, language_1="ar", language_2="", language_3="kmr", beat=["water"])
    assert answer.status_code == 200 and '<html lang="ar" dir="rtl">' in answer.text
    row = site.row()
    assert row is not None and row.languages == ["ar", "kmr"]
    with site.database.reading() as tx:
        assert choosing.choices(tx, row, now=now()).beats == ["water"]
    assert site.submit(path, language_1="").status_code == 422
    assert site.program.post(path, data={"language_1": "en"}).status_code == 400


def test_an_unknown_newsroom_is_not_found(site: Site) -> None:
    assert site.browser.get("/subscribe/nowhere").status_code == 404


def test_whoever_would_rather_wait_for_their_language_says_how_long(site: Site) -> None:
    path = f"/preferences/{site.token('preferences', site.subscribed())}"
    answer = site.submit(path, path, language_1="ckb", wait="12")
    assert 'value="12" selected' in answer.text
    with site.database.reading() as tx:
        assert tx.scalars(select(Subscriber.wait_hours)).one() == 12
    assert 'value="0" selected' in site.submit(path, path, language_1="ckb", wait="-1").text


def test_how_often_is_chosen_and_kept(site: Site) -> None:
    path = f"/preferences/{site.token('preferences', site.subscribed())}"
    assert 'value="immediate" checked' in site.browser.get(path).text
    answer = site.submit(path, path, language_1="en", frequency="weekly")
    assert 'value="weekly" checked' in answer.text and "Monday, 07:00 (Asia/Baghdad)" in answer.text
    row = site.row()
    assert row is not None and row.frequency is Frequency.WEEKLY
    assert 'value="immediate" checked' in site.submit(path, path, language_1="en", frequency="hourly").text


@pytest.mark.parametrize(("choice", "days"), [("week", 7), ("month", 30)])
def test_a_pause_is_chosen_kept_and_ended(site: Site, choice: str, days: int) -> None:
    path = f"/preferences/{site.token('preferences', site.subscribed())}"
    assert 'value="keep"' not in site.browser.get(path).text
    answer = site.submit(path, path, language_1="en", pause=choice)
    assert 'value="keep" checked' in answer.text and "Go on pausing until" in answer.text
    row = site.row()
    assert row is not None and row.paused_until is not None
    there = row.paused_until.astimezone(site.newsroom.zone)
    assert (there.hour, there.minute) == (0, 0)
    assert there.date() == now().astimezone(site.newsroom.zone).date() + timedelta(days=days)
    site.submit(path, path, language_1="ar", pause="keep")
    kept = site.row()
    assert kept is not None and kept.paused_until == row.paused_until
    site.submit(path, path, language_1="ar", pause="")
    ended = site.row()
    assert ended is not None and ended.paused_until is None


def test_a_pause_lasts_until_a_day_to_come_within_a_year(site: Site) -> None:
    path = f"/preferences/{site.token('preferences', site.subscribed())}"
    today = now().astimezone(site.newsroom.zone).date()
    for wrong in ("", "soon", "99999-01-01", today.isoformat(), (today + timedelta(days=400)).isoformat()):
        answer = site.submit(path, path, language_1="en", pause="until", pause_until=wrong)
        assert answer.status_code == 422 and 'role="alert"' in answer.text, wrong
    tomorrow = today + timedelta(days=1)
    assert site.submit(path, path, language_1="en", pause="until", pause_until=tomorrow.isoformat()).status_code == 200
    row = site.row()
    assert row is not None and row.paused_until is not None
    assert row.paused_until.astimezone(site.newsroom.zone).date() == tomorrow


@pytest.mark.parametrize("tag", ["en", "ckb", "kmr", "ar"])
def test_preferences_speak_each_language_in_its_direction(site: Site, tag: str) -> None:
    path = f"/preferences/{site.token('preferences', site.subscribed())}"
    page = site.submit(path, path, language_1=tag, pause="week").text
    direction = "rtl" if tag in ("ckb", "ar") else "ltr"
    assert f'<html lang="{tag}" dir="{direction}">' in page
    assert ("One message a day" in page) is (tag == "en")
    assert "<script" not in page


def test_looking_at_preferences_a_hundred_times_changes_nothing(site: Site) -> None:
    subscriber_id = site.subscribed()
    path = f"/preferences/{site.token('preferences', subscriber_id)}"
    site.submit(path, path, language_1="en", frequency="daily", pause="week")
    before = site.row()
    for _ in range(50):
        assert site.program.get(f"{path}?pause=&frequency=immediate").status_code == 200
        assert site.program.head(path).status_code == 200
    after = site.row()
    assert before is not None and after is not None
    assert (before.frequency, before.paused_until) == (after.frequency, after.paused_until)
