from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pressroom.supervising import redis_server
from tests.supervising.running import Running, alive, clean_environment, command, until

Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Running] = []

    def run(*, port: int = 0, **environ: str) -> Running:
        started.append(Running(tmp_path / "data", environ, port=port))
        return started[-1]

    yield run
    for one in started:
        one.end()


def up(data_dir: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("up", *words),
        env=clean_environment(data_dir, **environ),
        cwd=data_dir.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_one_sentence(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].endswith(".")
    for part in parts:
        assert part in lines[0]


def listens(address: str) -> bool:
    host, port = address.removeprefix("http://").split(":")
    with socket.socket() as attempt:
        return attempt.connect_ex((host, int(port))) == 0


def healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_sigterm_ends_every_process_and_exits_with_0(start: Start) -> None:
    service = start().ready()
    assert healthy(service.address)
    parts = (
        "supervising.web",
        "working mail",
        "working default",
        "working push",
        "working clock",
        "supervising.mailbox",
        "redis",
    )
    running = alive(service.data_dir)
    for part in parts:
        assert any(part in line for line in running.values()), part
    assert service.stop() == 0
    assert alive(service.data_dir) == {}
    assert not listens(service.address)


def test_ctrl_c_ends_it_like_sigterm(start: Start) -> None:
    service = start().ready()
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(30) == 0
    assert alive(service.data_dir) == {}


def test_a_signal_in_the_middle_of_the_start_leaves_nothing(start: Start) -> None:
    service = start()
    until(lambda: len(alive(service.data_dir)) > 1, "the first child runs")
    assert service.stop() == 0
    assert alive(service.data_dir) == {}


def test_kill_9_of_the_supervisor_leaves_no_process_and_no_listener(start: Start) -> None:
    service = start().ready()
    address = service.address
    service.process.kill()
    service.process.wait()
    until(lambda: not alive(service.data_dir) and not listens(address), "all of its processes and sockets are gone")


@pytest.mark.parametrize(
    ("part", "name"),
    [("working mail", "mail"), ("redis", "Redis"), ("supervising.web", "web"), ("supervising.mailbox", "mailbox")],
)
def test_a_child_that_dies_is_started_again_and_this_is_said(start: Start, part: str, name: str) -> None:
    service = start().ready()
    before = service.child(part)
    os.kill(before, signal.SIGKILL)
    until(lambda: f"pressroom: {name} ended (SIGKILL); it starts again" in service.err, "it is said")

    def replaced() -> bool:
        try:
            return service.child(part) != before
        except StopIteration:
            return False

    until(replaced, "another one runs")
    until(lambda: healthy(service.address), "the service answers")
    assert service.stop() == 0
    assert alive(service.data_dir) == {}


def test_a_web_process_that_dies_leaves_the_port_to_the_others(start: Start) -> None:
    service = start(PRESSROOM_WEB_WORKERS="2").ready()
    until(lambda: webs(service) == 2, "two processes serve")
    os.kill(service.child("supervising.web"), signal.SIGKILL)
    until(lambda: "web ended (SIGKILL); it starts again" in service.err, "its death is seen")
    assert all(healthy(service.address) for _ in range(20))
    until(lambda: webs(service) == 2, "two processes serve again")
    assert all(healthy(service.address) for _ in range(20))


def webs(service: Running) -> int:
    """How many processes listen for the web."""
    port = f"{int(service.address.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(row[1].endswith(f":{port}") and row[3] == "0A" for row in rows)


def test_redis_answers_again_after_its_death(start: Start) -> None:
    service = start().ready()
    os.kill(service.child("redis"), signal.SIGKILL)
    until(lambda: "Redis ended" in service.err, "its death is said")
    plan = service.data_dir / "redis" / "redis.sock"
    pointer = service.data_dir / "redis" / "socket_dir"
    path = pointer.readlink() / "redis.sock" if pointer.is_symlink() else plan
    until(lambda: redis_server.ping(f"unix://{path}") is None, "it answers")


def test_a_second_start_keeps_the_data_and_the_keys(start: Start) -> None:
    first = start().ready()
    kept = {name: (first.data_dir / name).read_bytes() for name in ("secret_key", "keyring.json")}
    with sqlite3.connect(first.data_dir / "pressroom.db") as connection:
        connection.execute("CREATE TABLE kept_by_test (x)")
    connection.close()
    login = next(line for line in first.out.splitlines() if line.startswith("First login: "))
    first.stop()
    second = start().ready()
    with sqlite3.connect(second.data_dir / "pressroom.db") as connection:
        assert connection.execute("SELECT count(*) FROM kept_by_test").fetchone() == (0,)
    connection.close()
    assert {name: (second.data_dir / name).read_bytes() for name in kept} == kept
    assert login.rpartition(" at ")[0] in second.out


def test_keys_and_settings_are_readable_by_their_owner_only(start: Start) -> None:
    service = start().ready()
    for name in ("secret_key", "keyring.json", "first_login", "running.json"):
        assert (service.data_dir / name).stat().st_mode & 0o077 == 0, name
    for name in ("redis", "mailbox"):
        assert (service.data_dir / name).stat().st_mode & 0o077 == 0, name


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        port = other.getsockname()[1]
        assert_one_sentence(up(tmp_path / "data", "--demo", "--port", str(port)), str(port), "--port")


def test_an_unwritable_data_directory_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert_one_sentence(up(tmp_path / "data", "--demo", "--port", "0"), str(tmp_path / "data"), "PRESSROOM_DATA_DIR")
    below = tmp_path / "data" / "below"
    done = subprocess.run(
        command("up", "--demo", "--port", "0"),
        env=clean_environment(below),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert_one_sentence(done, str(below), "PRESSROOM_DATA_DIR")


def test_a_second_service_on_one_data_directory_is_one_sentence(start: Start) -> None:
    service = start().ready()
    assert_one_sentence(up(service.data_dir, "--demo", "--port", "0"), str(service.data_dir))
    assert healthy(service.address)


@pytest.mark.parametrize("version", ["7.0.15", None])
def test_a_redis_that_cannot_start_is_one_sentence_with_its_reason(tmp_path: Path, version: str | None) -> None:
    says = f'[ "$1" = --version ] && echo "Redis server v={version} sha=0" && exit 0\n' if version else ""
    for name in ("redis-server", "valkey-server"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{says}echo 'Fatal: the moon is down' >&2\nexit 1\n")
        program.chmod(0o755)
    done = up(tmp_path / "data", "--demo", "--port", "0", PATH=f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert_one_sentence(done, "Redis could not start", "the moon is down")
    assert alive(tmp_path / "data") == {}


def test_a_configured_redis_is_used_and_none_is_started(start: Start, redis_url: str) -> None:
    service = start(PRESSROOM_REDIS_URL=redis_url).ready()
    assert not any("redis-server" in line for line in alive(service.data_dir).values())
    assert not (service.data_dir / "redis").exists()


def test_a_configured_redis_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    away = f"unix://{tmp_path}/nobody.sock"
    done = up(tmp_path / "data", "--demo", "--port", "0", PRESSROOM_REDIS_URL=away)
    assert_one_sentence(done, "PRESSROOM_REDIS_URL")


def test_a_database_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    away = f"postgresql://nobody@/none?host={tmp_path}"
    done = up(tmp_path / "data", "--demo", "--port", "0", PRESSROOM_DATABASE_URL=away)
    assert_one_sentence(done, "PRESSROOM_DATABASE_URL")


def test_without_demo_missing_keys_stop_the_start(tmp_path: Path) -> None:
    assert_one_sentence(up(tmp_path / "data", "--port", "0"), "PRESSROOM_SECRET_KEY")
    done = up(tmp_path / "data", "--port", "0", PRESSROOM_SECRET_KEY="s" * 40)
    assert_one_sentence(done, "PRESSROOM_KEYRING_FILE")


def test_a_data_directory_with_a_long_name_and_a_space_works(tmp_path: Path) -> None:
    deep = tmp_path / ("a long name " * 8) / "data"
    service = Running(deep)
    try:
        service.ready()
        assert service.stop() == 0
        left = deep / "redis" / "socket_dir"
        assert not left.exists()
    finally:
        service.end()
