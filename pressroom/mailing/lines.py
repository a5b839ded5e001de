"""Several connections at once, a thread each, so that a slow answer on one holds up no other."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from pressroom.mailing.wire import Answer, Envelope, Line, OpenLine, Outcome

log = logging.getLogger(__name__)

_Task = tuple[int, Envelope, float]


class Lines:
    """At most `count` messages are on the wire. Used by one thread; the lines' own threads never touch the store."""

    def __init__(self, open_line: OpenLine, count: int) -> None:
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[int, Answer]] = queue.SimpleQueue()
        self._open_line = open_line
        self._count = count
        self._threads: list[threading.Thread] = []
        self.busy = 0

    @property
    def free(self) -> int:
        return self._count - self.busy

    def hand_over(self, delivery_id: int, envelope: Envelope, deadline: float) -> None:
        """Sends it unless `deadline` (monotonic seconds) has passed before it begins; then it comes back UNSENT."""
        self.busy += 1
        if len(self._threads) < min(self.busy, self._count):
            thread = threading.Thread(target=_serve, args=(self._open_line, self._tasks, self._answers), daemon=True)
            thread.start()
            self._threads.append(thread)
        self._tasks.put((delivery_id, envelope, deadline))

    def answers(self, patience: float) -> list[tuple[int, Answer]]:
        """What has been answered; waits up to `patience` seconds for the first, not at all if nothing is out."""
        if not self.busy:
            return []
        found = []
        try:
            found.append(self._answers.get(timeout=patience))
            while True:
                found.append(self._answers.get_nowait())
        except queue.Empty:
            self.busy -= len(found)
            return found

    def close(self) -> None:
        """Ends idle connections properly; one that still waits for an answer is left to its thread."""
        for _ in self._threads:
            self._tasks.put(None)
        if not self.busy:
            for thread in self._threads:
                thread.join(timeout=5)


def _serve(
    open_line: OpenLine,
    tasks: queue.SimpleQueue[_Task | None],
    answers: queue.SimpleQueue[tuple[int, Answer]],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    line: Line | None = None
    while (task := tasks.get()) is not None:
        delivery_id, envelope, deadline = task
        if clock() > deadline:
            # The lease may be another's by now: whoever stalled (a stopped process) starts nothing.
            answers.put((delivery_id, Answer(Outcome.UNSENT, text="the lease ran out first")))
            continue
        line = line or open_line()
        try:
            answers.put((delivery_id, line.send(envelope)))
        except BaseException as error:  # noqa: BLE001 -- an answer must come back whatever happens; its text may name a person
            log.error("delivery %s: %s while it was sent", delivery_id, type(error).__name__)  # noqa: TRY400
            answers.put((delivery_id, Answer(Outcome.DOUBT, text=type(error).__name__)))
            line = None
    if line is not None:
        line.close()
