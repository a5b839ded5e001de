"""What stands at each feed's address right now, for those to whom it is pushed: rendered once for each change."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select

from pressroom.errors import NotFound
from pressroom.feeds import feed as feeds
from pressroom.pushing.errand import Shown
from pressroom.releases import visibility
from pressroom.releases.newsroom import Newsroom
from pressroom.service import Service
from pressroom.web.agreed_time import clock_of

# A feed has at most 512 kB.
_MOST = 32


@dataclass(frozen=True)
class _Kept:
    shown: Shown
    generations: int
    valid_until: datetime | None


class Topics:
    """A Show of one worker, for one thread. Unlike the web's memory it is never older than the last commit."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._clock = clock_of(service)
        self._kept: dict[str, _Kept] = {}

    def __call__(self, path: str) -> Shown | None:
        config = self._service.config
        with self._service.database.reading() as tx:
            now = self._clock(tx)
            # All of them: a sum that stays the same while generations only rise means that none has changed.
            generations = int(tx.execute(select(func.sum(Newsroom.generation) + func.count())).scalar_one() or 0)
            kept = self._kept.get(path)
            if kept and kept.generations == generations and (kept.valid_until is None or now < kept.valid_until):
                return replace(kept.shown, at=now)
            try:
                feed = feeds.at(tx, path, now)
                body = feeds.write(tx, feed, now, config.base_url, config.hub)
            except NotFound:
                return None
            shown = Shown(body, feed.content_type, hashlib.sha256(body).hexdigest()[:32], now)
            newsroom = feed.channel.newsroom
            valid_until = visibility.next_change(tx, now, newsroom.id if newsroom else None)
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[path] = _Kept(shown, generations, valid_until)
        return shown
