"""A kept connection: for whoever makes hundreds of transactions a second, one after another.

A session and a connection from the pool for each of them take longer than what such a transaction does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from pressroom.db import Database


class KeptConnection:
    """Made at the first transaction, and anew after one that failed. For one thread; the caller closes it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._connection: Connection | None = None
        self._session: Session | None = None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """As `Database.transaction`; what is loaded in one transaction is loaded again in the next."""
        session = self._session or self._open()
        try:
            with session.begin():
                # SQLite's lock is taken at once.
                session.connection()
                yield session
        except BaseException:
            self.close()
            raise
        session.expunge_all()

    def _open(self) -> Session:
        self._connection = self.database.engine.connect()
        self._session = Session(self._connection, expire_on_commit=False)
        return self._session

    def close(self) -> None:
        """Also after a failure, when there may be no connection any more."""
        session, connection, self._session, self._connection = self._session, self._connection, None, None
        if session is not None:
            session.close()
        if connection is not None:
            connection.close()
