"""Signing up, confirming and leaving: what a journalist does with their own subscription.

Double opt-in: a sign-up alone changes nothing for anybody. Whoever is subscribed already stays as they are, and the
answer is the same, so that nobody learns who subscribes and nobody changes a stranger's choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pressroom import locks, outbox
from pressroom.db import Database, new_id
from pressroom.errors import Conflict, NotFound, TryLater
from pressroom.locks import Lock
from pressroom.mailing import address, choosing, media_list, suppression
from pressroom.mailing import subscriber as subscribers
from pressroom.mailing.choosing import Choices
from pressroom.mailing.media_list import ListMember, MediaList
from pressroom.mailing.subscriber import Person, Subscriber, SubscriberBeat
from pressroom.mailing.suppression import Reason
from pressroom.people import attempt, audit
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.newsroom import Newsroom
from pressroom.seal import Keyring

OWN_LIST = "subscribers"
LINK_LASTS = timedelta(days=7)
UNCONFIRMED_LASTS = timedelta(days=14)

_PER_ADDRESS, _PER_NETWORK, _PER_SITE = 3, 20, 500
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class SignUp:
    """What somebody asked for; `consent_text` is the wording they saw. `network` is such as 192.0.2.0/24."""

    email: str
    languages: Sequence[str]
    beats: Sequence[str]
    consent_text: str
    consent_language: str
    network: str
    source: str = "web"


def join(database: Database, keyring: Keyring, newsroom_slug: str, wanted: SignUp, *, now: datetime) -> None:
    """Notes a sign-up and has a confirmation sent, if the address may be written to at all.

    Raises Refused for an address, language or beat that cannot be, and TryLater when too many sign up at once.
    """
    email = address.parse(wanted.email)
    lookup = subscribers.lookup(keyring, email)
    with database.transaction() as tx:
        newsroom = newsrooms.by_slug(tx, newsroom_slug)
        # One sign-up at a time, so that two make neither two rows nor two lists.
        newsrooms.locked(tx, newsroom.id)
        chosen = choosing.check(tx, newsroom, wanted.languages, wanted.beats, now=now)
        if not _within_limits(tx, keyring, lookup, wanted.network, now=now) or suppression.find(tx, lookup):
            return
        known = subscribers.find(tx, newsroom.id, lookup)
        if known is not None and _is_subscribed(known):
            return
        row = known or _new_row(tx, keyring, newsroom, email)
        _note_wish(tx, newsroom, row, wanted, chosen, now=now)
        outbox.put(tx, "send_confirmation", {"subscriber_id": row.id}, now=now)


def _is_subscribed(row: Subscriber) -> bool:
    return row.confirmed_at is not None and row.left_at is None


def _within_limits(tx: Session, keyring: Keyring, lookup: bytes, network: str, *, now: datetime) -> bool:
    """Whether this address may be written to once more today. Raises TryLater for a busy network or site."""
    locks.take(tx, Lock.SIGN_UP)
    site = keyring.lookup("network", "")
    whence = keyring.lookup("network", network)
    for kind, subject, most in (("sign-up network", whence, _PER_NETWORK), ("sign-up site", site, _PER_SITE)):
        if attempt.count_since(tx, kind, subject, now - _HOUR) >= most:
            raise TryLater("Too many sign-ups at once: wait an hour and try again.")
    attempt.record(tx, "sign-up network", whence, now=now)
    attempt.record(tx, "sign-up site", site, now=now)
    if attempt.count_since(tx, "sign-up address", lookup, now - _DAY) >= _PER_ADDRESS:
        return False
    attempt.record(tx, "sign-up address", lookup, now=now)
    return True


def _new_row(tx: Session, keyring: Keyring, newsroom: Newsroom, email: str) -> Subscriber:
    subscriber_id = new_id()
    row = Subscriber(
        id=subscriber_id, newsroom_id=newsroom.id, **subscribers.seal(keyring, subscriber_id, Person(email, "", ""))
    )
    tx.add(row)
    return row


def _note_wish(
    tx: Session, newsroom: Newsroom, row: Subscriber, wanted: SignUp, chosen: Choices, *, now: datetime
) -> None:
    """On a row that nobody writes to until it is confirmed."""
    row.languages = list(chosen.languages)
    row.consent_text = wanted.consent_text
    row.consent_language = wanted.consent_language
    row.consent_source = wanted.source
    row.consent_at = now
    row.created_at = row.created_at or now
    tx.flush()
    choosing.store_beats(tx, newsroom, row.id, chosen.beats)
    own = _own_list(tx, newsroom.id, now=now)
    if tx.get(ListMember, (own.id, row.id)) is None:
        tx.add(ListMember(list_id=own.id, subscriber_id=row.id))


def _own_list(tx: Session, newsroom_id: int, *, now: datetime) -> MediaList:
    """Where those who sign up themselves stand; made for the first of them."""
    try:
        return media_list.by_slug(tx, newsroom_id, OWN_LIST)
    except NotFound:
        made = MediaList(id=new_id(), newsroom_id=newsroom_id, slug=OWN_LIST, name="Subscribers", created_at=now)
        tx.add(made)
        tx.flush()
        return made


def confirm(database: Database, subscriber_id: int, *, now: datetime) -> None:
    """Completes a sign-up; it also brings back somebody who had left and signed up again since.

    Raises NotFound, Conflict for a link older than their leaving, and Conflict for a suppressed address.
    """
    with database.transaction() as tx:
        row = _locked(tx, subscriber_id)
        if row.suppressed_at is not None:
            raise Conflict("This address asked for no more mail, or cannot be reached; nothing is sent to it.")
        if row.left_at is not None and row.consent_at < row.left_at:
            raise Conflict("This link is older than your leaving: sign up again to get a new one.")
        if not _is_subscribed(row):
            row.confirmed_at, row.left_at = now, None
            _note(tx, "confirm subscription", row, now=now)


def leave(database: Database, subscriber_id: int, *, now: datetime) -> None:
    """Ends all mail of one newsroom to this person, from its commit on. Safe to repeat. Raises NotFound."""
    with database.transaction() as tx:
        leave_within(tx, subscriber_id, now=now)


def leave_within(tx: Session, subscriber_id: int, *, now: datetime) -> None:
    """For an act whose transaction it is part of. Raises NotFound."""
    row = _locked(tx, subscriber_id)
    if row.left_at is None:
        row.left_at = now
        _note(tx, "unsubscribe", row, now=now)


def never_again(database: Database, subscriber_id: int, *, now: datetime) -> None:
    """Ends all mail of the whole site to this person's address. Safe to repeat. Raises NotFound."""
    with database.transaction() as tx:
        row = _locked(tx, subscriber_id)
        if row.left_at is None:
            row.left_at = now
        suppression.add(tx, row.email_lookup, Reason.REQUEST, now=now)
        _note(tx, "suppress address", row, now=now)


