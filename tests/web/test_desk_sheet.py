from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlencode

import pytest

from pressroom.db import to_micros
from pressroom.mailing.expanding import expand
from pressroom.mailing.subscriber import Subscriber
from pressroom.people.account import Role
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from tests.mailing.makers import MailHouse
from tests.makers import Made, make_newsroom, make_release, make_revision_row
from tests.web.desk import alert, at, mailings, publish, stored
from tests.web.staff import Browser, House


def look(browser: Browser, made: Made, **query: object) -> str:
    page = browser.get(at(made, "/publish") + "?" + urlencode(query, doseq=True))
    assert page.status_code == 200, page.text
    return unescape(page.text)


def change(house: House, kind: type, key: object, **values: object) -> None:
    with house.database.transaction() as tx:
        row = tx.get_one(kind, key)
        for name, value in values.items():
            setattr(row, name, value)


def counts(page: str) -> dict[str, int]:
    return {name: int(count) for name, count in re.findall(r"<dt[^>]*>([^<]+)</dt><dd>(\d+)</dd>", page)}


def test_choosing_lists_shows_who_gets_it_and_who_does_not(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    press, radio = mail.media_list(newsroom), mail.media_list(newsroom, "radio")
    mail.subscriber(newsroom, "one@example.org", [press], languages=["ckb"])
    mail.subscriber(newsroom, "two@example.org", [press, radio], languages=["en"])
    mail.subscriber(newsroom, "three@example.org", [radio], languages=["kmr", "en"])
    mail.subscriber(newsroom, "silent@example.org", [radio], confirmed=False)
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True)
    editor = house.staff(newsroom, "editor")
    assert counts(look(editor, made)) == {}
    assert counts(look(editor, made, lists=["press"])) == {"English": 1, "کوردیی ناوەندی": 1, "All together": 2}
    both = look(editor, made, lists=["press", "radio"])
    assert counts(both) == {"English": 2, "کوردیی ناوەندی": 1, "All together": 3, "have not confirmed": 1}
    assert both.count('value="radio" checked') == 1 and 'value="press" checked' in both
    without = look(editor, made, lists=["press"], without=["ckb"])
    assert counts(without) == {"English": 2, "All together": 2}
    assert "left out this time" in without and 'name="without" value="ckb" checked' in without


def test_what_the_sheet_says_is_what_happens(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    press = mail.media_list(newsroom)
    for number, tag in enumerate(["en", "ckb", "ckb"]):
        mail.subscriber(newsroom, f"reader{number}@example.org", [press], languages=[tag])
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True)
    editor = house.staff(newsroom, "editor")
    told = counts(look(editor, made, lists=["press"], without=["en"]))
    assert publish(editor, made, lists=["press"], without=["en"]).status_code == 303
    (mailing,) = mailings(house)
    expand(house.database, mailing.id, mail.ring)
    assert mail.progress(mailing.id).total == told["All together"] == told["کوردیی ناوەندی"] == 3
    assert house.browser().get(f"/river/en/{made.translations['en'].slug}").status_code == 404
    assert house.browser().get(f"/river/ckb/{made.translations['ckb'].slug}").status_code == 200


def test_stale_missing_and_unchecked_are_said(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True, pictures=2)
    editor = house.staff(newsroom, "editor")
    page = look(editor, made)
    assert "2 pictures were not checked for faces yet." in page and "does not publish before" not in page
    assert "Kurmancî" in page.partition("Not there yet")[2] and "Made from an older text" not in page
    change(house, Newsroom, newsroom.id, faces_checked=True)
    with house.database.transaction() as tx:
        tx.add(make_revision_row(made.translations["en"], "New title", "New body.", at=house.now, number=2))
    page = look(editor, made)
    assert "This newsroom does not publish before that." in page and "Made from an older text" in page
    refused = publish(editor, made)
    assert refused.status_code == 422 and "checked for faces" in alert(refused)
    assert stored(house, made).public_from is None


