from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from pressroom import sqlite
from pressroom.db import Database
from pressroom.errors import TryLater


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pressroom.db"


@pytest.fixture
def store(path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{path}")
    with database.transaction() as tx:
        tx.execute(text("CREATE TABLE said (word TEXT)"))
    yield database
    database.dispose()


def say(database: Database, word: str) -> None:
    with database.transaction() as tx:
        tx.execute(text("INSERT INTO said VALUES (:word)"), {"word": word})


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """As another process has it, which is next."""
    file = os.open(f"{path}-turn", os.O_RDWR)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield
    finally:
        os.close(file)


def test_nobody_writes_while_another_is_next(store: Database, path: Path) -> None:
    wrote = threading.Event()

    def write() -> None:
        say(store, "late")
        wrote.set()

    writer = threading.Thread(target=write)
    with turn(path):
        writer.start()
        assert not wrote.wait(0.3), "the database is free, but it is not their turn"
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO said VALUES ('early')")
        other.execute("COMMIT")
        other.close()
    assert wrote.wait(10)
    writer.join()
    with store.reading() as tx:
        assert list(tx.scalars(text("SELECT word FROM said ORDER BY rowid"))) == ["early", "late"]


def test_whoever_writes_lets_another_be_next(store: Database, path: Path) -> None:
    with store.transaction() as tx, turn(path):
        tx.execute(text("INSERT INTO said VALUES ('mine')"))
    say(store, "again")


def test_readers_wait_for_nobody(store: Database, path: Path) -> None:
    with store.transaction(), turn(path), store.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM said")).scalar_one() == 0


@pytest.mark.parametrize("what", ["turn", "lock"])
def test_a_wait_ends_with_a_sentence(store: Database, path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "LOCK_WAIT", 0.2)
    if what == "turn":
        with turn(path), pytest.raises(TryLater, match="busy"):
            say(store, "never")
    else:
        with store.transaction(), pytest.raises(TryLater, match="busy"):
            say(store, "never")
        with turn(path):
            pass
    say(store, "now")


def test_a_dead_process_leaves_the_turn_to_others(store: Database, path: Path) -> None:
    child = os.fork()
    if child == 0:
        with turn(path):
            os._exit(0)
    os.waitpid(child, 0)
    say(store, "alive")


def test_a_closed_connection_keeps_no_file_open(store: Database, path: Path) -> None:
    def held() -> int:
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return sum(os.readlink(link) == f"{path}-turn" for link in links)

    say(store, "once")
    assert held() == 1
    store.dispose()
    assert held() == 0
