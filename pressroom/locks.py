"""Locks for what is counted and then taken, of which one transaction at a time may do both."""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session


class Lock(IntEnum):
    """The numbers of PostgreSQL's advisory locks, which all programs of a database share."""

    UPGRADE = 7_265_737_301
    QUOTA = 7_265_737_302
    HUB = 7_265_737_303
    SIGN_UP = 7_265_737_304


def take(tx: Session | Connection, lock: Lock) -> None:
    """Waits for whoever has it; given back at the end of the transaction. SQLite has one writer anyway."""
    connection = tx.connection() if isinstance(tx, Session) else tx
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": int(lock)})
