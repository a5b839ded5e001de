from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, StatementError

from pressroom.config import Config
from pressroom.db import Database, from_micros, new_id, to_micros
from pressroom.errors import ConfigError
from pressroom.mailing import delivery as deliveries
from pressroom.mailing.mailing import Mailing
from pressroom.migrations import alembic_config
from pressroom.releases.newsroom import Newsroom
from pressroom.tables import metadata
from tests.makers import make_newsroom, make_release, now


def test_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    assert database.head() == database.schema()


def test_migrations_go_up_from_empty_and_down_again(postgres_url: str, tmp_path) -> None:
    for url in (f"sqlite:///{tmp_path / 'empty.db'}", postgres_url):
        database = Database(Config(database_url=url).sqlalchemy_url)
        assert database.schema() is None
        database.migrate()
        database.migrate()
        config = alembic_config()
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
        with database.engine.connect() as connection:
            left = set(metadata.tables) & set(_tables(connection))
        assert set() == left
        database.dispose()


def _tables(connection) -> list[str]:
    from sqlalchemy import inspect

    return inspect(connection).get_table_names()


def test_a_mailing_from_before_digests_keeps_its_messages(database_url: str) -> None:
    """Its table changes under them; and what only digests know is gone when the change is taken back."""
    database = Database(Config(database_url=database_url).sqlalchemy_url)
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, ["en"])
    old, new, chunk = new_id(), new_id(), new_id()
    same = {"newsroom_id": newsroom.id, "list_ids": [1], "hold_until": now(), "created_at": now()}
    with database.transaction() as tx:
        tx.add(Mailing(id=old, release_id=made.id, purpose="announcement", **same))
        tx.add(Mailing(id=new, purpose="digest:daily", covers_until=now(), **same))
        tx.flush()
        for mailing_id in (old, new):
            deliveries.add(tx, mailing_id, [{"id": new_id(), "subscriber_id": None, "language": "en"}], due=now())
    config = alembic_config()
    for turn, left in ((lambda: command.downgrade(config, "0005"), 1), (lambda: command.upgrade(config, "head"), 1)):
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            turn()
        with database.engine.begin() as connection:
            for table in ("mailing", "delivery", "chunk"):
                assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == left
            if database.is_sqlite:
                assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
                assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    with database.transaction() as tx:
        tx.add(Mailing(id=chunk, purpose="digest:daily", covers_until=now(), **same))
    with pytest.raises(DBAPIError), database.transaction() as tx:
        tx.execute(text("UPDATE mailing SET newsroom_id = 1"))
    database.dispose()


def test_a_database_that_is_away_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="cannot be opened"):
        Database("postgresql+psycopg://nobody@127.0.0.1:1/none").migrate()


def test_concurrent_changes_of_one_row_are_all_kept(database: Database) -> None:
    newsroom = make_newsroom(database)

    def count_up() -> None:
        for _ in range(20):
            with database.transaction() as tx:
                row = tx.get_one(Newsroom, newsroom.id, with_for_update=True)
                row.generation += 1

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as tx:
        assert newsroom.generation + 80 == tx.get_one(Newsroom, newsroom.id).generation


def test_an_exception_leaves_nothing_behind(database: Database) -> None:
    newsroom = make_newsroom(database)
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:
        tx.execute(update(Newsroom).values(slug="changed"))
        raise ZeroDivisionError
    with database.reading() as tx:
        assert [newsroom.slug] == list(tx.scalars(select(Newsroom.slug)))


def test_a_reading_cannot_write(database: Database) -> None:
    make_newsroom(database)
    with pytest.raises(DBAPIError), database.reading() as tx:
        tx.execute(update(Newsroom).values(slug="changed"))


def test_commits_on_sqlite_are_durable(tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    with database.transaction() as tx:
        assert (
            tx.execute(text("PRAGMA journal_mode")).scalar(),
            tx.execute(text("PRAGMA synchronous")).scalar(),
        ) == ("wal", 2)
    database.dispose()


def test_instants_come_back_as_they_were_stored(database: Database) -> None:
    moment = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
    newsroom = make_newsroom(database, at=moment)
    with database.reading() as tx:
        assert moment == tx.get_one(Newsroom, newsroom.id).created_at
    assert moment == from_micros(to_micros(moment))
    with pytest.raises(StatementError, match="without a zone"), database.transaction() as tx:
        tx.get_one(Newsroom, newsroom.id).created_at = datetime(2026, 1, 1)


def test_database_time_is_the_time(database: Database) -> None:
    with database.reading() as tx:
        assert abs(database.now(tx) - datetime.now(UTC)) < timedelta(minutes=1)


def test_identifiers_are_distinct_and_rise() -> None:
    made = [new_id() for _ in range(20_000)]
    assert len(made) == len(set(made))
    assert max(made) < 2**63


def test_a_reader_sees_one_state_of_things_to_the_end(database: Database) -> None:
    newsroom = make_newsroom(database)
    query = select(Newsroom.licence).where(Newsroom.id == newsroom.id)
    with database.reading() as tx:
        before = tx.scalars(query).one()
        with database.transaction() as writing:
            writing.execute(update(Newsroom).values(licence="CC0"))
        assert tx.scalars(query).one() == before
    with database.reading() as tx:
        assert tx.scalars(query).one() == "CC0"
