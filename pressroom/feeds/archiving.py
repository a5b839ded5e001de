"""Archiving: closes the parts of channels that are full, so that feeds lead back to the first release ever.

What stands in no archive yet fits into the feed itself: a part is full with as many entries as a feed has, or with half
of a feed's bytes.
"""

from __future__ import annotations

import html as entities
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.feeds import archive as archives
from pressroom.feeds import channel as channels
from pressroom.feeds.archive import Archive
from pressroom.feeds.channel import Channel, Span
from pressroom.feeds.contents import dated, earliest
from pressroom.feeds.entry import Entry, content
from pressroom.feeds.frame import LARGEST, LIMIT
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.newsroom import Newsroom

# Whatever took its time before this has long been committed.
_SETTLED = timedelta(seconds=60)
_FULL_BYTES = LARGEST // 2
_AROUND_AN_ENTRY = 1000
_AT_ONCE = 20

Looked = dict[int | None, datetime]


def close_full(database: Database, looked: Looked, *, now: datetime, settled: timedelta = _SETTLED) -> None:
    """Closes all that is full. `looked` is the caller's to keep: by newsroom, None being the site, up to which time
    nothing is left to close.
    """
    with database.reading() as tx:
        everyone = newsrooms.everyone(tx)
        due = [one for one in (*everyone, None) if _has_changed(tx, one, looked, now)]
        wanted = {one: channels.of_newsroom(tx, one, now) if one else channels.of_site(everyone) for one in due}
    for newsroom, found in wanted.items():
        for channel in found:
            while _close(database, channel, now - settled, everyone, now):
                pass
        looked[newsroom.id if newsroom else None] = now - settled


def _has_changed(tx: Session, newsroom: Newsroom | None, looked: Looked, now: datetime) -> bool:
    before = looked.get(newsroom.id if newsroom else None)
    return before is None or channels.updated(tx, newsroom, now) > before


def _close(database: Database, channel: Channel, until: datetime, everyone: list[Newsroom], now: datetime) -> bool:
    """Closes some of one channel; False if nothing is full. There may be two clocks: who closes holds a newsroom."""
    with database.reading() as tx:
        last = archives.newest(tx, channel)
        number, after = (last.number, last.until) if last else (0, None)
        ends = _ends(tx, channel, after, until, now)
        if number == 0 and len(ends) == 1:
            ends = _halves(tx, channel, ends[0], now)
    if not ends:
        return False
    holder = channel.newsroom or everyone[0]
    with database.transaction() as tx:
        newsrooms.locked(tx, holder.id)
        if archives.count(tx, channel) != number:
            return True
        newsroom_id = channel.newsroom.id if channel.newsroom else None
        for end in ends:
            number += 1
            tx.add(
                Archive(
                    channel=archives.key(channel),
                    newsroom_id=newsroom_id,
                    number=number,
                    after=after,
                    until=end,
                    created_at=now,
                )
            )
            after = end
        newsrooms.touch(tx, holder.id, now=now)
    return True


def _ends(tx: Session, channel: Channel, after: datetime | None, until: datetime, now: datetime) -> list[datetime]:
    ends: list[datetime] = []
    while len(ends) < _AT_ONCE and (end := _end(tx, channel, Span(after, until), now)) is not None:
        ends.append(end)
        after = end
    return ends


def _halves(tx: Session, channel: Channel, end: datetime, now: datetime) -> list[datetime]:
    """The first part is two: an archive that is the only one has neither link that RFC 5005 knows, and validators take
    it for incomplete. Entries of one moment are one part all the same.
    """
    moments = sorted(set(earliest(tx, channel, now, Span(None, end), LIMIT)))
    return sorted({moments[(len(moments) - 1) // 2], end})


def _end(tx: Session, channel: Channel, span: Span, now: datetime) -> datetime | None:
    """Where the first full part of a span ends; entries of the same moment stay together."""
    first = earliest(tx, channel, now, span, LIMIT)
    if not first:
        return None
    size = 0
    for moment, entry in reversed(dated(tx, channel, now, span=Span(span.after, first[-1]))):
        size += _size(entry)
        if size > _FULL_BYTES:
            return moment
    return first[-1] if len(first) == LIMIT else None


def _size(entry: Entry) -> int:
    return len(entities.escape(content(entry, "")).encode()) + _AROUND_AN_ENTRY
