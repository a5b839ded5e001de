from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from pressroom.mailing.mailing import State
from pressroom.outbox import OutboxRow
from pressroom.people.account import Role
from pressroom.releases import revision as revisions
from pressroom.releases.approval import Approval
from pressroom.releases.asset import RevisionAsset
from pressroom.releases.beat import in_newsroom
from pressroom.releases.founding import add_beat
from pressroom.releases.media_contact import MediaContact
from pressroom.releases.newsroom import ApprovalRule, Newsroom, NoticeStyle
from pressroom.releases.release import Release, Status
from pressroom.releases.revision import Revision
from tests.mailing.makers import MailHouse
from tests.makers import BODIES, TITLES, Made, make_newsroom, make_release, make_revision_row, now
from tests.web.desk import alert, at, publish, seen, stored
from tests.web.staff import Browser, House


@pytest.fixture
def newsroom(house: House) -> Newsroom:
    """Nobody publishes alone here."""
    return make_newsroom(house.database, approval=ApprovalRule.ALWAYS)


@pytest.fixture
def writer(house: House, newsroom: Newsroom) -> int:
    return house.add(newsroom, Role.EDITOR, "writer@example.org")


@pytest.fixture
def made(house: House, newsroom: Newsroom, writer: int) -> Made:
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True)
    for revision in made.revisions.values():
        change(house, Revision, revision.id, created_by=writer)
    return made


def change(house: House, kind: type, key: object, **values: object) -> None:
    with house.database.transaction() as tx:
        row = tx.get_one(kind, key)
        for name, value in values.items():
            setattr(row, name, value)


def room_of(house: House, newsroom: Newsroom) -> Newsroom:
    with house.database.reading() as tx:
        return tx.get_one(Newsroom, newsroom.id)


def shown(browser: Browser, made: Made) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', browser.get(at(made, "/review")).text)
    assert found is not None
    return found[1]


def test_an_author_asks_a_second_person_reads_approves_and_publishes(
    house: House, newsroom: Newsroom, made: Made, writer: int
) -> None:
    author = house.staff(newsroom, "author")
    assert "Ask for review" in author.get(at(made)).text
    assert author.send(at(made, "/ask")).location == at(made)
    assert stored(house, made).status is Status.IN_REVIEW and "Ask for review" not in author.get(at(made)).text
    second = house.staff(newsroom, "owner")
    assert "Read and approve" in second.get(at(made)).text
    page = second.get(at(made, "/review")).text
    assert TITLES["ckb"] in page and "پاسەکان" in page and "Buses follow <em>in spring</em>" in page
    approved = second.send(at(made, "/review"), seen=shown(second, made))
    assert approved.location == at(made, "/publish") and stored(house, made).status is Status.APPROVED
    published = publish(house.browser(writer), made)
    assert published.status_code == 303 and stored(house, made).status is Status.PUBLISHED, "approved, its writer may"


def test_everything_that_readers_will_get_is_shown_to_whoever_approves(
    house: House, newsroom: Newsroom, writer: int
) -> None:
    contact = MediaContact("Şîlan Ehmed", "press@example.org", "+964 770 000 0000", "spokeswoman")
    made = make_release(house.database, newsroom, ["en"], draft=True, beats=["rivers"], pictures=1, contacts=[contact])
    change(house, Revision, made.revisions["en"].id, created_by=writer, subtitle="On foot, at last")
    change(house, Release, made.id, embargo_until=datetime(2030, 1, 4, 6, 0, tzinfo=UTC))
    page = house.staff(newsroom, "owner").get(at(made, "/review")).text
    body = page[page.index("<article") : page.index("</article>")]
    for part in ("On foot, at last", "Silêmanî", 'datetime="2026-11-20"', "Rivers"):
        assert part in body, part
    for part in (contact.name, contact.role, f"mailto:{contact.email}", contact.phone):
        assert part in body, part
    for said in ("The bridge at dawn", "The new bridge", "River Valley Archive", "CC BY 4.0"):
        assert f">{said}</dd>" in body, said
    assert 'datetime="2030-01-04T06:00:00Z"' in page


def test_a_picture_without_a_description_is_marked_for_whoever_approves(
    house: House, newsroom: Newsroom, writer: int
) -> None:
    made = make_release(house.database, newsroom, ["en"], draft=True, pictures=1)
    change(house, RevisionAsset, (made.revisions["en"].id, 0), alt="")
    assert "Without a description" in house.staff(newsroom, "owner").get(at(made, "/review")).text


