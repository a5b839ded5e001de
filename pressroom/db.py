"""The store: SQLite (WAL, durable commits) or PostgreSQL; transactions, identifiers, database time.

Instants are stored as whole microseconds since 1970 UTC on both, so that raw SQL compares them alike (ADR 3).
"""

from __future__ import annotations

import enum
import itertools
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    Dialect,
    Engine,
    Enum,
    Integer,
    MetaData,
    create_engine,
    text,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from pressroom import sqlite
from pressroom.errors import ConfigError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MIGRATIONS = Path(__file__).parent / "migrations"

# The database's own clock in microseconds; `clock_timestamp` because `now()` stands still inside a transaction.
NOW_SQL = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",
}


def to_micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime; a naive one is a programming error and raises ValueError."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


# SQLite makes only an INTEGER key the row id itself.
Id = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Instant,
        enum.Enum: Enum(
            enum.Enum, native_enum=False, length=16, values_callable=lambda kind: [one.value for one in kind]
        ),
        int: BigInteger().with_variant(Integer, "sqlite"),
        dict[str, str]: JSON,
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[int]: JSON,
        list[dict[str, str]]: JSON,
    }


class _Ids:
    """Time-ordered 63-bit identifiers: milliseconds since 2025, then a random start that counts on."""

    def __init__(self) -> None:
        self._counter = itertools.count(secrets.randbelow(1 << 22))

    def next(self) -> int:
        milliseconds = int(time.time() * 1000) - 1_735_689_600_000
        return (milliseconds << 22) | (next(self._counter) & 0x3FFFFF)


_ids = _Ids()


def new_id() -> int:
    """An identifier known before its row is written, as sealing needs (seal.py)."""
    return _ids.next()


def new_public_id() -> str:
    """Twelve letters and digits nobody can guess, safe in an address; 60 bits."""
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    return "".join(secrets.choice(alphabet) for _ in range(12))


class Database:
    """One database. Nothing is opened before the first use; safe to share among threads, not across fork."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            self._writer = sqlite.engine(url, writes=True)
            self._reader = sqlite.engine(url, writes=False)
        else:
            self._writer = create_engine(url, pool_size=5, max_overflow=30, pool_pre_ping=True, hide_parameters=True)
            # Else each query of a page would see another state of things.
            self._reader = self._writer.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")

    @property
    def engine(self) -> Engine:
        return self._writer

    @property
    def file(self) -> Path:
        """SQLite's."""
        return Path(self.url.removeprefix("sqlite:///").partition("?")[0])

    @property
    def now_sql(self) -> str:
        return NOW_SQL["sqlite" if self.is_sqlite else "postgresql"]

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Commits at the end, or rolls back on any exception. On SQLite the write lock is taken at once.

        Raises TryLater when the lock cannot be had within 5 s. Only gerunds open one, with no other I/O inside.
        """
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            if self.is_sqlite:
                session.connection()
            yield session

    def let_others_write(self) -> None:
        """Between two transactions of a long act. On SQLite whoever goes on at once takes the lock again before others,
        who wait for it, have looked.
        """
        if self.is_sqlite:
            time.sleep(sqlite.PAUSE)

    @contextmanager
    def joined(self) -> Iterator[Database]:
        """The same database, whose acts all join one transaction: all of them happen, or none.

        It begins with the first of them, and commits at the end of the block.
        """
        with ExitStack() as until:
            yield _Joined(self, until)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent view that cannot write."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def now(self, session: Session | Connection) -> datetime:
        """Database time, which every machine shares."""
        return from_micros(int(session.execute(text(f"SELECT {self.now_sql}")).scalar_one()))

    def scrub(self, tables: Sequence[str]) -> bool:
        """After a commit that removed something for good: the tables are written anew, without what they once held.

        On SQLite that is the whole file and writers wait for it, about 10 s for a gigabyte. False if others kept it
        from ending within some seconds; it is safe to repeat. What PostgreSQL's own log or a backup holds stays there.
        """
        if not self.is_sqlite:
            return self._vacuum_postgresql(tables)
        deadline = time.monotonic() + sqlite.LOCK_WAIT
        raw = self._writer.raw_connection()
        try:
            # Zeroing deleted rows is not enough: SQLite leaves pieces of rows behind where it moved them before.
            sqlite.retry(lambda: raw.cursor().execute("VACUUM"))
            # The log beside the database still has all of it until it is cut off.
            while raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.02)
        finally:
            raw.close()
        return True

    def _vacuum_postgresql(self, tables: Sequence[str]) -> bool:
        with self._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # Whoever reads behind a lock that waits would wait too.
            connection.execute(text("SET lock_timeout = '2s'"))
            try:
                for table in tables:
                    connection.execute(text(f"VACUUM (FULL, ANALYZE) {table}"))
                # Samples of what stood in the columns; only a superuser may write them anew, others get a warning.
                connection.execute(text("VACUUM FULL pg_statistic"))
            except OperationalError:
                return False
            finally:
                connection.execute(text("RESET lock_timeout"))
        return True

    def analyze(self, tables: Sequence[str]) -> None:
        """New statistics of tables that were filled at once. PostgreSQL would make them within minutes, and until then
        read all of a table for a few rows; SQLite is told by the queries where to begin (query_plan.py).
        """
        if not self.is_sqlite:
            with self.transaction() as tx:
                for table in tables:
                    tx.execute(text(f"ANALYZE {table}"))

    def dispose(self) -> None:
        self._writer.dispose()
        self._reader.dispose()

    def head(self) -> str:
        """The newest migration's number."""
        return max(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))

    def schema(self) -> str | None:
        """The number of the newest migration applied; None for an empty database. Raises OperationalError if away."""
        with self._reader.connect() as connection:
            if not connection.dialect.has_table(connection, "alembic_version"):
                return None
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return None if found is None else str(found)

    def migrate(self) -> None:
        """Creates or upgrades the tables; cheap when there is nothing to do. Raises ConfigError with a sentence."""
        try:
            if self.schema() == self.head():
                return
        except OperationalError as error:
            reason = str(error.orig).strip().splitlines()[0] if error.orig else "no answer"
            raise ConfigError(f"The database cannot be opened ({reason}): check PRESSROOM_DATABASE_URL.") from None
        from pressroom.migrations import upgrade

        upgrade(self._writer)


class _Joined(Database):
    def __init__(self, database: Database, until: ExitStack) -> None:
        self.__dict__.update(database.__dict__)
        self._database, self._until = database, until
        self._tx: Session | None = None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        if self._tx is None:
            self._tx = self._until.enter_context(self._database.transaction())
        yield self._tx
        self._tx.flush()

    @contextmanager
    def joined(self) -> Iterator[Database]:
        yield self
