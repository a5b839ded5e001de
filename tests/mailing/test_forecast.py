from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import ColumnElement, select, update

from pressroom.db import Database, new_id
from pressroom.mailing import quota as quotas
from pressroom.mailing import steering
from pressroom.mailing.delivery import Delivery
from pressroom.mailing.expanding import expand
from pressroom.mailing.forecast import Forecast, Omission, forecast
from pressroom.mailing.media_list import ListMember
from pressroom.mailing.notice import ANNOUNCEMENT, Notice
from pressroom.mailing.pace import Pace
from pressroom.mailing.quota import Quota
from pressroom.mailing.subscriber import Subscriber
from tests.mailing.makers import MailHouse
from tests.makers import Made, make_newsroom, make_release

WANTED = (["en"], ["ckb"], ["kmr", "en"], ["ar", "ckb"], ["tr"], ["tr", "kmr"], ["en-GB", "ar"], [])
BEATS = ((), (), ("water",), ("roads",), ("water", "roads"))
NONE = Quota()


def ask(house: MailHouse, made: Made, lists: list[int], quota: Quota = NONE, hold: int = 0, **more) -> Forecast:
    now = house.now()
    at = more.pop("at", now)
    with house.database.reading() as tx:
        return forecast(
            tx, made.newsroom, made.release, lists,
            at=at, hold=timedelta(seconds=hold), quota=quota, now=now, **more,
        )  # fmt: skip


def random_people(house: MailHouse, made: Made, chance: random.Random, count: int) -> list[int]:
    """Subscribers of every kind on three lists that overlap; returns the lists' ids."""
    lists = [house.media_list(made.newsroom, slug) for slug in ("press", "radio", "abroad")]
    for number in range(count):
        person = house.subscriber(
            made.newsroom, f"person{number}@example.org", chance.sample(lists, chance.randint(0, 3)),
            languages=chance.choice(WANTED), beats=chance.choice(BEATS), confirmed=chance.random() < 0.9,
        )  # fmt: skip
        values: dict[str, object] = {"wait_hours": chance.choice((0, 0, 6))}
        if chance.random() < 0.1:
            values["left_at"] = house.now()
        if chance.random() < 0.5:
            values["accredited_at"] = house.now()
        with house.database.transaction() as tx:
            tx.execute(update(Subscriber).where(Subscriber.id == person).values(**values))
            if chance.random() < 0.1:
                tx.add(_notice(made, person, house))
        if chance.random() < 0.1:
            house.suppress(f"person{number}@example.org")
    return [one.id for one in lists[:2]]


def _notice(made: Made, subscriber_id: int, house: MailHouse) -> Notice:
    return Notice(
        release_id=made.id, purpose=ANNOUNCEMENT, subscriber_id=subscriber_id,
        delivery_id=new_id(), created_at=house.now(),
    )  # fmt: skip


def delivered(house: MailHouse, mailing_id: int, *more: ColumnElement[bool]) -> Counter[str]:
    """By language, without those whose suppression ends their delivery when its turn comes."""
    query = (
        select(Delivery.language)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Delivery.mailing_id == mailing_id, Subscriber.suppressed_at.is_(None), *more)
    )
    with house.database.reading() as tx:
        return Counter(tx.scalars(query))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_forecast_is_what_expanding_does(house: MailHouse, seed: int) -> None:
    chance = random.Random(seed)
    newsroom = make_newsroom(house.database)
    out = chance.sample(["en", "ckb", "kmr", "ar"], chance.randint(1, 4))
    made = make_release(house.database, newsroom, out, beats=["water"] if chance.random() < 0.7 else [])
    lists = random_people(house, made, chance, 60)
    told = ask(house, made, lists)
    mailing_id = steering.start_mailing(
        house.database, house.keyring, made.id, ["press", "radio"], hold=timedelta(0), now=house.now()
    )
    expand(house.database, mailing_id, house.ring)
    assert dict(delivered(house, mailing_id)) == dict(told.recipients)
    assert delivered(house, mailing_id, Delivery.waits_for.is_not(None)).total() == told.waiting
    with house.database.reading() as tx:
        members = set(tx.scalars(select(ListMember.subscriber_id).where(ListMember.list_id.in_(lists))))
    assert told.total + sum(told.omitted.values()) == len(members), "everybody has one place"
    assert ask(house, made, lists).recipients == {}, "and once counted, all have heard of it"


