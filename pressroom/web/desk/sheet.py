"""What staff see of a release: every language with its newest revision, out or not, and its mailings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, defer

from pressroom.mailing.mailing import Mailing
from pressroom.releases import visibility
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility


class Standing(StrEnum):
    """How a release stands at an instant, whatever the book-keeping says."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    RETRACTED = "retracted"
    REMOVED = "removed"


@dataclass(frozen=True)
class Text:
    """One language. `revision` is the newest, without its texts; `is_out` whether some revision is public now."""

    translation: Translation
    revision: Revision
    is_source: bool
    is_stale: bool
    is_out: bool

    @property
    def language(self) -> str:
        return self.translation.language

    @property
    def waits(self) -> bool:
        """Whether publishing would put out something that it has not put out yet; what is out is only corrected."""
        return self.translation.publish and not self.is_out and self.translation.revision_id != self.revision.id

    @property
    def has_draft(self) -> bool:
        """Whether a newer text of what is public stands ready, as a proposed correction."""
        return self.is_out and self.translation.revision_id != self.revision.id


@dataclass(frozen=True)
class Sheet:
    """`texts` follow the newsroom's order of languages; `mailings` are the newest first."""

    newsroom: Newsroom
    release: Release
    standing: Standing
    texts: Sequence[Text]
    mailings: Sequence[Mailing]

    @property
    def first(self) -> Text | None:
        """The source, else the first language there is."""
        return next((one for one in self.texts if one.is_source), self.texts[0] if self.texts else None)

    @property
    def missing(self) -> list[str]:
        present = {one.language for one in self.texts}
        return [tag for tag in self.newsroom.languages if tag not in present]

    @property
    def is_over(self) -> bool:
        return self.standing in (Standing.RETRACTED, Standing.REMOVED)

    @property
    def can_publish(self) -> bool:
        return not self.is_over and any(one.waits for one in self.texts)

    @property
    def can_mail(self) -> bool:
        return not self.is_over and self.release.public_from is not None

    @property
    def seen(self) -> str:
        """Names the revisions that stand on this sheet and are not out, for a form whose answer has to mean these."""
        waiting = [one.revision.id for one in self.texts if one.translation.publish and not one.is_out]
        return ".".join(sorted(map(str, waiting)))

    @property
    def can_correct(self) -> bool:
        return not self.is_over and any(one.is_out for one in self.texts)

    @property
    def is_public(self) -> bool:
        return self.standing is Standing.PUBLISHED


def load(tx: Session, newsroom: Newsroom, releases: Sequence[Release], now: datetime) -> list[Sheet]:
    """The sheets of these releases of one newsroom, in their order, with one query for each kind of thing."""
    ids = [release.id for release in releases]
    found, newest = _translations(tx, ids), _newest(tx, ids)
    mailings: dict[str, list[Mailing]] = defaultdict(list)
    for mailing in tx.scalars(select(Mailing).where(Mailing.release_id.in_(ids)).order_by(Mailing.id.desc())):
        mailings[mailing.release_id or ""].append(mailing)
    return [
        Sheet(newsroom, one, standing(one, now), _texts(newsroom, one, found[one.id], newest, now), mailings[one.id])
        for one in releases
    ]


def of(tx: Session, newsroom: Newsroom, release: Release, now: datetime) -> Sheet:
    return load(tx, newsroom, [release], now)[0]


def standing(release: Release, now: datetime) -> Standing:
    seen = visibility.of_release(release, now)
    if seen is Visibility.PUBLIC:
        return Standing.PUBLISHED
    if seen is Visibility.REMOVED or release.removed_at:
        return Standing.REMOVED
    if seen is Visibility.RETRACTED or release.retracted_at:
        return Standing.RETRACTED
    return Standing.SCHEDULED if release.public_from else Standing(release.status.value)


def _translations(tx: Session, ids: Sequence[str]) -> Mapping[str, list[Translation]]:
    found: dict[str, list[Translation]] = defaultdict(list)
    for one in tx.scalars(select(Translation).where(Translation.release_id.in_(ids)).order_by(Translation.language)):
        found[one.release_id].append(one)
    return found


def _newest(tx: Session, ids: Sequence[str]) -> Mapping[str, Revision]:
    """By translation."""
    highest = (
        select(Revision.translation_id, func.max(Revision.number).label("number"))
        .join(Translation, Translation.id == Revision.translation_id)
        .where(Translation.release_id.in_(ids))
        .group_by(Revision.translation_id)
        .subquery()
    )
    query = (
        select(Revision)
        .join(highest, and_(Revision.translation_id == highest.c.translation_id, Revision.number == highest.c.number))
        .options(defer(Revision.body), defer(Revision.html), defer(Revision.text))
    )
    return {one.translation_id: one for one in tx.scalars(query)}


def _texts(
    newsroom: Newsroom, release: Release, found: Sequence[Translation], newest: Mapping[str, Revision], now: datetime
) -> list[Text]:
    source = next((newest.get(one.id) for one in found if one.language == release.source_language), None)
    rank = {tag: place for place, tag in enumerate(newsroom.languages)}
    texts = []
    for one in sorted(found, key=lambda one: rank.get(one.language, len(rank))):
        revision = newest.get(one.id)
        if revision is None:
            continue
        is_source = one.language == release.source_language
        is_stale = not is_source and source is not None and revision.source_revision_id != source.said_since
        is_out = visibility.of_translation(release, one, now) is Visibility.PUBLIC
        texts.append(Text(one, revision, is_source, is_stale, is_out))
    return texts
