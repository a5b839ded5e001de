"""The ledger: which dispatches are due, who holds them, what they came to. Each is part of a caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from pressroom.db import from_micros, new_id
from pressroom.pushing.dispatch import WAITING, Dispatch, DispatchState, Kind

# Longer than any request may take (outgoing/client.py), names and TLS included.
LEASE = timedelta(seconds=20)
KEPT = timedelta(days=30)
_NEVER = from_micros(0)
_AT_A_TIME = 2000
_IN_A_QUERY = 500


@dataclass(frozen=True)
class Target:
    """`host`, a keyed hash, spreads the load; `behind` is one that may be slow."""

    id: int
    host: bytes
    subject: str = ""
    behind: bool = False


@dataclass(frozen=True)
class Held:
    """A dispatch in our hands. `attempts` counts this one."""

    id: int
    kind: Kind
    target_id: int
    subject: str
    host: bytes
    behind: bool
    epoch: int
    attempts: int
    as_of: datetime


def arm(
    tx: Session, kind: Kind, targets: Sequence[Target], *, as_of: datetime, now: datetime, not_before: datetime
) -> list[int]:
    """Each target is to be told, by one dispatch: what waits already is due again, whatever it waited for.

    Returns the ids of what is due, the new ones first.
    """
    again = _due_again(tx, kind, targets, as_of, not_before)
    same = {
        "kind": kind, "state": DispatchState.PENDING, "epoch": 0, "attempts": 0, "as_of": as_of,
        "next_at": not_before, "lease_until": _NEVER, "created_at": now,
    }  # fmt: skip
    new = [target for target in targets if (target.subject, target.id) not in again]
    rows: list[dict[str, Any]] = [
        {"id": new_id(), "target_id": one.id, "subject": one.subject, "host_lookup": one.host, "behind": one.behind}
        for one in new
    ]
    if rows:
        # Another clock may have been quicker: what waits is as good.
        insert = sqlite.insert if tx.get_bind().dialect.name == "sqlite" else postgresql.insert
        tx.execute(insert(Dispatch).on_conflict_do_nothing(), [{**same, **row} for row in rows])
    return [row["id"] for row in rows] + list(again.values())


def _due_again(
    tx: Session, kind: Kind, targets: Sequence[Target], as_of: datetime, not_before: datetime
) -> dict[tuple[str, int], int]:
    """What waits already, by subject and target."""
    alike: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for target in targets:
        alike[target.subject, target.behind].append(target.id)
    found = {}
    for (subject, behind), ids in alike.items():
        for some in _batched(ids):
            again = tx.execute(
                update(Dispatch)
                .where(Dispatch.kind == kind, Dispatch.subject == subject, Dispatch.target_id.in_(some))
                .where(Dispatch.state.in_(WAITING))
                .values(next_at=not_before, as_of=as_of, attempts=0, state=DispatchState.PENDING, behind=behind)
                .returning(Dispatch.target_id, Dispatch.id)
                .execution_options(synchronize_session=False)
            )
            found.update({(subject, target_id): dispatch_id for target_id, dispatch_id in again})
    return found


def _batched(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + _IN_A_QUERY] for start in range(0, len(ids), _IN_A_QUERY))


def _same(kind: Kind, target_id: int, subject: str) -> tuple[ColumnElement[bool], ...]:
    return Dispatch.kind == kind, Dispatch.target_id == target_id, Dispatch.subject == subject


def due(
    tx: Session, now: datetime, limit: int, *, behind: bool, without: Collection[bytes] = ()
) -> list[tuple[int, bytes]]:
    """Each with its host; none for the hosts `without`, and of one target none while something of it is under way."""
    query = (
        select(Dispatch.id, Dispatch.host_lookup)
        .where(_is_due(now), Dispatch.behind.is_(behind), ~_under_way(now), Dispatch.host_lookup.not_in(without))
        .order_by(Dispatch.next_at, Dispatch.id)
        .limit(limit)
    )
    return [(one[0], one[1]) for one in tx.execute(query)]


def _is_due(now: datetime) -> ColumnElement[bool]:
    waits = and_(Dispatch.state.in_(WAITING), Dispatch.next_at <= now)
    lapsed = and_(Dispatch.state == DispatchState.SENDING, Dispatch.lease_until <= now)
    return or_(waits, lapsed)


def _under_way(now: datetime) -> ColumnElement[bool]:
    other = aliased(Dispatch)
    return exists().where(
        other.kind == Dispatch.kind,
        other.target_id == Dispatch.target_id,
        other.subject == Dispatch.subject,
        other.id != Dispatch.id,
        other.state == DispatchState.SENDING,
        other.lease_until > now,
    )


def claim(tx: Session, dispatch_id: int, now: datetime) -> Held | None:
    """None if it is not due, or in other hands. One whose holder died counts as tried."""
    newer = aliased(Dispatch)
    overtaken = exists().where(
        newer.kind == Dispatch.kind,
        newer.target_id == Dispatch.target_id,
        newer.subject == Dispatch.subject,
        newer.id != Dispatch.id,
        newer.state.in_(WAITING),
    )
    # Left behind by a dead worker, while what waits tells all of it.
    tx.execute(
        update(Dispatch)
        .where(Dispatch.id == dispatch_id, Dispatch.state == DispatchState.SENDING, _is_due(now), overtaken)
        .values(state=DispatchState.CANCELLED, settled_at=now)
        .execution_options(synchronize_session=False)
    )
    claimed = tx.execute(
        update(Dispatch)
        .where(Dispatch.id == dispatch_id, _is_due(now), ~_under_way(now))
        .values(
            state=DispatchState.SENDING,
            epoch=Dispatch.epoch + 1,
            attempts=Dispatch.attempts + 1,
            lease_until=now + LEASE,
        )
        .returning(
            Dispatch.id, Dispatch.kind, Dispatch.target_id, Dispatch.subject, Dispatch.host_lookup, Dispatch.behind,
            Dispatch.epoch, Dispatch.attempts, Dispatch.as_of,
        )
        .execution_options(synchronize_session=False)
    ).one_or_none()  # fmt: skip
    return None if claimed is None else Held(*claimed)


def settle(tx: Session, held: Held, state: DispatchState, *, now: datetime, status: int | None = None) -> bool:
    """Ends it; False if somebody else has it by now."""
    return _give_back(tx, held, {"state": state, "settled_at": now, "status": status})


def defer(
    tx: Session, held: Held, until: datetime, *, now: datetime, status: int | None = None, tried: bool = True
) -> bool:
    """Puts it off; what waits for the same target already takes its place. Untried, it counts as no attempt."""
    waits = select(Dispatch.id).where(
        *_same(held.kind, held.target_id, held.subject), Dispatch.id != held.id, Dispatch.state.in_(WAITING)
    )
    if tx.execute(waits.limit(1)).first():
        return settle(tx, held, DispatchState.CANCELLED, now=now, status=status)
    attempts = held.attempts if tried else held.attempts - 1
    state = DispatchState.DEFERRED if attempts else DispatchState.PENDING
    return _give_back(
        tx,
        held,
        {"state": state, "next_at": until, "status": status, "attempts": attempts, "behind": held.behind or tried},
    )


def _give_back(tx: Session, held: Held, values: dict[str, Any]) -> bool:
    given = tx.execute(
        update(Dispatch)
        .where(Dispatch.id == held.id, Dispatch.state == DispatchState.SENDING, Dispatch.epoch == held.epoch)
        .values(lease_until=_NEVER, **values)
        .returning(Dispatch.id)
        .execution_options(synchronize_session=False)
    )
    return given.scalar_one_or_none() is not None


def cancel(tx: Session, kind: Kind, target_id: int, now: datetime) -> None:
    """Nothing more is told to a target that is gone. What is under way settles itself."""
    tx.execute(
        update(Dispatch)
        .where(Dispatch.kind == kind, Dispatch.target_id == target_id, Dispatch.state.in_(WAITING))
        .values(state=DispatchState.CANCELLED, settled_at=now)
        .execution_options(synchronize_session=False)
    )


def purge(tx: Session, now: datetime) -> int:
    """Deletes some of what was settled a month ago; returns how many."""
    old = list(tx.scalars(select(Dispatch.id).where(Dispatch.settled_at < now - KEPT).limit(_AT_A_TIME)))
    tx.execute(delete(Dispatch).where(Dispatch.id.in_(old)))
    return len(old)


def open_count(tx: Session) -> int:
    return tx.execute(select(func.count()).where(Dispatch.settled_at.is_(None))).scalar_one()
