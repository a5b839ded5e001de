"""Reconciling: whatever is not final and in nobody's hands is rung for again; every few seconds, by the clock."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from pressroom.db import Database
from pressroom.mailing import ledger, throttle
from pressroom.mailing import mailing as mailings
from pressroom.mailing.delivery import OPEN, Delivery
from pressroom.mailing.mailing import Mailing, State


def begin_held(database: Database) -> int:
    """Mailings whose hold is over begin to send, or ask a person if that is long ago; returns how many."""
    with database.reading() as tx:
        now = database.now(tx)
        due = list(tx.scalars(select(Mailing.id).where(Mailing.state == State.HELD, Mailing.hold_until <= now)))
    for mailing_id in due:
        with database.transaction() as tx:
            mailing = mailings.get(tx, mailing_id, lock=True)
            if mailing.state is State.HELD:
                mailings.begin(tx, mailing, database.now(tx))
    return len(due)


def ring_due(database: Database, ring: Callable[[int], bool]) -> int:
    """Rings for each chunk that is due and unheld, unless the relay wants peace; stops at the first bell that cannot be
    reached.
    """
    with database.reading() as tx:
        now = database.now(tx)
        if throttle.relay_rests_until(tx, now) is not None:
            return 0
        due = ledger.due_chunks(tx, now)
    return next((count for count, chunk_id in enumerate(due) if not ring(chunk_id)), len(due))


def finish_done(database: Database) -> int:
    """Mailings that ended without their last worker saying so are called finished."""
    with database.reading() as tx:
        still_open = select(Delivery.id).where(Delivery.mailing_id == Mailing.id, Delivery.state.in_(OPEN)).exists()
        query = select(Mailing.id).where(Mailing.state == State.SENDING, Mailing.counted_at.is_not(None), ~still_open)
        done = list(tx.scalars(query))
    for mailing_id in done:
        with database.transaction() as tx:
            ledger.finish_if_done(tx, mailings.get(tx, mailing_id, lock=True), database.now(tx))
    return len(done)
