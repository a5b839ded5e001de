"""The ledger's hot rows: claiming a chunk, marking, storing. Each function is part of a caller's short transaction.

Design §4 "Mail": a row is marked `sending` before its DATA, by the holder of the chunk's newest epoch only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, and_, case, delete, exists, false, func, or_, select, update
from sqlalchemy.orm import Session

from pressroom.db import to_micros
from pressroom.mailing import priority
from pressroom.mailing.delivery import OPEN, Chunk, Delivery, DeliveryState
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.notice import Notice

WAITING = (DeliveryState.PENDING, DeliveryState.DEFERRED)


class Item(NamedTuple):
    """One delivery as the sender needs it; the address is still sealed, and `domain` is known once it was opened."""

    id: int
    subscriber_id: int | None
    language: str
    attempts: int
    doubts: int
    first_at: datetime | None
    domain: str = ""


@dataclass(frozen=True)
class Stored:
    """What a delivery has come to, to be written by the holder of `epoch`."""

    id: int
    state: DeliveryState
    next_at: datetime | None
    doubts: int
    doubled: int
    revision_id: int | None
    reply_code: str | None
    reply_sealed: bytes | None


def due_chunks(tx: Session, now: datetime, limit: int = 200, before: int | None = None) -> list[int]:
    """Chunks with work whose lease has run out, the most urgent first, or only those more urgent than rank `before`;
    of mailings that were stopped, while a message is in doubt.
    """
    query = (
        select(Chunk.id)
        .join(Mailing, Mailing.id == Chunk.mailing_id)
        .where(
            Chunk.next_due <= now,
            Chunk.lease_until <= now,
            _goes_on(),
            *([priority.ranked() < before] if before is not None else []),
        )
        .order_by(priority.ranked(), Chunk.next_due, Chunk.id)
        .limit(limit)
    )
    return list(tx.scalars(query))


def _goes_on() -> ColumnElement[bool]:
    """For a query that joins Chunk and Mailing. While a mailing is paused only the fate of what was sent is settled."""
    on_the_wire = exists().where(Delivery.chunk_id == Chunk.id, Delivery.state == DeliveryState.SENDING)
    paused = and_(Mailing.state == State.PAUSED, on_the_wire)
    return or_(Mailing.state.in_((State.SENDING, State.CANCELLED)), paused)


def claim(tx: Session, chunk_id: int, owner: str, lease: timedelta, now: datetime) -> int | None:
    """The new epoch, or None if another holds the chunk or nothing in it is due. Compare and set."""
    claimed = tx.execute(
        update(Chunk)
        .where(
            Chunk.id == chunk_id,
            Chunk.lease_until <= now,
            Chunk.next_due <= now,
            exists().where(Mailing.id == Chunk.mailing_id, _goes_on()),
        )
        .values(epoch=Chunk.epoch + 1, lease_owner=owner, lease_until=now + lease)
        .returning(Chunk.epoch)
        .execution_options(synchronize_session=False)
    )
    return claimed.scalar_one_or_none()


def settle_doubts(tx: Session, chunk_id: int, now: datetime, *, cancelled: bool) -> int:
    """Rows an earlier holder left `sending`: sent again once, and `unknown` after a second doubt (RFC 1047)."""
    again = false() if cancelled else Delivery.doubts == 0
    doubted = tx.execute(
        update(Delivery)
        .where(Delivery.chunk_id == chunk_id, Delivery.state == DeliveryState.SENDING)
        .values(
            state=case((again, DeliveryState.DEFERRED.value), else_=DeliveryState.UNKNOWN.value),
            doubled=case((again, 1), else_=Delivery.doubled),
            settled_at=case((again, None), else_=to_micros(now)),
            doubts=Delivery.doubts + 1,
            next_at=now,
        )
        .execution_options(synchronize_session=False)
    )
    return _count(doubted)


def due_items(tx: Session, chunk_id: int, now: datetime) -> deque[Item]:
    query = (
        select(
            Delivery.id,
            Delivery.subscriber_id,
            Delivery.language,
            Delivery.attempts,
            Delivery.doubts,
            Delivery.first_at,
        )
        .where(Delivery.chunk_id == chunk_id, Delivery.state.in_(WAITING), Delivery.next_at <= now)
        .order_by(Delivery.next_at, Delivery.id)
    )
    return deque(Item(*row) for row in tx.execute(query))


def speak(tx: Session, delivery_ids: Sequence[int], language: str) -> None:
    """Notes the language that deliveries go out in after all; whoever waited for it waits no longer."""
    tx.execute(
        update(Delivery)
        .where(Delivery.id.in_(delivery_ids))
        .values(language=language, waits_for=None)
        .execution_options(synchronize_session=False)
    )


def set_aside(tx: Session, delivery_ids: Sequence[int], state: DeliveryState, now: datetime) -> None:
    """Ends deliveries that are not to be started, in a final state."""
    if state is DeliveryState.CANCELLED:
        cancel_waiting(tx, Delivery.id.in_(delivery_ids), now)
        return
    tx.execute(
        update(Delivery)
        .where(Delivery.id.in_(delivery_ids), Delivery.state.in_(WAITING))
        .values(state=state, settled_at=now)
        .execution_options(synchronize_session=False)
    )


def cancel_waiting(tx: Session, which: ColumnElement[bool], now: datetime) -> None:
    """Ends what waits among some deliveries of a cancelled mailing.

    Whoever surely got nothing may hear of the release through another mailing: their notice goes. A message once in
    doubt may have arrived: it is `unknown`, and its notice stays.
    """
    waiting = and_(which, Delivery.state.in_(WAITING))
    unheard = select(Delivery.id).where(waiting, Delivery.doubts == 0)
    tx.execute(delete(Notice).where(Notice.delivery_id.in_(unheard)).execution_options(synchronize_session=False))
    state = case((Delivery.doubts == 0, DeliveryState.CANCELLED.value), else_=DeliveryState.UNKNOWN.value)
    tx.execute(
        update(Delivery).where(waiting).values(state=state, settled_at=now).execution_options(synchronize_session=False)
    )


def store(tx: Session, results: Sequence[Stored], epoch: int, now: datetime) -> None:
    """Writes outcomes. A row that a newer holder has taken over keeps what that one decides."""
    for one in results:
        final = one.state not in OPEN
        tx.execute(
            update(Delivery)
            .where(Delivery.id == one.id, Delivery.state == DeliveryState.SENDING, Delivery.epoch == epoch)
            .values(
                state=one.state,
                next_at=one.next_at or Delivery.next_at,
                settled_at=now if final else None,
                doubts=one.doubts,
                doubled=func.coalesce(one.doubled, 0),
                revision_id=one.revision_id,
                reply_code=one.reply_code,
                reply_sealed=one.reply_sealed,
            )
            .execution_options(synchronize_session=False)
        )


def release_chunk(
    tx: Session, chunk_id: int, epoch: int, now: datetime, not_before: datetime | None
) -> datetime | None:
    """Gives the chunk back; returns when it is due again, None if nothing in it is open."""
    query = select(func.min(Delivery.next_at)).where(Delivery.chunk_id == chunk_id, Delivery.state.in_(WAITING))
    next_due: datetime | None = tx.execute(query).scalar_one()
    on_the_wire = select(Delivery.id).where(Delivery.chunk_id == chunk_id, Delivery.state == DeliveryState.SENDING)
    if tx.execute(on_the_wire.limit(1)).first():
        next_due = now
    elif next_due is not None and not_before is not None:
        next_due = max(next_due, not_before)
    tx.execute(
        update(Chunk)
        .where(Chunk.id == chunk_id, Chunk.epoch == epoch)
        .values(next_due=next_due, lease_until=now, lease_owner=None)
        .execution_options(synchronize_session=False)
    )
    return next_due


def _count(result: Any) -> int:
    return int(cast("CursorResult[Any]", result).rowcount)


def finish_if_done(tx: Session, mailing: Mailing, now: datetime) -> bool:
    """Calls a mailing finished when none of its deliveries is open."""
    if mailing.state is not State.SENDING or mailing.counted_at is None:
        return False
    still_open = select(Delivery.id).where(Delivery.mailing_id == mailing.id, Delivery.state.in_(OPEN)).limit(1)
    if tx.execute(still_open).first():
        return False
    mailing.state, mailing.finished_at = State.FINISHED, now
    return True


def mailing_of(tx: Session, chunk_id: int) -> tuple[int, int, State]:
    """The chunk's mailing, its rank (priority.py) and its state."""
    query = select(Mailing.id, priority.ranked(), Mailing.state)
    mailing_id, rank, state = tx.execute(
        query.join(Chunk, Chunk.mailing_id == Mailing.id).where(Chunk.id == chunk_id)
    ).one()
    return mailing_id, rank, state


def put_off(tx: Session, delivery_ids: Sequence[int], until: datetime) -> None:
    """Not begun now; that counts as no attempt."""
    tx.execute(
        update(Delivery)
        .where(Delivery.id.in_(delivery_ids), Delivery.state.in_(WAITING))
        .values(next_at=until)
        .execution_options(synchronize_session=False)
    )


def renew_all(tx: Session, chunk_ids: Sequence[int], owner: str, until: datetime) -> None:
    """The heartbeat of chunks in one sender's hands. Whoever lost one finds out when it marks (hot_rows.renew)."""
    tx.execute(
        update(Chunk)
        .where(Chunk.id.in_(chunk_ids), Chunk.lease_owner == owner)
        .values(lease_until=until)
        .execution_options(synchronize_session=False)
    )
