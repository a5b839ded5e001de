"""Verifying: the callback is asked whether it wants what somebody asked for in its name (WebSub §5.3)."""

from __future__ import annotations

import hmac
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from urllib.parse import quote

from sqlalchemy.orm import Session

from pressroom import locks
from pressroom.db import Database, new_id
from pressroom.locks import Lock
from pressroom.people import attempt
from pressroom.pushing import ledger, subscription
from pressroom.pushing.asking import WINDOW
from pressroom.pushing.call import Answer, Call
from pressroom.pushing.callback import with_query
from pressroom.pushing.dispatch import DispatchState, Kind
from pressroom.pushing.errand import Aside
from pressroom.pushing.intent import Intent, Mode
from pressroom.pushing.ledger import Held, Target
from pressroom.pushing.subscription import Subscription
from pressroom.seal import Keyring

# Many names may lead to one machine, so its network has a limit of its own.
_OF_ADDRESS = 120
_MOST_READ = 4096
# Threads wait here, where waiting takes no connection to the database.
_counting = threading.Lock()


@dataclass(frozen=True)
class Verification:
    """`challenge` is what the callback has to repeat; `began` is when the lease begins."""

    held: Held
    call: Call
    challenge: bytes
    began: datetime
    keyring: Keyring

    def answered(self, tx: Session, answer: Answer | None, now: datetime) -> DispatchState | None:
        """Whatever else it says than yes means no, redirects and errors of its own too."""
        if answer is None:
            return None
        intent = tx.get(Intent, self.held.target_id, with_for_update=True)
        if intent is None:
            return DispatchState.CANCELLED
        agreed = answer.is_success and hmac.compare_digest(answer.body, self.challenge)
        if agreed:
            _confirm(tx, self.keyring, intent, self.began, now)
        tx.delete(intent)
        return DispatchState.SENT if agreed else DispatchState.FAILED

    def given_up(self, tx: Session, now: datetime) -> None:
        """The subscription, if there is one, stays as it was."""
        intent = tx.get(Intent, self.held.target_id)
        if intent is not None:
            tx.delete(intent)


def prepare(
    database: Database, tx: Session, keyring: Keyring, held: Held, base_url: str, now: datetime
) -> Verification | Aside:
    intent = tx.get(Intent, held.target_id)
    if intent is None:
        return Aside(DispatchState.CANCELLED)
    challenge = secrets.token_urlsafe(32)
    said = {"hub.mode": intent.mode.value, "hub.topic": base_url + intent.topic, "hub.challenge": challenge}
    if intent.mode is Mode.SUBSCRIBE:
        said["hub.lease_seconds"] = str(intent.lease)
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in said.items())
    known = subscription.by_callback(tx, intent.callback_lookup) is not None
    call = Call(
        "GET",
        with_query(intent.callback(keyring), query),
        reads=_MOST_READ,
        permit=None if known else lambda address: _permits(database, keyring, address),
    )
    return Verification(held, call, challenge.encode(), now, keyring)


def _permits(database: Database, keyring: Keyring, address: str) -> bool:
    network = str(ip_network(f"{address}/{64 if ':' in address else 24}", strict=False))
    subject = keyring.lookup("callback network", network)
    with _counting, database.transaction() as tx:
        locks.take(tx, Lock.HUB)
        now = database.now(tx)
        if attempt.count_since(tx, "hub address", subject, now - WINDOW) >= _OF_ADDRESS:
            return False
        attempt.record(tx, "hub address", subject, now=now)
    return True


def _confirm(tx: Session, keyring: Keyring, intent: Intent, began: datetime, now: datetime) -> None:
    """Only now what was there before is overridden."""
    found = subscription.by_callback(tx, intent.callback_lookup, lock=True)
    if intent.mode is Mode.UNSUBSCRIBE:
        if found is not None:
            end(tx, found, now)
        return
    made = found or Subscription(
        id=new_id(), topic=intent.topic, newsroom_id=intent.newsroom_id, callback_lookup=intent.callback_lookup,
        host_lookup=intent.host_lookup, created_at=now,
    )  # fmt: skip
    made.keep(keyring, intent.callback(keyring), intent.secret(keyring))
    made.network_lookup = intent.network_lookup
    made.expires_at = began + timedelta(seconds=intent.lease)
    made.failures = 0
    if found is None:
        tx.add(made)
        # The feed may have changed since the subscriber read it. And from then on only changes are told: a first push
        # that came with the next act, hidden or not, would give it away.
        first = Target(made.id, made.host_lookup, behind=True)
        ledger.arm(tx, Kind.CONTENT, [first], as_of=now, now=now, not_before=now)


def end(tx: Session, found: Subscription, now: datetime) -> None:
    """Nothing of it is kept, callback and secret least of all."""
    ledger.cancel(tx, Kind.CONTENT, found.id, now)
    tx.delete(found)
