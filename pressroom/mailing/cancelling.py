"""Cancelling: a mailing ends for good at one commit; what waited in it is written off after that, page by page.

Nothing more of a cancelled mailing is started whatever its rows still say (sending.py, digest.py): a list of a million
ends as soon as one of ten. Until a row is written off its person counts as told; so expanding does that first.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from pressroom import outbox
from pressroom.db import Database
from pressroom.mailing import ledger, notice
from pressroom.mailing import mailing as mailings
from pressroom.mailing.delivery import Chunk, Delivery, DeliveryState
from pressroom.mailing.mailing import Mailing, State

WRITE_OFF = "write_off"

_PAGE = 5000


def cancel(tx: Session, mailing: Mailing, *, now: datetime) -> None:
    """Part of the caller's transaction, which has locked the mailing."""
    mailing.state = State.CANCELLED
    mailing.finished_at = now
    # A chunk with a message on the wire stays due, so that its outcome is still stored if its worker dies.
    on_the_wire = select(Delivery.chunk_id).where(
        Delivery.mailing_id == mailing.id, Delivery.state == DeliveryState.SENDING
    )
    tx.execute(
        update(Chunk)
        .where(Chunk.mailing_id == mailing.id, Chunk.next_due.is_not(None), Chunk.id.not_in(on_the_wire))
        .values(next_due=None)
        .execution_options(synchronize_session=False)
    )
    begin_to_write_off(tx, mailing, now=now)


def begin_to_write_off(tx: Session, mailing: Mailing, *, now: datetime) -> None:
    """Of a cancelled mailing what waits; of another what waits for digests. A page at once, a worker does the rest."""
    if _write_off_page(tx, mailing, 0, now) is not None:
        outbox.put(tx, WRITE_OFF, {"mailing_id": mailing.id}, now=now)


def write_off(database: Database, mailing_id: int) -> None:
    """To the end. Safe to repeat, and for two workers at once. Raises NotFound."""
    after: int | None = 0
    while after is not None:
        with database.transaction() as tx:
            mailing = mailings.get(tx, mailing_id, lock=True)
            after = _write_off_page(tx, mailing, after, database.now(tx))
        database.let_others_write()


def write_off_in(database: Database, newsroom_id: int) -> None:
    """Whoever surely got nothing through what was cancelled in a newsroom may be reached by another from now on."""
    with database.reading() as tx:
        open_ones = [int(one["mailing_id"]) for one in outbox.open_payloads(tx, WRITE_OFF)]
        own = select(Mailing.id).where(Mailing.id.in_(open_ones), Mailing.newsroom_id == newsroom_id)
        mailing_ids = list(tx.scalars(own.order_by(Mailing.id)))
    for mailing_id in mailing_ids:
        write_off(database, mailing_id)


def _write_off_page(tx: Session, mailing: Mailing, after: int, now: datetime) -> int | None:
    """Of deliveries from the one after `after` on; returns where the next page begins, None if nothing is left."""
    ends: list[int] = []
    if mailing.state is State.CANCELLED:
        # From a cursor on, for PostgreSQL would read again whatever was written off before.
        rest = and_(Delivery.mailing_id == mailing.id, Delivery.id > after)
        for state in ledger.WAITING:
            in_order = select(Delivery.id).where(rest, Delivery.state == state).order_by(Delivery.id)
            ends += tx.scalars(in_order.offset(_PAGE - 1).limit(1))
        ledger.cancel_waiting(tx, and_(rest, Delivery.id <= min(ends)) if ends else rest, now)
    dropped = notice.drop_waiting(tx, notice.Notice.mailing_id == mailing.id, _PAGE)
    if ends:
        return min(ends)
    return after if dropped == _PAGE else None