def test_languages_that_go_out_together_wait_until_one_is_left_out_by_name(house: House) -> None:
    newsroom = make_newsroom(house.database, languages=["en", "ckb", "kmr"])
    change(house, Newsroom, newsroom.id, together=True)
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True)
    editor = house.staff(newsroom, "editor")
    page = look(editor, made)
    assert "these hold it up" in page and 'name="without" value="kmr"' in page and ">Publish<" not in page
    assert publish(editor, made).status_code == 422 and stored(house, made).public_from is None
    page = look(editor, made, without=["kmr"])
    assert "these hold it up" not in page and ">Publish<" in page
    assert publish(editor, made, without=["kmr"]).status_code == 303
    assert stored(house, made).public_from is not None


@pytest.mark.parametrize(
    ("zone", "local", "readings"),
    [
        ("Europe/Berlin", "2030-10-27T02:30", ("00:30", "01:30")),
        ("America/New_York", "2030-11-03T01:30", ("05:30", "06:30")),
    ],
)
def test_a_time_that_comes_twice_says_which_is_meant(
    house: House, zone: str, local: str, readings: tuple[str, str]
) -> None:
    newsroom = make_newsroom(house.database, time_zone=zone)
    made = make_release(house.database, newsroom, ["en"], draft=True)
    editor = house.staff(newsroom, "editor")
    first = look(editor, made, at=local)
    assert "comes twice" in first and "The first is meant." in first
    assert all(f"{one} UTC" in first for one in readings)
    second = look(editor, made, at=local, fold="1")
    assert "The second is meant." in second and f'value="{local}"' in second
    assert publish(editor, made, at=local, fold="1").status_code == 303
    public_from = stored(house, made).public_from
    assert public_from is not None and public_from.strftime("%H:%M") == readings[1]


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("Europe/Berlin", "2030-03-31T01:30", "00:30"),
        ("Europe/Berlin", "2030-03-31T03:30", "01:30"),
        ("America/New_York", "2030-03-10T01:30", "06:30"),
        ("America/New_York", "2030-03-10T03:30", "07:30"),
    ],
)
def test_around_the_hour_that_clocks_skip_both_readings_are_right(
    house: House, zone: str, local: str, utc: str
) -> None:
    newsroom = make_newsroom(house.database, time_zone=zone)
    made = make_release(house.database, newsroom, ["en"], draft=True)
    editor = house.staff(newsroom, "editor")
    page = look(editor, made, at=local)
    assert f"{local[:10]} {utc} UTC" in page and "comes twice" not in page and zone in page
    assert publish(editor, made, at=local).status_code == 303
    assert (stored(house, made).public_from or house.now).strftime("%H:%M") == utc


@pytest.mark.parametrize(
    ("zone", "local"), [("Europe/Berlin", "2030-03-31T02:30"), ("America/New_York", "2030-03-10T02:30")]
)
def test_a_time_that_clocks_skip_is_refused(house: House, zone: str, local: str) -> None:
    newsroom = make_newsroom(house.database, time_zone=zone)
    made = make_release(house.database, newsroom, ["en"], draft=True)
    editor = house.staff(newsroom, "editor")
    page = editor.get(at(made, f"/publish?at={local}"))
    assert page.status_code == 422 and "does not exist" in alert(page)
    assert publish(editor, made, at=local).status_code == 422 and stored(house, made).public_from is None


