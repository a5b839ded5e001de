"""The doorbell: jobs put into Redis by id. A lost ring costs seconds; nothing is ever only in Redis."""

from __future__ import annotations

import logging
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue

from pressroom import outbox
from pressroom.db import Database

log = logging.getLogger(__name__)

# How long the same ring is not repeated: work waits in the queue, and the clock looks every second.
_QUIET_SECONDS = 10
_LONGEST_QUEUE = 20
_PERFORM = "pressroom.jobs.perform"


class Doorbell:
    """Rings the workers. With Redis away every ring answers False, and the clock tries again."""

    def __init__(self, redis_url: str | None) -> None:
        self._redis = (
            redis.Redis.from_url(redis_url, socket_connect_timeout=1, socket_timeout=2, retry=Retry(NoBackoff(), 0))
            if redis_url
            else None
        )
        self._away_until = 0.0

    def ring_chunk(self, chunk_id: int) -> bool:
        return self._ring("mail", "pressroom.jobs.send_chunk", chunk_id, quiet=True)

    def ring_chunk_again(self, chunk_id: int) -> bool:
        """By the job that had the chunk, which knows that its ring is used up."""
        return self._ring("mail", "pressroom.jobs.send_chunk", chunk_id, quiet=False)

    def ring_outbox(self, row_id: int) -> bool:
        return self._ring("default", _PERFORM, row_id, quiet=False)

    def ring_push(self, dispatch_id: int) -> bool:
        return self._ring("push", "pressroom.jobs.push", dispatch_id, quiet=True)

    def ring_push_again(self, dispatch_id: int) -> bool:
        """For what has just become due, whenever its last ring was."""
        return self._ring("push", "pressroom.jobs.push", dispatch_id, quiet=False)

    def ring_due(self, database: Database) -> None:
        """For every outbox row that is due, by whoever has just committed one.

        Nothing is noted: a door would wait for its turn to write. The clock rings once more, for nothing.
        """
        with database.reading() as tx:
            now = database.now(tx)
        outbox.ring_due(database, lambda row_id: self._ring("default", _PERFORM, row_id, quiet=True), now=now)

    def drain(self, database: Database) -> int:
        """For every outbox row that is due, by the clock."""
        with database.reading() as tx:
            now = database.now(tx)
        return outbox.drain(database, self.ring_outbox, now=now)

    def _ring(self, queue: str, job: str, row_id: int, *, quiet: bool) -> bool:
        if self._redis is None or time.monotonic() < self._away_until:
            return False
        try:
            line = Queue(queue, connection=self._redis, serializer="json")
            if quiet and line.count >= _LONGEST_QUEUE:
                # The clock rings again in a second; a longer queue would only keep the next mailing waiting.
                return False
            key = f"pressroom:rung:{job}:{row_id}"
            if not self._redis.set(key, 1, ex=_QUIET_SECONDS, nx=quiet):
                return True
            # The jobs watch over their own time; Redis keeps nothing of one that has ended.
            line.enqueue(job, row_id, job_timeout=-1, result_ttl=0, failure_ttl=60, ttl=3600)
        except redis.RedisError as error:
            log.warning("Redis cannot be reached (%s); the clock will ring again.", type(error).__name__)
            self._away_until = time.monotonic() + 1
            return False
        return True
