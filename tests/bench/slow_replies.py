"""Whether 1 % of replies that take five seconds slow the others: `python -m tests.bench.slow_replies`.

So many slow replies are under way at once as 1 % of five seconds' messages: 50 at 1,000 a second. Counted is until the
first 95 % of all have arrived: what is slow at the very end is over five seconds later whatever anybody does.
"""

from __future__ import annotations

import argparse
import zlib

from tests.bench import mailing_service, measuring
from tests.sink import Sink

_SECONDS = 5.0
_COUNTED = 0.95


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--spare", type=int, nargs="+", default=[12, 200], help="spare connections to try")
    options = parser.parse_args()
    rows = []
    for spare in options.spare:
        pairs = [
            (_rate(options.recipients, spare, slow=False), _rate(options.recipients, spare, slow=True))
            for _ in range(options.rounds)
        ]
        kept = measuring.spread([100 * slow / plain for plain, slow in pairs])
        rows.append([str(spare), *(measuring.spread([one[place] for one in pairs]) for place in (0, 1)), f"{kept} %"])
    print(measuring.table(["spare connections", "per second", "with slow replies", "kept"], rows))


def _rate(recipients: int, spare: int, *, slow: bool) -> float:
    """Messages per second."""
    sink = Sink().start()
    if slow:
        sink.rule("dot", lambda recipient: zlib.crc32(recipient.encode()) % 100 == 0, delay=_SECONDS)
    try:
        mailing_service.runner("SQLite", dkim=False, connections=4, spare=spare)(sink.port, recipients)
        arrived = sorted(one.at for one in sink.received)
    finally:
        sink.stop()
    counted = int(len(arrived) * _COUNTED)
    return counted / (arrived[counted - 1] - arrived[0])


if __name__ == "__main__":
    main()
