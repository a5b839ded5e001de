"""The desk as people with different roles meet it in their browsers."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from werkzeug.test import TestResponse

from pressroom import create_app
from pressroom.config import Config
from pressroom.db import Database
from pressroom.people import inviting, signing_in
from pressroom.people.account import Role
from pressroom.releases.newsroom import Newsroom
from pressroom.service import Service
from pressroom.web.auth import COOKIE
from pressroom.web.fastpath import Pulse

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """One person's cookies. `send` fills in the form token that a page of the desk carries."""

    def __init__(self, house: House, token: str | None) -> None:
        self.client = house.app.test_client()
        if token:
            self.client.set_cookie(COOKIE, token)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def send(self, path: str, **fields: Any) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.form_token(), **fields})

    def form_token(self, path: str = "/desk/") -> str:
        found = _TOKEN.search(self.client.get(path, follow_redirects=True).text)
        assert found is not None
        return found[1]


class House:
    """The application on a real database; what is public is looked up anew at every request."""

    def __init__(self, config: Config, database: Database) -> None:
        self.database, self.service = database, Service(config)
        self.app = create_app(service=self.service, pulse=Pulse(database, every=0.0))
        self.app.testing = True

    @property
    def now(self) -> datetime:
        with self.database.reading() as tx:
            return self.database.now(tx)

    def add(self, newsroom: Newsroom, role: Role | str, email: str | None = None, password: str | None = None) -> int:
        return inviting.add(
            self.database,
            self.service.keyring,
            email or f"{role}@example.org",
            Role(role),
            newsroom.id,
            now=self.now,
            password=password,
        ).account_id

    def browser(self, account_id: int | None = None) -> Browser:
        """Signed in, if an account is named."""
        token = signing_in.begin(self.database, account_id, now=self.now) if account_id else None
        return Browser(self, token)

    def staff(self, newsroom: Newsroom, role: Role | str) -> Browser:
        return self.browser(self.add(newsroom, role))

    def close(self) -> None:
        self.service.database.dispose()
