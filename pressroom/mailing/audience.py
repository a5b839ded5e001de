"""An audience: who is to hear of a release through a mailing, a page at a time.

An announcement goes to members of lists, in the best language that is out. A correction, retraction or changed embargo
goes to whoever was sent what came before it, also in a digest, in the language they were sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from pressroom import languages
from pressroom.mailing.delivery import Delivery, DeliveryState
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.media_list import ListMember
from pressroom.mailing.notice import ANNOUNCEMENT, Notice
from pressroom.mailing.subscriber import Frequency, Subscriber, SubscriberBeat
from pressroom.releases import translation as translations
from pressroom.releases.beat import ReleaseBeat
from pressroom.releases.newsroom import Newsroom

HAD = (DeliveryState.SENT, DeliveryState.UNKNOWN)


@dataclass(frozen=True)
class Addressee:
    """`waits_for` is the language that this person would rather have, and for which the delivery waits until
    `not_before`. Who `gets_digests` is told in the next one.
    """

    subscriber_id: int
    language: str
    gets_digests: bool = False
    waits_for: str | None = None
    not_before: datetime | None = None


@dataclass(frozen=True)
class Page:
    """`cursor` is where the next one begins; `is_last` when nobody can come after it."""

    addressees: Sequence[Addressee]
    cursor: int
    is_last: bool


@dataclass(frozen=True)
class Going:
    """What of a release goes out: languages, the newsroom's order of them, those that may still come, and beats."""

    available: list[str]
    fallback: list[str]
    expected: frozenset[str]
    beats: frozenset[int]


def going(tx: Session, mailing: Mailing) -> Going:
    assert mailing.release_id is not None
    newsroom = tx.get_one(Newsroom, mailing.newsroom_id)
    known = translations.of_release(tx, mailing.release_id)
    out = [tag for tag, one in known.items() if one.publish and one.revision_id is not None]
    never = {tag for tag, one in known.items() if not one.publish}
    expected = frozenset(newsroom.languages) - never - set(out)
    beats = tx.scalars(select(ReleaseBeat.beat_id).where(ReleaseBeat.release_id == mailing.release_id))
    return Going(out, newsroom.languages, expected, frozenset(beats))


def of_lists(tx: Session, mailing: Mailing, size: int, now: datetime) -> Page:
    """The next members of any of the lists, each once, who may be written to and want to hear of it."""
    offer = going(tx, mailing)
    people = _members(tx, mailing, size)
    followed = _followed(tx, [one.id for one in people]) if offer.beats else {}
    found = []
    for person in people:
        beats = followed.get(person.id)
        one = _addressee(person, offer, mailing, now)
        if one is not None and (not offer.beats or not beats or beats & offer.beats):
            found.append(one)
    return Page(found, people[-1].id if people else mailing.cursor, len(people) < size)


def _addressee(person: Subscriber, offer: Going, mailing: Mailing, now: datetime) -> Addressee | None:
    language = languages.best(person.languages, offer.available, offer.fallback)
    if language is None or (person.paused_until is not None and person.paused_until > max(mailing.hold_until, now)):
        return None
    # Under embargo nobody waits: they got it early to have time.
    if mailing.under_embargo:
        return Addressee(person.id, language)
    gets_digests = person.frequency is not Frequency.IMMEDIATE
    first = person.languages[0] if person.languages else language
    if person.wait_hours and first in offer.expected:
        until = mailing.hold_until + timedelta(hours=person.wait_hours)
        return Addressee(person.id, language, gets_digests, first, until)
    return Addressee(person.id, language, gets_digests)


def _members(tx: Session, mailing: Mailing, size: int) -> list[Subscriber]:
    members = select(ListMember.subscriber_id).where(
        ListMember.list_id.in_(mailing.list_ids), ListMember.subscriber_id > mailing.cursor
    )
    query = (
        select(Subscriber)
        .where(
            Subscriber.id > mailing.cursor,
            Subscriber.id.in_(members),
            Subscriber.confirmed_at.is_not(None),
            Subscriber.left_at.is_(None),
        )
        .order_by(Subscriber.id)
        .limit(size)
    )
    if mailing.under_embargo:
        query = query.where(Subscriber.accredited_at.is_not(None))
    return list(tx.scalars(query))


