"""Pressroom itself as the mail bench runs it: mail worker, default worker and clock on real Redis and database."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from pressroom.config import Config
from pressroom.db import Database
from pressroom.mailing import rotating, steering
from pressroom.seal import Keyring, create_keyring
from tests.bench import measuring
from tests.bench.measuring import OURS, THEIRS, Run
from tests.chaos.crew import make_people, watch
from tests.makers import BODIES, make_newsroom, make_release, now
from tests.servers import PostgresServer, RedisServer

# Gives a message of about 8 kB, text and HTML together.
_BODY = "\n\n".join([BODIES["en"]] * 12)


def runner(store: str, *, dkim: bool, connections: int, spare: int = 0) -> Callable[[int, int], Run]:
    def run(port: int, messages: int) -> Run:
        with service(store, port, connections=connections, spare=spare) as (config, environ):
            return _send(config, environ, messages, dkim=dkim)

    return run


@contextmanager
def service(store: str, port: int, *, connections: int, spare: int = 0) -> Iterator[tuple[Config, dict[str, str]]]:
    """A migrated, empty service whose mail goes to `port`; its processes are the caller's."""
    directory = Path(tempfile.mkdtemp(prefix="pressroom-bench-"))
    redis, postgres = RedisServer(), PostgresServer() if store == "PostgreSQL" else None
    try:
        url = postgres.create("bench") if postgres else f"sqlite:///{directory / 'pressroom.db'}"
        create_keyring(directory / "keyring.json")
        config = Config(
            data_dir=directory,
            secret_key="k" * 64,
            keyring_file=directory / "keyring.json",
            database_url=url,
            redis_url=redis.url,
        )
        database = Database(config.sqlalchemy_url)
        database.migrate()
        database.dispose()
        yield (
            config,
            {
                "PYTHONUTF8": "1",
                "PRESSROOM_DATA_DIR": str(directory),
                "PRESSROOM_SECRET_KEY": "k" * 64,
                "PRESSROOM_KEYRING_FILE": str(directory / "keyring.json"),
                "PRESSROOM_DATABASE_URL": url,
                "PRESSROOM_REDIS_URL": redis.url,
                "PRESSROOM_BASE_URL": "https://press.example.org",
                "PRESSROOM_MAIL_CONNECTIONS": str(connections),
                "PRESSROOM_MAIL_SPARE_CONNECTIONS": str(spare),
                "MAIL_SERVER": "127.0.0.1",
                "MAIL_PORT": str(port),
            },
        )
    finally:
        redis.stop()
        if postgres:
            postgres.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _send(config: Config, environ: dict[str, str], people: int, *, dkim: bool) -> Run:
    assert config.keyring_file is not None
    database, keyring = Database(config.sqlalchemy_url), Keyring.load(config.keyring_file)
    newsroom = make_newsroom(database)
    make_people(database, keyring, newsroom, people)
    bodies = dict.fromkeys(newsroom.languages, _BODY)
    release = make_release(database, newsroom, bodies=bodies)
    if dkim:
        rotating.make_pair(database, keyring, newsroom.slug, now=now())
        rotating.switch(database, newsroom.slug, None, now=now())
    mail = measuring.pinned([sys.executable, "-m", "pressroom.working", "mail"], OURS, environ)
    others = [
        measuring.pinned([sys.executable, "-m", "pressroom.working", name], THEIRS, environ)
        for name in ("default", "clock")
    ]
    try:
        time.sleep(3)
        before = measuring.cpu_seconds(mail.pid)
        # Counted first, so that the sender's own time is measured and not that of waiting for rows.
        mailing_id = steering.start_mailing(
            database, keyring, release.id, ["press"], hold=timedelta(seconds=people / 4000 + 2), now=now()
        )
        watch(database, mailing_id, seconds=1200, until="sending")
        began = time.monotonic()
        progress = watch(database, mailing_id, seconds=1200)
        wall = time.monotonic() - began
        if progress.sent != people:
            raise RuntimeError(f"not all were sent: {progress}")
        cpu, resident = measuring.cpu_seconds(mail.pid) - before, measuring.resident_megabytes(mail.pid)
    finally:
        for process in (mail, *others):
            process.kill()
            process.wait()
        database.dispose()
    return Run(people, cpu, wall, resident)
