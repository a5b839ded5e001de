"""A page of a long list costs what one of a short list costs: counted are the steps of SQLite's machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, select, text

from pressroom.db import Database, to_micros
from pressroom.mailing import (
    audience,
    cancelling,
    digest,
    erasing,
    expanding,
    grounds,
    lifting,
    notice,
    reconciling,
    steering,
    subscriber,
    suppression,
)
from pressroom.mailing import mailing as mailings
from pressroom.mailing.delivery import Delivery
from pressroom.mailing.mailing import Mailing, of_digest
from pressroom.mailing.subscriber import Frequency, Subscriber
from pressroom.mailing.suppression import Reason
from pressroom.releases.newsroom import Newsroom
from pressroom.seal import Keyring
from pressroom.service import Service
from tests.chaos.crew import make_people
from tests.conftest import MakeConfig
from tests.makers import make_newsroom, make_release, now

FEW, MANY = 200, 4000
PAGE = 20
_UNIT = 20
# What a page or two more of an index, or a deeper tree of one, may add.
_SLACK = 30


class LongList:
    """A newsroom with one list. Everybody was sent a first release; of a second, half wait to be told in a digest; a
    third is being mailed, and stands in the middle.
    """

    def __init__(self, database: Database, keyring: Keyring, people: int) -> None:
        self.database, self.keyring, self.people = database, keyring, people
        self.newsroom: Newsroom = make_newsroom(database)
        make_people(database, keyring, self.newsroom, people)
        self.first = self._mailed()
        self._run("UPDATE delivery SET state = 'sent', sending_at = :now", now=to_micros(now()))
        self._run("UPDATE subscriber SET frequency = 'daily' WHERE id % 2 = 0")
        self.second = self._mailed()
        self._run(
            "UPDATE notice SET due_at = :then WHERE due_at IS NOT NULL", then=to_micros(now() - timedelta(days=2))
        )
        self.third = self._mailed()
        steering.cancel(database, self.third, now=now())
        self.fourth = self._mailed()
        self.units = 0
        for engine in (database._reader, database._writer):
            self._count(engine)

    def _mailed(self) -> int:
        made = make_release(self.database, self.newsroom)
        mailing_id = steering.start_mailing(
            self.database, self.keyring, made.id, ["press"], hold=timedelta(0), now=now()
        )
        expanding.expand(self.database, mailing_id, lambda _: None, page=500)
        return mailing_id

    def _run(self, statement: str, **given: int) -> None:
        with self.database.transaction() as tx:
            tx.execute(text(statement), given)

    def _count(self, engine: Engine) -> None:
        engine.dispose()
        event.listen(
            engine, "connect", lambda connection, _record: connection.set_progress_handler(self._one_more, _UNIT)
        )

    def _one_more(self) -> int:
        self.units += 1
        return 0

    def mailing(self, mailing_id: int, purpose: str | None = None) -> Mailing:
        """In the middle of the list, and of nobody's session."""
        with self.database.reading() as tx:
            found = tx.get_one(Mailing, mailing_id)
            half = select(Subscriber.id).order_by(Subscriber.id).offset(self.people // 2).limit(1)
            found.cursor = tx.execute(half).scalar_one()
            tx.expunge(found)
        found.purpose = purpose or found.purpose
        return found

    def follow_up(self) -> Mailing:
        found = self.mailing(self.first, notice.RETRACTION)
        with self.database.reading() as tx:
            half = select(Delivery.id).where(Delivery.mailing_id == self.first).order_by(Delivery.id)
            found.cursor = tx.execute(half.offset(self.people // 2).limit(1)).scalar_one()
        found.created_at = now() + timedelta(minutes=1)
        return found


def _page(ledger: LongList) -> None:
    mailing = ledger.mailing(ledger.third)
    with ledger.database.reading() as tx:
        ledger.units = 0
        found = audience.of_lists(tx, mailing, PAGE, now())
    assert len(found.addressees) == PAGE and not found.is_last


def _page_of_a_follow_up(ledger: LongList) -> None:
    mailing = ledger.follow_up()
    with ledger.database.reading() as tx:
        ledger.units = 0
        found = audience.of_sent(tx, mailing, PAGE)
    assert len(found.addressees) == PAGE and not found.is_last


def _doubts(ledger: LongList) -> None:
    mailing = ledger.follow_up()
    with ledger.database.reading() as tx:
        ledger.units = 0
        assert not audience.in_doubt(tx, mailing)


def _page_of_a_digest(ledger: LongList) -> None:
    mailing = ledger.mailing(ledger.second, of_digest(Frequency.DAILY))
    mailing.covers_until = now()
    with ledger.database.reading() as tx:
        ledger.units = 0
        found = digest.next_people(tx, mailing, now(), PAGE)
    assert len(found) == PAGE


def _whether_a_digest_is_due(ledger: LongList) -> None:
    with ledger.database.reading() as tx:
        ledger.units = 0
        assert digest.is_due(tx, ledger.newsroom, Frequency.DAILY, now())
        assert not digest.is_due(tx, ledger.newsroom, Frequency.WEEKLY, now() - timedelta(days=30))


def _the_clock(ledger: LongList) -> None:
    ledger.units = 0
    reconciling.begin_held(ledger.database)
    reconciling.finish_done(ledger.database)


def _what_waits_of_a_release(ledger: LongList) -> None:
    with ledger.database.transaction() as tx:
        first = tx.get_one(Mailing, ledger.first).release_id
        assert first is not None
        ledger.units = 0
        steering.cancel_of_release(tx, first, now=now())


def _cancelling(ledger: LongList) -> None:
    ledger.units = 0
    steering.cancel(ledger.database, ledger.fourth, now=now())
    used = ledger.units
    with ledger.database.reading() as tx:
        assert mailings.progress(tx, ledger.fourth).cancelled == PAGE
    ledger.units = used


def _one_address(ledger: LongList) -> None:
    database, address = ledger.database, "person7@example.org"
    ledger.units = 0
    with database.transaction() as tx:
        suppression.add(tx, subscriber.lookup(ledger.keyring, address), Reason.BOUNCE, now=now())
    with database.reading() as tx:
        assert len(tx.execute(grounds.suppressed(ledger.newsroom.id)).all()) == 1
    lifting.lift_address(database, ledger.keyring, address, "They wrote to us.", now=now())
    assert erasing.erase(database, ledger.keyring, address, now=now()) == 1


ACTS: list[Callable[[LongList], None]] = [
    _page,
    _page_of_a_follow_up,
    _doubts,
    _page_of_a_digest,
    _whether_a_digest_is_due,
    _the_clock,
    _what_waits_of_a_release,
    _cancelling,
    _one_address,
]


def test_no_more_is_read_of_a_long_list_than_of_a_short_one(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancelling, "_PAGE", PAGE)
    config = make_config()
    keyring = Service(config).keyring
    costs: dict[str, list[int]] = {}
    for people in (FEW, MANY):
        database = Database(f"sqlite:///{config.data_dir / f'{people}.db'}")
        database.migrate()
        ledger = LongList(database, keyring, people)
        for act in ACTS:
            act(ledger)
            costs.setdefault(act.__name__, []).append(ledger.units)
        database.dispose()
    grown = {name: cost for name, cost in costs.items() if cost[1] > cost[0] + _SLACK}
    assert grown == {}
