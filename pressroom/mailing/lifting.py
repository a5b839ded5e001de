"""Lifting a suppression: a person says why an address may be written to again. It brings nobody back who left."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.errors import NotAllowed, NotFound, Refused
from pressroom.mailing import address, suppression
from pressroom.mailing import subscriber as subscribers
from pressroom.mailing.subscriber import IN_ANY_NEWSROOM, Subscriber
from pressroom.mailing.suppression import Reason
from pressroom.people import audit, granting
from pressroom.people.account import Act, Role, role_in
from pressroom.seal import Keyring

_SHORTEST = 5


def lift_address(
    database: Database, keyring: Keyring, email: str, why: str, *, now: datetime, by: int | None = None
) -> Reason:
    """Raises NotFound, Refused and NotAllowed; see `lift`."""
    lookup = subscribers.lookup(keyring, address.parse(email))
    with database.transaction() as tx:
        return _lift(tx, lookup, why, now=now, by=by)


def lift(database: Database, subscriber_id: int, why: str, *, now: datetime, by: int) -> Reason:
    """Lifts what keeps a subscriber's address from mail, for the whole site; returns what it was.

    A bounce takes somebody who may send. A complaint or “never again” takes an owner of every newsroom that the address
    is subscribed to, for it was said to all of them. Raises NotFound, Refused without a reason, and NotAllowed.
    """
    with database.transaction() as tx:
        row = tx.get(Subscriber, subscriber_id)
        if row is None:
            raise NotFound("There is no such subscription.")
        return _lift(tx, row.email_lookup, why, now=now, by=by)


def _lift(tx: Session, lookup: bytes, why: str, *, now: datetime, by: int | None) -> Reason:
    given = " ".join(why.split())
    if len(given) < _SHORTEST:
        raise Refused("Say in a few words why this address may be written to again.")
    # One order of locks: the people first, as senders have it.
    query = select(Subscriber).where(IN_ANY_NEWSROOM, Subscriber.email_lookup == lookup).order_by(Subscriber.id)
    people = list(tx.scalars(query.with_for_update(key_share=True)))
    found = suppression.find(tx, lookup)
    if found is None:
        raise NotFound("This address is not suppressed.")
    newsrooms = sorted({one.newsroom_id for one in people})
    _permit(tx, by, newsrooms, found.reason)
    reason = found.reason
    suppression.remove(tx, found)
    for one in people:
        audit.note(
            tx, "lift suppression", f"subscriber:{one.id}", now=now, newsroom_id=one.newsroom_id, account_id=by,
            reason=given, was=reason.value,
        )  # fmt: skip
    if not people:
        audit.note(tx, "lift suppression", "subscriber:none", now=now, account_id=by, reason=given, was=reason.value)
    return reason


def _permit(tx: Session, by: int | None, newsrooms: list[int], reason: Reason) -> None:
    if reason is Reason.BOUNCE:
        if by is not None and not any(_may_send(tx, by, one) for one in newsrooms):
            raise NotAllowed("Your role does not allow this; ask an editor or owner.")
        return
    if by is None or not newsrooms or any(role_in(tx, by, one) is not Role.OWNER for one in newsrooms):
        raise NotAllowed(
            "They complained or asked for no more mail: only an owner of every newsroom they are known to may lift it."
        )


def _may_send(tx: Session, by: int, newsroom_id: int) -> bool:
    role = role_in(tx, by, newsroom_id)
    return role is not None and Act.SEND in granting.GRANTS[role]
