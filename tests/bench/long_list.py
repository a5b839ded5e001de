"""What a long list costs: importing it, publishing to it, and the first message: `python -m tests.bench.long_list`."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert

from pressroom.config import Config
from pressroom.db import Database, new_id
from pressroom.doorbell import Doorbell
from pressroom.mailing import accompanying, steering
from pressroom.mailing.accompanying import Plan
from pressroom.mailing.media_list import MediaList
from pressroom.releases.newsroom import Newsroom
from pressroom.seal import Keyring
from tests.bench import mailing_service, measuring
from tests.bench.measuring import ROOT
from tests.makers import make_newsroom, make_release, now
from tests.sink import Sink


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--publications", type=int, default=200, help="releases published while two workers send")
    options = parser.parse_args()
    head = ["store", "import", "publish to it", "first message after", "publish while two workers send: median", "p99"]
    rows = [[store, *_measure(store, options.people, options.publications)] for store in ("SQLite", "PostgreSQL")]
    print(measuring.table(head, rows))


def _measure(store: str, people: int, publications: int) -> list[str]:
    sink = Sink().start()
    try:
        with mailing_service.service(store, sink.port, connections=4, spare=12) as (config, environ):
            assert config.keyring_file is not None
            database, keyring = Database(config.sqlalchemy_url), Keyring.load(config.keyring_file)
            newsroom = make_newsroom(database)
            with database.transaction() as tx:
                for slug in ("press", "nobody"):
                    same = {"newsroom_id": newsroom.id, "name": slug, "created_at": now()}
                    tx.execute(insert(MediaList).values(id=new_id(), slug=slug, **same))
            imported = _import(config, environ, newsroom, people)
            with _workers(environ):
                found = _publish(database, keyring, config, sink, newsroom, publications)
            database.dispose()
    finally:
        sink.stop()
    return [f"{imported:.0f} s", *found]


def _import(config: Config, environ: dict[str, str], newsroom: Newsroom, people: int) -> float:
    file = config.data_dir / "people.csv"
    _write(file, people)
    words = ["subscribers", "import", str(file), "--newsroom", newsroom.slug, "--list", "press", "--consent", "Asked."]
    began = time.monotonic()
    subprocess.run(
        [Path(sys.executable).parent / "pressroom", *words], env={**os.environ, **environ}, cwd=ROOT, check=True
    )
    return time.monotonic() - began


def _write(file: Path, people: int) -> None:
    with file.open("w", encoding="utf-8") as lines:
        lines.write("email,name,outlet,languages\n")
        for number in range(people):
            lines.write(f"person{number}@outlet{number % 997}.example.org,Person {number},Outlet,{_TAGS[number % 4]}\n")


_TAGS = ("en", "ckb", "kmr en", "ar")


@contextmanager
def _workers(environ: dict[str, str]) -> Iterator[None]:
    running = [
        subprocess.Popen([sys.executable, "-m", "pressroom.working", name], env={**os.environ, **environ}, cwd=ROOT)
        for name in ("mail", "mail", "default", "clock")
    ]
    time.sleep(4)
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def _publish(
    database: Database, keyring: Keyring, config: Config, sink: Sink, newsroom: Newsroom, publications: int
) -> list[str]:
    bell = Doorbell(config.redis_url)
    drafts = [make_release(database, newsroom, ["en"], draft=True).id for _ in range(publications + 1)]

    def publish(release_id: str, to: str) -> tuple[float, list[int]]:
        began = time.monotonic()
        plan = Plan(lists=[to], hold=timedelta(0))
        done = accompanying.publish(database, keyring, release_id, plan, now=now())
        bell.ring_due(database)
        return time.monotonic() - began, done.mailing_ids

    began = time.monotonic()
    large, mailing_ids = publish(drafts[0], "press")
    while not sink.received:
        time.sleep(0.002)
    first = time.monotonic() - began
    times = []
    for release_id in drafts[1:]:
        times.append(publish(release_id, "nobody")[0])
        sink.forget()
        time.sleep(0.1)
    steering.cancel(database, mailing_ids[0], now=now())
    times.sort()
    p99 = times[int(len(times) * 0.99) - 1]
    return [f"{one * 1000:,.0f} ms" for one in (large, first, statistics.median(times), p99)]


if __name__ == "__main__":
    main()
