"""A version: what readers may have of one translation by now, and the how-manyth that is since it came out.

News formats name an item by its identity and version, so that whoever has both need not look again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.feeds import channel as channels
from pressroom.feeds import item as items
from pressroom.feeds.channel import Channel
from pressroom.feeds.item import Item
from pressroom.releases import visibility
from pressroom.releases.change import Kind, PublicChange
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility, translation_is_public, translation_was_public


@dataclass(frozen=True)
class Version:
    """`item` is None for what may not be shown, its headline included. `at` is when it came to be as it is, by `kind`;
    `number` counts from 1.
    """

    newsroom: Newsroom
    release: Release
    translation: Translation
    seen: Visibility
    item: Item | None
    number: int
    kind: Kind
    at: datetime

    @property
    def text(self) -> Item | None:
        """The item, where all of it may be shown; of what was retracted, its headline and the reason may."""
        return self.item if self.seen is Visibility.PUBLIC else None


def of_translations(tx: Session, translation_ids: Sequence[str], now: datetime) -> dict[str, Version]:
    """By id, as they stand now; also of what may not be shown any more."""
    query = (
        select(Newsroom, Release, Translation, Revision)
        .select_from(Translation)
        .join(Release, Release.id == Translation.release_id)
        .join(Newsroom, Newsroom.id == Translation.newsroom_id)
        .outerjoin(Revision, Revision.id == Translation.revision_id)
        .where(Translation.id.in_(translation_ids))
    )
    found = [(row[0], row[1], row[2], row[3]) for row in tx.execute(query)]
    seen = {row[2].id: visibility.of_translation(row[1], row[2], now) for row in found}
    shown = (Visibility.PUBLIC, Visibility.RETRACTED)
    rows = [row for row in found if row[3] is not None and seen[row[2].id] in shown]
    loaded = {one.translation.id: one for one in items.load(tx, rows, now)}
    changes = _changes(tx, list(seen), now)
    made = {}
    for newsroom, release, translation, _ in found:
        told = changes[translation.id]
        kind, at = told[-1] if told else (Kind.PUBLICATION, translation.updated_at or newsroom.created_at)
        made[translation.id] = Version(
            newsroom=newsroom,
            release=release,
            translation=translation,
            seen=seen[translation.id],
            item=loaded.get(translation.id),
            number=max(1, len(told)),
            kind=kind,
            at=at,
        )
    return made


def latest(tx: Session, channel: Channel, now: datetime, *, limit: int) -> list[Version]:
    """What came out last in a channel, what was taken back since included."""
    known = translation_is_public(now) | translation_was_public(now)
    rows = channels.rows(tx, channel, known, limit=limit)
    found = of_translations(tx, [row[2].id for row in rows], now)
    return [found[row[2].id] for row in rows]


def _changes(tx: Session, translation_ids: Sequence[str], now: datetime) -> dict[str, list[tuple[Kind, datetime]]]:
    query = (
        select(PublicChange.translation_id, PublicChange.kind, PublicChange.public_from)
        .where(PublicChange.translation_id.in_(translation_ids), PublicChange.public_from <= now)
        .order_by(PublicChange.public_from, PublicChange.number)
    )
    found = defaultdict(list)
    for translation_id, kind, at in tx.execute(query):
        found[translation_id].append((kind, at))
    return found
