"""The public changes of a newsroom, a page at a time, in the order in which readers could see them.

Numbers follow the order of commits, times do not: an embargo lifts long after its change was recorded, and an act that
waited for its turn is recorded later than it began. So a cursor knows a time and a number. What comes after it is
first whatever has a greater number and an earlier time, which nobody could have read before, then all that has a later
time. Each page is read from one consistent view.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from pressroom.db import from_micros, to_micros
from pressroom.errors import Refused
from pressroom.feeds import version as versions
from pressroom.feeds.frame import LIMIT, fitting
from pressroom.feeds.version import Version
from pressroom.query_plan import unindexed
from pressroom.releases.change import Kind, PublicChange
from pressroom.releases.newsroom import Newsroom

# So that a page that is full keeps its cursor while little is added.
_ROUND = 1000
_FORM = struct.Struct(">BQQQ")
_VERSION = 1
_BEGINNING = from_micros(0)
# The last microsecond a datetime can name.
_LATEST = 253_402_300_799_999_999


@dataclass(frozen=True)
class Cursor:
    """All changes up to `number` whose place is at or before (`moment`, `last`) have been read. It needs no memory of
    ours: as text it is good for ever, and with any process.
    """

    number: int = 0
    moment: datetime = _BEGINNING
    last: int = 0

    def __str__(self) -> str:
        packed = _FORM.pack(_VERSION, self.number, to_micros(self.moment), self.last)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises Refused for what no page has given out; an empty one stands before the first change."""
        if not text:
            return cls()
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            version, number, micros, last = _FORM.unpack(packed)
        except (binascii.Error, ValueError, struct.error):
            raise Refused(_MALFORMED) from None
        if version != _VERSION or max(number, last) >= 1 << 63 or micros > _LATEST:
            raise Refused(_MALFORMED)
        cursor = cls(number, from_micros(micros), last)
        if str(cursor) != text:
            raise Refused(_MALFORMED)
        return cursor


_MALFORMED = "This is no cursor of ours: take the one that the last page gave, or leave `after` out to begin anew."


@dataclass(frozen=True)
class Change:
    """What happened, and the translation as it stands by now; `cursor` stands right after it."""

    kind: Kind
    at: datetime
    version: Version
    cursor: Cursor


@dataclass(frozen=True)
class Page:
    """`after` is the cursor it was asked with; `more` if further changes can be read at once."""

    newsroom: Newsroom
    after: Cursor
    changes: Sequence[Change]
    more: bool

    def of(self, kept: Sequence[Change]) -> Page:
        """With the first of its changes only."""
        return replace(self, changes=list(kept), more=self.more or len(kept) < len(self.changes))

    def fitted(self, write: Callable[[Page], bytes]) -> tuple[bytes, Page]:
        """The document of as many changes as stay within the size of a feed, and the page of those."""
        told = self

        def written(kept: Sequence[Change]) -> bytes:
            nonlocal told
            told = self.of(kept)
            return write(told)

        return fitting(self.changes, written), told

    @property
    def cursor(self) -> Cursor:
        """Where to go on."""
        return self.changes[-1].cursor if self.changes else self.after


def page(tx: Session, newsroom: Newsroom, after: Cursor, now: datetime, *, limit: int = LIMIT) -> Page:
    """The first changes behind the cursor. `tx` must be one view of the database, as `Database.reading` gives it."""
    if after.moment > now:
        # Its reader met a process whose time runs ahead: what lies between is not to be skipped.
        return Page(newsroom, after, [], more=False)
    found = _behind(tx, newsroom, after, now, limit + 1)
    rows = found[:limit]
    current = versions.of_translations(tx, list({row.translation_id for row, _ in rows}), now)
    changes = [Change(row.kind, row.public_from, current[row.translation_id], cursor) for row, cursor in rows]
    return Page(newsroom, after, changes, more=len(found) > limit)


def _behind(
    tx: Session, newsroom: Newsroom, after: Cursor, now: datetime, limit: int
) -> list[tuple[PublicChange, Cursor]]:
    public = select(PublicChange).where(PublicChange.newsroom_id == newsroom.id, PublicChange.public_from <= now)
    found, cursor = [], after
    for row in _late(tx, newsroom, after, now, limit):
        cursor = replace(cursor, number=row.number)
        found.append((row, cursor))
    if len(found) < limit:
        # Whoever reads on from here has read all of an earlier time that is public by now: else a reader in the middle
        # would look through whatever was recorded since, on every page.
        cursor = replace(cursor, number=max(cursor.number, _newest(tx, newsroom, now) // _ROUND * _ROUND))
    # The first condition is contained in the second, and lets the index be entered where it begins to hold.
    coming = public.where(PublicChange.public_from >= after.moment, _behind_place(after))
    coming = coming.order_by(PublicChange.public_from, PublicChange.number)
    for row in tx.scalars(coming.limit(limit - len(found))):
        cursor = Cursor(max(cursor.number, row.number), row.public_from, row.number)
        found.append((row, cursor))
    return found


def _newest(tx: Session, newsroom: Newsroom, now: datetime) -> int:
    """The number of the change recorded last, but for those that nobody may know of yet; 0 if there is none."""
    is_public = unindexed(PublicChange.public_from) <= now
    query = select(PublicChange.number).where(PublicChange.newsroom_id == newsroom.id, is_public)
    return tx.scalars(query.order_by(PublicChange.number.desc()).limit(1)).first() or 0


def _late(tx: Session, newsroom: Newsroom, after: Cursor, now: datetime, limit: int) -> Iterable[PublicChange]:
    """What was recorded since, though its place lies before the cursor; nothing lies before the first change."""
    if after.moment == _BEGINNING:
        return ()
    began = unindexed(PublicChange.public_from)
    earlier = or_(began < after.moment, and_(began == after.moment, PublicChange.number <= after.last))
    query = select(PublicChange).where(
        PublicChange.newsroom_id == newsroom.id, PublicChange.number > after.number, earlier, began <= now
    )
    return tx.scalars(query.order_by(PublicChange.number).limit(limit))


def _behind_place(after: Cursor) -> ColumnElement[bool]:
    return or_(
        PublicChange.public_from > after.moment,
        and_(PublicChange.public_from == after.moment, PublicChange.number > after.last),
    )
