"""The layer before Flask: what is public is rendered once and answered from memory until it changes.

A change shows in every process within half a second: one query, at most twice a second, reads the newsrooms'
generations together with the database's time. *Now* is that time plus what the local monotonic clock has counted
since, so that a jumped clock lifts no embargo; with the database away documents are served until `valid_until`, and
nothing new is lifted. What a change has made stale is dropped with the next such query, so that a vanished text leaves
the memory, too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.errors import TryLater
from pressroom.web import documents
from pressroom.web.documents import Document, Reply, StartResponse
from pressroom.web.pace import Pace

log = logging.getLogger(__name__)

MEMORY = 64 * 1024 * 1024
_TOO_OLD = 1.0
_LONGEST_WAIT = 5.0


@dataclass(frozen=True)
class State:
    """What the database said at `read_at`, a reading of the monotonic clock."""

    generations: dict[str, int]
    total: int
    database_time: datetime
    read_at: float

    def generation(self, newsroom: str | None) -> int:
        """One newsroom's, or for None one that rises with any of them."""
        return self.total if newsroom is None else self.generations.get(newsroom, 0)


class Pulse:
    """The newsrooms' generations and the database's time, asked for at most every `every` seconds.

    `clock` reads the database's time; a test may give another.
    """

    def __init__(
        self, database: Database, *, every: float = 0.5, clock: Callable[[Session], datetime] | None = None
    ) -> None:
        self._database = database
        self._every = every
        self._clock = clock or database.now
        # Older than that, for want of visitors, it is not worth showing: then they wait for the answer.
        self._too_old = min(_TOO_OLD, 2 * every)
        self._lock = threading.Lock()
        self._state: State | None = None
        self._tried_at = float("-inf")
        self._away = False

    def look(self) -> State:
        """What is known, if it is young enough; whoever finds it due has it asked for in a thread of its own.

        Raises TryLater if the database never answered yet.
        """
        if self.would_wait():
            self._wait()
        elif self._age() >= self._every and self._lock.acquire(blocking=False):
            threading.Thread(target=self._ask_and_release, name="pulse", daemon=True).start()
        if self._state is None:
            raise TryLater("The database does not answer; try again in a moment.")
        return self._state

    def would_wait(self, margin: float = 0.0) -> bool:
        """Whether a look waits for the database; for one that follows within `margin` seconds."""
        return self._state is None or (self._age() + margin > self._too_old and not self._away)

    def _age(self) -> float:
        return time.monotonic() - self._tried_at

    def _wait(self) -> None:
        if not self._lock.acquire(timeout=_LONGEST_WAIT):
            return
        try:
            if self._age() >= self._every or self._state is None:
                self._ask()
        finally:
            self._lock.release()

    def _ask_and_release(self) -> None:
        try:
            self._ask()
        finally:
            self._lock.release()

    def now(self, state: State) -> datetime:
        """Database time, never ahead of it and never earlier than when the state was read."""
        return state.database_time + timedelta(seconds=time.monotonic() - state.read_at)

    def _ask(self) -> None:
        try:
            with self._database.reading() as tx:
                now = self._clock(tx)
                # After the time, which may be slow to come: counted from before, it would run ahead.
                read_at = time.monotonic()
                rows = tx.execute(text("SELECT slug, generation FROM newsroom")).all()
        except (DBAPIError, TryLater) as error:
            if not self._away:
                log.warning(
                    "The database does not answer (%s); documents are served as they stand.", type(error).__name__
                )
            self._away = True
        else:
            generations = {str(row.slug): int(row.generation) for row in rows}
            self._state = State(generations, sum(generations.values()) + len(generations), now, read_at)
            self._away = False
        finally:
            self._tried_at = time.monotonic()


class Instant(Pulse):
    """The state at the first look, for ever: all that is rendered with it shows the site at one instant."""

    def __init__(self, database: Database, *, clock: Callable[[Session], datetime]) -> None:
        super().__init__(database, every=float("inf"), clock=clock)

    def now(self, state: State) -> datetime:
        return state.database_time


