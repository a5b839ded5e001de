from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

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
        with pytest.raises(KeyError), kept.transaction():
            raise KeyError
        with kept.transaction():
            assert len(used) == 2, "nobody knows what a failure left on the other"


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


def _raw(tx: Session) -> object:
    """Past SQLAlchemy, which then does not learn that the connection is gone; so mail is sent (hot_rows.py)."""
    return tx.connection().connection.cursor().execute("SELECT 1").fetchone()


def _by_sqlalchemy(tx: Session) -> object:
    return tx.execute(text("SELECT 1")).one()


@pytest.mark.parametrize("ask", [_raw, _by_sqlalchemy])
def test_a_server_that_was_restarted_costs_one_transaction(ask: Callable[[Session], object]) -> None:
    server = PostgresServer()
    try:
        database = Database(server.create("press").replace("postgresql:", "postgresql+psycopg:"))
        with closing(KeptConnection(database)) as kept:
            with kept.transaction() as tx:
                ask(tx)
            server.restart()
            with pytest.raises((DBAPIError, psycopg.Error)), kept.transaction() as tx:
                ask(tx)
            with kept.transaction() as tx:
                ask(tx)
        database.dispose()
    finally:
        server.stop()
