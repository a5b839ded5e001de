from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from rq import Queue

from pressroom import working
from pressroom.supervising import keeping
from tests.servers import RedisServer, redis_contents
from tests.supervising.running import alive, clean_environment, until

ROOT = Path(__file__).parents[1]
# A worker that may also do the jobs of these tests.
_WORKER = """
import sys
from pressroom import working
names = ("note", "say_what_is_loaded", "hold", "until_asked_to_stop", "fail")
working.JOBS += tuple(f"tests.worker_jobs.{name}" for name in names)
sys.exit(working.main(sys.argv[1:]))
"""
Begin = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis that may be stopped."""
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts `worker.py` with these words; its stderr is `tmp_path`/err."""
    keeping.create_missing_keys({}, tmp_path)
    started: list[subprocess.Popen[bytes]] = []

    def run(*words: str, url: str | None) -> subprocess.Popen[bytes]:
        environ = clean_environment(tmp_path, **({"PRESSROOM_REDIS_URL": url} if url else {}))
        with (tmp_path / "err").open("ab") as err:
            command = [
                sys.executable,
                str(ROOT / "worker.py") if not words else "-c",
                *([_WORKER] if words else []),
                *words,
            ]
            started.append(subprocess.Popen(command, env=environ, cwd=tmp_path, stderr=err))
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def ring(url: str, function: str, *words: str, queue: str = "default", timeout: int = 60) -> None:
    with redis.Redis.from_url(url) as client:
        Queue(queue, connection=client, serializer="json").enqueue(
            f"tests.worker_jobs.{function}", *words, job_timeout=timeout
        )


def left_behind(url: str) -> set[str]:
    """Keys other than the workers' own registrations and the names of the queues."""
    with redis.Redis.from_url(url) as client:
        names = {key.decode() for key in client.scan_iter()}
    return {name for name in names if not name.startswith(("rq:worker", "rq:queues", "rq:clean", "rq:group"))}


