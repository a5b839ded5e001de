"""A forecast: who would get a mailing, who would not and why, and when the relay's quota lets the last message go.

The same questions as audience.py and composing.py ask person by person, asked of the whole list at once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Text, and_, case, cast, exists, func, select
from sqlalchemy.orm import Session

from pressroom import languages
from pressroom.mailing.media_list import ListMember
from pressroom.mailing.notice import ANNOUNCEMENT, Notice
from pressroom.mailing.pace import Pace
from pressroom.mailing.quota import Quota
from pressroom.mailing.subscriber import Frequency, Subscriber, SubscriberBeat
from pressroom.mailing.suppression import Suppression
from pressroom.releases import approving
from pressroom.releases import translation as translations
from pressroom.releases.beat import ReleaseBeat
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release


class Omission(StrEnum):
    """Why somebody on a list gets no message. Each person has one reason: the first of these that is true."""

    UNCONFIRMED = "unconfirmed"
    LEFT = "left"
    SUPPRESSED = "suppressed"
    PAUSED = "paused"
    NOT_ACCREDITED = "not_accredited"
    OTHER_BEATS = "other_beats"
    HEARD = "heard"
    NO_LANGUAGE = "no_language"


@dataclass(frozen=True)
class Forecast:
    """Everybody on the lists is counted once: among `recipients` (by language) or `omitted`.

    `waiting` of the recipients would rather wait for their own language, which may still come, until `wait_ends` at
    the latest. `in_digests` get it in their next digest, and need no message of their own. `last` is when the last of
    the others leaves; None without a quota: only the line is in the way then.
    """

    recipients: Mapping[str, int] = field(default_factory=dict)
    omitted: Mapping[Omission, int] = field(default_factory=dict)
    waiting: int = 0
    in_digests: int = 0
    wait_ends: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None

    @property
    def total(self) -> int:
        return sum(self.recipients.values())


@dataclass(frozen=True)
class _Group:
    """People on the lists who are alike: their languages in order, how long they would wait, whether they get digests,
    and why they are left out, if they are.
    """

    languages: list[str]
    wait_hours: int
    in_digests: bool
    omission: Omission | None
    people: int


def forecast(
    tx: Session,
    newsroom: Newsroom,
    release: Release,
    list_ids: Sequence[int],
    *,
    at: datetime,
    hold: timedelta,
    quota: Quota,
    now: datetime,
    going: Sequence[str] | None = None,
    early_ids: Sequence[int] = (),
    under_embargo: bool = False,
) -> Forecast:
    """Of announcing a release that is public from `at`; under embargo, of telling accredited people `hold` after now.

    `going` are the languages that go out, all that may ever be published by default. `early_ids` are lists whose
    accredited members will have heard of it by then.
    """
    if not list_ids:
        return Forecast()
    if going is None:
        going = [one.language for one, _ in approving.newest_of(tx, release.id)]
    expected = frozenset[str]() if under_embargo else _expected(tx, newsroom, release, going)
    recipients, omitted, waits = Counter[str](), Counter[Omission](), Counter[int]()
    in_digests = 0
    first = max(now if under_embargo else at, now) + hold
    for group in _groups(tx, newsroom, release, list_ids, early_ids, first=first, under_embargo=under_embargo):
        language = languages.best(group.languages, going, newsroom.languages)
        omission = group.omission or (Omission.NO_LANGUAGE if language is None else None)
        if omission is not None or language is None:
            omitted[omission or Omission.NO_LANGUAGE] += group.people
            continue
        recipients[language] += group.people
        if group.in_digests and not under_embargo:
            in_digests += group.people
        elif group.wait_hours and group.languages and group.languages[0] in expected:
            waits[group.wait_hours] += group.people
    return _dated(tx, newsroom, recipients, omitted, waits, in_digests, first=first, quota=quota, now=now)


def _expected(tx: Session, newsroom: Newsroom, release: Release, going: Sequence[str]) -> frozenset[str]:
    """Languages that may follow those which go out."""
    never = {tag for tag, one in translations.of_release(tx, release.id).items() if not one.publish}
    return frozenset(newsroom.languages) - never - set(going)


def _dated(
    tx: Session,
    newsroom: Newsroom,
    recipients: Mapping[str, int],
    omitted: Mapping[Omission, int],
    waits: Mapping[int, int],
    in_digests: int,
    *,
    first: datetime,
    quota: Quota,
    now: datetime,
) -> Forecast:
    waiting = sum(waits.values())
    at_once = sum(recipients.values()) - waiting - in_digests
    begins = last = None
    if at_once:
        begins, last = first, None
        if quota.limited:
            begins, last = Pace(tx, quota, now=now).leave(at_once, first)
    ranked = sorted(recipients, key=lambda tag: (*_rank(newsroom, tag), tag))
    return Forecast(
        recipients={tag: recipients[tag] for tag in ranked},
        omitted={one: omitted[one] for one in Omission if omitted.get(one)},
        waiting=waiting,
        in_digests=in_digests,
        wait_ends=first + timedelta(hours=max(waits)) if waiting else None,
        first=begins,
        last=last,
    )


def _rank(newsroom: Newsroom, tag: str) -> tuple[int]:
    return (newsroom.languages.index(tag) if tag in newsroom.languages else len(newsroom.languages),)


def _groups(
    tx: Session,
    newsroom: Newsroom,
    release: Release,
    list_ids: Sequence[int],
    early_ids: Sequence[int],
    *,
    first: datetime,
    under_embargo: bool,
) -> Iterator[_Group]:
    """A row for each kind of people, not for each of them: 200,000 subscribers have few kinds."""
    members = select(ListMember.subscriber_id).where(ListMember.list_id.in_(list_ids))
    # As text, because PostgreSQL cannot tell whether two JSON values are equal.
    tags = cast(Subscriber.languages, Text)
    omission = _omission(tx, release, early_ids, first=first, under_embargo=under_embargo)
    in_digests = Subscriber.frequency != Frequency.IMMEDIATE
    query = (
        select(tags, Subscriber.wait_hours, in_digests, omission, func.count())
        .where(Subscriber.id.in_(members), Subscriber.newsroom_id == newsroom.id)
        .group_by(tags, Subscriber.wait_hours, in_digests, omission)
    )
    for wanted, wait_hours, digests, reason, people in tx.execute(query):
        yield _Group(json.loads(wanted), wait_hours, bool(digests), Omission(reason) if reason else None, people)


def _omission(
    tx: Session, release: Release, early_ids: Sequence[int], *, first: datetime, under_embargo: bool
) -> ColumnElement[str | None]:
    beats = list(tx.scalars(select(ReleaseBeat.beat_id).where(ReleaseBeat.release_id == release.id)))
    followed = select(SubscriberBeat.beat_id).where(SubscriberBeat.subscriber_id == Subscriber.id)
    heard = exists().where(
        Notice.release_id == release.id, Notice.purpose == ANNOUNCEMENT, Notice.subscriber_id == Subscriber.id
    )
    reasons: list[tuple[ColumnElement[bool], Omission]] = [
        (Subscriber.confirmed_at.is_(None), Omission.UNCONFIRMED),
        (Subscriber.left_at.is_not(None), Omission.LEFT),
        (Subscriber.suppressed_at.is_not(None), Omission.SUPPRESSED),
        (exists().where(Suppression.email_lookup == Subscriber.email_lookup), Omission.SUPPRESSED),
        (Subscriber.paused_until > first, Omission.PAUSED),
    ]
    if under_embargo:
        reasons.append((Subscriber.accredited_at.is_(None), Omission.NOT_ACCREDITED))
    if beats:
        others = and_(followed.exists(), ~followed.where(SubscriberBeat.beat_id.in_(beats)).exists())
        reasons.append((others, Omission.OTHER_BEATS))
    reasons.append((heard, Omission.HEARD))
    if early_ids:
        early = select(ListMember.subscriber_id).where(ListMember.list_id.in_(early_ids))
        reasons.append((and_(Subscriber.accredited_at.is_not(None), Subscriber.id.in_(early)), Omission.HEARD))
    return case(*((condition, name.value) for condition, name in reasons))
