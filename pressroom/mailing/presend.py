"""The pre-send sheet: all that somebody has to know before a release goes out, asked of the rules that will be used."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from pressroom.mailing.forecast import Forecast, forecast
from pressroom.mailing.quota import Quota
from pressroom.releases import approving, local_time, publishing, visibility
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.approving import Named
from pressroom.releases.asset import Asset
from pressroom.releases.local_time import Reading
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.visibility import Visibility


class Fate(StrEnum):
    """What publishing does with a language. A NEWER text of what is public waits for a correction."""

    GOES_OUT = "goes_out"
    OUT = "out"
    NEWER = "newer"
    LEFT_OUT = "left_out"
    NEVER = "never"


@dataclass(frozen=True)
class Page:
    """One language with its newest revision; `is_stale` when it was made from an older text of the source."""

    language: str
    slug: str
    title: str
    revision_id: int
    number: int
    fate: Fate
    is_stale: bool
    is_approved: bool


@dataclass(frozen=True)
class Terms:
    """What is asked for. `at` is aware. Accredited people on `early_ids` get it under embargo, `hold` from now; people
    on `list_ids` get it `hold` after it is public.
    """

    at: datetime | None = None
    without: Collection[str] = ()
    list_ids: Sequence[int] = ()
    early_ids: Sequence[int] = ()
    hold: timedelta = timedelta(0)


@dataclass(frozen=True)
class PreSend:
    """`public_from` is when all this becomes public; `at` and `embargo` are what was asked for, None if not.

    `held_up_by` are languages without which a newsroom whose languages go out together does not publish.
    `approvers` are the accounts one of whom has to agree, None where nobody has to. `seen` are the ids of the revisions
    that go out.
    """

    pages: Sequence[Page]
    missing: Sequence[str]
    held_up_by: Sequence[str]
    unchecked: Sequence[Asset]
    public_from: Reading
    at: Reading | None
    embargo: Reading | None
    forecast: Forecast
    early: Forecast
    approvers: Sequence[int] | None
    stopped_at: datetime | None

    @property
    def going(self) -> list[Page]:
        return [one for one in self.pages if one.fate is Fate.GOES_OUT]

    @property
    def stale(self) -> list[str]:
        return [one.language for one in self.pages if one.is_stale and one.fate is not Fate.NEVER]

    @property
    def seen(self) -> list[int]:
        return sorted(one.revision_id for one in self.going)

    def as_dict(self) -> dict[str, Any]:
        """As `pressroom sheet --json` prints it."""
        return {
            "pages": [
                {**asdict(one), "revision_id": str(one.revision_id), "fate": one.fate.value} for one in self.pages
            ],
            "missing": list(self.missing),
            "stale": self.stale,
            "held_up_by": list(self.held_up_by),
            "unchecked": [one.id for one in self.unchecked],
            "public_from": self.public_from.as_dict(),
            "at": self.at.as_dict() if self.at else None,
            "embargo": self.embargo.as_dict() if self.embargo else None,
            **_told(self.forecast),
            "early": _told(self.early),
            "second_person": self.approvers is not None,
            "stopped": self.stopped_at is not None,
        }


def look(
    tx: Session, newsroom: Newsroom, release: Release, terms: Terms, *, quota: Quota, now: datetime, by: int | None
) -> PreSend:
    """The sheet for whoever is about to publish; None is the command line."""
    named = approving.newest_of(tx, release.id)
    pages = _pages(tx, newsroom, release, named, terms.without, now)
    fresh_ids = {one.revision_id for one in pages if one.fate is Fate.GOES_OUT}
    fresh = [one for one in named if one[1].id in fresh_ids]
    began = public_from(release, terms.at, now=now)
    # What is out is mailed too; what waits for a correction goes out as it is.
    mailed = [one.language for one in pages if one.fate in (Fate.GOES_OUT, Fate.OUT, Fate.NEWER)]
    is_new = release.public_from is None or release.public_from > now
    held_up = publishing.holding_up(tx, newsroom, release) if newsroom.together and is_new and fresh else []
    known = {one.language for one in pages}
    tell = partial(forecast, tx, newsroom, release, at=began, hold=terms.hold, quota=quota, now=now, going=mailed)
    return PreSend(
        pages=pages,
        missing=[tag for tag in newsroom.languages if tag not in known],
        held_up_by=[tag for tag in held_up if tag not in terms.without],
        unchecked=approving.unchecked(tx, fresh_ids),
        public_from=local_time.read(began, newsroom.zone),
        at=local_time.read(terms.at, newsroom.zone) if terms.at else None,
        embargo=local_time.read(release.embargo_until, newsroom.zone) if release.embargo_until else None,
        forecast=tell(terms.list_ids, early_ids=terms.early_ids),
        early=tell(terms.early_ids, under_embargo=True) if began > now else Forecast(),
        approvers=_approvers(tx, newsroom, fresh, by),
        stopped_at=newsroom.stopped_at,
    )


def public_from(release: Release, at: datetime | None, *, now: datetime) -> datetime:
    """When publishing it with `at` would make it public."""
    if release.public_from is not None and (release.public_from <= now or at is None):
        return max(release.public_from, release.embargo_until or release.public_from)
    return max(moment for moment in (at or now, now, release.embargo_until) if moment)


def _approvers(tx: Session, newsroom: Newsroom, fresh: Sequence[Named], by: int | None) -> list[int] | None:
    unread = approving.lacking(tx, fresh)
    if not unread or not approving.wants_two(tx, newsroom) or not approving.is_own(tx, unread, by):
        return None
    return approving.approvers(tx, newsroom.id, unread)


def _pages(
    tx: Session,
    newsroom: Newsroom,
    release: Release,
    named: Sequence[Named],
    without: Collection[str],
    now: datetime,
) -> list[Page]:
    found = translations.of_release(tx, release.id)
    newest = {one.id: revision for one, revision in named}
    source = found.get(release.source_language)
    made_from = newest.get(source.id) or revisions.newest(tx, source.id) if source else None
    lacking = {revision.id for _, revision in approving.lacking(tx, named)}
    rank: Mapping[str, int] = {tag: place for place, tag in enumerate(newsroom.languages)}
    pages = []
    for tag in sorted(found, key=lambda tag: (rank.get(tag, len(rank)), tag)):
        one = found[tag]
        revision = newest.get(one.id) or revisions.newest(tx, one.id)
        if revision is None:
            continue
        stale = tag != release.source_language and made_from and revision.source_revision_id != made_from.said_since
        if not one.publish:
            fate = Fate.NEVER
        elif visibility.of_translation(release, one, now) is Visibility.PUBLIC:
            fate = Fate.OUT if one.revision_id == revision.id else Fate.NEWER
        else:
            fate = Fate.LEFT_OUT if tag in without else Fate.GOES_OUT
        pages.append(
            Page(
                tag,
                one.slug,
                revision.title,
                revision.id,
                revision.number,
                fate,
                bool(stale),
                revision.id not in lacking,
            )
        )
    return pages


def _told(told: Forecast) -> dict[str, Any]:
    return {
        "recipients": dict(told.recipients),
        "total": told.total,
        "left_out": {one.value: count for one, count in told.omitted.items()},
        "waiting": told.waiting,
        "in_digests": told.in_digests,
        "first": _iso(told.first),
        "last": _iso(told.last),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
