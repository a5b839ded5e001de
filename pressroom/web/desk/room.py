"""One newsroom as one account may use it, and the bell that is rung after an act."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from pressroom.doorbell import Doorbell
from pressroom.errors import NotFound, TryLater
from pressroom.mailing import mailing as mailings
from pressroom.mailing.mailing import Mailing
from pressroom.people import granting
from pressroom.people.account import Act, Role
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import release as releases
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.web import auth
from pressroom.web.publishing import the_service


@dataclass(frozen=True)
class Room:
    """Valid while the reading that made it lasts."""

    tx: Session
    newsroom: Newsroom
    role: Role
    now: datetime

    def may(self, act: str) -> bool:
        return Act(act) in granting.GRANTS[self.role]

    def release(self, release_id: str) -> Release:
        """Raises NotFound, also for one of another newsroom."""
        found = releases.get(self.tx, release_id)
        if found.newsroom_id != self.newsroom.id:
            raise NotFound("There is no such release in this newsroom.")
        return found

    def mailing(self, mailing_id: int) -> Mailing:
        """Raises NotFound, also for one of another newsroom."""
        found = mailings.get(self.tx, mailing_id)
        if found.newsroom_id != self.newsroom.id:
            raise NotFound("There is no such mailing in this newsroom.")
        return found


@contextmanager
def enter(slug: str, act: Act = Act.READ) -> Iterator[Room]:
    """The newsroom, for whoever is logged in. Raises NotFound, and NotAllowed if their role does not allow the act."""
    database = the_service().database
    with database.reading() as tx:
        newsroom = newsrooms.by_slug(tx, slug)
        role = granting.require(tx, auth.account_id(), newsroom.id, act)
        yield Room(tx, newsroom, role, database.now(tx))


def ring() -> None:
    """Has what was just stored done at once. Where that fails, the clock rings later, and the request goes on."""
    service, known = the_service(), current_app.extensions
    if "pressroom.doorbell" not in known:
        known["pressroom.doorbell"] = Doorbell(service.config.redis_url)
    bell: Doorbell = known["pressroom.doorbell"]
    try:
        bell.ring_due(service.database)
    except (TryLater, DBAPIError) as error:
        current_app.logger.warning("The outbox waits for the clock (%s).", type(error).__name__)
