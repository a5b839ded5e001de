"""What all tests share: real databases, Redis and mail, each empty when a test begins."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import ClauseElement, Dialect
from werkzeug.routing import Rule

from pressroom.config import Config
from pressroom.db import Database
from pressroom.seal import create_keyring
from tests.servers import PostgresServer, RedisServer
from tests.sink import Sink

_numbers = count(1)
MakeConfig = Callable[..., Config]


@pytest.fixture(scope="session", autouse=True)
def _rules_compiled_once() -> Iterator[None]:
    """Werkzeug writes code for each rule of each application, which takes longer than many a test. The same rule has
    the same code, which knows its rule by an argument.
    """
    compiled: dict[tuple[object, ...], Any] = {}
    compile_builder = Rule._compile_builder

    def once(rule: Rule, append_unknown: bool = True) -> Any:
        key = (append_unknown, *rule._trace, *sorted((rule.defaults or {}).items()))
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Rule, "_compile_builder", once)
        yield


class _Memory(BytecodeCache):
    def __init__(self) -> None:
        self._compiled: dict[str, tuple[str, CodeType | None]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        checksum, code = self._compiled.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = (bucket.checksum, bucket.code)


@pytest.fixture(scope="session", autouse=True)
def _templates_compiled_once() -> Iterator[None]:
    """Each application compiles its templates; to the same code, as long as the files are the same."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Flask, "jinja_options", {"bytecode_cache": _Memory()})
        yield


class _SharedStatements:
    """What SQLAlchemy keeps of statements that it compiled, for all databases of a kind instead of for one."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[object, ...], Any] = {}

    def get(self, key: tuple[object, ...]) -> Any:
        return self._compiled.get((type(key[0]), *key[1:]))

    def __setitem__(self, key: tuple[object, ...], compiled: Any) -> None:
        self._compiled[type(key[0]), *key[1:]] = compiled


@pytest.fixture(scope="session", autouse=True)
def _statements_compiled_once() -> Iterator[None]:
    """Each test has engines of its own, and each engine would compile each statement anew."""
    shared = _SharedStatements()
    compile_with_cache = ClauseElement._compile_w_cache

    def once(statement: ClauseElement, dialect: Dialect, *, compiled_cache: Any, **given: Any) -> Any:
        kept = shared if compiled_cache is not None else None
        return compile_with_cache(statement, dialect, compiled_cache=kept, **given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ClauseElement, "_compile_w_cache", once)
        yield


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_process: RedisServer) -> str:
    """An empty Redis."""
    redis_process.flush()
    return redis_process.url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database, without tables."""
    name = f"empty_{next(_numbers)}"
    yield postgres_server.create(name)
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "pressroom.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _migrated_postgres(postgres_server: PostgresServer) -> str:
    _migrate(_sqlalchemy(postgres_server.create("migrated")))
    return "migrated"


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.dispose()


def _sqlalchemy(url: str) -> str:
    return Config(database_url=url).sqlalchemy_url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database of each kind, as PRESSROOM_DATABASE_URL would name it."""
    if request.param == "sqlite":
        path = tmp_path / "pressroom.db"
        shutil.copy(request.getfixturevalue("_sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    # One for all tests: what is new is slow at first.
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = request.getfixturevalue("_migrated_postgres")
    server.empty(name)
    yield server.url(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(_sqlalchemy(database_url))
    yield database
    database.dispose()


@pytest.fixture
def make_config(tmp_path: Path) -> MakeConfig:
    """Settings with keys and a data directory of their own; what a test needs otherwise it names."""

    def make(**settings: Any) -> Config:
        keyring = tmp_path / "keyring.json"
        if not keyring.exists():
            create_keyring(keyring)
        return replace(Config(data_dir=tmp_path, secret_key="k" * 64, keyring_file=keyring), **settings)

    return make


@pytest.fixture
def config(make_config: MakeConfig, database_url: str) -> Config:
    """Settings whose database is the one of the `database` fixture."""
    return make_config(database_url=database_url)


@pytest.fixture
def smtp_sink() -> Iterator[Sink]:
    sink = Sink().start()
    yield sink
    sink.stop()
