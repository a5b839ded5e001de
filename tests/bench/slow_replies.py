"""Whether 1 % of replies that take five seconds slow the others: `python -m tests.bench.slow_replies`."""

from __future__ import annotations

import argparse
import statistics
import zlib

from tests.bench import mailing_service, measuring
from tests.bench.measuring import Run
from tests.sink import Sink

_SECONDS = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spare", type=int, nargs="+", default=[12, 200], help="spare connections to try")
    options = parser.parse_args()
    rows = []
    for spare in options.spare:
        pairs = [
            (_run(options.recipients, spare, slow=False), _run(options.recipients, spare, slow=True))
            for _ in range(options.rounds)
        ]
        kept = [_rate(slow) / _rate(plain) for plain, slow in pairs]
        shown = [measuring.spread([_rate(one[place]) for one in pairs]) for place in (0, 1)]
        rows.append([str(spare), *shown, f"{statistics.median(kept):.0%}"])
    print(measuring.table(["spare connections", "per second", "with slow replies", "kept"], rows))


def _run(recipients: int, spare: int, *, slow: bool) -> Run:
    sink = Sink().start()
    if slow:
        sink.rule("dot", lambda recipient: zlib.crc32(recipient.encode()) % 100 == 0, delay=_SECONDS)
    try:
        return mailing_service.runner("SQLite", dkim=False, connections=4, spare=spare)(sink.port, recipients)
    finally:
        sink.stop()


def _rate(run: Run) -> float:
    return run.per_second


if __name__ == "__main__":
    main()
