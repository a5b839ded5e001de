"""The whole application as a reader's browser meets it, with a database clock that a test can set ahead."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from pressroom import addresses, create_app
from pressroom.config import Config
from pressroom.db import Database
from pressroom.service import Service
from pressroom.web.fastpath import Pulse
from tests.makers import Made


class Site:
    """`ahead` is added to the database's time; every request asks the database for it anew."""

    def __init__(self, config: Config, database: Database, *, every: float = 0.0, pulse: Pulse | None = None) -> None:
        self.database = database
        self.ahead = timedelta()
        pulse = pulse or Pulse(database, every=every, clock=self._clock)
        self.app = create_app(service=Service(config), pulse=pulse)
        self.app.testing = True
        self.client = self.app.test_client()

    def _clock(self, tx: Session) -> datetime:
        return self.database.now(tx) + self.ahead

    def get(self, path: str, *, method: str = "GET", peer: str = "127.0.0.1", **headers: str) -> TestResponse:
        """A header `If_None_Match` is sent as If-None-Match; `peer` is the address that the request comes from."""
        return self.client.open(
            path,
            method=method,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            environ_base={"REMOTE_ADDR": peer},
        )

    def close(self) -> None:
        self.app.extensions["pressroom"].database.dispose()


def path(made: Made, tag: str) -> str:
    return addresses.release(made.newsroom.slug, tag, made.translations[tag].slug)
