from __future__ import annotations

from html import unescape

import pytest

from pressroom.mailing import subscriber, suppression
from pressroom.mailing.subscriber import Subscriber
from pressroom.mailing.suppression import Reason
from pressroom.people.account import Role
from tests.mailing.bounce_shapes import OURS, arf, dsn, group
from tests.mailing.makers import MailHouse
from tests.mailing.test_judging import Back
from tests.makers import make_newsroom
from tests.web.desk import alert
from tests.web.staff import House

PAGE = "/desk/river/suppressions"
WORDS = "550 5.1.1 <dilan@example.org> unknown here"


@pytest.fixture
def back(mail: MailHouse, house: House) -> Back:
    return Back(mail, [OURS])


def is_suppressed(back: Back) -> bool:
    with back.house.database.reading() as tx:
        return suppression.find(tx, subscriber.lookup(back.house.keyring, OURS)) is not None


def test_an_owner_sees_who_and_why_and_an_editor_sees_why(house: House, back: Back) -> None:
    back.comes(dsn(back.sent(), group(diagnostic=WORDS)))
    page = unescape(house.staff(back.newsroom, Role.OWNER).get(PAGE).text)
    assert OURS in page and WORDS in page and "5.1.1" in page and f"/mailings/{back.mailing_id}" in page
    page = unescape(house.staff(back.newsroom, Role.EDITOR).get(PAGE).text)
    assert "There is no such address" in page and OURS not in page and "unknown here" not in page
    assert house.staff(back.newsroom, Role.AUTHOR).get(PAGE).status_code == 403


def test_a_bounce_is_lifted_with_a_reason(house: House, back: Back) -> None:
    back.comes(dsn(back.sent(), group()))
    editor, path = house.staff(back.newsroom, Role.EDITOR), f"{PAGE}/{back.ids[OURS]}/lift"
    assert editor.client.post(path, data={"reason": "They called."}).status_code == 400
    answer = editor.send(path, reason=" ")
    assert answer.status_code == 422 and "few words" in alert(answer) and is_suppressed(back)
    assert editor.send(path, reason="They called us.").status_code == 303
    assert not is_suppressed(back)
    assert "Suppression lifted" in editor.get("/desk/river/record").text


def test_a_complaint_is_lifted_by_an_owner_only(house: House, back: Back) -> None:
    back.comes(arf(back.sent(), "Feedback-Type: abuse"))
    path = f"{PAGE}/{back.ids[OURS]}/lift"
    editor = house.staff(back.newsroom, Role.EDITOR)
    assert path not in editor.get(PAGE).text
    assert editor.send(path, reason="They called us.").status_code == 403 and is_suppressed(back)
    assert house.staff(back.newsroom, Role.OWNER).send(path, reason="They called us.").status_code == 303
    assert not is_suppressed(back)


def test_people_of_another_newsroom_are_neither_shown_nor_lifted(house: House, back: Back) -> None:
    hill = make_newsroom(house.database, "hill")
    theirs = back.house.subscriber(hill, "rojda@example.org", [back.house.media_list(hill)])
    with house.database.transaction() as tx:
        suppression.of_subscriber(tx, theirs, Reason.BOUNCE, now=house.now)
    owner = house.staff(back.newsroom, Role.OWNER)
    assert "rojda" not in owner.get(PAGE).text
    assert owner.send(f"{PAGE}/{theirs}/lift", reason="They called us.").status_code == 404
    with house.database.reading() as tx:
        assert tx.get_one(Subscriber, theirs).suppressed_at is not None