def test_who_wrote_some_of_it_cannot_approve_it(house: House, made: Made, writer: int) -> None:
    browser = house.browser(writer)
    page = browser.get(at(made, "/review")).text
    assert "You wrote some of this" in page and ">Approve<" not in page
    refused = browser.send(at(made, "/review"), seen=seen(browser, made))
    assert refused.status_code == 403 and "somebody else" in alert(refused)
    with house.database.reading() as tx:
        assert tx.scalars(select(Approval)).all() == []


def test_a_text_changed_while_it_is_read_is_not_approved(house: House, newsroom: Newsroom, made: Made) -> None:
    second = house.staff(newsroom, "owner")
    read = shown(second, made)
    with house.database.transaction() as tx:
        tx.add(make_revision_row(made.translations["ckb"], "نەخوێندراوە", "دەق.", at=house.now, number=2))
    refused = second.send(at(made, "/review"), seen=read)
    assert refused.status_code == 409 and "نەخوێندراوە" in refused.text
    assert second.send(at(made, "/review"), seen="").status_code == 409
    assert second.send(at(made, "/review"), seen="1.x.-3").status_code == 409


def test_a_change_after_approval_asks_again_for_that_text_only(house: House, newsroom: Newsroom, made: Made) -> None:
    second = house.staff(newsroom, "owner")
    second.send(at(made, "/review"), seen=shown(second, made))
    author = house.staff(newsroom, "author")
    author.send(at(made, "/text"), language="ckb", text="# پردەکە داخراوە\n\nدەقی نوێ.", form="markdown")
    assert stored(house, made).status is Status.IN_REVIEW
    page = second.get(at(made, "/review")).text
    assert page.count(">Approved<") == 1 and shown(second, made) != ""
    assert str(made.revisions["en"].id) not in shown(second, made)


def test_sending_back_needs_a_note_that_only_staff_read(house: House, newsroom: Newsroom, made: Made) -> None:
    second = house.staff(newsroom, "owner")
    house.staff(newsroom, "author").send(at(made, "/ask"))
    empty = second.send(at(made, "/send-back"), note="  ")
    assert empty.status_code == 422 and stored(house, made).status is Status.IN_REVIEW
    assert second.send(at(made, "/send-back"), note="ناوی پردەکە بپشکنە").location == at(made)
    assert stored(house, made).status is Status.DRAFT
    assert "ناوی پردەکە بپشکنە" in house.staff(newsroom, "viewer").get(at(made)).text


def test_an_owner_may_publish_alone_for_a_reason_and_all_owners_are_told(
    house: House, newsroom: Newsroom, made: Made
) -> None:
    owner = house.add(newsroom, Role.OWNER)
    other = house.add(newsroom, Role.OWNER, "other@example.org")
    for revision in made.revisions.values():
        change(house, Revision, revision.id, created_by=owner)
    browser = house.browser(owner)
    page = browser.get(at(made, "/publish")).text
    assert "Publish alone" in page and "All owners are told" in page and "<details>" in page
    fields = {"seen": seen(browser, made), "hold": "0"}
    assert browser.send(at(made, "/publish/alone"), **fields, reason=" ").status_code == 422
    assert stored(house, made).public_from is None
    assert browser.send(at(made, "/publish/alone"), **fields, reason="Lives depend on it.").status_code == 303
    assert stored(house, made).status is Status.PUBLISHED
    with house.database.reading() as tx:
        told = [
            row.payload["account_id"] for row in tx.scalars(select(OutboxRow).where(OutboxRow.kind == "tell_owner"))
        ]
    assert sorted(told) == sorted([owner, other])
    timeline = browser.get(at(made)).text
    assert "Published without a second person" in timeline and "Lives depend on it." in timeline


@pytest.mark.parametrize("role", ["editor", "author", "viewer"])
def test_nobody_but_an_owner_publishes_alone(house: House, newsroom: Newsroom, made: Made, role: str) -> None:
    browser = house.browser(house.add(newsroom, role, f"{role}-2@example.org"))
    refused = browser.send(at(made, "/publish/alone"), hold="0", reason="I want to.")
    assert refused.status_code == 403 and stored(house, made).public_from is None


