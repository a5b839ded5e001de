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
from contextlib import nullcontext

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from pressroom.errors import TryLater

LOCK_WAIT = 5.0
_TURN = "turn"
_LOOK_EVERY = 0.001
# Several looks long, for whoever waits for the turn.
PAUSE = 0.004


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
            record.info[_TURN] = _Turn(path)

    def close(_connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        record.info.pop(_TURN, None)

    def begin(connection: Connection) -> None:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        if writes:
            with connection.info.get(_TURN) or nullcontext():
                retry(lambda: raw.execute("BEGIN IMMEDIATE"))
        else:
            retry(lambda: raw.execute("BEGIN"))

    event.listen(made, "connect", connect)
    event.listen(made, "close", close)
    event.listen(made, "begin", begin)
    return made


class _Turn:
    """One connection's hand on the file; let go with it."""

    def __init__(self, path: str) -> None:
        self._file = os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __del__(self) -> None:
        os.close(self._file)

    def __enter__(self) -> None:
        retry(lambda: fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB))

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)


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