def ask_for_preferences(database: Database, subscriber_id: int, *, now: datetime) -> None:
    """Has a link to their preferences sent to the subscriber's own address, at most three times a day.

    Only the owner of the address gets it; nothing is sent to one who left or is suppressed. Raises NotFound.
    """
    with database.transaction() as tx:
        row = _locked(tx, subscriber_id)
        kind = "preferences link"
        may = _is_subscribed(row) and row.suppressed_at is None
        if may and attempt.count_since(tx, kind, row.email_lookup, now - _DAY) < _PER_ADDRESS:
            attempt.record(tx, kind, row.email_lookup, now=now)
            outbox.put(tx, "send_preferences_link", {"subscriber_id": row.id}, now=now)


def _locked(tx: Session, subscriber_id: int) -> Subscriber:
    """With its row locked, which the senders share while they decide whether to write."""
    row = tx.get(Subscriber, subscriber_id, with_for_update={"key_share": True})
    if row is None:
        raise NotFound("There is no such subscription.")
    return row


def _note(tx: Session, act: str, row: Subscriber, *, now: datetime) -> None:
    audit.note(tx, act, f"subscriber:{row.id}", now=now, newsroom_id=row.newsroom_id)


def purge_unconfirmed(database: Database, *, now: datetime) -> int:
    """Deletes sign-ups that nobody confirmed within 14 days, and returns how many; such a person was never written to
    but for the confirmation itself.
    """
    with database.transaction() as tx:
        query = select(Subscriber.id).where(
            Subscriber.confirmed_at.is_(None), Subscriber.consent_at < now - UNCONFIRMED_LASTS
        )
        stale = list(tx.scalars(query.limit(500).with_for_update(key_share=True)))
        delete_rows(tx, stale)
        return len(stale)


def delete_rows(tx: Session, ids: Sequence[int]) -> None:
    """For people no notice was ever made for."""
    tx.execute(delete(SubscriberBeat).where(SubscriberBeat.subscriber_id.in_(ids)))
    tx.execute(delete(ListMember).where(ListMember.subscriber_id.in_(ids)))
    tx.execute(delete(Subscriber).where(Subscriber.id.in_(ids)))
