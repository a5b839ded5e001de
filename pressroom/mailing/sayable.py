"""What may be said of a mailing's release, and in which languages, at this moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from pressroom.mailing.mailing import Mailing
from pressroom.mailing.notice import ANNOUNCEMENT
from pressroom.mailing.steering import TEST
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases import visibility
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility

# In each of many short transactions one plain query asks whether anything that decides has changed.
_STATE = """
SELECT n.generation, (SELECT max(p.id) FROM dkim_pair p WHERE p.newsroom_id = n.id AND p.signing_since IS NOT NULL
AND p.retired_at IS NULL), r.public_from, r.retracted_at, r.removed_at, t.id, t.publish, t.revision_id, t.public_from
FROM "release" r JOIN newsroom n ON n.id = r.newsroom_id LEFT JOIN translation t ON t.release_id = r.id
WHERE r.id = {} ORDER BY t.id
"""
_SQLITE, _POSTGRESQL = _STATE.format("?"), _STATE.format("%s")


@dataclass(frozen=True)
class Sayable:
    """`texts` has each language that may be mailed, with the revision it says: None for a follow-up, which says what
    became of a text. What is here holds while `state` does, from `seen` until `until`. `edition` names what letters
    depend on; `dkim_pair_id` is of the pair that signs them.
    """

    release: Release
    fallback: Sequence[str]
    is_public: bool
    texts: Mapping[str, tuple[Translation, int | None]]
    edition: tuple[int, bool]
    dkim_pair_id: int | None
    state: tuple[Any, ...]
    seen: datetime
    until: datetime | None

    def holds(self, state: tuple[Any, ...], now: datetime) -> bool:
        return self.state == state and self.seen <= now and (self.until is None or now < self.until)


def look(tx: Session, mailing: Mailing, now: datetime, before: Sayable | None) -> Sayable:
    """`before` itself, if it still holds."""
    state = _state(tx, mailing)
    # A test says drafts, of which the query above knows nothing.
    if before is not None and mailing.purpose != TEST and before.holds(state, now):
        return before
    # Not locked: a retraction locks the release and then the mailing, which is locked already.
    release = tx.get_one(Release, mailing.release_id)
    newsroom = tx.get_one(Newsroom, release.newsroom_id)
    is_public = visibility.of_release(release, now) is Visibility.PUBLIC
    texts: dict[str, tuple[Translation, int | None]] = {}
    found = translations.of_release(tx, release.id)
    for tag, translation in found.items():
        if mailing.purpose not in (ANNOUNCEMENT, TEST):
            texts[tag] = (translation, None)
        elif (shown := _shown(tx, mailing, release, translation, now)) is not None:
            texts[tag] = (translation, shown)
    begins = [release.public_from, *(one.public_from for one in found.values())]
    return Sayable(
        release,
        newsroom.languages,
        is_public,
        texts,
        (newsroom.generation, is_public),
        state[-1][0][1],
        state,
        now,
        min((at for at in begins if at is not None and at > now), default=None),
    )


def _shown(tx: Session, mailing: Mailing, release: Release, translation: Translation, now: datetime) -> int | None:
    """The revision that may be mailed in this language; None if there is none."""
    if mailing.purpose == TEST:
        newest = revisions.newest(tx, translation.id)
        return newest.id if newest and translation.publish else None
    is_out = visibility.of_translation(release, translation, now) is Visibility.PUBLIC
    early = mailing.under_embargo and visibility.may_be_told_early(release, translation)
    return translation.revision_id if is_out or early else None


def _state(tx: Session, mailing: Mailing) -> tuple[Any, ...]:
    tx.flush()
    connection = tx.connection()
    query = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
    rows = connection.exec_driver_sql(query, (mailing.release_id,)).fetchall()
    return (mailing.id, mailing.purpose, mailing.under_embargo, [tuple(row) for row in rows])
