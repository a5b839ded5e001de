"""The clock: rings the outbox and every chunk in nobody's hands, ends holds, keeps the books. It decides nothing.

Stopped, it delays mail; what is public follows the times in the rows and not the clock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from pressroom import inbox
from pressroom.config import Config
from pressroom.doorbell import Doorbell
from pressroom.errors import TryLater
from pressroom.feeds import archiving
from pressroom.mailing import collecting, digesting, quota, reconciling, retaining, subscribing, throttle
from pressroom.people import attempt
from pressroom.releases import publishing
from pressroom.service import Service

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.25


class Clock:
    """Each duty in its own rhythm, in seconds."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._database = service.database
        self._archived: archiving.Looked = {}
        self._bell = Doorbell(service.config.redis_url)
        self._duties: list[tuple[float, Callable[[], object]]] = [
            (0.25, lambda: self._bell.drain(self._database)),
            (0.5, lambda: reconciling.begin_held(self._database)),
            (1.0, lambda: reconciling.ring_due(self._database, self._bell.ring_chunk)),
            (5.0, lambda: reconciling.finish_done(self._database)),
            (5.0, lambda: digesting.begin_due(self._database)),
            (5.0, self._settle),
            (15.0, self._archive),
            (3600.0, self._purge),
        ]
        self._next = [0.0] * len(self._duties)

    def tick(self) -> None:
        """Does what is due. A database that is away is waited for, and said."""
        for place, (rhythm, duty) in enumerate(self._duties):
            if time.monotonic() < self._next[place]:
                continue
            self._next[place] = time.monotonic() + rhythm
            try:
                duty()
            except (DBAPIError, TryLater) as error:
                log.warning("clock: the database did not answer (%s)", type(error).__name__)

    def _settle(self) -> None:
        with self._database.reading() as tx:
            now = self._database.now(tx)
        publishing.settle(self._database, now=now)

    def _archive(self) -> None:
        with self._database.reading() as tx:
            now = self._database.now(tx)
        archiving.close_full(self._database, self._archived, now=now)

    def _purge(self) -> None:
        with self._database.transaction() as tx:
            now = self._database.now(tx)
            attempt.purge(tx, now=now)
            quota.purge(tx, now=now)
            throttle.purge(tx, now=now)
        subscribing.purge_unconfirmed(self._database, now=now)
        while retaining.purge(self._database, now=now):
            pass
        while collecting.purge(self._database, now=now):
            pass


def run(config: Config, stop: threading.Event) -> None:
    """Ticks until `stop` is set. What comes back is read beside it, for a mail server may take its time to answer."""
    service = Service.open(config)
    clock = Clock(service)
    threading.Thread(target=inbox.watch, args=(service, stop), name="inbox", daemon=True).start()
    while not stop.wait(_TICK_SECONDS):
        clock.tick()
