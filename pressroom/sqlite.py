"""SQLite as a store that several processes write to: durable, and with one queue at the door.

SQLite has one writer at a time. Whoever commits and begins anew at once would win against all who look only now and
then whether the lock is free; its own back-off makes that worse, sleeping up to 100 ms between two looks. So whoever
wants to write first takes the turn, a lock on a file of its own, and gives it back when it has the database: between
two writes of one process, one of another comes in that waited.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from pressroom.errors import TryLater

LOCK_WAIT = 5.0
_TURN = "turn"
_LOOK_EVERY = 0.001


def engine(url: str, *, writes: bool) -> Engine:
    """Each transaction of a writing one has the write lock from its beginning, or raises TryLater after 5 s."""
    arguments = {"timeout": 0 if writes else 5, "check_same_thread": False}
    made = create_engine(url, connect_args=arguments, pool_size=20, hide_parameters=True)
    path = made.url.database

    def connect(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        for pragma in ("foreign_keys=ON", "synchronous=FULL", "cache_size=-4000"):
            connection.execute(f"PRAGMA {pragma}")
        if not writes:
            connection.execute("PRAGMA query_only=ON")
            return
        retry(lambda: connection.execute("PRAGMA journal_mode=WAL"))
        if path:
            record.info[_TURN] = os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(_connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        if _TURN in record.info:
            os.close(record.info.pop(_TURN))

    def begin(connection: Connection) -> None:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        if writes:
            _in_turn(connection.info.get(_TURN), lambda: raw.execute("BEGIN IMMEDIATE"))
        else:
            retry(lambda: raw.execute("BEGIN"))

    event.listen(made, "connect", connect)
    event.listen(made, "close", close)
    event.listen(made, "begin", begin)
    return made


def _in_turn(turn: int | None, act: Callable[[], object]) -> None:
    if turn is None:
        retry(act)
        return
    retry(lambda: fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB))
    try:
        retry(act)
    finally:
        with suppress(OSError):
            fcntl.flock(turn, fcntl.LOCK_UN)


def retry(act: Callable[[], object]) -> None:
    """Raises TryLater if others had what it needs for 5 s."""
    deadline = time.monotonic() + LOCK_WAIT
    while True:
        try:
            act()
        except (sqlite3.OperationalError, BlockingIOError) as error:
            if isinstance(error, sqlite3.OperationalError) and not _is_busy(error):
                raise
            if time.monotonic() > deadline:
                raise TryLater("The database is busy; try again in a moment.") from None
            time.sleep(_LOOK_EVERY)
        else:
            return


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
