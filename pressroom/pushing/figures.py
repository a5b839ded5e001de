"""Figures of the hub, for the desk and for monitors: how many machines there are and how it goes, never which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from pressroom.pushing.dispatch import Dispatch, DispatchState, Kind
from pressroom.pushing.subscription import Subscription


@dataclass(frozen=True)
class TopicFigures:
    """`failing` counts the subscriptions whose last try went wrong. `told_at` is the last time that one of them took a
    push, None where the ledger does not know of any; `ends_at` when the first of their leases ends.
    """

    topic: str
    subscriptions: int
    failing: int
    told_at: datetime | None
    ends_at: datetime


def per_topic(tx: Session, newsroom_id: int, now: datetime) -> list[TopicFigures]:
    """Of the feeds that changes of a newsroom may change, those of all newsrooms too."""
    told_at = (
        select(func.max(Dispatch.settled_at))
        .where(Dispatch.kind == Kind.CONTENT, Dispatch.target_id == Subscription.id)
        .where(Dispatch.state == DispatchState.SENT)
        .correlate(Subscription)
        .scalar_subquery()
    )
    each = (
        select(Subscription.topic, Subscription.expires_at, _fails().label("fails"), told_at.label("told_at"))
        .where(_lasts(now), or_(Subscription.newsroom_id == newsroom_id, Subscription.newsroom_id.is_(None)))
        .subquery()
    )
    query = (
        select(
            each.c.topic, func.count(), func.sum(each.c.fails), func.max(each.c.told_at), func.min(each.c.expires_at)
        )
        .group_by(each.c.topic)
        .order_by(each.c.topic)
    )
    return [TopicFigures(one[0], one[1], int(one[2]), one[3], one[4]) for one in tx.execute(query)]


def of_all(tx: Session, now: datetime) -> tuple[int, int]:
    """How many subscriptions there are, and how many of them are failing."""
    count, failing = tx.execute(select(func.count(), func.coalesce(func.sum(_fails()), 0)).where(_lasts(now))).one()
    return count, int(failing)


def _lasts(now: datetime) -> ColumnElement[bool]:
    return Subscription.expires_at > now


def _fails() -> ColumnElement[int]:
    return case((Subscription.failures > 0, 1), else_=0)
