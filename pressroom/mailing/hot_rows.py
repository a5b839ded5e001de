"""The few statements that run for every message, past SQLAlchemy (design §4 "Mail"); all else is in ledger.py.

Each joins the caller's short transaction. Instants are microseconds since 1970 UTC (ADR 3).
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from pressroom.db import NOW_SQL, Database, from_micros, to_micros
from pressroom.mailing.mailing import State


class _Statement:
    """One text for both databases: `:name` is a value, `{ids}` a list of them, `[...]` for PostgreSQL alone."""

    def __init__(self, text: str) -> None:
        names = re.sub(r"\s*\[[^\]]*\]", "", text)
        self._sqlite = names.format(ids="IN (SELECT value FROM json_each(:ids))", now=NOW_SQL["sqlite"])
        names = text.replace("[", "").replace("]", "")
        names = names.format(ids="= ANY(:ids)", now=NOW_SQL["postgresql"])
        self._postgresql = re.sub(r"(?<!:):(\w+)", r"%(\1)s", names)

    def run(self, tx: Session, ids: Sequence[int] | None = None, **values: Any) -> Any:
        connection = tx.connection()
        cursor = connection.connection.cursor()
        if connection.dialect.name == "sqlite":
            if ids is not None:
                values["ids"] = json.dumps(ids)
            cursor.execute(self._sqlite, values)
        else:
            if ids is not None:
                values["ids"] = ids
            cursor.execute(self._postgresql, values)
        return cursor


_NOW = _Statement("SELECT {now}")
_STATE = _Statement("SELECT state, {now} FROM mailing WHERE id = :id [FOR SHARE]")
_RENEW = _Statement(
    "UPDATE chunk SET lease_until = :until WHERE id = :id AND epoch = :epoch RETURNING (SELECT n.generation "
    "FROM mailing m JOIN newsroom n ON n.id = m.newsroom_id WHERE m.id = chunk.mailing_id)"
)
_MARK = _Statement(
    "UPDATE delivery SET state = 'sending', epoch = :epoch, attempts = attempts + 1, sending_at = :now, "
    "first_at = COALESCE(first_at, :now) WHERE id {ids} AND state IN ('pending', 'deferred') RETURNING id"
)
_STORE_SENT = _Statement(
    "UPDATE delivery SET state = 'sent', settled_at = :now, revision_id = :revision_id, reply_code = :reply_code, "
    "reply_sealed = NULL WHERE id {ids} AND state = 'sending' AND epoch = :epoch"
)


def driver_error(database: Database) -> type[Exception]:
    """What these raise when the database is away or busy."""
    if database.is_sqlite:
        return sqlite3.Error
    # Here, for it is 8 MB that a service on SQLite need not hold.
    import psycopg

    return psycopg.Error


def now(tx: Session) -> datetime:
    return from_micros(int(_NOW.run(tx).fetchone()[0]))


def state_of(tx: Session, mailing_id: int) -> tuple[State, datetime]:
    """As it is now, with the time; share-locked (PostgreSQL): steering waits for this transaction, or it for it."""
    state, micros = _STATE.run(tx, id=mailing_id).fetchone()
    return State(state), from_micros(int(micros))


def renew(tx: Session, chunk_id: int, epoch: int, until: datetime) -> int | None:
    """The newsroom's generation; None once another has claimed the chunk: this sender starts nothing more of it."""
    found = _RENEW.run(tx, id=chunk_id, epoch=epoch, until=to_micros(until)).fetchone()
    return None if found is None else int(found[0])


def mark(tx: Session, delivery_ids: Sequence[int], epoch: int, now: datetime) -> set[int]:
    """Marks rows `sending`, each before its DATA; returns those that still waited."""
    return {row[0] for row in _MARK.run(tx, delivery_ids, epoch=epoch, now=to_micros(now)).fetchall()}


def store_sent(
    tx: Session, delivery_ids: Sequence[int], revision_id: int | None, reply_code: str, epoch: int, now: datetime
) -> None:
    """Writes what was accepted. A row that a newer holder has taken over keeps what that one decides."""
    _STORE_SENT.run(tx, delivery_ids, revision_id=revision_id, reply_code=reply_code, epoch=epoch, now=to_micros(now))
