from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from pressroom.errors import Conflict, NotAllowed
from pressroom.mailing import accompanying, steering, stopping
from pressroom.mailing.accompanying import Plan
from pressroom.mailing.expanding import expand
from pressroom.mailing.mailing import Mailing, State
from pressroom.people.account import Role
from pressroom.releases import visibility
from pressroom.releases.release import Release, Status
from pressroom.releases.visibility import Visibility
from tests.mailing.makers import MailHouse
from tests.makers import make_account, make_newsroom, make_release


def test_one_switch_stops_mail_and_schedules_and_starts_nothing_again_by_itself(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    for number in range(5):
        house.subscriber(newsroom, f"person{number}@example.org", [press])
    out = make_release(house.database, newsroom, ["en"])
    mailing_id = house.mailing(out)
    waits = make_release(house.database, newsroom, ["ckb"], draft=True)
    plan = Plan(at=house.now() + timedelta(hours=1), lists=["press"])
    accompanying.publish(house.database, house.keyring, waits.id, plan, now=house.now())
    author = make_account(house.database, newsroom, Role.AUTHOR)
    stopped = stopping.stop_everything(house.database, newsroom.slug, now=house.now(), by=author)
    assert (stopped.mailings, stopped.releases) == (1, 1)
    house.send()
    assert house.sink.received == []
    with house.database.reading() as tx:
        release = tx.get_one(Release, waits.id)
        assert release.status is Status.APPROVED
        assert visibility.of_release(release, house.now() + timedelta(hours=2)) is Visibility.HIDDEN
    for act in (
        lambda: accompanying.publish(house.database, house.keyring, waits.id, Plan(), now=house.now()),
        lambda: steering.resume(house.database, mailing_id, now=house.now()),
        lambda: house.mailing(out, test="me@example.org"),
    ):
        with pytest.raises(Conflict, match="was stopped"):
            act()
    with pytest.raises(NotAllowed):
        stopping.allow(house.database, newsroom.slug, now=house.now(), by=author)
    stopping.allow(house.database, newsroom.slug, now=house.now())
    house.send()
    assert house.sink.received == []
    steering.resume(house.database, mailing_id, now=house.now())
    house.rung += _chunks(house)
    house.send()
    assert len(house.sink.received) == 5


def _chunks(house: MailHouse) -> list[int]:
    from pressroom.mailing import ledger

    with house.database.reading() as tx:
        return ledger.due_chunks(tx, house.database.now(tx))


def test_a_retraction_while_everything_is_stopped_holds_and_its_mail_waits(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    house.subscriber(newsroom, "jane@example.org", [press])
    made = make_release(house.database, newsroom, ["en"])
    house.mailing(made)
    house.send()
    house.sink.forget()
    stopping.stop_everything(house.database, newsroom.slug, now=house.now())
    accompanying.retract(house.database, made.id, {"en": "Wrong."}, now=house.now())
    with house.database.reading() as tx:
        told = tx.scalars(select(Mailing).where(Mailing.purpose == "retraction")).one()
    assert told.state is State.PAUSED
    stopping.allow(house.database, newsroom.slug, now=house.now())
    steering.resume(house.database, told.id, now=house.now())
    expand(house.database, told.id, house.ring)
    house.send()
    assert [one.recipient for one in house.sink.received] == ["jane@example.org"]


def test_stopping_twice_is_stopping_once(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    with pytest.raises(Conflict, match="Nothing was stopped"):
        stopping.allow(house.database, newsroom.slug, now=house.now())
    for _ in range(2):
        stopping.stop_everything(house.database, newsroom.slug, now=house.now())
    stopping.allow(house.database, newsroom.slug, now=house.now())
