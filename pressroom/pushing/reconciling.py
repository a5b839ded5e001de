"""Reconciling: what is due and in nobody's hands is rung for again, leases end, old entries go; by the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from pressroom.db import Database
from pressroom.pushing import ledger, verifying
from pressroom.pushing.intent import Intent
from pressroom.pushing.subscription import Subscription

# One job takes all that is due: a second ring is for the worker that died with the first.
_RINGS = 2
_INTENT_KEPT = timedelta(days=1)
_AT_A_TIME = 500


def ring_due(database: Database, ring: Callable[[int], bool]) -> int:
    with database.reading() as tx:
        now = database.now(tx)
        due = [*ledger.due(tx, now, _RINGS, behind=False), *ledger.due(tx, now, _RINGS, behind=True)][:_RINGS]
    return sum(ring(dispatch_id) for dispatch_id, _ in due)


def end_leases(database: Database) -> int:
    """Subscriptions that were not renewed are deleted, some at a time; returns how many."""
    with database.reading() as tx:
        now = database.now(tx)
        query = select(Subscription.id).where(Subscription.expires_at <= now).limit(_AT_A_TIME)
        over = list(tx.scalars(query))
    for subscription_id in over:
        with database.transaction() as tx:
            found = tx.get(Subscription, subscription_id, with_for_update=True)
            # It may have been renewed meanwhile.
            if found is not None and found.expires_at <= now:
                verifying.end(tx, found, now)
    return len(over)


def purge(database: Database, *, now: datetime) -> None:
    """Settled dispatches after a month, and what somebody asked for and no worker could verify within a day."""
    with database.transaction() as tx:
        tx.execute(delete(Intent).where(Intent.created_at < now - _INTENT_KEPT))
    while True:
        with database.transaction() as tx:
            if not ledger.purge(tx, now):
                return
