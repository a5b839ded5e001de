"""The time for readers where the database has no clock of its own: on SQLite, whose time is this process's.

A web process on a machine that runs ahead would lift embargoes early. Redis is asked as a witness, and the earlier of
the two counts. It remains a doorbell: without an answer the time goes on from what was last agreed, by the monotonic
clock, so that the last known difference stays and a clock that jumps meanwhile lifts nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.orm import Session

from pressroom.service import Service

log = logging.getLogger(__name__)

Clock = Callable[[Session], datetime]

_PATIENCE = 0.2
_TOLERATED = timedelta(seconds=1)


def clock_of(service: Service) -> Clock:
    """Reads the time by which the public of this service may see things."""
    database, redis_url = service.database, service.config.redis_url
    return AgreedTime(database.now, redis_url) if database.is_sqlite and redis_url else database.now


class AgreedTime:
    """A Clock: `own` is this process's. Connects at the first reading; not for several threads at a time."""

    def __init__(self, own: Clock, redis_url: str) -> None:
        self._own = own
        self._redis = redis.Redis.from_url(
            redis_url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE, retry=Retry(NoBackoff(), 0)
        )
        self._agreed: tuple[datetime, float] | None = None
        self._away = False
        self._differs = False

    def __call__(self, tx: Session) -> datetime:
        before = self._own(tx)
        told = self._ask()
        if told is None:
            return self._alone(before)
        moment = min(before, told)
        self._agreed = moment, time.monotonic()
        self._tell(before - told)
        return moment

    def _ask(self) -> datetime | None:
        """Redis's time; None if it does not answer."""
        try:
            seconds, micros = self._redis.time()
        except redis.RedisError as error:
            if not self._away:
                log.warning(
                    "Redis does not answer (%s): the time for embargoes goes on from what it last said, if anything.",
                    type(error).__name__,
                )
            self._away = True
            return None
        self._away = False
        return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micros)

    def _alone(self, own: datetime) -> datetime:
        if self._agreed is None:
            return own
        moment, then = self._agreed
        return min(own, moment + timedelta(seconds=time.monotonic() - then))

    def _tell(self, ahead: timedelta) -> None:
        differs = abs(ahead) > _TOLERATED
        if differs and not self._differs:
            log.error(
                "This machine's clock is %.1f s %s Redis's. The earlier one is used for embargoes; "
                "set the clocks of both machines by NTP, for example with chrony.",
                abs(ahead).total_seconds(),
                "ahead of" if ahead > timedelta() else "behind",
            )
        self._differs = differs
