from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from pressroom import bulk
from pressroom.db import Base, Database, new_id
from pressroom.mailing.delivery import Chunk, Delivery, DeliveryState
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.subscriber import Frequency, Subscriber
from tests.makers import make_newsroom, now

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def _row(newsroom_id: int, **given: Any) -> dict[str, Any]:
    found = {
        "id": new_id(),
        "newsroom_id": newsroom_id,
        "email_sealed": b"\x00\t\n\\N\xff",
        "email_lookup": new_id().to_bytes(8),
        "name_sealed": None,
        "languages": ["ckb", 'tab\tquote"back\\slash'],
        "consent_text": "asked\tin person\r\n\\N \\. ڕاستە",
        "consent_source": "import",
        "consent_at": now(),
        "confirmed_at": None,
        "frequency": Frequency.WEEKLY,
        "created_at": now() - timedelta(microseconds=1),
    }
    return {**found, **given}


def _stored(database: Database, model: type[Base]) -> list[Mapping[str, Any]]:
    with database.reading() as tx:
        table = model.__table__
        return [dict(row) for row in tx.execute(select(table).order_by(table.c.id)).mappings()]


def test_rows_are_as_insert_writes_them(database: Database) -> None:
    newsroom = make_newsroom(database)
    rows = [_row(newsroom.id) for _ in range(3)]
    with database.transaction() as tx:
        bulk.insert_rows(tx.connection(), Subscriber, rows)
    found = _stored(database, Subscriber)
    with database.transaction() as tx:
        tx.query(Subscriber).delete()
        tx.execute(insert(Subscriber), rows)
    assert found == _stored(database, Subscriber)
    assert {key: found[0][key] for key in rows[0]} == rows[0]


def test_what_rows_leave_out_has_its_default(database: Database) -> None:
    newsroom = make_newsroom(database)
    mailing_id, chunk_id = new_id(), new_id()
    with database.transaction() as tx:
        tx.add(
            Mailing(
                id=mailing_id,
                newsroom_id=newsroom.id,
                purpose="announcement",
                list_ids=[],
                hold_until=now(),
                created_at=now(),
            )
        )
        tx.flush()
        tx.add(Chunk(id=chunk_id, mailing_id=mailing_id, lease_until=now()))
        tx.flush()
        rows = [
            {"id": new_id(), "mailing_id": mailing_id, "chunk_id": chunk_id, "language": "en", "next_at": now()}
            for _ in range(2)
        ]
        bulk.insert_rows(tx.connection(), Delivery, rows)
    with database.reading() as tx:
        for one in tx.scalars(select(Delivery)):
            assert (one.state, one.attempts, one.doubled, one.first_at) == (DeliveryState.PENDING, 0, 0, None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(texts=st.lists(_TEXT, min_size=1, max_size=5), sealed=st.binary(max_size=40))
def test_any_text_and_any_bytes_come_back(database: Database, texts: list[str], sealed: bytes) -> None:
    newsroom = make_newsroom(database, f"n{new_id()}")
    rows = [_row(newsroom.id, consent_text=one, languages=[one], name_sealed=sealed) for one in texts]
    with database.transaction() as tx:
        bulk.insert_rows(tx.connection(), Subscriber, rows)
    with database.reading() as tx:
        found = tx.scalars(select(Subscriber).where(Subscriber.newsroom_id == newsroom.id).order_by(Subscriber.id))
        assert [(one.consent_text, one.languages, one.name_sealed) for one in found] == [
            (one, [one], sealed) for one in texts
        ]


def test_a_row_that_may_not_be_leaves_none_of_them(database: Database) -> None:
    newsroom = make_newsroom(database)
    twice = _row(newsroom.id)
    with pytest.raises(IntegrityError), database.transaction() as tx:
        bulk.insert_rows(tx.connection(), Subscriber, [_row(newsroom.id), twice, twice])
    assert _stored(database, Subscriber) == []


def test_nothing_is_done_for_no_rows(database: Database) -> None:
    with database.transaction() as tx:
        bulk.insert_rows(tx.connection(), Subscriber, [])
    assert _stored(database, Subscriber) == []