def test_an_embargo_holds_it_back_and_is_shown_in_both_times(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en"], draft=True)
    change(house, Release, made.id, embargo_until=datetime(2030, 1, 4, 6, 0, tzinfo=UTC))
    page = look(house.staff(newsroom, "editor"), made, at="2029-12-31T09:00")
    assert page.count("2030-01-04 06:00 UTC") == 2, "public from, and embargo"


def test_the_quota_says_when_the_last_mail_leaves(mail: MailHouse, newsroom: Newsroom) -> None:
    press = mail.media_list(newsroom)
    for number in range(5):
        mail.subscriber(newsroom, f"reader{number}@example.org", [press])
    house = House(replace(mail.config, mail_per_hour=2), mail.database)
    made = make_release(house.database, newsroom, ["en"], draft=True)
    page = look(house.staff(newsroom, "editor"), made, lists=["press"], at="2030-01-04T09:00", hold="0")
    assert "First mail" in page and "06:00 UTC" in page
    last = page.partition("Last mail")[2].partition("</dd>")[0]
    assert "08:02 UTC" in last and "quota" in last, "two at six, two after 61 minutes, one after 61 more"
    house.close()


def test_accredited_people_can_have_it_early_and_are_not_counted_twice(
    house: House, mail: MailHouse, newsroom: Newsroom
) -> None:
    press = mail.media_list(newsroom)
    known = mail.subscriber(newsroom, "known@example.org", [press])
    mail.subscriber(newsroom, "reader@example.org", [press])
    change(house, Subscriber, known, accredited_at=house.now)
    made = make_release(house.database, newsroom, ["en"], draft=True)
    editor = house.staff(newsroom, "editor")
    assert 'name="early"' not in look(editor, made), "what is public at once has no embargo"
    page = look(editor, made, lists=["press"], early=["press"], at="2030-01-04T09:00")
    early, _, later = page.partition("Who gets mail now, under embargo")[2].partition("Who gets mail<")
    assert counts(early) == {"English": 1, "All together": 1, "are not accredited": 1}
    assert counts(later) == {"English": 1, "All together": 1, "have heard of it already": 1}
    publish(editor, made, lists=["press"], early=["press"], at="2030-01-04T09:00")
    totals = []
    for one in mailings(house):
        expand(house.database, one.id, mail.ring)
        totals.append((one.under_embargo, mail.progress(one.id).total))
    assert sorted(totals) == [(False, 1), (True, 1)]


def test_it_says_who_can_be_the_second_person_and_keeps_what_was_asked_for(house: House, mail: MailHouse) -> None:
    newsroom = make_newsroom(house.database, approval=ApprovalRule.ALWAYS)
    mail.media_list(newsroom)
    mail.media_list(newsroom, "radio")
    made = make_release(house.database, newsroom, ["en"], draft=True)
    writer = house.add(newsroom, Role.EDITOR)
    change(house, Revision, made.revisions["en"].id, created_by=writer)
    second = house.browser(house.add(newsroom, Role.OWNER, "second@example.org"))
    asking = house.browser(writer)
    page = look(asking, made)
    assert "A second person has to publish this" in page and "Ask for a second person" in page
    assert "second@example.org" not in page and "Publish alone" not in page, "an editor sees roles only"
    publish(asking, made, lists=["radio"], at="2030-01-04T09:00", hold="120")
    assert stored(house, made).status == "in_review" and mailings(house) == []
    page = look(second, made)
    assert 'value="radio" checked' in page and 'value="press" checked' not in page
    assert 'value="2030-01-04T09:00"' in page and 'value="120"' in page
    assert "A second person has to publish this" not in page


def test_a_wish_of_the_past_does_not_fill_the_time(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en"], draft=True)
    change(house, Release, made.id, wish={"at": to_micros(house.now - timedelta(hours=1)), "lists": ["gone"]})
    page = look(house.staff(newsroom, "editor"), made)
    assert re.search(r'id="at"[^>]*value=""', page) and "checked" not in page


def test_a_stopped_newsroom_publishes_nothing(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en"], draft=True)
    change(house, Newsroom, newsroom.id, stopped_at=house.now)
    editor = house.staff(newsroom, "editor")
    page = look(editor, made)
    assert "Everything leaving this newsroom was stopped" in page and ">Publish<" not in page
    assert publish(editor, made).status_code == 409 and stored(house, made).public_from is None


def test_looking_changes_nothing_and_an_unknown_list_is_said(house: House, newsroom: Newsroom) -> None:
    made = make_release(house.database, newsroom, ["en"], draft=True)
    editor = house.staff(newsroom, "editor")
    unknown = editor.get(at(made, "/publish?lists=nowhere"))
    assert unknown.status_code == 404 and "nowhere" in alert(unknown)
    assert editor.get(at(made, "/publish?hold=soon")).status_code == 422
    look(editor, made, at="2030-01-04T09:00")
    assert stored(house, made).status == "draft" and stored(house, made).wish == {}
