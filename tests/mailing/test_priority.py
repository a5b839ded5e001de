from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from pressroom.mailing import quota as quotas
from pressroom.mailing import steering
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.priority import Priority, ranked
from pressroom.mailing.quota import Quota
from tests.mailing.makers import MailHouse
from tests.makers import make_newsroom, make_release


@pytest.mark.parametrize(
    ("purpose", "under_embargo", "priority"),
    [
        ("test", False, Priority.ACCOUNT),
        ("retraction", False, Priority.RETRACTION),
        ("removal", False, Priority.RETRACTION),
        ("correction:1", False, Priority.CORRECTION),
        ("embargo:2", False, Priority.CORRECTION),
        ("announcement", True, Priority.ACCREDITED),
        ("announcement", False, Priority.REST),
        ("digest:daily", False, Priority.DIGEST),
        ("digest:weekly", False, Priority.DIGEST),
    ],
)
def test_every_purpose_has_its_rank(house: MailHouse, purpose: str, under_embargo: bool, priority: Priority) -> None:
    newsroom = make_newsroom(house.database)
    made = make_release(house.database, newsroom)
    with house.database.transaction() as tx:
        row = steering.new_mailing(
            made.release, purpose, [], hold_until=house.database.now(tx), now=house.database.now(tx), by=None
        )
        row.under_embargo = under_embargo
        if row.is_digest:
            row.release_id, row.covers_until = None, row.hold_until
        tx.add(row)
        tx.flush()
        assert tx.execute(select(ranked()).select_from(Mailing)).scalar_one() == priority


def test_a_retraction_overtakes_a_mailing_under_way(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    lists = [house.media_list(newsroom, "few"), house.media_list(newsroom, "many")]
    house.subscriber(newsroom, "few@example.org", [lists[0]])
    for number in range(30):
        house.subscriber(newsroom, f"many{number}@example.org", [lists[1]])
    taken_back = make_release(house.database, newsroom, titles={"en": "Wrong"})
    house.mailing(taken_back, "few")
    house.send()
    house.sink.forget()
    house.mailing(make_release(house.database, newsroom, titles={"en": "Another"}), "many")
    house.retract(taken_back)
    with house.database.reading() as tx:
        retraction = tx.scalars(select(Mailing).where(Mailing.purpose == "retraction")).one()
    from pressroom.mailing.expanding import expand

    expand(house.database, retraction.id, lambda _: True)
    house.send(terms=replace(house.terms, connections=1))
    subjects = [one.subject for one in house.sink.received]
    assert len(subjects) == 31
    assert "Retracted" in subjects[0] or "Retracted" in subjects[1], "though it was rung for last"


def test_a_share_of_the_quota_is_always_free_for_what_is_more_urgent(house: MailHouse) -> None:
    quota = Quota(per_hour=100)
    with house.database.transaction() as tx:
        now = house.database.now(tx)
        quotas.take(tx, 90, now=now)
        free = {one: quotas.free(tx, quota, now=now, rank=one) for one in Priority}
    assert free == {
        Priority.ACCOUNT: 10,
        Priority.RETRACTION: 8,
        Priority.CORRECTION: 6,
        Priority.ACCREDITED: 4,
        Priority.REST: 0,
        Priority.DIGEST: 0,
    }
    with house.database.reading() as tx:
        assert quotas.free_again(tx, quota, now=now) > now + timedelta(minutes=59)
