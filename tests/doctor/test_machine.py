from __future__ import annotations

from datetime import timedelta

import pytest

from pressroom import sqlite
from pressroom.config import Config
from pressroom.db import Database
from pressroom.doctor import machine
from pressroom.doctor.finding import State
from pressroom.service import Service
from pressroom.supervising.ports import free_port
from tests.conftest import MakeConfig


def test_a_sound_database_and_redis_are_said_to_answer(database: Database, config: Config, redis_url: str) -> None:
    service = Service(config)
    assert machine.check_database(service).state is State.OK
    assert [one.state for one in machine.check_secrets(service)] == [State.OK, State.OK]


def test_a_missing_or_unreachable_database_says_what_to_do(make_config: MakeConfig, tmp_path) -> None:
    away = f"postgresql+psycopg://press:very-secret@127.0.0.1:{free_port()}/press"
    for url, do in ((f"sqlite:///{tmp_path / 'none.db'}", "pressroom init"), (away, "PRESSROOM_DATABASE_URL")):
        found = machine.check_database(Service(make_config(database_url=url)))
        assert found.state is State.WRONG and do in found.do and "very-secret" not in found.line
    assert not (tmp_path / "none.db").exists(), "looking makes nothing"


def test_a_database_that_somebody_keeps_from_all_others_is_said_to_be_held(
    make_config: MakeConfig, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "LOCK_WAIT", 0.1)
    url = f"sqlite:///{tmp_path / 'pressroom.db'}"
    database = Database(url)
    database.migrate()
    with database.transaction():
        found = machine.check_database(Service(make_config(database_url=url)))
    assert found.state is State.WARNING and f"{tmp_path / 'pressroom.db'}-turn" in found.do
    assert machine.check_database(Service(make_config(database_url=url))).state is State.OK
    database.dispose()


def test_redis_is_told_apart_as_there_away_and_not_set(make_config: MakeConfig, redis_url: str) -> None:
    there, away = make_config(redis_url=redis_url), make_config(redis_url=f"redis://:secret@127.0.0.1:{free_port()}")
    states = [machine.check_redis(Service(one)).state for one in (there, away, make_config())]
    assert states == [State.OK, State.WRONG, State.WARNING]
    assert "secret" not in machine.check_redis(Service(away)).line


def test_a_keyring_that_everybody_can_read_is_a_warning(config: Config) -> None:
    assert config.keyring_file is not None
    config.keyring_file.chmod(0o640)
    assert len(machine.check_secrets(Service(config))) == 2, "a group of its own is a way to install it"
    config.keyring_file.chmod(0o644)
    assert machine.check_secrets(Service(config))[-1].state is State.WARNING


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, State.OK), (-1.9, State.OK), (5, State.WARNING), (-5, State.WARNING), (31, State.WRONG)]
)
def test_clocks_may_differ_a_little(seconds: float, state: State) -> None:
    found = machine.compared(timedelta(seconds=seconds), "Redis's")
    assert found.state is state
    assert ("behind" in found.says) is (seconds < -2)


@pytest.mark.parametrize(
    ("free", "needed", "state"),
    [
        (50 << 20, 0, State.WRONG),
        (500 << 20, 0, State.WARNING),
        (5 << 30, 9 << 30, State.WARNING),
        (5 << 30, 0, State.OK),
    ],
)
def test_disk_must_hold_the_database_twice(free: int, needed: int, state: State) -> None:
    assert machine.roomy(free, needed).state is state


def test_pushes_into_private_networks_are_a_warning(make_config: MakeConfig) -> None:
    assert machine.check_pushes(Service(make_config())) == []
    (found,) = machine.check_pushes(Service(make_config(push_private_networks=True)))
    assert found.state is State.WARNING and "PRESSROOM_PUSH_PRIVATE_NETWORKS" in found.line
