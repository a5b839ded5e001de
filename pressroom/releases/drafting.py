"""Drafting: one statement becomes the next revision of its translation, unless it says what the newest says already."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from pressroom.db import new_id
from pressroom.releases import asset as assets
from pressroom.releases import revision as revisions
from pressroom.releases.asset import Asset, RevisionAsset, Upload
from pressroom.releases.revision import Revision
from pressroom.releases.statement import Statement
from pressroom.releases.translation import Translation

Pictures = Mapping[Path, Upload]


def draft(
    translation: Translation, statement: Statement, pictures: Pictures, *, now: datetime, by: int | None
) -> Revision:
    """The revision that the statement would be; not stored, and without a number."""
    revision = Revision(
        id=new_id(),
        translation_id=translation.id,
        title=statement.title,
        subtitle=statement.subtitle,
        dateline=statement.dateline,
        dated=statement.date,
        form=statement.form,
        body=statement.body,
        html=statement.html,
        text=statement.text,
        contacts=statement.contacts,
        created_at=now,
        created_by=by,
    )
    said = [
        (pictures[item.path].digest, item.name, item.alt, item.caption, item.credit, item.licence)
        for item in statement.assets
    ]
    said += [(one.digest, one.name, one.alt, one.caption, one.credit, one.licence) for one in statement.kept]
    revision.content_hash = revisions.fingerprint(revision, translation.language, said)
    return revision


def is_known(tx: Session, revision: Revision) -> bool:
    """Whether the newest revision says the same, to the letter."""
    newest = revisions.newest(tx, revision.translation_id)
    return newest is not None and newest.content_hash == revision.content_hash


def keep(tx: Session, release_id: str, revision: Revision, statement: Statement, pictures: Pictures) -> None:
    """Stores a drafted revision as the newest, with its assets."""
    revision.number = revisions.next_number(tx, revision.translation_id)
    tx.add(revision)
    tx.flush()
    assets.attach(tx, release_id, revision.id, statement.assets, pictures, now=revision.created_at)
    for position, one in enumerate(statement.kept, len(statement.assets)):
        asset = tx.get(Asset, one.asset_id)
        # It may have vanished, or not be this release's.
        if asset is not None and asset.release_id == release_id:
            said = {name: getattr(one, name) for name in ("name", "alt", "caption", "credit", "licence")}
            tx.add(RevisionAsset(revision_id=revision.id, position=position, asset_id=asset.id, **said))
