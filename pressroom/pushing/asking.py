"""Asking: what a subscriber wants of the hub is noted, and its callback is asked whether it does (WebSub §5).

Whoever posts to the hub makes us send a request to a machine of their choice. So a request is refused here once too
many came from one network, or for one host.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from pressroom import locks
from pressroom.db import Database, new_id
from pressroom.errors import NotAllowed, Refused, TryLater
from pressroom.locks import Lock
from pressroom.people import attempt
from pressroom.pushing import callback, intent, ledger, subscription
from pressroom.pushing.dispatch import Kind
from pressroom.pushing.intent import Intent, Mode
from pressroom.pushing.ledger import Target
from pressroom.pushing.subscription import Topic
from pressroom.seal import Keyring

WINDOW = timedelta(minutes=10)
_LONGEST_SECRET = 200
_OF_NETWORK, _OF_HOST, _OF_KNOWN_HOST = 300, 60, 1000
_SUBSCRIPTIONS = 1000
_INTENTS = 2000


class TooManyRequests(TryLater):
    """From this network, or for this host. The same one may be made again after WINDOW."""


@dataclass(frozen=True)
class Wish:
    """A checked form: `lease` is in seconds, as it was asked for."""

    mode: Mode
    topic: Topic
    callback: str
    lease: int | None = None
    secret: str | None = None


def ask(database: Database, keyring: Keyring, wish: Wish, *, network: str, private: bool, now: datetime) -> list[int]:
    """Returns the dispatches to ring for. Raises Refused, NotAllowed, TooManyRequests and TryLater."""
    if wish.secret is not None and len(wish.secret.encode()) >= _LONGEST_SECRET:
        raise Refused(f"hub.secret must be shorter than {_LONGEST_SECRET} bytes.")
    there = callback.parse(wish.callback, private=private)
    host = keyring.lookup("host", there.host.rstrip("."))
    asker = keyring.lookup("network", network)
    known = subscription.lookup(keyring, wish.topic.path, wish.callback)
    with database.transaction() as tx:
        locks.take(tx, Lock.HUB)
        is_known = subscription.by_callback(tx, known) is not None
        tx.execute(delete(Intent).where(Intent.callback_lookup == known))
        _limit(tx, asker, host, is_known=is_known, now=now)
        made = Intent(
            id=new_id(),
            mode=wish.mode,
            topic=wish.topic.path,
            newsroom_id=wish.topic.newsroom_id,
            callback_lookup=known,
            host_lookup=host,
            network_lookup=asker,
            lease=int(subscription.lease(wish.lease).total_seconds()),
            created_at=now,
        )
        made.keep(keyring, wish.callback, wish.secret)
        tx.add(made)
        tx.flush()
        target = Target(made.id, host, behind=not is_known)
        return ledger.arm(tx, Kind.VERIFICATION, [target], as_of=now, now=now, not_before=now)


def _limit(tx: Session, asker: bytes, host: bytes, *, is_known: bool, now: datetime) -> None:
    # Who holds a subscription proves it by the callback, which nobody else knows: strangers do not use up its share.
    kind, most = ("hub known host", _OF_KNOWN_HOST) if is_known else ("hub host", _OF_HOST)
    if attempt.count_since(tx, "hub network", asker, now - WINDOW) >= _OF_NETWORK:
        raise TooManyRequests("Too many requests came from your network: wait ten minutes.")
    if attempt.count_since(tx, kind, host, now - WINDOW) >= most:
        raise TooManyRequests("Too many requests name this callback's host: wait ten minutes.")
    if intent.count(tx) >= _INTENTS:
        raise TryLater("Too many requests wait for their callbacks: try again in some minutes.")
    if not is_known and max(_subscriptions(tx, host=host), _subscriptions(tx, network=asker)) >= _SUBSCRIPTIONS:
        raise NotAllowed(f"There are {_SUBSCRIPTIONS} subscriptions of this host or network already: end some.")
    attempt.record(tx, "hub network", asker, now=now)
    attempt.record(tx, kind, host, now=now)


def _subscriptions(tx: Session, *, host: bytes | None = None, network: bytes | None = None) -> int:
    """With those whose callbacks have not agreed yet."""
    # These first: one that is confirmed in between is counted twice, and not missed.
    begun = intent.count_new(tx, host=host, network=network)
    return begun + subscription.count(tx, host=host, network=network)
