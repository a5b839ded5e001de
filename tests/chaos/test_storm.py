"""A hundred faults over 20,000 deliveries, in bad weather; a short one runs with the suite."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pressroom.config import Config
from pressroom.db import Database
from pressroom.mailing import steering
from pressroom.mailing.mailing import Progress
from pressroom.seal import Keyring
from tests.chaos.crew import Crew, Faults, Tally, make_people, tally, watch
from tests.chaos.storm import Storm, gone, hasten, recovery, weather
from tests.conftest import MakeConfig
from tests.makers import make_newsroom, make_release, now
from tests.servers import PostgresServer, RedisServer, redis_contents
from tests.sink import Sink

CONNECTIONS = Config.mail_connections + Config.mail_spare_connections


@contextmanager
def _house(
    make_config: MakeConfig, kind: str, directory: Path
) -> Iterator[tuple[Database, Config, RedisServer, PostgresServer | None]]:
    """A database and a Redis of its own, to be killed; the database keeps what it has committed."""
    redis, postgres = RedisServer(), PostgresServer(durable=True) if kind == "postgresql" else None
    url = postgres.create("storm") if postgres else f"sqlite:///{directory / 'storm.db'}"
    database = Database(Config(database_url=url).sqlalchemy_url)
    try:
        database.migrate()
        yield database, make_config(database_url=url), redis, postgres
    finally:
        database.dispose()
        redis.stop()
        if postgres:
            postgres.stop()
        shutil.rmtree(redis.directory, ignore_errors=True)


def _ride_out(
    make_config: MakeConfig,
    kind: str,
    directory: Path,
    sink: Sink,
    *,
    people: int,
    faults: int,
    seed: int,
    hurry: bool = False,
) -> tuple[Tally, Progress, Storm]:
    with _house(make_config, kind, directory) as (database, config, redis, postgres):
        assert config.keyring_file is not None
        keyring = Keyring.load(config.keyring_file)
        newsroom = make_newsroom(database)
        make_people(database, keyring, newsroom, people)
        release = make_release(database, newsroom)
        weather(sink)
        mailing_id = steering.start_mailing(database, keyring, release.id, ["press"], hold=timedelta(0), now=now())
        with Crew(config, sink, redis.url) as crew:
            crew.start_another()
            storm = Storm(crew, redis, sink, postgres, seed)
            strikes = Faults(faults, int(people * 0.6), storm, seed=seed)

            def meanwhile(progress: Progress) -> None:
                crew.revive()
                strikes(progress)

            watch(database, mailing_id, seconds=1200, meanwhile=meanwhile, enough=lambda: strikes.done == faults)
            storm.end()
            recovered = recovery(database, mailing_id, crew, sink)

            def afterwards(progress: Progress) -> None:
                crew.revive()
                if hurry and progress.pending == 0:
                    hasten(database)

            progress = watch(database, mailing_id, seconds=1200, meanwhile=afterwards)
            _assert_nowhere(b"person1", directory, redis.url)
        return replace(tally(database, config, sink, progress, 0), seconds_to_recover=recovered), progress, storm


def _assert_nowhere(address: bytes, directory: Path, redis_url: str) -> None:
    assert address not in redis_contents(redis_url)
    searched = [path for path in directory.rglob("*") if path.is_file()]
    assert directory / "crew.log" in searched
    assert [path for path in searched if address in path.read_bytes()] == []


def _check(found: Tally, progress: Progress, storm: Storm, people: int) -> None:
    print(f"\n{found}\n{progress}\n{dict(storm.counts)}")
    nowhere = sum(1 for number in range(people) if gone(f"person{number}@example.org"))
    whole, alone = storm.doubts
    assert found.lost == 0
    assert found.extra <= CONNECTIONS * whole + alone
    assert found.most <= 2, "nobody gets three"
    # Who is nowhere may also be in doubt twice, or be suppressed by an answer to a worker that was taken over.
    assert nowhere - progress.unknown <= progress.bounced + progress.suppressed <= nowhere
    assert progress.sent + progress.unknown + progress.bounced + progress.suppressed == people
    assert found.seconds_to_recover <= 30


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_four_faults_in_bad_weather(make_config: MakeConfig, kind: str, tmp_path: Path, smtp_sink: Sink) -> None:
    found = _ride_out(make_config, kind, tmp_path, smtp_sink, people=200, faults=4, seed=3, hurry=True)
    _check(*found, people=200)


@pytest.mark.chaos
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_hundred_faults_over_twenty_thousand_deliveries(
    make_config: MakeConfig, kind: str, tmp_path: Path, smtp_sink: Sink
) -> None:
    found = _ride_out(make_config, kind, tmp_path, smtp_sink, people=20_000, faults=100, seed=int(time.time()))
    _check(*found, people=20_000)


@pytest.mark.chaos
@pytest.mark.timeout(400)
def test_a_mailing_goes_out_by_itself_when_redis_was_away_for_a_minute_around_publishing(
    make_config: MakeConfig, tmp_path: Path, smtp_sink: Sink
) -> None:
    with _house(make_config, "sqlite", tmp_path) as (database, config, redis, _):
        assert config.keyring_file is not None
        keyring = Keyring.load(config.keyring_file)
        newsroom = make_newsroom(database)
        make_people(database, keyring, newsroom, 500)
        release = make_release(database, newsroom)
        with Crew(config, smtp_sink, redis.url) as crew:
            time.sleep(3)
            redis.stop(remove=False)
            time.sleep(30)
            mailing_id = steering.start_mailing(database, keyring, release.id, ["press"], hold=timedelta(0), now=now())
            time.sleep(30)
            assert smtp_sink.received == []
            redis.start()
            progress = watch(database, mailing_id, seconds=60, meanwhile=lambda _: crew.revive())
        assert (progress.sent, max(smtp_sink.counts().values())) == (500, 1)
