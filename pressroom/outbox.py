"""What must happen after a commit. put() inside the transaction; the act itself marks its row done.

A row is work, Redis only the bell: a row that is due and not done is rung again until it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Database, Id, new_id

log = logging.getLogger(__name__)

_CLAIM = timedelta(seconds=20)
# A letter's act waits up to ten minutes for a slow mail server; nobody else may begin it meanwhile.
_LONG_CLAIMS = {
    "send_confirmation": timedelta(minutes=12),
    "send_preferences_link": timedelta(minutes=12),
    "tell_owner": timedelta(minutes=12),
    "tell_of_complaints": timedelta(minutes=12),
    "tell_of_refusal": timedelta(minutes=12),
    # Writing a large store anew takes its time, and is not done by two at once.
    "scrub_store": timedelta(minutes=12),
}
_RING_AGAIN = timedelta(seconds=10)


class OutboxRow(Base):
    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "done_at", "not_before"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    not_before: Mapped[datetime]
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_until: Mapped[datetime | None]
    rung_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


def put(
    tx: Session, kind: str, payload: Mapping[str, Any], *, now: datetime, not_before: datetime | None = None
) -> int:
    """Notes work to do after the commit; `payload` holds ids only. Returns the row's id."""
    row = OutboxRow(id=new_id(), kind=kind, payload=dict(payload), not_before=not_before or now, created_at=now)
    tx.add(row)
    return row.id


def open_rows(tx: Session, kind: str) -> list[int]:
    """The ids of the rows of one kind that are still to be done."""
    return list(tx.scalars(select(OutboxRow.id).where(OutboxRow.kind == kind, OutboxRow.done_at.is_(None))))


def open_payloads(tx: Session, kind: str) -> list[dict[str, Any]]:
    """What the rows of one kind that are still to be done are about."""
    return list(tx.scalars(select(OutboxRow.payload).where(OutboxRow.kind == kind, OutboxRow.done_at.is_(None))))


def is_due_later(tx: Session, kind: str, payload: Mapping[str, Any], *, now: datetime) -> bool:
    """Whether the same work waits already for a time to come."""
    query = select(OutboxRow.payload).where(
        OutboxRow.kind == kind, OutboxRow.done_at.is_(None), OutboxRow.not_before > now
    )
    return dict(payload) in list(tx.scalars(query))


def done(tx: Session, row_ids: Sequence[int], *, now: datetime) -> None:
    """For an act that was done without its bell."""
    tx.execute(update(OutboxRow).where(OutboxRow.id.in_(row_ids), OutboxRow.done_at.is_(None)).values(done_at=now))


def ring_due(database: Database, ring: Callable[[int], bool], *, now: datetime) -> list[int]:
    """Rings for each row that is due, not done, not being done and not noted as rung for; returns those rung for.

    Stops where `ring` says that the bell cannot be reached.
    """
    with database.reading() as tx:
        due = list(
            tx.scalars(
                select(OutboxRow.id)
                .where(
                    OutboxRow.done_at.is_(None),
                    OutboxRow.not_before <= now,
                    or_(OutboxRow.claimed_until.is_(None), OutboxRow.claimed_until < now),
                    or_(OutboxRow.rung_at.is_(None), OutboxRow.rung_at < now - _RING_AGAIN),
                )
                .order_by(OutboxRow.id)
                .limit(500)
            )
        )
    rung = []
    for row_id in due:
        if not ring(row_id):
            break
        rung.append(row_id)
    return rung


def drain(database: Database, ring: Callable[[int], bool], *, now: datetime) -> int:
    """As `ring_due`, and notes it, so that nobody rings again soon; returns how many."""
    rung = ring_due(database, ring, now=now)
    if rung:
        with database.transaction() as tx:
            tx.execute(update(OutboxRow).where(OutboxRow.id.in_(rung)).values(rung_at=now))
    return len(rung)


def perform(database: Database, row_id: int, acts: Mapping[str, Callable[[Mapping[str, Any]], None]]) -> bool:
    """Claims one row, does its act and marks it done; False if another has it or it is done.

    An act must be repeatable: a worker may die between the act and the mark. A failed one is tried again
    later, after up to an hour, and its exception is raised to the caller.
    """
    with database.transaction() as tx:
        now = database.now(tx)
        row = tx.get(OutboxRow, row_id, with_for_update={"key_share": True})
        if row is None or row.done_at or row.not_before > now or (row.claimed_until and row.claimed_until >= now):
            return False
        row.claimed_until = now + _LONG_CLAIMS.get(row.kind, _CLAIM)
        row.attempts += 1
        kind, payload, attempts = row.kind, row.payload, row.attempts
    try:
        acts[kind](payload)
    except BaseException:
        with database.transaction() as tx:
            now = database.now(tx)
            wait = timedelta(seconds=min(3600, 5 * 2 ** min(attempts, 10)))
            tx.execute(
                update(OutboxRow).where(OutboxRow.id == row_id).values(claimed_until=None, not_before=now + wait)
            )
        raise
    with database.transaction() as tx:
        tx.execute(update(OutboxRow).where(OutboxRow.id == row_id).values(done_at=database.now(tx), claimed_until=None))
    return True