class Library:
    """Documents by path, the least recently read going first when memory is full; safe to share among threads."""

    def __init__(self, pulse: Pulse, *, memory: int = MEMORY) -> None:
        self.pulse = pulse
        self._memory = memory
        # Below that nothing has to go soon, and the order in which things were read does not matter.
        self._roomy = memory // 2
        self._used = 0
        self._shelf: OrderedDict[str, tuple[Document, str | None, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._flights: dict[str, tuple[threading.Lock, int]] = {}
        self._swept: State | None = None

    def now(self) -> datetime:
        """The time by which the public may see things; raises TryLater."""
        state = self._look()
        return self.pulse.now(state)

    def find(self, path: str) -> tuple[Document, datetime] | None:
        """The document that stands at a path right now, and what time it is; None if it must be rendered."""
        kept = self._shelf.get(path)
        if kept is None:
            return None
        document, newsroom, generation = kept
        state = self._look()
        if state.generation(newsroom) != generation:
            return None
        # What no clock changes any more can do with the time at which the state was read.
        now = state.database_time if document.is_settled(state.database_time) else self.pulse.now(state)
        if not document.is_current(now):
            return None
        if self._used > self._roomy:
            with self._lock:
                if path in self._shelf:
                    self._shelf.move_to_end(path)
        return document, now

    def get(self, path: str, newsroom: str | None, render: Callable[[datetime], Document]) -> tuple[Document, datetime]:
        """The document at a path, rendered by one thread while others wait. What `render` raises is not kept.

        `newsroom` is the one whose changes change it; None is any.
        """
        with self._alone(path):
            found = self.find(path)
            if found is not None:
                return found
            # Read before rendering: a change made meanwhile leaves a generation that no longer fits.
            state = self._look()
            now = self.pulse.now(state)
            document = render(now)
            self._put(path, newsroom, state.generation(newsroom), document)
            return document, now

    def _look(self) -> State:
        state = self.pulse.look()
        if state is not self._swept:
            self._sweep(state)
        return state

    def _sweep(self, state: State) -> None:
        """Drops what has changed, whether or not anybody asks for it again."""
        with self._lock:
            before = self._swept
            if before is not None and before.read_at >= state.read_at:
                return
            self._swept = state
            if before is None or before.generations == state.generations:
                return
            for path, (_, newsroom, generation) in list(self._shelf.items()):
                if state.generation(newsroom) != generation:
                    self._used -= self._shelf.pop(path)[0].size

    def _put(self, path: str, newsroom: str | None, generation: int, document: Document) -> None:
        with self._lock:
            old = self._shelf.pop(path, None)
            self._used -= old[0].size if old else 0
            # Another thread may have swept while this was rendered.
            stale = self._swept is not None and self._swept.generation(newsroom) != generation
            if stale or document.size > self._memory // 4:
                return
            self._shelf[path] = (document, newsroom, generation)
            self._used += document.size
            while self._used > self._memory:
                _, (least_read, _, _) = self._shelf.popitem(last=False)
                self._used -= least_read.size

    @contextmanager
    def _alone(self, path: str) -> Iterator[None]:
        with self._lock:
            flight, waiting = self._flights.get(path, (threading.Lock(), 0))
            self._flights[path] = (flight, waiting + 1)
        try:
            with flight:
                yield
        finally:
            with self._lock:
                _, waiting = self._flights[path]
                if waiting == 1:
                    del self._flights[path]
                else:
                    self._flights[path] = (flight, waiting - 1)


class FastPath:
    """WSGI: a GET or HEAD without a query is answered from the library; all else is the application's.

    Whoever fetches a feed whole again and again is told to wait (RFC 6585 §4), by the address that `client_of` finds
    from the peer's and X-Forwarded-For.
    """

    def __init__(
        self,
        application: Callable[..., Iterable[bytes]],
        library: Library,
        pace: Pace,
        client_of: Callable[[str, str], str],
    ) -> None:
        self.library = library
        self._application, self._pace, self._client_of = application, pace, client_of

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        reply = self.reply(environ, environ.get("REMOTE_ADDR", ""))
        return (reply or self._application)(environ, start_response)

    def reply(self, environ: dict[str, Any], peer: str) -> Reply | None:
        """What is known to answer a request by whoever has the address `peer`; None leaves it to the application."""
        method = environ["REQUEST_METHOD"]
        if method not in ("GET", "HEAD") or environ.get("QUERY_STRING"):
            return None
        path = environ["PATH_INFO"]
        found = self.library.find(path)
        if found is None:
            return None
        document, now = found
        if method == "GET" and not documents.is_conditional(environ) and document.keep in documents.POLLED:
            wait = self._pace.wait(self._client_of(peer, environ.get("HTTP_X_FORWARDED_FOR", "")), path)
            if wait:
                return documents.too_often(wait)
        return documents.reply(document, environ, now)
