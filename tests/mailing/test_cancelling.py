"""Cancelling a list that is longer than a page of it: stopped at once, written off after that."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from pressroom import outbox
from pressroom.acts import Acts
from pressroom.db import Database
from pressroom.doorbell import Doorbell
from pressroom.mailing import cancelling, digesting, ledger, steering
from pressroom.mailing.mailing import State
from pressroom.mailing.quota import Quota
from pressroom.outbox import OutboxRow
from pressroom.service import Service
from tests.mailing.digests import DigestHouse
from tests.mailing.makers import MailHouse
from tests.makers import Made, make_newsroom, make_release

PEOPLE = 7


@pytest.fixture(autouse=True)
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancelling, "_PAGE", 2)


@pytest.fixture
def made(house: MailHouse) -> Made:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    for number in range(PEOPLE):
        house.subscriber(newsroom, f"person{number}@example.org", [press])
    return make_release(house.database, newsroom)


def _open_acts(database: Database) -> list[int]:
    with database.reading() as tx:
        return outbox.open_rows(tx, cancelling.WRITE_OFF)


def _write_off(house: MailHouse) -> None:
    acts = Acts(Service(house.config), Doorbell(None), Quota()).by_kind()
    for row_id in _open_acts(house.database):
        assert outbox.perform(house.database, row_id, acts)


def _cancel(house: MailHouse, mailing_id: int) -> None:
    steering.cancel(house.database, mailing_id, now=house.now())


def test_nothing_leaves_after_the_commit_although_most_is_not_written_off_yet(house: MailHouse, made: Made) -> None:
    mailing_id = house.mailing(made)
    _cancel(house, mailing_id)
    progress = house.progress(mailing_id)
    assert (progress.state, progress.cancelled, progress.pending) == (State.CANCELLED, 2, PEOPLE - 2)
    house.send()
    with house.database.reading() as tx:
        assert ledger.due_chunks(tx, house.now()) == []
    assert house.sink.received == []


def test_what_waits_is_written_off_to_the_end(house: MailHouse, made: Made) -> None:
    mailing_id = house.mailing(made)
    _cancel(house, mailing_id)
    _write_off(house)
    progress = house.progress(mailing_id)
    assert (progress.cancelled, progress.settled, progress.total) == (PEOPLE, PEOPLE, PEOPLE)
    assert _open_acts(house.database) == []


def test_writing_off_goes_on_where_it_died(house: MailHouse, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    mailing_id = house.mailing(made)
    _cancel(house, mailing_id)
    calls = iter(range(100))

    def dies(*given: object) -> None:
        if next(calls) >= 1:
            raise KeyboardInterrupt
        ledger_cancels(*given)  # type: ignore[arg-type]

    ledger_cancels = ledger.cancel_waiting
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ledger, "cancel_waiting", dies)
        _write_off(house)
    assert 2 < house.progress(mailing_id).cancelled < PEOPLE
    with house.database.transaction() as tx:
        tx.scalars(select(OutboxRow).where(OutboxRow.kind == cancelling.WRITE_OFF)).one().not_before = house.now()
    _write_off(house)
    assert house.progress(mailing_id).cancelled == PEOPLE


def test_the_next_mailing_reaches_everybody_even_if_no_worker_has_written_anything_off(
    house: MailHouse, made: Made
) -> None:
    first = house.mailing(made)
    _cancel(house, first)
    second = house.mailing(made)
    house.send()
    assert (house.progress(first).cancelled, house.progress(second).sent) == (PEOPLE, PEOPLE)
    assert set(house.sink.recipients().values()) == {1}


def test_a_message_in_doubt_on_a_later_page_is_unknown_and_not_sent_again(house: MailHouse, made: Made) -> None:
    mailing_id = house.mailing(made)
    house.sink.drop_after_accepting(times=PEOPLE)
    house.send()
    assert house.progress(mailing_id).deferred == PEOPLE
    _cancel(house, mailing_id)
    _write_off(house)
    assert house.progress(mailing_id).unknown == PEOPLE
    assert house.progress(house.mailing(made)).total == 0


def test_what_is_on_the_wire_while_a_long_mailing_is_cancelled_keeps_its_outcome(house: MailHouse, made: Made) -> None:
    mailing_id = house.mailing(made)
    house.sink.delay(0.2)
    one_at_a_time = replace(house.terms, connections=1)
    sender = threading.Thread(target=house.send, kwargs={"terms": one_at_a_time})
    sender.start()
    house.sink.wait_for(1)
    _cancel(house, mailing_id)
    _write_off(house)
    sender.join(30)
    progress = house.progress(mailing_id)
    assert progress.sent == len(house.sink.received) < PEOPLE
    assert progress.sent + progress.cancelled == PEOPLE


def test_a_retraction_writes_off_what_waits_of_every_mailing(house: MailHouse, made: Made) -> None:
    others = house.media_list(made.newsroom, "others")
    for number in range(PEOPLE):
        house.subscriber(made.newsroom, f"other{number}@example.org", [others])
    held = [house.mailing(made, slug, hold=timedelta(hours=1)) for slug in ("press", "others")]
    house.retract(made)
    _write_off(house)
    assert [house.progress(one).cancelled for one in held] == [PEOPLE, PEOPLE]


def test_a_digest_that_was_cancelled_leaves_its_releases_to_another_mailing_at_once(house: MailHouse) -> None:
    room = DigestHouse(house)
    for number in range(PEOPLE):
        room.subscriber(f"person{number}@example.org")
    made, _ = room.mailed("Bridge")
    room.pass_time()
    room.begin()
    room.expand()
    _cancel(house, room.digests()[0])
    assert len(_open_acts(house.database)) == 1
    house.mailing(made)
    assert room.waiting() == PEOPLE


def test_what_waits_for_digests_of_a_cancelled_mailing_is_written_off_and_never_told(house: MailHouse) -> None:
    room = DigestHouse(house)
    for number in range(PEOPLE):
        room.subscriber(f"person{number}@example.org")
    mailing_id = house.mailing(room.release("Bridge"), hold=timedelta(hours=1))
    _cancel(house, mailing_id)
    assert room.waiting() == PEOPLE - 2
    room.pass_time(timedelta(days=2))
    assert digesting.begin_due(house.database) == 0
    _write_off(house)
    assert room.waiting() == 0


def test_what_waits_for_digests_is_written_off_after_a_retraction_although_its_mailing_was_over(
    house: MailHouse,
) -> None:
    room = DigestHouse(house)
    for number in range(PEOPLE):
        room.subscriber(f"person{number}@example.org")
    made, mailing_id = room.mailed("Bridge")
    room.pass_time(timedelta(minutes=1))
    house.retract(made)
    room.pass_time(timedelta(days=2))
    assert digesting.begin_due(house.database) == 0
    _write_off(house)
    assert room.waiting() == 0
    assert house.progress(mailing_id).in_digests == 0
