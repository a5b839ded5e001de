"""A hub on a real database, whose worker, clock and HTTP client run here, with the few acts that its tests repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from pressroom import create_app
from pressroom.config import Config
from pressroom.db import Database
from pressroom.outgoing.client import Client
from pressroom.outgoing.topics import Topics
from pressroom.pushing import delivering, noticing
from pressroom.pushing.call import Caller
from pressroom.pushing.delivering import House, Terms
from pressroom.pushing.dispatch import WAITING, Dispatch, Kind
from pressroom.pushing.noticing import Hub
from pressroom.pushing.subscription import Subscription
from pressroom.service import Service
from tests.pushing.subscriber import Subscriber

BASE = "https://press.example.org"


class HubHouse:
    """`ahead` is added to the time of readers, here and in what is pushed."""

    def __init__(self, database: Database, config: Config, **settings: object) -> None:
        self.database = database
        self.config = replace(config, **{"base_url": BASE, "push_private_networks": True, **settings})
        self.service = Service(self.config)
        self.ahead = timedelta()
        self.topics = Topics(self.service)
        self.topics._clock = self._clock
        self.call: Caller = Client("Pressroom", private=True, seconds=20)
        self.rung: list[int] = []
        self.client = create_app(service=self.service).test_client()

    def _clock(self, tx: Session) -> datetime:
        return self.database.now(tx) + self.ahead

    def close(self) -> None:
        self.service.database.dispose()

    def post(self, form: dict[str, str]) -> TestResponse:
        return self.client.post("/hub", data=form)

    def notice(self) -> list[int]:
        return noticing.notice(self.database, self.service.keyring, Hub.of(self.config), self._clock)

    def house(self, **terms: object) -> House:
        made = Terms(BASE, Hub.of(self.config), **{"connections": 8, "run_for": 60.0, **terms})
        return House(self.database, self.service.keyring, made, self.call, self.topics)

    def deliver(self, *, stop: Callable[[], bool] = lambda: False, **terms: object) -> int:
        return delivering.deliver(self.house(**terms), stop=stop, ring=self._ring)

    def _ring(self, dispatch_id: int) -> bool:
        self.rung.append(dispatch_id)
        return True

    def push(self) -> int:
        """What the clock and a worker do after a change."""
        self.notice()
        return self.deliver()

    def subscribe(self, subscriber: Subscriber, topic: str, **more: str) -> None:
        """To a whole address, verified."""
        answer = self.post(subscriber.request("subscribe", topic, **more))
        assert answer.status_code == 202, answer.text
        self.notice()
        self.deliver()

    def subscriptions(self) -> list[Subscription]:
        with self.database.reading() as tx:
            return list(tx.scalars(select(Subscription).order_by(Subscription.id)))

    def states(self, kind: Kind = Kind.CONTENT) -> list[str]:
        """Of all dispatches of a kind, the oldest first."""
        with self.database.reading() as tx:
            return [
                one.value
                for one in tx.scalars(select(Dispatch.state).where(Dispatch.kind == kind).order_by(Dispatch.id))
            ]

    def holds(self) -> set[timedelta]:
        """How long after they were noted the dispatches that wait may leave."""
        with self.database.reading() as tx:
            return {
                one.next_at - one.created_at for one in tx.scalars(select(Dispatch).where(Dispatch.state.in_(WAITING)))
            }

    def age(self) -> None:
        """Whatever waits is due and every hold is over, as if time had passed."""
        with self.database.transaction() as tx:
            past = self.database.now(tx) - timedelta(seconds=1)
            tx.execute(update(Dispatch).values(lease_until=past))
            tx.execute(update(Dispatch).where(Dispatch.state.in_(WAITING)).values(next_at=past))
