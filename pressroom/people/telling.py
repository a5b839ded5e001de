"""Telling all owners of a newsroom something at once, by letters that the outbox sends."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom import outbox
from pressroom.people.account import Membership, Role


def tell_owners(tx: Session, kind: str, newsroom_id: int, *, now: datetime, **payload: int | str) -> None:
    """One outbox row of this kind for each; its payload says `account_id` too."""
    owners = select(Membership.account_id).where(Membership.newsroom_id == newsroom_id, Membership.role == Role.OWNER)
    for owner in tx.scalars(owners.order_by(Membership.account_id)):
        outbox.put(tx, kind, {**payload, "account_id": owner}, now=now)
