"""Retaining: who was sent what is known for two years, for corrections and retractions, and then deleted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update

from pressroom.db import Database
from pressroom.mailing.bounce import Bounce
from pressroom.mailing.delivery import Chunk, Delivery
from pressroom.mailing.mailing import FINAL, Mailing
from pressroom.mailing.notice import Notice
from pressroom.mailing.steering import KEPT

_AT_A_TIME = 5000


def purge(database: Database, *, now: datetime) -> int:
    """Deletes some deliveries and notices of mailings that ended two years ago; returns how many deliveries.

    The mailing itself stays, with its total.
    """
    with database.transaction() as tx:
        query = (
            select(Delivery.id)
            .join(Mailing, Mailing.id == Delivery.mailing_id)
            .where(Mailing.finished_at < now - KEPT, Mailing.state.in_(FINAL))
            .limit(_AT_A_TIME)
        )
        old = list(tx.scalars(query))
        tx.execute(delete(Notice).where(Notice.delivery_id.in_(old)))
        tx.execute(delete(Bounce).where(Bounce.delivery_id.in_(old)))
        tx.execute(delete(Notice).where(Notice.due_at < now - KEPT))
        tx.execute(delete(Delivery).where(Delivery.id.in_(old)))
        done = select(Mailing.id).where(Mailing.finished_at < now - KEPT, Mailing.state.in_(FINAL))
        still = select(Delivery.chunk_id).distinct()
        tx.execute(delete(Chunk).where(Chunk.mailing_id.in_(done), Chunk.id.not_in(still)))
        tx.execute(
            update(Mailing)
            .where(Mailing.finished_at < now - KEPT, Mailing.test_sealed.is_not(None))
            .values(test_sealed=None)
        )
        return len(old)
