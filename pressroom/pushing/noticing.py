"""Noticing: what has become public, or changed, is to be told to whoever subscribed to a feed that may show it.

Nobody has to say so: the newsroom's generation rises with each change, and the time at which the clock lifts something
is known. So no act can forget it, and an embargo that ends is noticed like a correction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.config import Config
from pressroom.db import Database
from pressroom.pushing import ledger, subscription, watermark
from pressroom.pushing.dispatch import Kind
from pressroom.pushing.ledger import Target
from pressroom.pushing.watermark import Watermark
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import visibility
from pressroom.releases.newsroom import Newsroom
from pressroom.seal import Keyring

# A hub elsewhere fetches what it is told of, and web processes may answer from memory for half a second.
UNTIL_ALL_SHOW_IT = timedelta(milliseconds=750)


@dataclass(frozen=True)
class Hub:
    """Whom feeds name: `url` None for nobody; `is_own` says whether that is this service."""

    url: str | None
    is_own: bool

    @classmethod
    def of(cls, config: Config) -> Hub:
        return cls(config.hub, config.is_own_hub)


def notice(database: Database, keyring: Keyring, hub: Hub, clock: Callable[[Session], datetime]) -> list[int]:
    """Notes what is to be told; returns the dispatches to ring for. `clock` reads the time of readers."""
    if hub.url is None:
        return []
    with database.reading() as tx:
        public_now = clock(tx)
        overtaken = watermark.overtaken(tx, public_now)
    if not overtaken:
        return []
    with database.transaction() as tx:
        now = database.now(tx)
        reached = [one for one in overtaken if _advance(tx, one, public_now)]
        if not reached:
            return []
        # A correction or retraction shows in feeds from the instant that the database gave it.
        as_of = max(public_now, *(one.changed_at for one in reached))
        if hub.is_own:
            found = subscription.current(tx, [one.id for one in reached], now)
            targets = [Target(target_id, host, behind=failures > 0) for target_id, host, failures in found]
            return ledger.arm(tx, Kind.CONTENT, targets, as_of=as_of, now=now, not_before=now)
        host = keyring.lookup("host", hub.url)
        targets = [Target(0, host, subject=topic) for topic in dict.fromkeys(_topics(tx, reached, public_now))]
        not_before = now + UNTIL_ALL_SHOW_IT
        return ledger.arm(tx, Kind.PING, targets, as_of=as_of, now=now, not_before=not_before)


def _advance(tx: Session, newsroom: Newsroom, public_now: datetime) -> bool:
    """False if another clock was quicker. `newsroom` is as it was read: what changed since is noticed the next time."""
    lifts_at = visibility.next_change(tx, public_now, newsroom.id)
    mark = tx.get(Watermark, newsroom.id, with_for_update=True)
    if mark is None:
        tx.add(Watermark(newsroom_id=newsroom.id, generation=newsroom.generation, lifts_at=lifts_at))
        tx.flush()
        return True
    if mark.generation > newsroom.generation:
        return False
    is_old = mark.generation == newsroom.generation and (mark.lifts_at is None or mark.lifts_at > public_now)
    mark.generation, mark.lifts_at = newsroom.generation, lifts_at
    return not is_old


def _topics(tx: Session, reached: list[Newsroom], now: datetime) -> Iterator[str]:
    """Every feed that these newsrooms may have changed."""
    everyone = newsrooms.everyone(tx)
    spoken = dict.fromkeys(tag for one in everyone for tag in one.languages)
    for kind in addresses.FEED_FORMATS:
        yield from (addresses.feed(kind, tag=tag) for tag in (None, *spoken))
        for one in reached:
            yield from (addresses.feed(kind, slug=one.slug, tag=tag) for tag in (None, *one.languages))
            for beat_slug in visibility.public_beats(tx, one.id, now):
                for tag in one.languages:
                    yield addresses.feed(kind, slug=one.slug, tag=tag, beat_slug=beat_slug)
