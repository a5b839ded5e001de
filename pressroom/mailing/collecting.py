"""Collecting what comes back: stored, sealed, before whoever brought it deletes or acknowledges it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from pressroom import outbox
from pressroom.db import Database, new_id
from pressroom.mailing import arrival
from pressroom.mailing.arrival import Arrival, Form
from pressroom.mailing.bounce import Bounce
from pressroom.mailing.steering import KEPT
from pressroom.seal import Keyring

JUDGE = "judge_arrival"
# The text names people; what was made of it stays as a count.
RAW_KEPT = timedelta(days=30)
_AT_A_TIME = 500


def take_in(
    database: Database, keyring: Keyring, form: Form, raw: bytes, *, now: datetime, mark: str | None = None
) -> bool:
    """Stores what came and has it judged; False for a second copy, which counts for nothing. Safe to repeat.

    `mark` knows a copy where the signature does not cover all of it.
    """
    digest = arrival.digest(keyring, form, mark.encode() if mark else raw)
    with database.transaction() as tx:
        if arrival.by_digest(tx, digest) is not None:
            return False
        arrival_id = new_id()
        sealed = arrival.seal(keyring, arrival_id, raw)
        tx.add(Arrival(id=arrival_id, digest=digest, form=form, raw_sealed=sealed, received_at=now))
        outbox.put(tx, JUDGE, {"arrival_id": arrival_id}, now=now)
        return True


def purge(database: Database, *, now: datetime) -> int:
    """Deletes the text of some arrivals judged 30 days ago; returns how many. Digests and counts stay two years."""
    with database.transaction() as tx:
        query = select(Arrival.id).where(
            Arrival.raw_sealed.is_not(None), Arrival.judged_at.is_not(None), Arrival.received_at < now - RAW_KEPT
        )
        old = list(tx.scalars(query.limit(_AT_A_TIME)))
        tx.execute(update(Arrival).where(Arrival.id.in_(old)).values(raw_sealed=None))
        # As long as it is known who was sent what (retaining.py); a copy that comes later than that is nobody's.
        ended = list(tx.scalars(select(Arrival.id).where(Arrival.received_at < now - KEPT).limit(_AT_A_TIME)))
        tx.execute(delete(Bounce).where(Bounce.arrival_id.in_(ended)))
        tx.execute(delete(Arrival).where(Arrival.id.in_(ended)))
        return len(old) + len(ended)
