from __future__ import annotations

import threading
from contextlib import closing

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError

from pressroom.db import Database
from pressroom.kept_connection import KeptConnection
from pressroom.releases.newsroom import Newsroom
from tests.makers import make_newsroom
from tests.servers import PostgresServer


def _rename(database: Database, newsroom: Newsroom, name: str) -> None:
    with database.transaction() as tx:
        tx.get_one(Newsroom, newsroom.id).slug = name


def _name(database: Database, newsroom: Newsroom) -> str:
    with database.reading() as tx:
        return tx.get_one(Newsroom, newsroom.id).slug


def test_each_transaction_is_committed_at_its_end(database: Database) -> None:
    newsroom = make_newsroom(database)
    with closing(KeptConnection(database)) as kept:
        for name in ("river", "valley"):
            with kept.transaction() as tx:
                tx.get_one(Newsroom, newsroom.id).slug = name
            assert _name(database, newsroom) == name


def test_all_are_made_on_one_connection(database: Database) -> None:
    used: list[object] = []
    event.listen(database.engine, "checkout", lambda raw, _record, _proxy: used.append(raw))
    with closing(KeptConnection(database)) as kept:
        for _ in range(5):
            with kept.transaction() as tx:
                tx.execute(text("SELECT 1"))
    assert len(used) == 1


def test_what_others_change_between_two_transactions_is_seen(database: Database) -> None:
    newsroom = make_newsroom(database)
    with closing(KeptConnection(database)) as kept:
        with kept.transaction() as tx:
            kept_row = tx.get_one(Newsroom, newsroom.id)
        _rename(database, newsroom, "valley")
        with kept.transaction() as tx:
            assert tx.get_one(Newsroom, newsroom.id).slug == "valley"
            assert tx.scalars(select(Newsroom.slug)).all() == ["valley"]
        assert kept_row.slug != "valley"


def test_a_transaction_that_fails_leaves_nothing_and_the_next_goes_on(database: Database) -> None:
    newsroom = make_newsroom(database)
    before = _name(database, newsroom)
    with closing(KeptConnection(database)) as kept:
        with pytest.raises(KeyError), kept.transaction() as tx:
            tx.get_one(Newsroom, newsroom.id).slug = "valley"
            tx.flush()
            raise KeyError
        assert _name(database, newsroom) == before
        with kept.transaction() as tx:
            tx.get_one(Newsroom, newsroom.id).slug = "hill"
    assert _name(database, newsroom) == "hill"


def test_nobody_is_kept_waiting_between_two_transactions(database: Database) -> None:
    newsroom = make_newsroom(database)
    with closing(KeptConnection(database)) as kept:
        with kept.transaction() as tx:
            tx.get_one(Newsroom, newsroom.id).slug = "valley"
        other = threading.Thread(target=_rename, args=(database, newsroom, "hill"))
        other.start()
        other.join(3)
        assert not other.is_alive() and _name(database, newsroom) == "hill"


def test_a_server_that_was_restarted_costs_one_transaction() -> None:
    server = PostgresServer()
    try:
        database = Database(server.create("press").replace("postgresql:", "postgresql+psycopg:"))
        with closing(KeptConnection(database)) as kept:
            with kept.transaction() as tx:
                tx.execute(text("SELECT 1"))
            server.restart()
            with pytest.raises(DBAPIError), kept.transaction() as tx:
                tx.execute(text("SELECT 1"))
            with kept.transaction() as tx:
                assert tx.execute(text("SELECT 1")).scalar() == 1
        database.dispose()
    finally:
        server.stop()
