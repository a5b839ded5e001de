"""Pinging: a hub elsewhere is told that a feed has changed, and fetches it (WebSub §6 leaves the form to the two)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from pressroom.pushing.call import Answer, Call
from pressroom.pushing.dispatch import DispatchState
from pressroom.pushing.distributing import not_to_send
from pressroom.pushing.errand import Aside, Show
from pressroom.pushing.ledger import Held
from pressroom.pushing.watermark import Pinged


@dataclass(frozen=True)
class Ping:
    held: Held
    call: Call
    etag: str

    def answered(self, tx: Session, answer: Answer | None, now: datetime) -> DispatchState | None:
        if answer is None or not answer.is_success:
            return None
        tx.merge(Pinged(topic=self.held.subject, etag=self.etag))
        return DispatchState.SENT

    def given_up(self, tx: Session, now: datetime) -> None:
        """The next change pings again."""


def prepare(tx: Session, held: Held, base_url: str, hub: str, show: Show, now: datetime) -> Ping | Aside:
    shown, before = show(held.subject), tx.get(Pinged, held.subject)
    set_aside = not_to_send(held, shown, before.etag if before else None, now)
    if shown is None or set_aside:
        return set_aside or Aside(DispatchState.CANCELLED)
    body = urlencode({"hub.mode": "publish", "hub.url": base_url + held.subject})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Ping(held, Call("POST", hub, headers, body.encode()), shown.etag)
