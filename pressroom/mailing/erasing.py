"""Erasing a person: everything that says who they are goes; that they must not be written to stays."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.mailing import address, suppression
from pressroom.mailing import subscriber as subscribers
from pressroom.mailing.arrival import Arrival
from pressroom.mailing.bounce import Bounce
from pressroom.mailing.delivery import Delivery
from pressroom.mailing.media_list import ListMember
from pressroom.mailing.subscriber import IN_ANY_NEWSROOM, Frequency, Subscriber, SubscriberBeat
from pressroom.mailing.subscribing import delete_rows
from pressroom.mailing.suppression import Reason
from pressroom.people import attempt, audit
from pressroom.seal import Keyring


def erase(database: Database, keyring: Keyring, email: str, *, now: datetime) -> int:
    """Erases an address in every newsroom; returns how many subscriptions it had. Raises Refused.

    Rows that notices and deliveries name are kept without any particulars. Suppressions are kept, as hashes.
    """
    lookup = subscribers.lookup(keyring, address.parse(email))
    with database.transaction() as tx:
        query = select(Subscriber).where(IN_ANY_NEWSROOM, Subscriber.email_lookup == lookup).order_by(Subscriber.id)
        found = list(tx.scalars(query.with_for_update(key_share=True)))
        if any(row.left_at is not None for row in found):
            # They had left; the erased row can no longer say so to an import.
            suppression.add(tx, lookup, Reason.REQUEST, now=now)
        never_written_to = [row.id for row in found if row.confirmed_at is None]
        kept = [row for row in found if row.confirmed_at is not None]
        delete_rows(tx, never_written_to)
        ids = [row.id for row in kept]
        tx.execute(delete(SubscriberBeat).where(SubscriberBeat.subscriber_id.in_(ids)))
        tx.execute(delete(ListMember).where(ListMember.subscriber_id.in_(ids)))
        # What a mail server answered may name the address.
        tx.execute(update(Delivery).where(Delivery.subscriber_id.in_(ids)).values(reply_sealed=None))
        _forget_bounces(tx, ids)
        for row in kept:
            _blank(row, keyring, now=now)
        for kind in ("sign-up address", "preferences link"):
            attempt.forget(tx, kind, lookup)
        for row in found:
            audit.note(tx, "erase", f"subscriber:{row.id}", now=now, newsroom_id=row.newsroom_id)
        return len(found)


def _forget_bounces(tx: Session, subscriber_ids: list[int]) -> None:
    """What came back about these people, as text; that it came stays counted."""
    theirs = select(Delivery.id).where(Delivery.subscriber_id.in_(subscriber_ids))
    named = select(Bounce.arrival_id).where(Bounce.delivery_id.in_(theirs))
    tx.execute(update(Arrival).where(Arrival.id.in_(named)).values(raw_sealed=None))
    tx.execute(update(Bounce).where(Bounce.delivery_id.in_(theirs)).values(diagnostic_sealed=None))


def _blank(row: Subscriber, keyring: Keyring, *, now: datetime) -> None:
    row.email_sealed = keyring.seal("", "subscriber", "email", row.id)
    row.email_lookup = secrets.token_bytes(32)
    row.name_sealed = row.outlet_sealed = None
    row.languages = []
    row.frequency, row.paused_until = Frequency.IMMEDIATE, None
    row.consent_text = ""
    row.consent_language = None
    row.left_at = row.left_at or now
    # So that a link to confirm, sent before, brings nobody back.
    row.consent_at = min(row.consent_at, row.left_at - timedelta(microseconds=1))
