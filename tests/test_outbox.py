from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import select, update

from pressroom import outbox
from pressroom.db import Database
from pressroom.doorbell import Doorbell
from pressroom.outbox import OutboxRow
from tests.makers import now


def _put(database: Database, **given: object) -> int:
    with database.transaction() as tx:
        return outbox.put(tx, "act", {"id": 1}, now=now(), **given)  # type: ignore[arg-type]


def _row(database: Database, row_id: int) -> OutboxRow:
    with database.reading() as tx:
        return tx.get_one(OutboxRow, row_id)


def test_a_row_of_a_transaction_that_failed_is_never_rung(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:
        outbox.put(tx, "act", {}, now=now())
        raise ZeroDivisionError
    assert outbox.drain(database, lambda _: True, now=now()) == 0


def test_a_row_is_rung_again_until_it_is_done(database: Database) -> None:
    row_id = _put(database)
    rung: list[int] = []
    later = now() + timedelta(minutes=1)
    outbox.drain(database, lambda one: rung.append(one) or True, now=now())
    outbox.drain(database, lambda one: rung.append(one) or True, now=later)
    assert [row_id, row_id] == rung
    done: list[object] = []
    assert outbox.perform(database, row_id, {"act": done.append})
    assert done == [{"id": 1}]
    assert not outbox.perform(database, row_id, {"act": done.append})
    assert outbox.drain(database, lambda _: True, now=later + timedelta(hours=2)) == 0
    assert len(done) == 1


def test_a_bell_out_of_reach_leaves_the_row_to_be_rung_at_once_when_it_is_back(database: Database) -> None:
    _put(database)
    assert outbox.drain(database, lambda _: False, now=now()) == 0
    assert outbox.drain(database, lambda _: True, now=now()) == 1


def test_a_row_waits_for_its_time(database: Database) -> None:
    row_id = _put(database, not_before=now() + timedelta(hours=1))
    assert outbox.drain(database, lambda _: True, now=now()) == 0
    assert not outbox.perform(database, row_id, {})
    assert outbox.drain(database, lambda _: True, now=now() + timedelta(hours=2)) == 1


def test_a_failed_act_is_tried_again_later_and_says_so(database: Database) -> None:
    row_id = _put(database)

    def fail(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        outbox.perform(database, row_id, {"act": fail})
    row = _row(database, row_id)
    assert (row.done_at, row.attempts) == (None, 1)
    assert row.not_before > now()


def test_a_row_in_one_workers_hands_is_not_taken_by_another(database: Database) -> None:
    row_id = _put(database)
    inside: list[bool] = []
    outbox.perform(
        database, row_id, {"act": lambda _: inside.append(outbox.perform(database, row_id, {"act": inside.append}))}
    )
    assert inside == [False]


def test_rows_hold_ids_only(database: Database) -> None:
    _put(database)
    with database.reading() as tx:
        assert list(tx.scalars(select(OutboxRow.payload))) == [{"id": 1}]


def test_a_door_rings_while_another_writes_and_twice_for_nothing_at_most(database: Database, redis_url: str) -> None:
    bell, queue = Doorbell(redis_url), Queue("default", connection=Redis.from_url(redis_url), serializer="json")
    rows = [_put(database) for _ in range(3)]
    with database.transaction() as tx:
        tx.execute(update(OutboxRow).where(OutboxRow.id == rows[0]).values(attempts=1))
        began = threading.Thread(target=bell.ring_due, args=(database,))
        began.start()
        began.join(4)
        assert not began.is_alive(), "it waits for no lock"
    bell.ring_due(database)
    assert [list(job.args) for job in queue.jobs] == [[row_id] for row_id in rows]
    assert bell.drain(database) == 3
    bell.ring_due(database)
    assert bell.drain(database) == 0
    assert len(queue.jobs) == 6
