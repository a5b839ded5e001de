"""Workers and Redis are killed in the middle of real deliveries; the sink counts who got what, and how often."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import redis

from pressroom.config import Config
from pressroom.db import Database
from pressroom.mailing import steering
from pressroom.seal import Keyring
from tests.chaos.crew import Crew, Faults, Tally, make_people, tally, watch
from tests.makers import make_newsroom, make_release, now
from tests.sink import Sink


def _start(database: Database, config: Config, people: int) -> int:
    assert config.keyring_file is not None
    keyring = Keyring.load(config.keyring_file)
    newsroom = make_newsroom(database)
    make_people(database, keyring, newsroom, people)
    release = make_release(database, newsroom)
    return steering.start_mailing(database, keyring, release.id, ["press"], hold=timedelta(0), now=now())


def _flush(database: Database, config: Config, sink: Sink, redis_url: str, people: int, times: int) -> Tally:
    mailing_id = _start(database, config, people)
    with Crew(config, sink, redis_url):
        faults = Faults(times, people, lambda: redis.Redis.from_url(redis_url).flushall())
        progress = watch(database, mailing_id, seconds=400, meanwhile=faults)
    assert faults.done == times
    return tally(database, config, sink, progress, time.monotonic() - faults.last)


def test_a_flushed_redis_loses_and_doubles_nothing(
    database: Database, config: Config, smtp_sink: Sink, redis_url: str
) -> None:
    found = _flush(database, config, smtp_sink, redis_url, people=1_200, times=2)
    assert (found.lost, found.extra) == (0, 0)


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_redis_flushed_ten_times_in_twenty_thousand_deliveries(
    database: Database, config: Config, smtp_sink: Sink, redis_url: str
) -> None:
    found = _flush(database, config, smtp_sink, redis_url, people=20_000, times=10)
    print(f"\n{found}")
    assert (found.lost, found.extra) == (0, 0)
