from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from pressroom.db import Database
from pressroom.errors import NotFound
from pressroom.mailing import dkim_pair
from pressroom.mailing.rotating import leave_to_relay, make_pair, switch
from pressroom.people.audit import AuditEntry
from pressroom.releases.newsroom import Newsroom
from tests.mailing.makers import MailHouse
from tests.makers import make_newsroom, now


def _states(database: Database, newsroom: Newsroom) -> dict[str, str]:
    with database.reading() as tx:
        return {pair.selector: pair.state for pair in dkim_pair.of_newsroom(tx, newsroom.id)}


def test_a_new_pair_waits_while_the_old_one_signs_until_it_is_switched_to(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    first, _ = make_pair(house.database, house.keyring, "river", now=now())
    switch(house.database, "river", None, now=now())
    second, _ = make_pair(house.database, house.keyring, "river", now=now())
    assert _states(house.database, newsroom) == {first.selector: "signing", second.selector: "waiting"}
    switch(house.database, "river", None, now=now())
    assert _states(house.database, newsroom) == {first.selector: "retired", second.selector: "signing"}


def test_one_can_go_back_to_the_pair_before_until_the_next_is_made(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    selectors = []
    for _ in range(2):
        selectors.append(make_pair(house.database, house.keyring, "river", now=now())[0].selector)
        switch(house.database, "river", None, now=now())
    first, second = selectors
    switch(house.database, "river", first, now=now())
    assert _states(house.database, newsroom) == {first: "signing", second: "retired"}
    third, _ = make_pair(house.database, house.keyring, "river", now=now())
    assert _states(house.database, newsroom) == {first: "signing", third.selector: "waiting"}
    with pytest.raises(NotFound, match="no DKIM pair"):
        switch(house.database, "river", second, now=now())


def test_making_one_while_one_waits_keeps_the_one_whose_records_may_be_published(house: MailHouse) -> None:
    make_newsroom(house.database)
    first, new = make_pair(house.database, house.keyring, "river", now=now())
    again, newer = make_pair(house.database, house.keyring, "river", now=now())
    assert (new, newer) == (True, False)
    assert dkim_pair.records(again) == dkim_pair.records(first)


def test_a_pair_for_a_sender_that_the_newsroom_no_longer_has_is_not_switched_to(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    old, _ = make_pair(house.database, house.keyring, "river", now=now())
    with house.database.transaction() as tx:
        tx.get_one(Newsroom, newsroom.id).from_address = "press@example.com"
    with pytest.raises(NotFound, match="dkim make river"):
        switch(house.database, "river", old.selector, now=now())
    made, new = make_pair(house.database, house.keyring, "river", now=now())
    assert new and made.domain == "example.com"


def test_left_to_the_relay_no_pair_signs_and_the_last_can_be_enabled_again(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    assert leave_to_relay(house.database, "river", now=now()) is False
    pair, _ = make_pair(house.database, house.keyring, "river", now=now())
    switch(house.database, "river", None, now=now() - timedelta(days=1))
    assert leave_to_relay(house.database, "river", now=now()) is True
    assert _states(house.database, newsroom) == {pair.selector: "retired"}
    switch(house.database, "river", None, now=now())
    assert _states(house.database, newsroom) == {pair.selector: "signing"}


def test_each_act_is_in_the_record_without_a_key(house: MailHouse) -> None:
    make_newsroom(house.database)
    pair, _ = make_pair(house.database, house.keyring, "river", now=now())
    switch(house.database, "river", None, now=now())
    leave_to_relay(house.database, "river", now=now())
    with house.database.reading() as tx:
        entries = tx.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(one.act, dict(one.detail)) for one in entries] == [
        ("make dkim pair", {"selector": pair.selector}),
        ("sign by dkim", {"selector": pair.selector}),
        ("leave dkim to relay", {}),
    ]


def test_pairs_of_two_newsrooms_on_one_domain_do_not_share_a_selector(house: MailHouse) -> None:
    for slug in ("river", "hills"):
        make_newsroom(house.database, slug)
    one, other = (make_pair(house.database, house.keyring, slug, now=now())[0] for slug in ("river", "hills"))
    assert one.domain == other.domain and one.selector != other.selector
