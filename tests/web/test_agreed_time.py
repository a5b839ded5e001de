from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from pressroom.config import Config
from pressroom.db import Database
from pressroom.service import Service
from pressroom.web.agreed_time import AgreedTime, clock_of
from pressroom.web.fastpath import Pulse
from tests.conftest import MakeConfig
from tests.makers import make_newsroom, make_release, now
from tests.servers import RedisServer
from tests.web.public import Site, path

HOUR = timedelta(hours=1)
NEAR = timedelta(seconds=30)


class Machine:
    """This process's clock, which a test may set wrong."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self, _tx: Session | None = None) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """One that a test may stop."""
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def sqlite(make_config: MakeConfig, request: pytest.FixtureRequest) -> Database:
    config = make_config()
    database = Database(config.sqlalchemy_url)
    request.addfinalizer(database.dispose)
    database.migrate()
    return database


def wrong_by(clock: AgreedTime) -> timedelta:
    return clock(None) - datetime.now(UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_the_earlier_of_two_clocks_counts(redis_url: str, ahead: timedelta) -> None:
    machine = Machine()
    clock = AgreedTime(machine, redis_url)
    assert abs(wrong_by(clock)) < NEAR
    machine.ahead = ahead
    assert abs(wrong_by(clock) - min(ahead, timedelta())) < NEAR


def test_with_redis_away_its_last_difference_is_applied_and_a_jump_moves_nothing(own_redis: RedisServer) -> None:
    machine = Machine()
    machine.ahead = HOUR
    clock = AgreedTime(machine, own_redis.url)
    clock(None)  # type: ignore[arg-type]
    own_redis.stop(remove=False)
    assert -NEAR < wrong_by(clock) <= timedelta()
    machine.ahead = 5 * HOUR
    assert -NEAR < wrong_by(clock) <= timedelta()
    machine.ahead = timedelta()
    assert -NEAR < wrong_by(clock) <= timedelta()
    own_redis.start()
    assert -NEAR < wrong_by(clock) <= timedelta()


def test_without_an_answer_ever_the_own_clock_counts(tmp_path: object) -> None:
    assert abs(wrong_by(AgreedTime(Machine(), f"unix://{tmp_path}/nobody.sock"))) < NEAR


def test_a_difference_and_an_absence_are_each_said_once(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine()
    clock = AgreedTime(machine, own_redis.url)
    with caplog.at_level(logging.WARNING):
        wrong_by(clock)
        assert caplog.messages == []
        machine.ahead = HOUR
        for _ in range(3):
            wrong_by(clock)
        (said,) = caplog.records
        assert said.levelno == logging.ERROR
        assert "3600.0 s ahead of Redis" in said.getMessage() and "NTP" in said.getMessage()
        caplog.clear()
        own_redis.stop(remove=False)
        for _ in range(3):
            wrong_by(clock)
        assert [one.levelno for one in caplog.records] == [logging.WARNING]
        own_redis.start()
        caplog.clear()
        machine.ahead = -HOUR
        wrong_by(clock)
        machine.ahead = timedelta()
        wrong_by(clock)
        machine.ahead = -HOUR
        wrong_by(clock)
        assert len(caplog.records) == 1, "still different, then right, then different again"


def test_a_database_with_a_clock_of_its_own_needs_no_witness(make_config: MakeConfig, redis_url: str) -> None:
    def clock(**settings: str | None) -> object:
        return clock_of(Service(make_config(**settings)))

    assert isinstance(clock(redis_url=redis_url), AgreedTime)
    assert not isinstance(clock(), AgreedTime)
    assert not isinstance(clock(redis_url=redis_url, database_url="postgresql:///pressroom"), AgreedTime)


def test_an_embargo_stands_while_the_machine_runs_ahead_and_lifts_on_time(
    sqlite: Database, make_config: MakeConfig, redis_url: str
) -> None:
    machine = Machine()
    config: Config = make_config(redis_url=redis_url)
    site = Site(config, sqlite, pulse=Pulse(sqlite, every=0.0, clock=AgreedTime(machine, redis_url)))
    newsroom = make_newsroom(sqlite, languages=["en"])
    made = make_release(sqlite, newsroom, titles={"en": "Quiet 7319"}, public_from=now() + HOUR / 2, beats=["secret"])
    public = make_release(sqlite, newsroom, titles={"en": "Loud"}, public_from=now() - timedelta(seconds=1))
    for ahead in (timedelta(), HOUR):
        machine.ahead = ahead
        assert site.get(path(made, "en")).status_code == 404
        assert site.get(path(public, "en")).status_code == 200
        assert "7319" not in site.get("/river/en/").text and "Loud" in site.get("/river/en/").text
        assert "secret" not in site.get("/subscribe/river").text
        assert "pressroom_releases_public 1.0" in site.get("/metrics").text
    site.close()
