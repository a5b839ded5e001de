"""Which translations of a release are out, and whether one was made from a text that has since been corrected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pressroom.feeds.notice import Row
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import translation_is_public


@dataclass(frozen=True)
class Out:
    """A translation that is out; `said_since` is the revision that first said what it says, spelling aside."""

    translation: Translation
    title: str
    said_since: int


def out(tx: Session, release_ids: Iterable[str], now: datetime) -> Mapping[str, list[Out]]:
    """By release."""
    query = (
        select(Translation, Revision.title, func.coalesce(Revision.minor_of, Revision.id))
        .join(Release, Release.id == Translation.release_id)
        .join(Revision, Revision.id == Translation.revision_id)
        .where(Translation.release_id.in_(release_ids), translation_is_public(now))
        .order_by(Translation.language)
    )
    found = defaultdict(list)
    for translation, title, said_since in tx.execute(query):
        found[translation.release_id].append(Out(translation, title, said_since))
    return found


def sources(rows: Sequence[Row], found: Mapping[str, list[Out]]) -> dict[str, Out]:
    """By release, the text in its own language, if it is out."""
    return {
        release.id: one
        for _, release, _, _ in rows
        for one in found.get(release.id, ())
        if one.translation.language == release.source_language
    }


def is_stale(revision: Revision, source: Out | None) -> bool:
    """Whether the source says something else than when this revision was made from it."""
    made_from = revision.source_revision_id
    return source is not None and made_from is not None and made_from != source.said_since
