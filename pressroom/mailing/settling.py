"""Settling: what a mail server's answer means for its delivery, for the rest of its chunk, and for its destination."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from pressroom.mailing import hot_rows, ledger, suppression, throttle
from pressroom.mailing.delivery import DeliveryState
from pressroom.mailing.holding import Holding
from pressroom.mailing.ledger import Item, Stored
from pressroom.mailing.throttle import Throttle
from pressroom.mailing.wire import Answer, Outcome, Party
from pressroom.seal import Keyring

_RECONNECT = timedelta(seconds=10)
_LONGEST_WAIT = timedelta(hours=4)


@dataclass(frozen=True)
class Patience:
    """How long a delivery that is put off waits at first, and after how long it is given up."""

    first_wait: timedelta = timedelta(seconds=60)
    give_up: timedelta = timedelta(hours=48)

    def wait(self, item: Item) -> timedelta:
        seconds = self.first_wait.total_seconds() * 2 ** min(item.attempts, 8)
        return timedelta(seconds=min(seconds, _LONGEST_WAIT.total_seconds()) * random.uniform(0.8, 1.2))


@dataclass(frozen=True)
class Settler:
    """For one sender; every method is part of the caller's transaction."""

    keyring: Keyring
    patience: Patience
    throttle: Throttle

    def settle(
        self, tx: Session, holding: Holding, answered: Sequence[tuple[int, Answer]], now: datetime, *, cancelled: bool
    ) -> None:
        """Writes what the messages of one holding have come to."""
        sent: dict[tuple[int | None, str], list[int]] = {}
        rest: list[Stored] = []
        for delivery_id, answer in answered:
            item, revision_id = holding.on_the_wire[delivery_id]
            if answer.outcome is Outcome.SENT:
                sent.setdefault((revision_id, answer.short), []).append(delivery_id)
            else:
                rest.append(self._settle(tx, holding, item, revision_id, answer, now, cancelled=cancelled))
        for (revision_id, short), ids in sent.items():
            hot_rows.store_sent(tx, ids, revision_id, short, holding.epoch, now)
        if rest:
            ledger.store(tx, rest, holding.epoch, now)

    def _settle(
        self,
        tx: Session,
        holding: Holding,
        item: Item,
        revision_id: int | None,
        answer: Answer,
        now: datetime,
        *,
        cancelled: bool,
    ) -> Stored:
        state, wait = DeliveryState.DEFERRED, self.patience.wait(item)
        doubts, doubled = item.doubts, min(1, item.doubts)
        if answer.outcome is Outcome.FAILED:
            state = DeliveryState.FAILED
        elif answer.outcome is Outcome.BOUNCED:
            state = DeliveryState.BOUNCED
            if item.subscriber_id is not None:
                reason = suppression.Reason.BOUNCE
                suppression.of_subscriber(tx, item.subscriber_id, reason, now=now, delivery_id=item.id)
        elif answer.outcome is Outcome.DOUBT:
            state = DeliveryState.DEFERRED if item.doubts == 0 and not cancelled else DeliveryState.UNKNOWN
            doubts, doubled = item.doubts + 1, 1 if state is DeliveryState.DEFERRED else doubled
        else:
            wait = self._hold_back(tx, holding, item, answer, wait, now)
        tried = answer.outcome in (Outcome.WAIT, Outcome.BUSY)
        if tried and now + wait > (item.first_at or now) + self.patience.give_up:
            state = DeliveryState.FAILED
        reply = None
        if answer.text:
            reply = self.keyring.seal(answer.text[:2000], "delivery", "reply", item.id)
        next_at = now + wait if state is DeliveryState.DEFERRED else None
        return Stored(item.id, state, next_at, doubts, doubled, revision_id, answer.short, reply)

    def _hold_back(
        self, tx: Session, holding: Holding, item: Item, answer: Answer, wait: timedelta, now: datetime
    ) -> timedelta:
        """What a passing refusal asks of this message's neighbours; returns how long the message itself waits."""
        if answer.outcome is Outcome.POLICY:
            holding.policy = answer.short
            holding.end()
        elif answer.outcome is Outcome.FENCED:
            holding.end()
            return timedelta(0)
        elif answer.outcome is Outcome.UNSENT:
            self.throttle.note(throttle.RELAY, throttle.strike(tx, throttle.RELAY, now, rest=_RECONNECT))
            return _RECONNECT
        elif answer.outcome is Outcome.BUSY:
            relay = answer.party is Party.RELAY or not item.domain
            lookup = throttle.RELAY if relay else self.throttle.lookup(item.domain)
            until = throttle.strike(tx, lookup, now)
            self.throttle.note(lookup, until)
            return max(wait, until - now)
        return wait