def _followed(tx: Session, subscriber_ids: Sequence[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    query = select(SubscriberBeat.subscriber_id, SubscriberBeat.beat_id).where(
        SubscriberBeat.subscriber_id.in_(subscriber_ids)
    )
    for subscriber_id, beat_id in tx.execute(query):
        found.setdefault(subscriber_id, set()).add(beat_id)
    return found


def of_sent(tx: Session, mailing: Mailing, size: int) -> Page:
    """The next people who were sent the release before this mailing was made, and have no notice of this purpose."""
    own = aliased(Notice)
    told = exists().where(
        own.release_id == mailing.release_id,
        own.purpose == mailing.purpose,
        own.subscriber_id == Delivery.subscriber_id,
    )
    alone = select(Delivery.id, Delivery.subscriber_id, Delivery.language).where(_alone(mailing))
    in_digests = (
        select(Delivery.id, Delivery.subscriber_id, Notice.language)
        .join(Notice, Notice.delivery_id == Delivery.id)
        .where(_in_digest(mailing))
    )
    rows: list[tuple[int, int | None, str | None]] = []
    for query in (alone, in_digests):
        of_others = query.join(Subscriber, Subscriber.id == Delivery.subscriber_id).where(
            Delivery.id > mailing.cursor, Delivery.state.in_(HAD), Subscriber.left_at.is_(None), ~told
        )
        page = of_others.order_by(Delivery.id).limit(size)
        rows += [(number, person, language) for number, person, language in tx.execute(page)]
    is_last, rows = len(rows) < size, sorted(rows)[:size]
    found: dict[int, Addressee] = {}
    for _, subscriber_id, language in rows:
        if subscriber_id is not None:
            found.setdefault(subscriber_id, Addressee(subscriber_id, language or ""))
    return Page(list(found.values()), rows[-1][0] if rows else mailing.cursor, is_last)


def in_doubt(tx: Session, mailing: Mailing) -> bool:
    """Whether a message from before this mailing is still on the wire, or may be sent a second time after a doubt."""
    unsettled = or_(
        Delivery.state == DeliveryState.SENDING, and_(Delivery.state == DeliveryState.DEFERRED, Delivery.doubts > 0)
    )
    alone = select(Delivery.id).where(_alone(mailing), unsettled)
    in_digests = select(Delivery.id).join(Notice, Notice.delivery_id == Delivery.id)
    found = (alone, in_digests.where(_in_digest(mailing), unsettled))
    return any(tx.execute(query.limit(1)).first() is not None for query in found)


def was_announced(tx: Session, release_id: str) -> bool:
    """Whether any announcement of the release was ever begun; tests do not count."""
    query = select(Mailing.id).where(Mailing.release_id == release_id, Mailing.purpose == ANNOUNCEMENT)
    return tx.execute(query.limit(1)).first() is not None


def _announcements(mailing: Mailing) -> Select[int]:
    other = aliased(Mailing)
    return select(other.id).where(other.release_id == mailing.release_id, other.purpose == ANNOUNCEMENT)


def _alone(mailing: Mailing) -> ColumnElement[bool]:
    """Deliveries that told of the release alone, before this mailing."""
    return and_(
        Delivery.mailing_id.in_(_announcements(mailing)),
        Delivery.subscriber_id.is_not(None),
        # Marked after the mailing was made, it went out as things stand now.
        Delivery.sending_at <= mailing.created_at,
    )


def _in_digest(mailing: Mailing) -> ColumnElement[bool]:
    """For a query that joins Notice: deliveries that told of the release among others, before this mailing."""
    first_copy = and_(Delivery.doubts > 0, Delivery.first_at <= mailing.created_at)
    return and_(
        Notice.mailing_id.in_(_announcements(mailing)),
        Notice.due_at.is_(None),
        # A second copy no longer tells of what was taken back after a first one that may have arrived.
        or_(Delivery.sending_at <= mailing.created_at, first_copy),
    )
