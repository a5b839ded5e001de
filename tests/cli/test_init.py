from __future__ import annotations

import json
from pathlib import Path

import pytest

from pressroom.cli import COMMANDS
from tests.cli.conftest import Press, must, refused


def test_it_makes_the_database_and_may_be_repeated(press: Press, data_dir: Path) -> None:
    first = must(press("init", "--json"))
    assert (data_dir / "pressroom.db").exists()
    assert must(press("init", "--json")).json == first.json


def test_a_new_database_gets_the_keyring_its_setting_names(
    press: Press, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = data_dir / "own.json"
    monkeypatch.setenv("PRESSROOM_KEYRING_FILE", str(keyring))
    must(press("init"))
    made = json.loads(keyring.read_text())
    must(press("init"))
    assert json.loads(keyring.read_text()) == made
    assert keyring.stat().st_mode & 0o777 == 0o600


def test_a_keyring_that_was_lost_is_never_replaced(
    newsroom: Press, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESSROOM_KEYRING_FILE", str(data_dir / "lost.json"))
    must(newsroom("init"))
    assert not (data_dir / "lost.json").exists()
    assert "lost.json" in refused(newsroom("list", "add", "radio", "--newsroom", "river", "--name", "Radio"))


def test_other_commands_say_that_the_database_is_not_there_and_make_none(press: Press, data_dir: Path) -> None:
    assert "pressroom init" in refused(press("list", "add", "press", "--newsroom", "river", "--name", "Press"))
    assert not (data_dir / "pressroom.db").exists()


@pytest.mark.parametrize("name", ["PRESSROOM_SECRET_KEY", "PRESSROOM_KEYRING_FILE"])
def test_a_missing_key_is_said(newsroom: Press, data_dir: Path, name: str) -> None:
    (data_dir / ("secret_key" if name == "PRESSROOM_SECRET_KEY" else "keyring.json")).unlink()
    assert name in refused(newsroom("list", "add", "radio", "--newsroom", "river", "--name", "Radio"))


def test_a_database_that_is_away_is_said(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSROOM_DATABASE_URL", "postgresql://127.0.0.1:9/none")
    assert "database" in refused(press("init"))
    assert "database" in refused(press("list", "add", "press", "--newsroom", "river", "--name", "Press"))


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_help_and_refuses_what_it_does_not_know(press: Press, command: str) -> None:
    assert must(press(command, "--help")).out.startswith(f"Usage: pressroom {command}")
    assert press(command, "--no-such-option").code == 2
