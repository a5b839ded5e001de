"""How long a machine that did not take something is waited for before it is asked again."""

from __future__ import annotations

import random
from datetime import timedelta

from pressroom.pushing.dispatch import Kind

# Each wait is three times the one before: some six hours in all.
_TRIES = {Kind.VERIFICATION: 3, Kind.CONTENT: 9, Kind.PING: 9}
_FIRST, _FACTOR, _LONGEST = timedelta(seconds=10), 3, timedelta(hours=3)


def wait(kind: Kind, attempts: int, asked: int | None = None) -> timedelta | None:
    """After so many attempts; None for no further one. `asked` is a Retry-After in seconds, which is kept to."""
    if attempts >= _TRIES[kind]:
        return None
    own: timedelta = min(_LONGEST, _FIRST * int(_FACTOR ** (attempts - 1))) * random.uniform(0.8, 1.2)
    return max(own, min(_LONGEST, timedelta(seconds=asked or 0)))
