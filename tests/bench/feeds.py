"""What serving a feed costs, beside nginx with the same bytes and a feed written anew for everybody:
`python -m tests.bench.feeds`.

Each server has the first core, wrk the last. What counts is requests per CPU second of the server.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pressroom.config import Config
from pressroom.db import Database
from pressroom.seal import create_keyring
from pressroom.supervising.ports import free_port
from tests.bench import measuring, steady
from tests.bench.measuring import OURS, THEIRS
from tests.makers import make_newsroom, make_release, now

_PATH = "/river/en/feed.atom"
_ITEMS = 50
_ITEM = 4096
_CONNECTIONS = 32


@dataclass(frozen=True)
class Served:
    """A running server: where, and the processes whose time counts."""

    url: str
    pids: Callable[[], list[int]]


@dataclass(frozen=True)
class Load:
    requests: float
    cpu: float
    megabytes: float

    @property
    def per_cpu_second(self) -> float:
        return self.requests / max(self.cpu, 1e-9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument(
        "--vocabulary", type=int, default=2000, help="words in use: how well the feed can be compressed"
    )
    options = parser.parse_args()
    measuring.need("nginx", "wrk", "taskset")
    with tempfile.TemporaryDirectory(prefix="pressroom-bench-") as made:
        directory = Path(made)
        directory.chmod(0o755)
        environ = _newsroom(directory, options.vocabulary)
        with _pressroom(environ) as served:
            plain, zipped = _copy(served, directory / "static")
        servers = {
            "nginx, static": lambda: _nginx(directory),
            "pressroom": lambda: _pressroom(environ),
            "gunicorn, feedgen": _gunicorn,
        }
        print(f"A feed of {_ITEMS} items: {plain:,} bytes, {zipped:,} by gzip.\n")
        print(_compare(servers, options.rounds, options.seconds))
        with _pressroom(environ) as served:
            tag = _warm(served)
            waits = steady.waits(served.url, per_second=1000, seconds=10, accept="gzip")
            print(f"\nAt 1,000 requests a second: median {waits[len(waits) // 2]:.2f} ms, p95 {_p95(waits):.2f} ms.")
            print(_growth(served, tag, options.seconds))


def _growth(served: Served, tag: str, seconds: int) -> str:
    kinds = (({}, "200"), ({"If-None-Match": tag}, "304"))
    before = [_load(served, headers, 1, expect=kind) for headers, kind in kinds][-1].megabytes
    loads = [_load(served, headers, 3 * seconds, expect=kind) for headers, kind in kinds]
    count = sum(load.requests for load in loads)
    return f"Resident: {before:.1f} MB, and {loads[-1].megabytes:.1f} MB after {count:,} requests more."


def _p95(waits: list[float]) -> float:
    return waits[int(len(waits) * 0.95)]


def _newsroom(directory: Path, vocabulary: int) -> dict[str, str]:
    """A service with one newsroom whose feed has 50 items of 4 kB."""
    create_keyring(directory / "keyring.json")
    url = f"sqlite:///{directory / 'pressroom.db'}"
    database = Database(Config(database_url=url).sqlalchemy_url)
    database.migrate()
    newsroom, chance = make_newsroom(database, languages=["en"]), random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnoprstuvwy", k=chance.randint(2, 9))) for _ in range(vocabulary)]
    for number in range(_ITEMS):
        began = now() - timedelta(hours=number + 1)
        make_release(
            database, newsroom, titles={"en": f"Day {number}"}, bodies={"en": _text(chance, words)}, public_from=began
        )
    database.dispose()
    return {
        "PYTHONUTF8": "1",
        "PRESSROOM_DATA_DIR": str(directory),
        "PRESSROOM_SECRET_KEY": "k" * 64,
        "PRESSROOM_KEYRING_FILE": str(directory / "keyring.json"),
        "PRESSROOM_DATABASE_URL": url,
        "PRESSROOM_REDIS_URL": "",
        "PRESSROOM_WEB_WORKERS": "1",
        # All of the load comes from one client. Counting it goes on.
        "PRESSROOM_FEED_FETCHES": "1000000000",
    }


def _text(chance: random.Random, words: list[str]) -> str:
    paragraphs, length = [], 0
    while length < _ITEM:
        paragraphs.append(" ".join(chance.choices(words, k=60)).capitalize() + ".")
        length += len(paragraphs[-1])
    return "\n\n".join(paragraphs)


def _copy(served: Served, folder: Path) -> list[int]:
    """What pressroom serves, as files, gzip beside the plain; returns their sizes."""
    folder.mkdir()
    sizes = []
    for name, coding in (("feed.atom", "identity"), ("feed.atom.gz", "gzip")):
        request = urllib.request.Request(served.url, headers={"Accept-Encoding": coding})
        with urllib.request.urlopen(request) as answer:
            sizes.append((folder / name).write_bytes(answer.read()))
    return sizes


_NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 512; }}
http {{ access_log off; types {{ application/atom+xml atom; }} gzip_static on; keepalive_requests 1000000;
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t; open_file_cache max=16; sendfile on; tcp_nopush on;
  server {{ listen 127.0.0.1:{port}; root {folder}/static; add_header Cache-Control "public, max-age=300"; }} }}
"""


