"""The clock: rings the outbox and every chunk and dispatch in nobody's hands, ends holds, notices what is to be pushed,
keeps the books. It decides nothing.

Stopped, it delays mail and pushes; what is public follows the times in the rows and not the clock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy.exc import DBAPIError

from pressroom import inbox
from pressroom.config import Config
from pressroom.doorbell import Doorbell
from pressroom.errors import TryLater
from pressroom.feeds import archiving
from pressroom.mailing import collecting, digesting, quota, reconciling, retaining, subscribing, throttle
from pressroom.people import attempt
from pressroom.pushing import forgetting, noticing
from pressroom.pushing import reconciling as pushes
from pressroom.pushing.noticing import Hub
from pressroom.releases import publishing
from pressroom.service import Service
from pressroom.web.agreed_time import clock_of

log = logging.getLogger(__name__)

_TICK_SECONDS, _PUSH_TICK_SECONDS = 0.25, 0.1
# One job takes all that is due; a second worker may help.
_FIRST_RINGS = 2


Duties = Sequence[tuple[float, Callable[[], object]]]


class Clock:
    """Each duty in its own rhythm, in seconds."""

    def __init__(self, duties: Duties) -> None:
        self._duties = duties
        self._next = [0.0] * len(duties)

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

    def run(self, stop: threading.Event, seconds: float = _TICK_SECONDS) -> None:
        while not stop.wait(seconds):
            self.tick()


class _Mail:
    """Duties for the outbox, mail and all else that is not pushed."""

    def __init__(self, service: Service) -> None:
        self._database = service.database
        self._archived: archiving.Looked = {}
        self._bell = Doorbell(service.config.redis_url)
        self.duties: Duties = [
            (0.25, lambda: self._bell.drain(self._database)),
            (0.5, lambda: reconciling.begin_held(self._database)),
            (1.0, lambda: reconciling.ring_due(self._database, self._bell.ring_chunk)),
            (5.0, lambda: reconciling.finish_done(self._database)),
            (5.0, lambda: digesting.begin_due(self._database)),
            (5.0, self._settle),
            (15.0, self._archive),
            (3600.0, self._purge),
        ]

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


class _Pushes:
    """Duties for whoever is told by machine."""

    def __init__(self, service: Service) -> None:
        self._service, self._database = service, service.database
        self._bell = Doorbell(service.config.redis_url)
        self._hub = Hub.of(service.config)
        self._public_time = clock_of(service)
        self.duties: Duties = [
            (0.1, self._notice),
            (1.0, lambda: pushes.ring_due(self._database, self._bell.ring_push)),
            (10.0, lambda: pushes.end_leases(self._database)),
            (10.0, lambda: forgetting.forget_beats(self._database)),
            (3600.0, self._purge),
        ]

    def _notice(self) -> None:
        due = noticing.notice(self._database, self._service.keyring, self._hub, self._public_time)
        for dispatch_id in due[:_FIRST_RINGS]:
            self._bell.ring_push_again(dispatch_id)

    def _purge(self) -> None:
        with self._database.reading() as tx:
            now = self._database.now(tx)
        pushes.purge(self._database, now=now)


def run(config: Config, stop: threading.Event) -> None:
    """Ticks until `stop` is set. What comes back is read beside it, for a mail server may take its time to answer; so
    is what is to be pushed looked for, which is promised within a second.
    """
    service = Service.open(config)
    pushing = Clock(_Pushes(service).duties)
    threading.Thread(target=inbox.watch, args=(service, stop), name="inbox", daemon=True).start()
    threading.Thread(target=pushing.run, args=(stop, _PUSH_TICK_SECONDS), name="pushes", daemon=True).start()
    Clock(_Mail(service).duties).run(stop)
