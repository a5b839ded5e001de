"""A notice: what readers of one translation are told of a correction of its release, or of a retraction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.releases import correction as corrections
from pressroom.releases.correction import Correction, CorrectionChange
from pressroom.releases.newsroom import Newsroom, Said, said
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation

Row = tuple[Newsroom, Release, Translation, Revision]


@dataclass(frozen=True)
class Notice:
    """`number` is a correction's; a retraction has none. `is_missing`: this translation was made from the text as it
    was before, and still says what was wrong.
    """

    number: int | None
    at: datetime
    note: Said
    minor: bool = False
    is_missing: bool = False


def retraction(newsroom: Newsroom, release: Release, tag: str) -> Notice | None:
    if release.retracted_at is None:
        return None
    return Notice(None, release.retracted_at, said(release.retraction_reasons, tag, newsroom.languages))


def of_corrections(tx: Session, rows: Sequence[Row], sources: Mapping[str, Translation]) -> dict[str, list[Notice]]:
    """By translation, the newest first. `sources` are the translations into each release's own language, where they
    are public; only of those can it be said that another lags behind.
    """
    found = corrections.of_releases(tx, list({release.id for _, release, _, _ in rows}))
    changes = _changes(tx, [one.id for several in found.values() for one in several])
    return {
        translation.id: _told(newsroom, translation, revision, found[release.id], changes, sources.get(release.id))
        for newsroom, release, translation, revision in rows
    }


def _told(
    newsroom: Newsroom,
    translation: Translation,
    revision: Revision,
    found: Sequence[Correction],
    changes: Mapping[int, Mapping[str, int]],
    source: Translation | None,
) -> list[Notice]:
    newest_first = [one for one in reversed(found) if one.at is not None]
    missing = _missing(translation, revision, newest_first, changes, source)
    return [
        Notice(
            number=one.number,
            at=one.at,
            note=said(one.notes, translation.language, newsroom.languages),
            minor=one.minor,
            is_missing=one.id in missing,
        )
        for one in newest_first
        if one.at is not None
    ]


def _missing(
    translation: Translation,
    revision: Revision,
    newest_first: Iterable[Correction],
    changes: Mapping[int, Mapping[str, int]],
    source: Translation | None,
) -> set[int]:
    """The corrections of the source's text that came after the one this translation was made from."""
    made_from = revision.source_revision_id
    missing: set[int] = set()
    if source is None or made_from is None or source.id == translation.id:
        return missing
    for one in newest_first:
        changed = changes[one.id]
        if changed.get(source.id) == made_from or (translation.id in changed and not one.minor):
            break
        if source.id in changed and not one.minor:
            missing.add(one.id)
    return missing


def _changes(tx: Session, correction_ids: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
    """By correction and translation, the revision that holds since."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    if correction_ids:
        query = select(CorrectionChange).where(CorrectionChange.correction_id.in_(correction_ids))
        for one in tx.scalars(query):
            found[one.correction_id][one.translation_id] = one.after_id
    return found
