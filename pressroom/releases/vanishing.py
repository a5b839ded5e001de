"""Vanishing: what endangers somebody is taken out wherever we hold it, at once, by one person.

What was sent, copied or backed up cannot be called back. The log keeps hashes whose salts are deleted, so that they
tell nothing. Afterwards the tables are written anew (scrubbing.py).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.errors import Refused
from pressroom.people import audit, granting
from pressroom.people.account import Act
from pressroom.releases import approving, erasure, log, scrubbing
from pressroom.releases import asset as assets
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import translation as translations
from pressroom.releases.asset import Asset, Rendition, RevisionAsset
from pressroom.releases.former_slug import remember
from pressroom.releases.log import LogRow
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.passage import pattern_of
from pressroom.releases.release import Release, Status


def vanish_release(database: Database, release_id: str, *, now: datetime, by: int | None = None) -> bool:
    """Removes all that a release says in all its revisions; False if that was done before.

    Where it was public its addresses answer that it was removed, and nothing else. Raises NotFound and NotAllowed.
    """
    with database.transaction() as tx:
        newsroom, release = _locked(tx, release_id, by)
        if release.removed_at is not None:
            return False
        for translation in translations.of_release(tx, release.id).values():
            if translation.public_from is not None and translation.public_from <= now:
                remember(tx, translation)
            translation.slug = f"removed-{translation.id}"
            translation.updated_at = now
        erasure.blank(tx, release)
        if release.status in (Status.SCHEDULED, Status.PUBLISHED):
            release.become(Status.RETRACTED)
        release.removed_at = now
        _record(tx, newsroom, release, "vanish release", now=now, by=by)
        return True


def vanish_asset(database: Database, asset_id: str, *, now: datetime, by: int | None = None) -> str:
    """Removes a picture or file from every revision that shows it; returns the release's id.

    Raises NotFound and NotAllowed.
    """
    with database.reading() as tx:
        release_id = assets.get(tx, asset_id).release_id
    with database.transaction() as tx:
        newsroom, release = _locked(tx, release_id, by)
        asset = assets.get(tx, asset_id, lock=True)
        for said in tx.scalars(select(RevisionAsset).where(RevisionAsset.asset_id == asset.id)).all():
            erasure.take_out_asset(tx, said)
        tx.execute(delete(Rendition).where(Rendition.asset_id == asset.id))
        tx.execute(delete(Asset).where(Asset.id == asset.id))
        _show_anew(tx, release, now=now)
        _record(tx, newsroom, release, "vanish asset", now=now, by=by)
    scrubbing.scrub(database)
    return release_id


def find_text(tx: Session, newsroom_id: int, passage: str, release_id: str | None = None) -> dict[str, int]:
    """In how many places of which releases the words stand, the newest first. Raises Refused for one letter."""
    pattern = pattern_of(passage)
    query = select(Release).where(Release.newsroom_id == newsroom_id, Release.removed_at.is_(None))
    if release_id is not None:
        query = query.where(Release.id == release_id)
    found = {}
    for release in tx.scalars(query.order_by(Release.created_at.desc()).execution_options(yield_per=100)):
        if count := erasure.places(tx, release, pattern):
            found[release.id] = count
    return found


def vanish_text(
    database: Database,
    newsroom_slug: str,
    passage: str,
    *,
    release_id: str | None = None,
    now: datetime,
    by: int | None = None,
) -> int:
    """Takes words out of every revision, caption, note and address of one release, or of all the newsroom's.

    Returns how many releases they stood in. Raises NotFound, NotAllowed, and Refused for less than two letters.
    """
    pattern = pattern_of(passage)
    with database.reading() as tx:
        newsroom_id = newsrooms.by_slug(tx, newsroom_slug).id
        found = list(find_text(tx, newsroom_id, passage, release_id))
    with database.transaction() as tx:
        newsroom = tx.get_one(Newsroom, newsroom_id, with_for_update={"key_share": True})
        if by is not None:
            granting.require(tx, by, newsroom.id, Act.PUBLISH)
        if release_id is None and erasure.take_out_of_newsroom(newsroom, pattern):
            newsrooms.touch(tx, newsroom.id, now=now)
    for one in found:
        with database.transaction() as tx:
            newsroom, release = _locked(tx, one, by)
            if release.newsroom_id != newsroom_id:
                raise Refused(f"Release {one} is another newsroom's.")
            erasure.take_out_text(tx, release, pattern, now=now)
            _show_anew(tx, release, now=now)
            _record(tx, newsroom, release, "vanish text", now=now, by=by)
    scrubbing.scrub(database)
    return len(found)


def _locked(tx: Session, release_id: str, by: int | None) -> tuple[Newsroom, Release]:
    newsroom, release = approving.lock(tx, release_id)
    if by is not None:
        granting.require(tx, by, newsroom.id, Act.PUBLISH)
    return newsroom, release


def _show_anew(tx: Session, release: Release, *, now: datetime) -> None:
    """Readers that keep copies look again for what has changed."""
    for translation in translations.of_release(tx, release.id).values():
        if translation.public_from is not None and translation.public_from <= now:
            translation.updated_at = now


def _record(tx: Session, newsroom: Newsroom, release: Release, act: str, *, now: datetime, by: int | None) -> None:
    tx.flush()
    tx.execute(update(LogRow).where(LogRow.release_id == release.id).values(salt=None))
    log.append(tx, newsroom.id, log.Event.REMOVAL, release.id, erasure.remains(tx, release), now=now)
    newsrooms.touch(tx, newsroom.id, now=now)
    scrubbing.note(tx, now=now)
    audit.note(tx, act, f"release:{release.id}", now=now, newsroom_id=newsroom.id, account_id=by)
