"""How fast mail leaves, beside others' senders: `python -m tests.bench.mail`.

All send the same 8 kB into Postfix's smtp-sink on another core, in turn, round by round. What counts is messages per
CPU second of the sender; on shared machines wall time drifts.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pressroom.supervising.ports import free_port
from tests.bench import mailing_service, measuring
from tests.bench.delay import Delay
from tests.bench.measuring import OURS, THEIRS, Run
from tests.servers import RedisServer

CONNECTIONS = 20
SIZE = 8192


@dataclass(frozen=True)
class Contender:
    """`doubt` is how many messages can be in doubt when it is killed; None if nothing is kept at all."""

    name: str
    run: Callable[[int, int], Run]
    messages: int
    doubt: int | None = None


def main() -> None:
    options = _options()
    measuring.need("smtp-sink", "smtp-source", "taskset")
    contenders = [one for one in _contenders(options) if not options.only or options.only in one.name]
    runs: dict[str, list[Run]] = {one.name: [] for one in contenders}
    for number in range(options.rounds):
        for one in contenders:
            with _sink(options.delay) as port:
                run = one.run(port, one.messages)
            runs[one.name].append(run)
            print(f"round {number + 1}: {one.name}: {run.per_cpu_second:,.0f}/cpu-s", file=sys.stderr, flush=True)
    print(_table(contenders, runs))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delay", type=float, default=0.0, help="simulated round-trip time in milliseconds")
    parser.add_argument("--only", help="contenders whose name holds this")
    return parser.parse_args()


def _contenders(options: argparse.Namespace) -> list[Contender]:
    people = options.recipients
    few = max(200, people // 20)
    ours = [
        Contender(
            f"pressroom, {store}{', DKIM RSA-2048' if dkim else ''}",
            mailing_service.runner(store, dkim=dkim, connections=CONNECTIONS),
            people,
            CONNECTIONS,
        )
        for store in ("SQLite", "PostgreSQL")
        for dkim in (False, True)
    ]
    return [
        Contender("smtp-source ×20", _smtp_source, people),
        *ours,
        Contender("the RSA-2048 key operation alone", _script("rsa_operations"), people),
        Contender("Flask-Mail loop", _script("flask_mail_loop"), few),
        Contender("one RQ job per recipient", _rq_jobs, few // 2),
    ]


@contextlib.contextmanager
def _sink(delay: float) -> Iterator[int]:
    port = free_port()
    sink = measuring.pinned(
        [measuring.find("smtp-sink") or "", "-u", "nobody", "-m", "1000", f"127.0.0.1:{port}", "1000"], THEIRS
    )
    try:
        _wait_for(port)
        if delay:
            with Delay(port, delay / 2000) as between:
                yield between.port
        else:
            yield port
    finally:
        sink.kill()
        sink.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError("smtp-sink did not start")


def _smtp_source(port: int, messages: int) -> Run:
    began = time.monotonic()
    command = [measuring.find("smtp-source") or "", "-s", str(CONNECTIONS), "-l", str(SIZE), "-m", str(messages)]
    return measuring.finished(measuring.pinned([*command, f"127.0.0.1:{port}"], OURS), messages, began)


def _script(name: str) -> Callable[[int, int], Run]:
    def run(port: int, messages: int) -> Run:
        began = time.monotonic()
        command = [sys.executable, "-m", "tests.bench.contenders", name, str(port), str(messages), str(SIZE)]
        return measuring.finished(measuring.pinned(command, OURS), messages, began)

    return run


def _rq_jobs(port: int, messages: int) -> Run:
    redis = RedisServer()
    try:
        began = time.monotonic()
        words = ["rq_jobs", str(port), str(messages), str(SIZE), redis.url]
        command = [sys.executable, "-m", "tests.bench.contenders", *words]
        return measuring.finished(measuring.pinned(command, OURS), messages, began)
    finally:
        redis.stop()


def _table(contenders: list[Contender], runs: dict[str, list[Run]]) -> str:
    head = ["sender", "messages", "per CPU second", "ratio", "per second", "resident MB", "doubt bound"]
    base = runs.get("smtp-source ×20")
    rows = []
    for one in contenders:
        mine = runs[one.name]
        ratio = "–"
        if base:
            pairs = [run.per_cpu_second / other.per_cpu_second for run, other in zip(mine, base, strict=True)]
            ratio = measuring.spread(pairs)
        rows.append(
            [
                one.name,
                f"{one.messages:,}",
                measuring.spread([run.per_cpu_second for run in mine]),
                ratio,
                measuring.spread([run.per_second for run in mine]),
                f"{statistics.median(run.megabytes for run in mine):.0f}",
                "nothing kept" if one.doubt is None else str(one.doubt),
            ]
        )
    return measuring.table(head, rows)


if __name__ == "__main__":
    main()
