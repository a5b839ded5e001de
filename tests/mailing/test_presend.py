from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pressroom.mailing.presend import Fate, PreSend, Terms, look
from pressroom.mailing.quota import Quota
from pressroom.people import inviting
from pressroom.people.account import Role
from pressroom.releases import publishing
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.release import Release
from pressroom.releases.translation import Translation
from tests.mailing.makers import MailHouse
from tests.makers import Made, make_newsroom, make_release, make_revision_row


def see(house: MailHouse, made: Made, by: int | None = None, **terms: object) -> PreSend:
    now = house.now()
    with house.database.reading() as tx:
        newsroom, release = tx.get_one(Newsroom, made.newsroom.id), tx.get_one(Release, made.id)
        return look(tx, newsroom, release, Terms(**terms), quota=Quota(), now=now, by=by)  # type: ignore[arg-type]


def change(house: MailHouse, kind: type, key: object, **values: object) -> None:
    with house.database.transaction() as tx:
        row = tx.get_one(kind, key)
        for name, value in values.items():
            setattr(row, name, value)


def test_each_language_says_what_becomes_of_it(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database, languages=["en", "ckb", "kmr", "ar"])
    made = make_release(house.database, newsroom, ["en", "ckb", "kmr"], draft=True)
    change(house, Translation, made.translations["en"].id, publish=False)
    sheet = see(house, made, without=("kmr",))
    assert {one.language: one.fate for one in sheet.pages} == {
        "en": Fate.NEVER, "ckb": Fate.GOES_OUT, "kmr": Fate.LEFT_OUT,
    }  # fmt: skip
    assert (sheet.missing, sheet.seen) == (["ar"], [made.revisions["ckb"].id])


def test_what_is_out_stays_and_its_newer_text_waits_for_a_correction(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    made = make_release(house.database, newsroom, ["en", "ckb"])
    with house.database.transaction() as tx:
        tx.add(make_revision_row(made.translations["ckb"], "نوێ", "نوێ.", at=house.now(), number=2))
    assert [one.fate for one in see(house, made).pages] == [Fate.OUT, Fate.NEWER]
    assert see(house, made).going == []


def test_a_translation_of_an_older_text_is_stale_unless_only_spelling_changed(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True)
    assert see(house, made).stale == []
    with house.database.transaction() as tx:
        row = make_revision_row(made.translations["en"], "New bridge opens", "It is open.", at=house.now(), number=2)
        row.minor_of = made.revisions["en"].id
        tx.add(row)
    assert see(house, made).stale == []
    with house.database.transaction() as tx:
        tx.add(make_revision_row(made.translations["en"], "The bridge is shut", "Shut.", at=house.now(), number=3))
    assert see(house, made).stale == ["ckb"]


def test_languages_that_go_out_together_are_held_up_by_the_missing_and_the_stale(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database, languages=["en", "ckb", "kmr"])
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True)
    assert see(house, made).held_up_by == []
    change(house, Newsroom, newsroom.id, together=True)
    assert see(house, made).held_up_by == ["kmr"]
    assert see(house, made, without=("kmr",)).held_up_by == []


@pytest.mark.parametrize("rule", [ApprovalRule.ALWAYS, ApprovalRule.OFF])
def test_it_names_those_who_can_be_the_second_person(house: MailHouse, rule: ApprovalRule) -> None:
    newsroom = make_newsroom(house.database, approval=rule)
    made = make_release(house.database, newsroom, ["en"], draft=True)
    writer, second = (
        inviting.add(
            house.database, house.keyring, f"{name}@example.org", Role.EDITOR, newsroom.id, now=house.now()
        ).account_id
        for name in ("writer", "second")
    )
    change(house, type(made.revisions["en"]), made.revisions["en"].id, created_by=writer)
    wanted = rule is ApprovalRule.ALWAYS
    assert see(house, made, by=writer).approvers == ([second] if wanted else None)
    assert see(house, made, by=None).approvers == ([second] if wanted else None), "the command line approves nothing"
    assert see(house, made, by=second).approvers is None, "whoever did not write it approves by publishing"


@pytest.mark.parametrize("at", [None, timedelta(days=1), timedelta(days=9)])
@pytest.mark.parametrize("embargo", [None, timedelta(days=3)])
def test_it_is_public_when_it_says(house: MailHouse, at: timedelta | None, embargo: timedelta | None) -> None:
    newsroom = make_newsroom(house.database)
    made = make_release(house.database, newsroom, ["en"], draft=True)
    now = house.now()
    when = now + at if at else None
    change(house, Release, made.id, embargo_until=now + embargo if embargo else None)
    told = see(house, made, at=when).public_from.utc
    began = publishing.publish(house.database, made.id, now=house.now(), at=when).public_from
    assert abs(began - told) < (timedelta(0, 30) if at is embargo is None else timedelta.resolution)
    if began > house.now():
        assert see(house, made).public_from.utc == began, "scheduled, it stays where it is"


def test_the_sheet_as_an_object_has_what_its_page_shows(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database, time_zone="Europe/Berlin")
    press = house.media_list(newsroom)
    house.subscriber(newsroom, "reader@example.org", [press], languages=["ckb"])
    house.subscriber(newsroom, "silent@example.org", [press], confirmed=False)
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True, pictures=1)
    at = datetime(2031, 10, 26, 0, 30, tzinfo=UTC)
    told = see(house, made, at=at, list_ids=(press.id,), hold=timedelta(seconds=60)).as_dict()
    assert told["recipients"] == {"ckb": 1} and told["left_out"] == {"unconfirmed": 1}
    assert told["unchecked"] == [made.assets[0].id]
    assert told["public_from"] == {
        "utc": "2031-10-26T00:30+00:00", "local": "2031-10-26T02:30+02:00", "zone": "Europe/Berlin",
        "twin": "2031-10-26T01:30+00:00",
    }  # fmt: skip
    assert told["first"] == "2031-10-26T00:31:00+00:00" and told["last"] is None
