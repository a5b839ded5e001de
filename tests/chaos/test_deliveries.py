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

CONNECTIONS = Config.mail_connections + Config.mail_spare_connections


def _start(database: Database, config: Config, people: int) -> int:
    assert config.keyring_file is not None
    keyring = Keyring.load(config.keyring_file)
    newsroom = make_newsroom(database)
    make_people(database, keyring, newsroom, people)
    release = make_release(database, newsroom)
    return steering.start_mailing(database, keyring, release.id, ["press"], hold=timedelta(0), now=now())


def _kill_workers(database: Database, config: Config, sink: Sink, redis_url: str, people: int, kills: int) -> Tally:
    mailing_id = _start(database, config, people)
    with Crew(config, sink, redis_url) as crew:
        faults = Faults(kills, people, lambda: crew.kill("mail"))
        progress = watch(database, mailing_id, seconds=400, meanwhile=faults)
    assert kills == faults.done, "the faults were to strike while messages were under way"
    return tally(database, config, sink, progress, time.monotonic() - faults.last)


def _check(found: Tally, kills: int) -> None:
    print(f"\n{found}")
    assert found.lost == 0
    assert found.extra <= CONNECTIONS * kills
    assert found.most <= 2, "nobody gets three"


def test_killed_workers_lose_nothing_and_double_at_most_what_was_in_doubt(
    database: Database, config: Config, smtp_sink: Sink, redis_url: str
) -> None:
    _check(_kill_workers(database, config, smtp_sink, redis_url, people=800, kills=3), kills=3)


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_twenty_kills_in_five_thousand_deliveries(
    database: Database, config: Config, smtp_sink: Sink, redis_url: str
) -> None:
    _check(_kill_workers(database, config, smtp_sink, redis_url, people=5_000, kills=20), kills=20)


def _flush(database: Database, config: Config, sink: Sink, redis_url: str, people: int) -> Tally:
    mailing_id = _start(database, config, people)
    with Crew(config, sink, redis_url):
        faults = Faults(2, people, lambda: redis.Redis.from_url(redis_url).flushall())
        progress = watch(database, mailing_id, seconds=400, meanwhile=faults)
    assert faults.done == 2
    return tally(database, config, sink, progress, time.monotonic() - faults.last)


def test_a_flushed_redis_loses_and_doubles_nothing(
    database: Database, config: Config, smtp_sink: Sink, redis_url: str
) -> None:
    found = _flush(database, config, smtp_sink, redis_url, people=1_200)
    assert (found.lost, found.extra) == (0, 0)


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_redis_flushed_twice_in_five_thousand_deliveries(
    database: Database, config: Config, smtp_sink: Sink, redis_url: str
) -> None:
    found = _flush(database, config, smtp_sink, redis_url, people=5_000)
    print(f"\n{found}")
    assert (found.lost, found.extra) == (0, 0)
