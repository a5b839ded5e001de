"""Vanishing: what endangers somebody is taken out wherever we hold it, at once, by one person.

What was sent, copied or backed up cannot be called back. The log keeps hashes whose salts are deleted, so that they
tell nothing. Afterwards the tables are written anew (scrubbing.py).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.errors import Conflict
from pressroom.people import audit, granting
from pressroom.people.account import Act
from pressroom.releases import approving, change, erasure, log, scrubbing, whereabouts
from pressroom.releases import asset as assets
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import release as releases
from pressroom.releases import translation as translations
from pressroom.releases.former_slug import remember
from pressroom.releases.log import LogRow
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.passage import Passage
from pressroom.releases.release import Release, Status
from pressroom.releases.whereabouts import Whereabouts

_MOST_ROUNDS = 3


def require(tx: Session, release_id: str, by: int | None) -> None:
    """Raises NotFound, and NotAllowed for an account that may not make it vanish."""
    granting.permit(tx, by, releases.get(tx, release_id).newsroom_id, Act.PUBLISH)


def vanish_release(database: Database, release_id: str, *, now: datetime, by: int | None = None) -> bool:
    """Removes all that a release says in all its revisions; False if that was done before.

    Where it was public its addresses answer that it was removed, and nothing else. Raises NotFound and NotAllowed.
    """
    with database.transaction() as tx:
        newsroom, release = _locked(tx, release_id, by)
        now = newsroom.in_turn(now)
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


def vanish_asset(database: Database, asset_id: str, *, now: datetime, by: int | None = None) -> list[str]:
    """Removes a picture or file from every revision of the newsroom that shows it; returns the releases' ids.

    The same file in another release goes first, so that after a failure the same asset can be named again. Raises
    NotFound and NotAllowed.
    """
    release_ids: list[str] = []
    found = None
    while found is None or found.id != asset_id:
        with database.reading() as tx:
            found = whereabouts.of_asset(tx, asset_id)[0]
        with database.transaction() as tx:
            newsroom, release = _locked(tx, found.release_id, by)
            asset = assets.get(tx, found.id, lock=True)
            erasure.take_out_asset(tx, asset)
            _show_anew(tx, release, now=now)
            _record(tx, newsroom, release, "vanish asset", now=now, by=by)
        release_ids.append(release.id)
    scrubbing.scrub(database)
    return release_ids


def find_text(tx: Session, newsroom_id: int, words: str, release_id: str | None = None) -> Whereabouts:
    """Where the words stand, in one release or in all of the newsroom. Raises Refused for less than two letters."""
    return whereabouts.of_passage(tx, newsroom_id, Passage.of(words), release_id)


def vanish_text(
    database: Database,
    newsroom_slug: str,
    words: str,
    *,
    release_id: str | None = None,
    now: datetime,
    by: int | None = None,
) -> int:
    """Takes words out of every revision, caption, note and address of one release, or of all that the newsroom holds.

    Returns how many releases they stood in. Raises NotFound, NotAllowed, Refused for less than two letters, and
    Conflict where somebody goes on writing them.
    """
    passage = Passage.of(words)
    with database.reading() as tx:
        newsroom_id = newsrooms.by_slug(tx, newsroom_slug).id
    with database.transaction() as tx:
        newsroom = newsrooms.locked(tx, newsroom_id)
        granting.permit(tx, by, newsroom.id, Act.PUBLISH)
        if release_id is None and erasure.take_out_of_newsroom(tx, newsroom, passage):
            change.of_newsroom(tx, newsroom, now=now)
            newsrooms.touch(tx, newsroom.id, now=now)
            scrubbing.note(tx, now=now)
            audit.note(tx, "vanish text", f"newsroom:{newsroom.slug}", now=now, newsroom_id=newsroom.id, account_id=by)
    done: set[str] = set()
    for _ in range(_MOST_ROUNDS):
        with database.reading() as tx:
            places = whereabouts.of_passage(tx, newsroom_id, passage, release_id).places
        if not places:
            break
        for one in places:
            _take_out(database, one, passage, with_beats=release_id is not None, now=now, by=by)
        done.update(places)
    else:
        raise Conflict("Somebody writes the words while they are removed: stop that, then remove them again.")
    scrubbing.scrub(database)
    return len(done)


def _take_out(
    database: Database, release_id: str, passage: Passage, *, with_beats: bool, now: datetime, by: int | None
) -> None:
    with database.transaction() as tx:
        newsroom, release = _locked(tx, release_id, by)
        erasure.take_out_text(tx, release, passage, now=now)
        if with_beats:
            named = whereabouts.beats_with(tx, release, passage)[0]
            erasure.take_out_of_beats(named, passage)
            change.of_newsroom(tx, newsroom, now=now, beats=[one.id for one in named])
        _show_anew(tx, release, now=now)
        _record(tx, newsroom, release, "vanish text", now=now, by=by)


def _locked(tx: Session, release_id: str, by: int | None) -> tuple[Newsroom, Release]:
    newsroom, release = approving.lock(tx, release_id)
    granting.permit(tx, by, newsroom.id, Act.PUBLISH)
    return newsroom, release


def _show_anew(tx: Session, release: Release, *, now: datetime) -> None:
    """Readers that keep copies look again for what has changed."""
    for translation in translations.of_release(tx, release.id).values():
        if translation.public_from is not None and translation.public_from <= now:
            translation.updated_at = now


def _record(tx: Session, newsroom: Newsroom, release: Release, act: str, *, now: datetime, by: int | None) -> None:
    tx.flush()
    tx.execute(update(LogRow).where(LogRow.release_id == release.id).values(salt=None))
    change.recall(tx, release, now=now)
    change.of_release(tx, release, change.Kind.REMOVAL, now=now)
    log.append(tx, newsroom.id, log.Event.REMOVAL, release.id, erasure.remains(tx, release), now=now)
    newsrooms.touch(tx, newsroom.id, now=now)
    scrubbing.note(tx, now=now)
    audit.note(tx, act, f"release:{release.id}", now=now, newsroom_id=newsroom.id, account_id=by)