def test_a_milder_rule_waits_for_a_second_person_and_a_stricter_one_does_not(
    house: House, newsroom: Newsroom, writer: int
) -> None:
    owner, editor = house.staff(newsroom, "owner"), house.browser(writer)
    author = house.staff(newsroom, "author")
    assert owner.send("/desk/river/settings/approval", rule="off").location == "/desk/river/settings"
    assert room_of(house, newsroom).approval is ApprovalRule.ALWAYS
    page = owner.get("/desk/river/").text
    assert "Another rule was asked for" in page and ">Agree<" not in page, "nobody agrees with themselves"
    assert ">Agree<" in editor.get("/desk/river/").text and ">Agree<" not in author.get("/desk/river/").text
    owner.send("/desk/river/settings/approval", rule="off")
    assert room_of(house, newsroom).approval is ApprovalRule.ALWAYS
    assert editor.send("/desk/river/settings/approval", rule="auto").status_code == 403, "not what was asked for"
    assert editor.send("/desk/river/settings/approval", rule="off").location == "/desk/river/"
    assert room_of(house, newsroom).approval is ApprovalRule.OFF
    owner.send("/desk/river/settings/approval", rule="always")
    assert room_of(house, newsroom).approval is ApprovalRule.ALWAYS
    assert owner.send("/desk/river/settings/approval", rule="whatever").status_code == 422


def test_an_owner_sets_the_habits_of_the_newsroom(house: House, newsroom: Newsroom) -> None:
    owner = house.staff(newsroom, "owner")
    fields = {"together": "1", "faces_checked": "1", "late_after": "45", "notice_style": "in_place"}
    assert owner.send("/desk/river/settings", **fields).location == "/desk/river/settings"
    found = room_of(house, newsroom)
    assert (found.together, found.faces_checked, found.late_after) == (True, True, 2700)
    assert found.notice_style is NoticeStyle.IN_PLACE
    page = owner.get("/desk/river/settings").text
    assert 'value="45"' in page and re.search(r'value="in_place" checked', page)
    for wrong in (
        {"late_after": "-1"},
        {"late_after": "0"},
        {"late_after": "10081"},
        {"late_after": "x"},
        {"notice_style": "loud"},
    ):
        assert owner.send("/desk/river/settings", **{**fields, **wrong}).status_code == 422, wrong
    at = {"digest_at": "16:30", "digest_weekday": "5"}
    assert owner.send("/desk/river/settings", **fields, **at).status_code == 303
    assert (room_of(house, newsroom).digest_minute, room_of(house, newsroom).digest_weekday) == (990, 5)
    for wrong in ({"digest_at": "25:00"}, {"digest_at": ""}, {"digest_weekday": "8"}, {"digest_weekday": ""}):
        assert owner.send("/desk/river/settings", **{**fields, **at, **wrong}).status_code == 422, wrong
    owner.send("/desk/river/settings", late_after="1", notice_style="both")
    assert (room_of(house, newsroom).together, room_of(house, newsroom).late_after) == (False, 60)


def test_an_owner_sets_the_media_topic_of_a_beat_and_takes_it_away(house: House, newsroom: Newsroom) -> None:
    owner = house.staff(newsroom, "owner")
    add_beat(house.database, "river", "water", {"en": "Water", "ckb": "ئاو"}, now=now())
    assert "medtop:06000000" in owner.get("/desk/river/settings").text, "the example"
    for given, kept in (("medtop:06000000", "medtop:06000000"), ("", None)):
        assert owner.send("/desk/river/settings/beats", beat="water", topic=given).location == "/desk/river/settings"
        with house.database.reading() as tx:
            assert in_newsroom(tx, newsroom.id)["water"].topic == kept
    refused = owner.send("/desk/river/settings/beats", beat="water", topic="water works")
    assert refused.status_code == 422 and 'value="water works"' in refused.text
    assert owner.send("/desk/river/settings/beats", beat="nothing", topic="").status_code == 404
    assert "Beat changed" in owner.get("/desk/river/record").text


