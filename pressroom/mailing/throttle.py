"""Throttle: how fast mail may leave, to the relay and to each recipient's domain, and who wants peace for a while.

A destination that answers 421 or 4.7.x rests, longer each time; that is stored, so that every worker keeps to it. Rates
and connections count in each worker.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base
from pressroom.seal import Keyring

RELAY = b"relay"
_FIRST_REST, _LONGEST_REST = timedelta(seconds=60), timedelta(minutes=30)
# A rest this long over, and trouble counts as new.
_FORGIVEN = timedelta(hours=1)
# Rests that other workers noted are seen so late at most.
_FRESH = 0.5
_MOST_NAMES = 20_000


class Destination(Base):
    """`lookup` is a keyed hash of a recipient domain, or RELAY. Each of its `strikes` in a row lengthens its rest."""

    __tablename__ = "destination"

    lookup: Mapped[bytes] = mapped_column(primary_key=True)
    rest_until: Mapped[datetime]
    strikes: Mapped[int]


@dataclass(frozen=True)
class Limits:
    """Of one worker; None means no limit."""

    per_second: int | None = None
    domain_connections: int | None = None
    domain_per_minute: int | None = None


@dataclass
class Begun:
    """When messages were begun lately, by a monotonic clock; one for each worker, for its jobs are short."""

    by_domain: dict[str, deque[float]] = field(default_factory=dict)
    all: deque[float] = field(default_factory=deque)


@dataclass(frozen=True)
class Full:
    """This domain takes no more at the moment."""


class Throttle:
    """One job's view. `refresh` is for each transaction that decides."""

    def __init__(self, limits: Limits, begun: Begun, keyring: Keyring) -> None:
        self._limits, self._begun, self._keyring = limits, begun, keyring
        self._rests: dict[bytes, datetime] = {}
        self._refreshed_at = 0.0
        self._lookups: dict[str, bytes] = {}
        self._out: Counter[str] = Counter()

    @property
    def is_idle(self) -> bool:
        """Nothing about recipients' domains is to be asked."""
        one = self._limits
        return not self._rests and one.domain_connections is None and one.domain_per_minute is None

    @property
    def relay_rests_until(self) -> datetime | None:
        return self._rests.get(RELAY)

    def refresh(self, tx: Session, now: datetime) -> None:
        query = select(Destination.lookup, Destination.rest_until).where(Destination.rest_until > now)
        self._rests = {row.lookup: row.rest_until for row in tx.execute(query)}
        self._refreshed_at = time.monotonic()

    def refresh_now_and_then(self, tx: Session, now: datetime) -> None:
        if time.monotonic() > self._refreshed_at + _FRESH:
            self.refresh(tx, now)

    def note(self, lookup: bytes, until: datetime) -> None:
        """What this worker's own transaction has just stored."""
        self._rests[lookup] = until

    def room(self, wanted: int) -> int:
        """How many of `wanted` may be begun in this moment."""
        if self._limits.per_second is None:
            return wanted
        _forget(self._begun.all, 1.0)
        return max(0, min(wanted, self._limits.per_second - len(self._begun.all)))

    def ask(self, domain: str, now: datetime, more: int = 0) -> datetime | Full | None:
        """None if a message to this domain may be begun, or when its rest ends; `more` are about to begin already."""
        if (until := self._rests.get(self.lookup(domain))) is not None and until > now:
            return until
        one = self._limits
        if one.domain_connections is not None and self._out[domain] + more >= one.domain_connections:
            return Full()
        if one.domain_per_minute is not None:
            begun = self._begun.by_domain.get(domain, deque())
            _forget(begun, 60.0)
            if len(begun) + more >= one.domain_per_minute:
                return Full()
        return None

    def begin(self, domain: str) -> None:
        if self._limits.per_second is not None:
            self._begun.all.append(time.monotonic())
        if self._limits.domain_connections is not None:
            self._out[domain] += 1
        if self._limits.domain_per_minute is not None:
            if len(self._begun.by_domain) > _MOST_NAMES:
                self._begun.by_domain.clear()
            self._begun.by_domain.setdefault(domain, deque()).append(time.monotonic())

    def end(self, domain: str) -> None:
        if self._out[domain] > 1:
            self._out[domain] -= 1
        else:
            self._out.pop(domain, None)

    def lookup(self, domain: str) -> bytes:
        if domain not in self._lookups:
            if len(self._lookups) > _MOST_NAMES:
                self._lookups.clear()
            self._lookups[domain] = self._keyring.lookup("domain", domain)
        return self._lookups[domain]


def strike(tx: Session, lookup: bytes, now: datetime, *, rest: timedelta | None = None) -> datetime:
    """A destination wants peace, by default twice as long as the last time; returns until when."""
    row = tx.get(Destination, lookup, with_for_update=True)
    if row is None:
        row = Destination(lookup=lookup, rest_until=now, strikes=0)
        tx.add(row)
    if row.rest_until > now:
        return row.rest_until
    if rest is None:
        row.strikes = row.strikes + 1 if row.rest_until > now - _FORGIVEN else 1
        rest = min(_FIRST_REST * 2 ** min(row.strikes - 1, 10), _LONGEST_REST)
    row.rest_until = now + rest
    tx.flush()
    return row.rest_until


def relay_rests_until(tx: Session, now: datetime) -> datetime | None:
    query = select(Destination.rest_until).where(Destination.lookup == RELAY, Destination.rest_until > now)
    return tx.execute(query).scalar_one_or_none()


def purge(tx: Session, *, now: datetime) -> None:
    """Forgets the troubles of yesterday."""
    tx.execute(delete(Destination).where(Destination.rest_until < now - timedelta(days=1)))


def _forget(moments: deque[float], seconds: float) -> None:
    horizon = time.monotonic() - seconds
    while moments and moments[0] < horizon:
        moments.popleft()