def end(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(30)


@pytest.mark.parametrize("timeout", [60, -1])
def test_a_job_is_done_and_leaves_nothing_in_redis(begin: Begin, redis_url: str, tmp_path: Path, timeout: int) -> None:
    worker = begin("default", url=redis_url)
    ring(redis_url, "note", str(tmp_path / "done"), timeout=timeout)
    until((tmp_path / "done").exists, "the job is done")
    until(lambda: not left_behind(redis_url), "its traces are gone")
    assert end(worker) == 0


def test_a_worker_is_ready_before_its_first_job_comes(begin: Begin, redis_url: str, tmp_path: Path) -> None:
    begin("mail", url=redis_url)
    ring(redis_url, "say_what_is_loaded", str(tmp_path / "loaded"), queue="mail")
    until((tmp_path / "loaded").exists, "the job is done")
    assert "pressroom.mailing.sending" in (tmp_path / "loaded").read_text().split()


def test_each_worker_takes_only_its_own_queue(begin: Begin, redis_url: str, tmp_path: Path) -> None:
    begin("mail", url=redis_url)
    ring(redis_url, "note", str(tmp_path / "other"), queue="default")
    ring(redis_url, "note", str(tmp_path / "own"), queue="mail")
    until((tmp_path / "own").exists, "its own job is done")
    assert not (tmp_path / "other").exists()


def test_a_failed_job_leaves_neither_its_text_nor_its_id(begin: Begin, redis_url: str, tmp_path: Path) -> None:
    ring(redis_url, "fail", "journalist@example.net")
    ring(redis_url, "note", str(tmp_path / "next"))
    assert b"journalist" in redis_contents(redis_url)
    worker = begin("default", url=redis_url)
    until((tmp_path / "next").exists, "the next job is done")
    until(lambda: not left_behind(redis_url), "its traces are gone")
    assert end(worker) == 0
    said = (tmp_path / "err").read_text()
    assert "RuntimeError" in said
    assert "worker_jobs.py" in said
    assert "journalist" not in said
    assert b"journalist" not in redis_contents(redis_url)


def test_sigterm_lets_the_job_in_hand_finish(begin: Begin, redis_url: str, tmp_path: Path) -> None:
    worker = begin("default", url=redis_url)
    ring(redis_url, "hold", *(str(tmp_path / name) for name in ("started", "go", "done")))
    ring(redis_url, "note", str(tmp_path / "next"))
    until((tmp_path / "started").exists, "the job has started")
    worker.send_signal(signal.SIGTERM)
    (tmp_path / "go").touch()
    assert worker.wait(30) == 0
    assert (tmp_path / "done").exists()
    assert not (tmp_path / "next").exists()


def test_a_long_job_hears_of_sigterm(begin: Begin, redis_url: str, tmp_path: Path) -> None:
    worker = begin("mail", url=redis_url)
    ring(redis_url, "until_asked_to_stop", *(str(tmp_path / name) for name in ("started", "done")), queue="mail")
    until((tmp_path / "started").exists, "the job has started")
    assert end(worker) == 0
    assert (tmp_path / "done").exists()


def test_a_worker_waits_for_redis_and_outlives_it(begin: Begin, own_redis: RedisServer, tmp_path: Path) -> None:
    own_redis.stop(remove=False)
    worker = begin("default", url=own_redis.url)
    until(lambda: "Redis is away" in (tmp_path / "err").read_text(), "it says that it waits")
    own_redis.start()
    ring(own_redis.url, "note", str(tmp_path / "first"))
    until((tmp_path / "first").exists, "the first job is done")
    own_redis.restart()
    ring(own_redis.url, "note", str(tmp_path / "second"))
    until((tmp_path / "second").exists, "the second job is done")
    assert end(worker) == 0
    assert "Traceback" not in (tmp_path / "err").read_text()


def test_redis_going_away_during_a_job_ends_neither_the_job_nor_the_worker(
    begin: Begin, own_redis: RedisServer, tmp_path: Path
) -> None:
    worker = begin("default", url=own_redis.url)
    ring(own_redis.url, "hold", *(str(tmp_path / name) for name in ("started", "go", "done")))
    until((tmp_path / "started").exists, "the job has started")
    own_redis.stop(remove=False)
    (tmp_path / "go").touch()
    until((tmp_path / "done").exists, "the job is done")
    own_redis.start()
    ring(own_redis.url, "note", str(tmp_path / "next"))
    until((tmp_path / "next").exists, "the next job is done")
    assert end(worker) == 0


def test_sigterm_while_redis_is_away_ends_a_worker_with_0(begin: Begin, own_redis: RedisServer, tmp_path: Path) -> None:
    own_redis.stop(remove=False)
    worker = begin("default", url=own_redis.url)
    until(lambda: "Redis is away" in (tmp_path / "err").read_text(), "it says that it waits")
    assert end(worker) == 0


def test_flushing_redis_does_not_end_a_worker(begin: Begin, own_redis: RedisServer, tmp_path: Path) -> None:
    worker = begin("default", url=own_redis.url)
    ring(own_redis.url, "hold", *(str(tmp_path / name) for name in ("started", "go", "done")))
    until((tmp_path / "started").exists, "the job has started")
    own_redis.flush()
    (tmp_path / "go").touch()
    until((tmp_path / "done").exists, "the job is done")
    ring(own_redis.url, "note", str(tmp_path / "next"))
    until((tmp_path / "next").exists, "the next job is done")
    assert end(worker) == 0


def test_without_words_both_workers_and_the_clock_run_and_end_together(
    begin: Begin, redis_url: str, tmp_path: Path
) -> None:
    _migrate(tmp_path)
    all_of_it = begin(url=redis_url)
    with redis.Redis.from_url(redis_url) as client:
        queues = [Queue(name, connection=client, serializer="json") for name in ("default", "mail", "push")]
        for queue, job in zip(queues, working.JOBS, strict=True):
            queue.enqueue(job, 1)
        until(lambda: not any(queue.count for queue in queues), "both jobs are done")
    running = alive(tmp_path).values()
    for name in ("mail", "default", "push", "clock"):
        assert any(f"working {name}" in line for line in running), name
    assert end(all_of_it) == 0
    assert alive(tmp_path) == {}


def _migrate(data_dir: Path) -> None:
    from pressroom.config import Config
    from pressroom.db import Database

    database = Database(Config(data_dir=data_dir).sqlalchemy_url)
    database.migrate()
    database.dispose()


def test_without_redis_in_the_settings_it_says_so(begin: Begin, tmp_path: Path) -> None:
    assert begin("mail", url=None).wait(30) == 1
    assert (tmp_path / "err").read_text().startswith("PRESSROOM_REDIS_URL is not set")


def test_an_unknown_word_is_wrong_usage(begin: Begin, tmp_path: Path) -> None:
    assert begin("post", url=None).wait(30) == 2
    assert len((tmp_path / "err").read_text().splitlines()) == 1


def test_a_job_that_names_any_other_function_is_not_run(begin: Begin, redis_url: str, tmp_path: Path) -> None:
    with redis.Redis.from_url(redis_url) as client:
        queue = Queue("default", connection=client, serializer="json")
        queue.enqueue("os.mkdir", str(tmp_path / "made"))
    begin("default", url=redis_url)
    ring(redis_url, "note", str(tmp_path / "noted"))
    until((tmp_path / "noted").exists, "the next job is done")
    assert not (tmp_path / "made").exists()
    assert "none of ours" in (tmp_path / "err").read_text()


def test_a_mail_worker_holds_nothing_that_only_others_need() -> None:
    others = {
        "flask",
        "alembic",
        "feedgen",
        "lxml",
        "PIL",
        "pikepdf",
        "nh3",
        "markdown_it",
        "yaml",
        "httpcore2",
        "click",
    }
    code = "import sys, pressroom.jobs; print(*sys.modules)"
    names = subprocess.run([sys.executable, "-X", "utf8", "-c", code], cwd=ROOT, capture_output=True, check=True)
    loaded = set(names.stdout.decode().split())
    assert "pressroom.mailing.composing" in loaded
    assert not others & loaded
