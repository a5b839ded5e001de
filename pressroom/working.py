"""The worker processes: RQ for mail, for pushes and for everything else, and the clock that rings the outbox.

Redis is only the bell. A worker waits for it, outlives it, and leaves nothing in it once a job has ended.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
import time
import traceback
from types import FrameType, TracebackType
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.exceptions import InvalidJobOperation, NoSuchJobError, StopRequested
from rq.job import Job
from rq.timeouts import UnixSignalDeathPenalty
from rq.worker import SimpleWorker, WorkerStatus

from pressroom.config import Config
from pressroom.errors import ConfigError, PressroomError
from pressroom.supervising import keeping
from pressroom.supervising.processes import Spec, Supervisor

log = logging.getLogger(__name__)

QUEUES = ("mail", "default", "push")

# All that a job may name: whoever can write to Redis must not be able to run what they like.
JOBS = ("pressroom.jobs.send_chunk", "pressroom.jobs.perform", "pressroom.jobs.push")

_FIRST_WAIT, _LONGEST_WAIT = 0.25, 2.0  # seconds between tries to reach Redis

# Set by SIGTERM and SIGINT. A long job looks at it between messages and ends itself at the next commit.
stopping = threading.Event()


class _Timeout(UnixSignalDeathPenalty):  # type: ignore[misc]
    """RQ's alarm, which raises anywhere in a job; not for jobs of `job_timeout=-1`, which watch over themselves."""

    def setup_death_penalty(self) -> None:
        if self._timeout > 0:
            super().setup_death_penalty()

    def cancel_death_penalty(self) -> None:
        if self._timeout > 0:
            super().cancel_death_penalty()


class Worker(SimpleWorker):  # type: ignore[misc]
    """Takes jobs from one queue, in this process, one at a time.

    One queue, because only then does RQ fetch a job without a moment in which a crash loses it.
    """

    death_penalty_class = _Timeout
    max_connection_wait_time = _LONGEST_WAIT

    def __init__(self, queue: str, connection: redis.Redis) -> None:
        super().__init__(
            [Queue(queue, connection=connection, serializer="json")],
            connection=connection,
            serializer="json",
            default_result_ttl=0,
            log_job_description=False,
        )

    def subscribe(self) -> None:
        """No commands over Redis: whoever can write there must not be able to stop mail."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        # RQ's own writes to Redis here, in the middle of a job, and fails it when Redis is away.
        _ask_to_stop()
        self._stop_requested = True
        if self.get_state() != WorkerStatus.BUSY:
            raise StopRequested

    def execute_job(self, job: Job, queue: Queue) -> None:
        if job.func_name not in JOBS:
            log.error("Job %s names a function that is none of ours; it was not run.", job.id)
            job.delete()
            return
        super().execute_job(job, queue)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        if isinstance(exc_info[1], (InvalidJobOperation, NoSuchJobError)):
            log.warning("Redis forgot job %s (%s) while it ran; the database knows what it did.", job.id, job.func_name)
            return
        log.error("Job %s (%s) failed:\n%s", job.id, job.func_name, without_text(exc_info))

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        # An exception's text may hold an address, and a failed job's hash would keep its id from being rung again.
        kwargs["exc_string"] = ""
        super().handle_job_failure(job, queue, *args, **kwargs)
        job.delete(remove_from_queue=False)


def without_text(
    exc_info: tuple[type[BaseException] | None, BaseException | None, TracebackType | None] | tuple[Any, ...],
) -> str:
    """Where an exception arose and of what kind it is, without its text."""
    kind, _, trace = exc_info
    return "".join(traceback.format_tb(trace)) + (kind.__name__ if kind else "unknown")


class _RedisAwayOnce(logging.Filter):
    """Lets RQ say at most once a minute that Redis is away, and without a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self._silent_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        if not (kind and issubclass(kind, redis.RedisError)) and "connect to Redis" not in str(record.msg):
            return True
        if time.monotonic() < self._silent_until:
            return False
        self._silent_until = time.monotonic() + 60
        record.msg, record.args = "Redis is away; waiting for it.", ()
        record.exc_info = record.exc_text = None
        return True


def work(queue: str, redis_url: str) -> None:
    """Takes jobs until SIGTERM, then finishes the one in hand. Waits while Redis is away."""
    connection = redis.Redis.from_url(
        redis_url, socket_connect_timeout=5, health_check_interval=30, retry=Retry(NoBackoff(), 0)
    )
    rq_log = logging.getLogger("rq.worker")
    rq_log.addFilter(_RedisAwayOnce())
    wait = _FIRST_WAIT
    while not stopping.is_set():
        try:
            worker = Worker(queue, connection)
            wait = _FIRST_WAIT
            worker.work(logging_level="ERROR")
        except StopRequested:
            break
        except redis.RedisError:
            rq_log.error("Worker could not connect to Redis")
        _listen()
        stopping.wait(wait)
        wait = min(_LONGEST_WAIT, wait * 2)


def _run_queue(queue: str, redis_url: str) -> None:
    # Else the first release waits half a second for it.
    importlib.import_module("pressroom.jobs")
    work(queue, redis_url)


def _run_clock(config: Config) -> None:
    from pressroom import clock

    clock.run(config, stopping)


def _run_all() -> None:
    supervisor = Supervisor(os.environ)
    try:
        for name in (*QUEUES, "clock"):
            supervisor.start(Spec(name, (sys.executable, "-m", "pressroom.working", name), tier=0))
        supervisor.run()
    finally:
        supervisor.stop()


def _listen() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _ask_to_stop())


def _ask_to_stop() -> None:
    # From a thread: the signal may have come while this one held the event's lock, inside wait().
    threading.Thread(target=stopping.set, daemon=True).start()


def main(arguments: list[str]) -> int:
    """`mail`, `default`, `push` or `clock`; without an argument all of them, started again when they die.

    Returns the exit code: 0 after SIGTERM, 1 for wrong settings, 2 for a wrong argument.
    """
    if not sys.flags.utf8_mode:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 -- no shell is meant
    if arguments not in ([], ["clock"], *([queue] for queue in QUEUES)):
        print("Use: worker.py [mail | default | push | clock]", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        config = keeping.load()
        keeping.require_keys(config)
        if not config.redis_url:
            raise ConfigError("PRESSROOM_REDIS_URL is not set: set it to the Redis that the web server uses.")
        if not arguments:
            _run_all()
            return 0
        _listen()
        if arguments == ["clock"]:
            _run_clock(config)
        else:
            _run_queue(arguments[0], config.redis_url)
    except PressroomError as error:
        print(error.message, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    # Under its own name, so that jobs see the same `stopping`.
    from pressroom import working

    sys.exit(working.main(sys.argv[1:]))