def test_each_reason_is_counted_once_and_the_first_that_is_true(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press, radio = house.media_list(newsroom), house.media_list(newsroom, "radio")
    made = make_release(house.database, newsroom, ["en"], beats=["water"])
    kinds: dict[str, dict[str, object]] = {
        "gets": {},
        "unconfirmed": {"confirmed": False},
        "left": {"left_at": house.now()},
        "both": {"confirmed": False, "left_at": house.now()},
        "beats": {"beats": ["roads"]},
    }
    for name, given in kinds.items():
        left = given.pop("left_at", None)
        person = house.subscriber(newsroom, f"{name}@example.org", [press, radio], **given)  # type: ignore[arg-type]
        with house.database.transaction() as tx:
            tx.execute(update(Subscriber).where(Subscriber.id == person).values(left_at=left))
    house.subscriber(newsroom, "suppressed@example.org", [press])
    house.suppress("suppressed@example.org")
    heard = house.subscriber(newsroom, "heard@example.org", [press])
    with house.database.transaction() as tx:
        tx.add(_notice(made, heard, house))
    told = ask(house, made, [press.id, radio.id])
    assert told.recipients == {"en": 1}
    assert told.omitted == {
        Omission.UNCONFIRMED: 2, Omission.LEFT: 1, Omission.SUPPRESSED: 1, Omission.OTHER_BEATS: 1, Omission.HEARD: 1,
    }  # fmt: skip


def test_under_embargo_only_the_accredited_are_counted(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    for number in range(3):
        house.subscriber(newsroom, f"reader{number}@example.org", [press])
    known = house.subscriber(newsroom, "known@example.org", [press], languages=["ckb"])
    with house.database.transaction() as tx:
        tx.execute(update(Subscriber).where(Subscriber.id == known).values(accredited_at=house.now()))
    made = make_release(house.database, newsroom, ["en", "ckb"], draft=True)
    later = house.now() + timedelta(days=2)
    told = ask(house, made, [press.id], at=later, under_embargo=True, hold=60)
    assert (told.recipients, told.omitted) == ({"ckb": 1}, {Omission.NOT_ACCREDITED: 3})
    assert told.first is not None and told.first < later


def test_a_language_that_is_left_out_moves_its_people_to_their_next(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    house.subscriber(newsroom, "one@example.org", [press], languages=["kmr", "ckb"])
    made = make_release(house.database, newsroom, ["en", "ckb", "kmr"], draft=True)
    assert ask(house, made, [press.id]).recipients == {"kmr": 1}
    assert ask(house, made, [press.id], going=["en", "ckb"]).recipients == {"ckb": 1}
    assert ask(house, made, [press.id], going=[]).omitted == {Omission.NO_LANGUAGE: 1}


def test_without_a_quota_there_is_a_first_moment_and_no_last(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    house.subscriber(newsroom, "one@example.org", [press])
    made = make_release(house.database, newsroom, ["en"], draft=True)
    later = house.now() + timedelta(days=1)
    told = ask(house, made, [press.id], hold=90, at=later)
    assert (told.first, told.last) == (later + timedelta(seconds=90), None)
    assert ask(house, made, []).first is None


def test_the_quota_and_the_queue_say_when_the_last_leaves(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    for number in range(5):
        house.subscriber(newsroom, f"reader{number}@example.org", [press])
    first = make_release(house.database, newsroom, ["en"])
    made = make_release(house.database, newsroom, ["en"], draft=True)
    at = house.now() + timedelta(minutes=5)
    minute = at.replace(second=0, microsecond=0)
    freed = minute + timedelta(minutes=61)
    alone = ask(house, made, [press.id], Quota(per_hour=5), at=at)
    assert (alone.first, alone.last) == (at, at)
    assert ask(house, made, [press.id], Quota(per_hour=4), at=at).last == freed
    mailing = house.mailing(first)
    queued = ask(house, made, [press.id], Quota(per_hour=6), at=at)
    assert queued.first == at and queued.last is not None
    assert at < queued.last < freed, "the five that wait now leave before it, and drop out before it does"
    steering.pause(house.database, mailing, now=house.now())
    assert ask(house, made, [press.id], Quota(per_hour=6), at=at).last == at, "what is paused takes no place"
    other = make_release(house.database, newsroom, ["en"])
    house.mailing(other, hold=timedelta(hours=3))
    assert ask(house, made, [press.id], Quota(per_hour=6), at=at).last == at, "nor what falls due after it"


@pytest.mark.parametrize("seed", range(4))
def test_the_pace_is_that_of_the_quota_itself(database: Database, seed: int) -> None:
    """Against the rows and questions of quota.py, which the senders use, on a clock that only goes where they say."""
    chance = random.Random(seed)
    quota = Quota(
        per_hour=chance.choice([None, chance.randint(1, 30)]) if seed else 7, per_day=chance.choice([40, None, 90])
    )
    start = datetime(2026, 11, 22, 10, 0, 30, tzinfo=UTC)
    with database.transaction() as tx:
        for _ in range(6):
            quotas.take(tx, chance.randint(1, 6), now=start - timedelta(minutes=chance.randint(1, 1400)))
    count = chance.randint(1, 120)
    if not quota.limited:
        quota = Quota(per_hour=11)
    with database.reading() as tx:
        first, last = Pace(tx, quota, now=start).leave(count, start)
    left, now, began = count, start, None
    with database.transaction() as tx:
        while True:
            leaving = min(left, quotas.free(tx, quota, now=now) or 0)
            if leaving:
                began = began or now
                quotas.take(tx, leaving, now=now)
                left -= leaving
            if not left:
                break
            now = quotas.free_again(tx, quota, now=now)
    assert (first, last) == (began, now)