def test_subscribers_are_accredited_by_address_and_listed_for_owners(
    house: House, mail: MailHouse, newsroom: Newsroom
) -> None:
    mail.subscriber(newsroom, "reporter@example.org", [mail.media_list(newsroom)])
    owner = house.staff(newsroom, "owner")
    assert owner.send("/desk/river/settings/accredited", address="Reporter@example.org").status_code == 303
    assert "reporter@example.org" in owner.get("/desk/river/settings").text
    unknown = owner.send("/desk/river/settings/accredited", address="nobody@example.org")
    assert unknown.status_code == 404 and "subscribed" in alert(unknown)
    assert owner.send("/desk/river/settings/accredited", address="no address").status_code == 422
    assert owner.send("/desk/river/settings/accredited", address="reporter@example.org", end="1").status_code == 303
    assert "reporter@example.org" not in owner.get("/desk/river/settings").text


def test_one_button_stops_everything_and_allowing_starts_nothing(
    house: House, mail: MailHouse, newsroom: Newsroom, writer: int
) -> None:
    mail.subscriber(newsroom, "reader@example.org", [mail.media_list(newsroom)])
    public = make_release(house.database, newsroom, ["en"])
    running = mail.mailing(public)
    later = make_release(house.database, newsroom, ["ckb"], public_from=house.now + timedelta(days=1))
    author = house.staff(newsroom, "author")
    page = author.get("/desk/river/").text
    assert page.index("Stop everything leaving") < page.index("New release")
    assert author.send("/desk/river/stop").location == "/desk/river/"
    assert mail.progress(running).state is State.PAUSED and stored(house, later).public_from is None
    stopped = author.get("/desk/river/").text
    assert "Everything leaving is stopped" in stopped and "Allow it again" not in stopped, "an author only stops"
    assert author.send("/desk/river/allow").status_code == 403
    editor = house.browser(writer)
    assert "Allow it again" in editor.get("/desk/river/").text
    assert editor.send("/desk/river/allow").location == "/desk/river/"
    assert mail.progress(running).state is State.PAUSED and room_of(house, newsroom).stopped_at is None


def test_an_author_may_pause_and_cancel_a_mailing_but_not_let_it_go_on(
    house: House, mail: MailHouse, newsroom: Newsroom
) -> None:
    mail.subscriber(newsroom, "reader@example.org", [mail.media_list(newsroom)])
    mailing = mail.mailing(make_release(house.database, newsroom, ["en"]), hold=timedelta(hours=1))
    author, path = house.staff(newsroom, "author"), f"/desk/river/mailings/{mailing}"
    page = author.get(path).text
    assert "Pause" in page and "Cancel for good" in page and "Go on" not in page
    assert author.send(f"{path}/pause").status_code == 303 and mail.progress(mailing).state is State.PAUSED
    assert author.send(f"{path}/resume").status_code == 403 and mail.progress(mailing).state is State.PAUSED
    assert author.send(f"{path}/cancel").status_code == 303 and mail.progress(mailing).state is State.CANCELLED


def test_the_field_begins_with_the_present_text_and_keeps_what_it_does_not_show(
    house: House, newsroom: Newsroom
) -> None:
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True, pictures=1)
    author = house.staff(newsroom, "author")
    page = author.get(at(made, "/text?language=ckb")).text
    begun = re.search(r'<textarea id="text"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert begun is not None and begun[1] == f"# {TITLES['ckb']}\n\n{BODIES['ckb']}"
    assert re.search(r'value="markdown" checked', page)
    fields = {"language": "ckb", "form": "markdown"}
    for _ in range(2):
        same = author.send(at(made, "/text"), text=begun[1].replace("\n", "\r\n"), **fields)
        # The maker's own revision has a hash of its own kind.
        assert same.status_code == 303 and newest(house, made).number == 2, "the same text is no new revision"
    author.send(at(made, "/text"), text=begun[1].replace("پردەکە کراوەیە", "پردەکە داخراوە"), **fields)
    found = newest(house, made)
    assert found.number == 3 and "پردەکە داخراوە" in found.body
    before = made.revisions["ckb"]
    assert (found.title, found.dateline, found.dated, found.contacts) == (
        before.title, before.dateline, before.dated, before.contacts,
    )  # fmt: skip
    assert made.assets[0].id in author.get(at(made, "/preview/ckb")).text, "its picture stays"


def newest(house: House, made: Made) -> Revision:
    with house.database.reading() as tx:
        found = revisions.newest(tx, made.translations["ckb"].id)
    assert found is not None
    return found