@contextmanager
def _nginx(directory: Path) -> Iterator[Served]:
    port = free_port()
    (directory / "nginx.conf").write_text(_NGINX.format(folder=directory, port=port), encoding="utf-8")
    with _running([measuring.find("nginx") or "", "-c", str(directory / "nginx.conf")], {}, port) as pids:
        yield Served(f"http://127.0.0.1:{port}/feed.atom", pids)


@contextmanager
def _pressroom(environ: dict[str, str]) -> Iterator[Served]:
    port = free_port()
    command = [sys.executable, "-m", "pressroom.supervising.web", "127.0.0.1", str(port)]
    with _running(command, {**environ, "PRESSROOM_BASE_URL": f"http://127.0.0.1:{port}"}, port) as pids:
        yield Served(f"http://127.0.0.1:{port}{_PATH}", pids)


@contextmanager
def _gunicorn() -> Iterator[Served]:
    port = free_port()
    words = [
        "-m",
        "gunicorn",
        "-k",
        "gthread",
        "--threads",
        "8",
        "-b",
        f"127.0.0.1:{port}",
        "tests.bench.plain_feed:app",
    ]
    with _running([sys.executable, *words], {}, port) as pids:
        yield Served(f"http://127.0.0.1:{port}/feed.atom", pids)


@contextmanager
def _running(command: list[str], environ: dict[str, str], port: int) -> Iterator[Callable[[], list[int]]]:
    process = measuring.pinned(command, OURS, environ)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield lambda: _family(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _family(pid: int) -> list[int]:
    """A process and whoever descends from it."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
    return found


def _compare(servers: dict[str, Callable[[], AbstractContextManager[Served]]], rounds: int, seconds: int) -> str:
    loads: dict[tuple[str, str], list[Load]] = {(name, kind): [] for name in servers for kind in ("200", "304")}
    for number in range(rounds):
        for name, start in servers.items():
            with start() as served:
                tag = _warm(served)
                for kind, headers in (("200", {}), ("304", {"If-None-Match": tag})):
                    load = _load(served, headers, seconds, expect=kind)
                    loads[name, kind].append(load)
                    shown = f"{load.per_cpu_second:,.0f}/cpu-s"
                    print(f"round {number + 1}: {name}: {kind}: {shown}", file=sys.stderr, flush=True)
    first, *_ = servers
    head = ["server", "200 gzip per CPU second", "ratio", "304 per CPU second", "ratio", "resident MB"]
    rows = []
    for name in servers:
        row = [name]
        for kind in ("200", "304"):
            mine, base = loads[name, kind], loads[first, kind]
            pairs = [one.per_cpu_second / other.per_cpu_second for one, other in zip(mine, base, strict=True)]
            row += [measuring.spread([one.per_cpu_second for one in mine]), measuring.spread(pairs)]
        rows.append([*row, f"{statistics.median(one.megabytes for one in loads[name, '304']):.0f}"])
    return measuring.table(head, rows)


def _warm(served: Served) -> str:
    """Asks a few times, and returns the ETag."""
    request = urllib.request.Request(served.url, headers={"Accept-Encoding": "gzip"})
    for _ in range(20):
        with urllib.request.urlopen(request) as answer:
            answer.read()
            tag = answer.headers["ETag"] or '"none"'
    return str(tag)


def _load(served: Served, headers: dict[str, str], seconds: int, *, expect: str) -> Load:
    words = [f"-c{_CONNECTIONS}", "-t1", f"-d{seconds}s", "-H", "Accept-Encoding: gzip"]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    pids = served.pids()
    before = sum(measuring.cpu_seconds(pid) for pid in pids)
    command = ["taskset", "-c", str(THEIRS), measuring.find("wrk") or "wrk", *words, served.url]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ}).stdout
    cpu = sum(measuring.cpu_seconds(pid) for pid in pids) - before
    if "Non-2xx" in said and expect == "200":
        raise RuntimeError(said)
    found = re.search(r"(\d+) requests in", said)
    assert found is not None, said
    return Load(int(found[1]), cpu, sum(measuring.resident_megabytes(pid) for pid in pids))


if __name__ == "__main__":
    main()
