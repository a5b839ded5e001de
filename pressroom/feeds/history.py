"""The history of one translation: each correction of its release, and what it changed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.feeds.item import Item
from pressroom.feeds.notice import Notice
from pressroom.releases import asset as assets
from pressroom.releases.asset import RevisionAsset
from pressroom.releases.correction import Correction, CorrectionChange
from pressroom.releases.difference import Change, between
from pressroom.releases.revision import Revision


@dataclass(frozen=True)
class Step:
    """`changes` are empty where the correction changed other languages only."""

    notice: Notice
    changes: Sequence[Change]


def history(tx: Session, item: Item) -> list[Step]:
    """The newest first."""
    query = (
        select(Correction.number, CorrectionChange)
        .join(Correction, Correction.id == CorrectionChange.correction_id)
        .where(CorrectionChange.translation_id == item.translation.id, Correction.at.is_not(None))
    )
    changed = {row[0]: row[1] for row in tx.execute(query)}
    return [Step(one, _changes(tx, changed.get(one.number))) for one in item.corrections]


def _changes(tx: Session, change: CorrectionChange | None) -> list[Change]:
    if change is None:
        return []
    before, after = tx.get_one(Revision, change.before_id), tx.get_one(Revision, change.after_id)
    return between(before, after, files=(_files(tx, before), _files(tx, after)))


def _files(tx: Session, revision: Revision) -> list[RevisionAsset]:
    return [said for said, _ in assets.of_revision(tx, revision.id)]
