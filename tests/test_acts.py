"""Account letters on the wire: who signs them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pressroom.acts import Acts
from pressroom.config import Config
from pressroom.db import Database
from pressroom.doorbell import Doorbell
from pressroom.mailing import confirming
from pressroom.mailing.confirming import AccountLetter
from pressroom.mailing.quota import Quota
from pressroom.mailing.rotating import make_pair, switch
from pressroom.mailing.subscriber import Subscriber
from pressroom.service import Service
from tests.mailing.makers import MailHouse
from tests.makers import make_newsroom, now
from tests.sink import Sink


@pytest.fixture
def house(database: Database, config: Config, smtp_sink: Sink) -> MailHouse:
    house = MailHouse(database, config, smtp_sink)
    make_newsroom(database)
    make_pair(database, house.keyring, "river", now=now())
    switch(database, "river", None, now=now())
    return house


def _posted(house: MailHouse, dkim: str) -> bytes:
    service = Service(replace(house.config, dkim=dkim))
    Acts(service, Doorbell(None), Quota()).post(_confirmation(house))
    return house.sink.received[-1].data


def _confirmation(house: MailHouse) -> AccountLetter:
    with house.database.reading() as tx:
        from pressroom.releases import newsroom as newsrooms

        newsroom = newsrooms.by_slug(tx, "river")
    person = house.subscriber(newsroom, "hawar@example.net", languages=("ckb",), confirmed=False)
    with house.database.transaction() as tx:
        tx.get_one(Subscriber, person).consent_at = house.database.now(tx) - timedelta(hours=1)
    letter = confirming.confirmation(
        house.database, house.keyring, house.signer, "https://press.example.org", {"subscriber_id": person}
    )
    assert letter is not None
    return letter


def test_an_account_letter_is_signed_by_its_newsroom_and_says_that_no_person_wrote_it(house: MailHouse) -> None:
    data = _posted(house, "process")
    assert data.count(b"DKIM-Signature: ") == 2 and b" d=example.org;" in data
    assert b"\r\nAuto-Submitted: auto-generated\r\n" in data


def test_where_the_relay_signs_an_account_letter_leaves_unsigned(house: MailHouse) -> None:
    assert b"DKIM-Signature" not in _posted(house, "relay")
