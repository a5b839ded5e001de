"""An audience: who is to hear of a release through a mailing, a page at a time.

An announcement goes to members of lists, in the best language that is out. A correction, retraction or changed embargo
goes to whoever was sent what came before it, also in a digest, in the language they were sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from pressroom import languages
from pressroom.mailing.delivery import Delivery, DeliveryState
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.media_list import ListMember
from pressroom.mailing.notice import ANNOUNCEMENT, Notice
from pressroom.mailing.subscriber import Frequency, Subscriber, SubscriberBeat
from pressroom.query_plan import unindexed
from pressroom.releases import translation as translations
from pressroom.releases.beat import ReleaseBeat
from pressroom.releases.newsroom import Newsroom

HAD = (DeliveryState.SENT, DeliveryState.UNKNOWN)
# Of those put off, the few in doubt have an index of their own.
_IN_DOUBT = and_(unindexed(Delivery.state) == DeliveryState.DEFERRED, Delivery.doubts > 0)


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


class _Member(NamedTuple):
    """What of a subscriber decides whether, when and in which language they hear of a release."""

    id: int
    languages: list[str]
    frequency: Frequency
    wait_hours: int
    paused_until: datetime | None


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
    ids = _next_members(tx, mailing, size)
    followed = _followed(tx, ids) if offer.beats else {}
    found = []
    for person in _willing(tx, ids, accredited=mailing.under_embargo):
        beats = followed.get(person.id)
        one = _addressee(person, offer, mailing, now)
        if one is not None and (not offer.beats or not beats or beats & offer.beats):
            found.append(one)
    return Page(found, ids[-1] if ids else mailing.cursor, len(ids) < size)


def _addressee(person: _Member, offer: Going, mailing: Mailing, now: datetime) -> Addressee | None:
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


def _next_members(tx: Session, mailing: Mailing, size: int) -> list[int]:
    """Of each list as many as of all together, for the next ones of all are among them: a query over several lists
    would read them to their ends, on every page.
    """
    found: set[int] = set()
    for list_id in mailing.list_ids:
        query = select(ListMember.subscriber_id).where(
            ListMember.list_id == list_id, ListMember.subscriber_id > mailing.cursor
        )
        found.update(tx.scalars(query.order_by(ListMember.subscriber_id).limit(size)))
    return sorted(found)[:size]


def _willing(tx: Session, subscriber_ids: Sequence[int], *, accredited: bool) -> list[_Member]:
    query = (
        select(
            Subscriber.id, Subscriber.languages, Subscriber.frequency, Subscriber.wait_hours, Subscriber.paused_until
        )
        .where(Subscriber.id.in_(subscriber_ids), Subscriber.confirmed_at.is_not(None), Subscriber.left_at.is_(None))
        .order_by(Subscriber.id)
    )
    if accredited:
        query = query.where(Subscriber.accredited_at.is_not(None))
    return [_Member(*row) for row in tx.execute(query)]


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
    found: list[tuple[int, int | None, str]] = []
    for announcement in tx.scalars(_announcements(mailing)).all():
        # Each in the order of an index, and so none of them read to its end.
        for state in HAD:
            found += _page(tx, _sent_alone(mailing, announcement, state), Delivery.id, mailing, size)
        found += _page(tx, _sent_in_digests(mailing, announcement), Notice.delivery_id, mailing, size)
    is_last, rows = len(found) < size, sorted(found)[:size]
    people: dict[int, Addressee] = {}
    for _, subscriber_id, language in rows:
        if subscriber_id is not None:
            people.setdefault(subscriber_id, Addressee(subscriber_id, language))
    return Page(list(people.values()), rows[-1][0] if rows else mailing.cursor, is_last)


def _page(
    tx: Session,
    query: Select[int, int | None, str | None],
    number: InstrumentedAttribute[int],
    mailing: Mailing,
    size: int,
) -> list[tuple[int, int | None, str]]:
    """Of what has a delivery's `number` after the cursor: those who did not leave and were not told yet."""
    own = aliased(Notice)
    told = exists().where(
        own.release_id == mailing.release_id,
        own.purpose == mailing.purpose,
        own.subscriber_id == Delivery.subscriber_id,
    )
    of_others = query.join(Subscriber, Subscriber.id == Delivery.subscriber_id).where(
        number > mailing.cursor, Subscriber.left_at.is_(None), ~told
    )
    return [(one, who, language or "") for one, who, language in tx.execute(of_others.order_by(number).limit(size))]


def _sent_alone(mailing: Mailing, announcement: int, state: DeliveryState) -> Select[int, int | None, str | None]:
    query = select(Delivery.id, Delivery.subscriber_id, Delivery.language)
    return query.where(Delivery.mailing_id == announcement, Delivery.state == state, _before(mailing))


def _sent_in_digests(mailing: Mailing, announcement: int) -> Select[int, int | None, str | None]:
    query = select(Notice.delivery_id, Delivery.subscriber_id, Notice.language)
    query = query.join(Delivery, Delivery.id == Notice.delivery_id)
    had = unindexed(Delivery.state).in_(HAD)
    return query.where(Notice.mailing_id == announcement, had, _before_in_digest(mailing))


def in_doubt(tx: Session, mailing: Mailing) -> bool:
    """Whether a message from before this mailing is still on the wire, or may be sent a second time after a doubt."""
    announcements, digests = _announcements(mailing), _digests(mailing)
    for unsettled in (Delivery.state == DeliveryState.SENDING, _IN_DOUBT):
        alone = select(Delivery.id).where(Delivery.mailing_id.in_(announcements), unsettled, _before(mailing))
        in_digests = (
            select(Delivery.id)
            .join(Notice, Notice.delivery_id == Delivery.id)
            .where(Delivery.mailing_id.in_(digests), unsettled, _before_in_digest(mailing))
            .where(unindexed(Notice.mailing_id).in_(announcements))
        )
        if any(tx.execute(query.limit(1)).first() is not None for query in (alone, in_digests)):
            return True
    return False


def was_announced(tx: Session, release_id: str) -> bool:
    """Whether any announcement of the release was ever begun; tests do not count."""
    query = select(Mailing.id).where(Mailing.release_id == release_id, Mailing.purpose == ANNOUNCEMENT)
    return tx.execute(query.limit(1)).first() is not None


def _announcements(mailing: Mailing) -> Select[int]:
    other = aliased(Mailing)
    return select(other.id).where(other.release_id == mailing.release_id, other.purpose == ANNOUNCEMENT)


def _digests(mailing: Mailing) -> Select[int]:
    other = aliased(Mailing)
    return select(other.id).where(other.newsroom_id == mailing.newsroom_id, other.covers_until.is_not(None))


def _before(mailing: Mailing) -> ColumnElement[bool]:
    """Deliveries that told of the release alone, before this mailing."""
    # Marked after the mailing was made, it went out as things stand now.
    return and_(Delivery.subscriber_id.is_not(None), Delivery.sending_at <= mailing.created_at)


def _before_in_digest(mailing: Mailing) -> ColumnElement[bool]:
    """For a query that joins Notice: deliveries that told of the release among others, before this mailing."""
    first_copy = and_(Delivery.doubts > 0, Delivery.first_at <= mailing.created_at)
    # A second copy no longer tells of what was taken back after a first one that may have arrived.
    return and_(Notice.due_at.is_(None), or_(Delivery.sending_at <= mailing.created_at, first_copy))
