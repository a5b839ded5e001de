from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from pressroom import smtp
from pressroom.mailing import sending, throttle
from pressroom.mailing.mailing import State
from pressroom.mailing.suppression import Suppression
from pressroom.mailing.throttle import Begun, Destination, Full, Limits, Throttle
from tests.mailing.makers import MailHouse
from tests.makers import make_newsroom, make_release


def _people(house: MailHouse, *emails: str) -> int:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    for email in emails:
        house.subscriber(newsroom, email, [press])
    return house.mailing(make_release(house.database, newsroom))


def test_a_domain_that_wants_peace_rests_and_the_others_go_on(house: MailHouse) -> None:
    house.sink.rule("rcpt", "@busy.example", reply="451 4.7.650 Too much from you")
    mailing_id = _people(house, *(f"a{n}@busy.example" for n in range(6)), *(f"b{n}@calm.example" for n in range(6)))
    house.send(terms=replace(house.terms, connections=1))
    progress = house.progress(mailing_id)
    assert (progress.sent, progress.deferred, progress.pending) == (6, 1, 5), "one try, and then peace"
    with house.database.reading() as tx:
        (row,) = tx.scalars(select(Destination))
        assert row.rest_until > house.database.now(tx)
        assert b"busy.example" not in row.lookup
        assert list(tx.scalars(select(Suppression))) == []


def test_a_relay_that_wants_peace_is_met_once_and_not_by_each_chunk(house: MailHouse) -> None:
    house.sink.rule("connect", reply="421 4.3.2 Come back later")
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    house.subscriber(newsroom, "a@example.org", [press])
    for number in range(3):
        house.mailing(make_release(house.database, newsroom, titles={"en": f"Number {number}"}))
    house.send(terms=replace(house.terms, connections=1))
    assert house.sink.connections == 1


def test_each_rest_in_a_row_is_longer_up_to_half_an_hour(house: MailHouse) -> None:
    with house.database.transaction() as tx:
        now, rests = house.database.now(tx), []
        for _ in range(8):
            until = throttle.strike(tx, b"x", now)
            rests.append((until - now).total_seconds())
            now = until + timedelta(seconds=1)
        assert rests == [60, 120, 240, 480, 960, 1800, 1800, 1800]
        assert throttle.strike(tx, b"x", now + timedelta(hours=3)) - now == timedelta(hours=3, seconds=60)


def test_many_refusals_at_once_are_one_trouble(house: MailHouse) -> None:
    with house.database.transaction() as tx:
        now = house.database.now(tx)
        assert len({throttle.strike(tx, b"x", now + timedelta(seconds=n)) for n in range(20)}) == 1


def test_a_domain_gets_no_more_at_once_and_in_a_minute_than_is_allowed(house: MailHouse) -> None:
    one = Throttle(Limits(domain_connections=2, domain_per_minute=3), Begun(), house.keyring)
    with house.database.reading() as tx:
        now = house.database.now(tx)
    for _ in range(2):
        assert one.ask("a.example", now) is None
        one.begin("a.example")
    assert one.ask("a.example", now) == Full() and one.ask("b.example", now) is None
    one.end("a.example")
    assert one.ask("a.example", now) is None
    one.begin("a.example")
    one.end("a.example")
    assert one.ask("a.example", now) == Full(), "three in this minute"


def test_what_one_job_has_begun_counts_for_the_next(house: MailHouse) -> None:
    mailing_id = _people(house, *(f"a{n}@one.example" for n in range(5)))
    terms = replace(house.terms, run_for=0.5, limits=Limits(domain_per_minute=2))
    for _ in range(3):
        sending.send_chunk(
            house.database,
            house.keyring,
            house.signer,
            terms,
            house.rung[0],
            owner="test",
            open_lines=smtp.open_lines(house.config),
            stop=lambda: False,
            ring=lambda _: None,
        )
    assert house.progress(mailing_id).sent == 2


@pytest.mark.timeout(120)
def test_with_limits_for_a_domain_everybody_is_reached_all_the_same(house: MailHouse) -> None:
    mailing_id = _people(house, *(f"a{n}@one.example" for n in range(12)), *(f"b{n}@two.example" for n in range(3)))
    house.sink.rule("dot", delay=0.05)
    house.send(terms=replace(house.terms, run_for=600, limits=Limits(domain_connections=1)))
    progress = house.progress(mailing_id)
    assert (progress.sent, progress.state) == (15, State.FINISHED)
    at_one = [one.at for one in house.sink.received if one.recipient.endswith("@one.example")]
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(at_one)), "one at a time"


def test_no_more_leave_in_a_second_than_is_allowed(house: MailHouse) -> None:
    mailing_id = _people(house, *(f"a{n}@one.example" for n in range(9)))
    house.send(terms=replace(house.terms, limits=Limits(per_second=3)))
    assert house.progress(mailing_id).sent == 9
    moments = [one.at for one in house.sink.received]
    assert all(later - earlier > 0.9 for earlier, later in zip(moments, moments[4:], strict=False))
