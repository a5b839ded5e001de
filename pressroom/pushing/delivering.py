"""Delivering: takes what is due, as many requests at once as may be, and writes down what came of each.

Requests run in threads; the ledger is written by the one that started them. A dispatch is marked before its request
leaves, so a worker that dies leaves it marked, and once its lease is over another tells it again: at least once, and
what is told is how things stand then. A machine that stalls takes one of many places, for seconds; those known to be
slow have half of the places between them.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.errors import TryLater
from pressroom.pushing import distributing, ledger, patience, pinging, verifying
from pressroom.pushing.call import Answer, Caller, Forbidden, NotNow, Unreachable
from pressroom.pushing.dispatch import DispatchState, Kind
from pressroom.pushing.errand import Aside, Errand, Show
from pressroom.pushing.ledger import Held
from pressroom.pushing.noticing import Hub
from pressroom.seal import Keyring

log = logging.getLogger(__name__)

_AT_ONE_HOST = 4
_LOOK_SECONDS = 0.1
_NOT_NOW = 120
_LONGEST_END = 60.0


@dataclass(frozen=True)
class Terms:
    """`connections` at once; after `run_for` seconds a job begins nothing slow, and ends when it can."""

    base_url: str
    hub: Hub
    connections: int = 32
    run_for: float = 30.0


@dataclass(frozen=True)
class House:
    """What a worker has. `call` makes a request, from any thread; `show` renders a feed, from one."""

    database: Database
    keyring: Keyring
    terms: Terms
    call: Caller
    show: Show


def deliver(house: House, *, stop: Callable[[], bool], ring: Callable[[int], bool]) -> int:
    """Until nothing is due and nothing under way, or `stop`; returns how many requests were made."""
    with ThreadPoolExecutor(house.terms.connections, thread_name_prefix="push") as pool:
        return _Round(house, pool).run(stop, ring)


# An answer, or why there is none.
_Came = Answer | Unreachable | Forbidden | NotNow


class _Round:
    def __init__(self, house: House, pool: ThreadPoolExecutor) -> None:
        self._house, self._pool = house, pool
        self._out: dict[Future[_Came], Errand] = {}
        self._made = 0

    def run(self, stop: Callable[[], bool], ring: Callable[[int], bool]) -> int:
        ends = time.monotonic() + self._house.terms.run_for
        while True:
            # While the last ones stall, what is new must not wait for the next job.
            left = ends - time.monotonic()
            if not stop() and left > -_LONGEST_END:
                self._begin(slow=left > 0)
            if not self._out:
                break
            done, _ = wait(self._out, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
            if done:
                self._settle([(self._out.pop(future), future.result()) for future in done])
        for dispatch_id in self._due(slow=True)[:1]:
            ring(dispatch_id)
        return self._made

    def _begin(self, *, slow: bool) -> None:
        """Fills the free places."""
        while claimed := self._claim(self._due(slow=slow)):
            for held in claimed:
                prepared = self._prepare(held)
                if isinstance(prepared, Aside):
                    self._set_aside(held, prepared)
                else:
                    self._made += 1
                    self._out[self._pool.submit(_ask, self._house.call, prepared)] = prepared

    def _due(self, *, slow: bool) -> list[int]:
        """A few of those for which there is a place."""
        held = [one.held for one in self._out.values()]
        out = Counter(one.host for one in held)
        full = [host for host, count in out.items() if count >= _AT_ONE_HOST]
        places = self._house.terms.connections - len(held)
        slow_places = max(1, self._house.terms.connections // 2) - sum(one.behind for one in held)
        with self._house.database.reading() as tx:
            now = self._house.database.now(tx)
            due = ledger.due(tx, now, min(places, _AT_ONE_HOST), behind=False, without=full) if places > 0 else []
            slow_places = min(slow_places, places - len(due), _AT_ONE_HOST)
            if slow and slow_places > 0:
                due += ledger.due(tx, now, slow_places, behind=True, without=full)
        found = []
        for dispatch_id, host in due:
            out[host] += 1
            if out[host] <= _AT_ONE_HOST:
                found.append(dispatch_id)
        return found

    def _claim(self, dispatch_ids: list[int]) -> list[Held]:
        if not dispatch_ids:
            return []
        database = self._house.database
        with database.transaction() as tx:
            now = database.now(tx)
            claimed = [ledger.claim(tx, dispatch_id, now) for dispatch_id in dispatch_ids]
        return [one for one in claimed if one is not None]

    def _prepare(self, held: Held) -> Errand | Aside:
        database = self._house.database
        try:
            with database.reading() as tx:
                return _prepared(self._house, tx, held)
        except (DBAPIError, TryLater):
            raise
        except Exception as error:  # noqa: BLE001 -- one that cannot be made ready must not hold up the others
            _log_fault(held, error)
        with database.reading() as tx:
            now = database.now(tx)
        delay = patience.wait(held.kind, held.attempts)
        return Aside(DispatchState.FAILED) if delay is None else Aside(DispatchState.DEFERRED, now + delay, tried=True)

    def _set_aside(self, held: Held, aside: Aside) -> None:
        database = self._house.database
        with database.transaction() as tx:
            now = database.now(tx)
            if aside.until is None:
                ledger.settle(tx, held, aside.state, now=now)
            else:
                ledger.defer(tx, held, aside.until, now=now, tried=aside.tried)

    def _settle(self, came: list[tuple[Errand, _Came]]) -> None:
        database = self._house.database
        with database.transaction() as tx:
            for errand, answer in came:
                _conclude(tx, database, errand, answer)


def _prepared(house: House, tx: Session, held: Held) -> Errand | Aside:
    terms, now = house.terms, house.database.now(tx)
    hub = terms.hub
    if held.kind is Kind.PING:
        if hub.url is None or hub.is_own:
            return Aside(DispatchState.CANCELLED)
        return pinging.prepare(tx, held, terms.base_url, hub.url, house.show, now)
    if hub.url is None or not hub.is_own:
        return Aside(DispatchState.CANCELLED)
    if held.kind is Kind.VERIFICATION:
        return verifying.prepare(house.database, tx, house.keyring, held, terms.base_url, now)
    return distributing.prepare(tx, house.keyring, held, terms.base_url, hub.url, house.show, now)


def _ask(call: Caller, errand: Errand) -> _Came:
    try:
        return call(errand.call)
    except (Unreachable, Forbidden, NotNow) as error:
        return error
    except Exception as error:  # noqa: BLE001 -- a fault of ours must not hold up the others
        _log_fault(errand.held, error)
        return Unreachable(type(error).__name__)


def _conclude(tx: Session, database: Database, errand: Errand, came: _Came) -> None:
    held, now = errand.held, database.now(tx)
    answer = came if isinstance(came, Answer) else None
    status = answer.status if answer else None
    state = errand.answered(tx, answer, now)
    asked = answer.retry_after if answer else _NOT_NOW if isinstance(came, NotNow) else None
    delay = None if isinstance(came, Forbidden) else patience.wait(held.kind, held.attempts, asked)
    if state is not None:
        ledger.settle(tx, held, state, now=now, status=status)
    elif delay is not None:
        ledger.defer(tx, held, now + delay, now=now, status=status)
    else:
        errand.given_up(tx, now)
        ledger.settle(tx, held, DispatchState.FAILED, now=now, status=status)
        log.warning("push: dispatch %s (%s) was given up after %s tries", held.id, held.kind.value, held.attempts)


def _log_fault(held: Held, error: Exception) -> None:
    where = "".join(traceback.format_tb(error.__traceback__))
    # Its text may name a callback.
    log.error("push: dispatch %s (%s) failed with %s:\n%s", held.id, held.kind.value, type(error).__name__, where)
