"""What a feed, a page and one more publication cost with few and with many releases in the store:
`python -m tests.bench.many_releases`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from sqlalchemy import text

from pressroom import create_app
from pressroom.db import Database
from pressroom.feeds import archiving
from pressroom.mailing import accompanying
from pressroom.mailing.accompanying import Plan
from pressroom.seal import Keyring
from pressroom.service import Service
from pressroom.web.fastpath import Pulse
from tests.bench import mailing_service, measuring
from tests.makers import make_newsroom, make_release, now
from tests.many_releases import TAGS, fill

_PATHS = ("/river/en/feed.atom", "/river/feed.rss", "/all/feed.json", "/river/en/", "/river/changes.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, nargs="+", default=[100, 100_000])
    parser.add_argument("--stores", nargs="+", default=["SQLite", "PostgreSQL"])
    options = parser.parse_args()
    head = ["store", "releases", *(f"`{path}`" for path in _PATHS), "publish one more", "close archives again"]
    rows = [[store, f"{count:,}", *_measure(store, count)] for store in options.stores for count in options.releases]
    print(measuring.table(head, rows))


def _measure(store: str, count: int) -> list[str]:
    with mailing_service.service(store, 25, connections=1) as (config, _):
        assert config.keyring_file is not None
        database, keyring = Database(config.sqlalchemy_url), Keyring.load(config.keyring_file)
        newsroom = make_newsroom(database, languages=list(TAGS))
        fill(database, newsroom, count)
        if not database.is_sqlite:
            # What autovacuum does by itself within a minute.
            with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
        looked: archiving.Looked = {}
        archiving.close_full(database, looked, now=now())
        print(f"{store}: {count:,} releases stored and archived", file=sys.stderr, flush=True)
        client = create_app(service=Service(config), pulse=Pulse(database, every=0)).test_client()
        published: list[float] = []
        read: dict[str, list[float]] = {path: [] for path in _PATHS}
        for number in range(7):
            draft = make_release(database, newsroom, titles={"en": f"Now {number}"}, draft=True).id
            published.append(_timed(partial(_publish, database, keyring, draft)))
            for path, times in read.items():
                times.append(_timed(partial(client.get, path)))
        closed = _timed(lambda: archiving.close_full(database, looked, now=now() + timedelta(minutes=2)))
        database.dispose()
    return [*(_milliseconds(times) for times in read.values()), _milliseconds(published), f"{closed * 1000:.0f} ms"]


def _publish(database: Database, keyring: Keyring, draft: str) -> None:
    accompanying.publish(database, keyring, draft, Plan(), now=now())


def _timed(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _milliseconds(times: list[float]) -> str:
    return f"{measuring.spread([one * 1000 for one in times])} ms"


if __name__ == "__main__":
    main()
