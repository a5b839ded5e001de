"""Distributing: a feed's new state goes to a subscription, whole and signed (WebSub §7)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.pushing.call import Answer, Call
from pressroom.pushing.dispatch import DispatchState
from pressroom.pushing.errand import Aside, Show, Shown
from pressroom.pushing.ledger import Held
from pressroom.pushing.subscription import Subscription
from pressroom.pushing.verifying import end
from pressroom.seal import Keyring

_GONE = 410
_SHORTEST_WAIT = timedelta(milliseconds=50)


@dataclass(frozen=True)
class Distribution:
    held: Held
    call: Call
    etag: str

    def answered(self, tx: Session, answer: Answer | None, now: datetime) -> DispatchState | None:
        found = tx.get(Subscription, self.held.target_id, with_for_update=True)
        is_success = answer is not None and answer.is_success
        if found is None:
            return DispatchState.SENT if is_success else DispatchState.CANCELLED
        if answer is not None and answer.status == _GONE:
            end(tx, found, now)
            return DispatchState.FAILED
        if not is_success:
            found.failures += 1
            return None
        found.etag, found.failures = self.etag, 0
        return DispatchState.SENT

    def given_up(self, tx: Session, now: datetime) -> None:
        """Only the subscriber and its lease end a subscription: the next change is told all the same."""


def prepare(
    tx: Session, keyring: Keyring, held: Held, base_url: str, hub: str, show: Show, now: datetime
) -> Distribution | Aside:
    """What is pushed is how the feed reads now, whatever was to be told when the dispatch was made."""
    found = tx.get(Subscription, held.target_id)
    if found is None or found.expires_at <= now:
        return Aside(DispatchState.CANCELLED)
    shown = show(found.topic)
    set_aside = not_to_send(held, shown, found.etag, now)
    if shown is None or set_aside:
        return set_aside or Aside(DispatchState.CANCELLED)
    headers = {"Content-Type": shown.content_type, "Link": addresses.hub_links(hub, base_url + found.topic)}
    secret = found.secret(keyring)
    if secret is not None:
        headers["X-Hub-Signature"] = f"sha256={hmac.digest(secret.encode(), shown.body, 'sha256').hex()}"
    return Distribution(held, Call("POST", found.callback(keyring), headers, shown.body), shown.etag)


def not_to_send(held: Held, shown: Shown | None, told: str | None, now: datetime) -> Aside | None:
    """Why a feed is not told of: it is gone, does not show the change yet, or says what was told last."""
    if shown is None:
        return Aside(DispatchState.CANCELLED)
    if shown.at < held.as_of:
        # The clock of readers is behind the one that noticed.
        return Aside(DispatchState.DEFERRED, now + max(held.as_of - shown.at, _SHORTEST_WAIT))
    return Aside(DispatchState.UNCHANGED) if shown.etag == told else None
