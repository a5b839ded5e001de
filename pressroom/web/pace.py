"""How often one client may fetch one feed whole. Whoever asks whether it changed may ask as often as they like."""

from __future__ import annotations

import time
from collections import Counter

WINDOW = 300.0
_MOST_KNOWN = 20_000


class Pace:
    """At most `most` whole answers in five minutes; 0 is no limit. For this process; counted without a lock, about."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._window = -1
        self._asked: Counter[tuple[str, str]] = Counter()

    def wait(self, client: str, path: str) -> int:
        """Counts a request; how many seconds it has to wait, or 0. An empty client is anybody, whom nobody counts."""
        if not self._most or not client:
            return 0
        now = time.monotonic()
        window = int(now / WINDOW)
        if window != self._window or len(self._asked) > _MOST_KNOWN:
            self._window, self._asked = window, Counter()
        self._asked[client, path] += 1
        if self._asked[client, path] <= self._most:
            return 0
        return max(1, int((window + 1) * WINDOW - now))
