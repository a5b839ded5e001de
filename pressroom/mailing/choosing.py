"""Choosing: a subscriber's own languages in order, beats, how often to be told, and for how long not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.errors import NotFound, Refused
from pressroom.languages import parse_tag
from pressroom.mailing import subscriber as subscribers
from pressroom.mailing.subscriber import Frequency, Subscriber
from pressroom.people import audit
from pressroom.releases import beat as beats_of_newsroom
from pressroom.releases import visibility
from pressroom.releases.newsroom import Newsroom

# Hours that somebody may choose to wait for a text in their own language.
WAITS = (0, 3, 6, 12, 24, 48)
LONGEST_PAUSE = timedelta(days=366)


@dataclass(frozen=True)
class Choices:
    """A subscriber's languages in order, and the beats they follow; none means all. `wait_hours` is how long they
    would rather wait for the first of those languages than get another. Until `paused_until` they want no releases.
    """

    languages: Sequence[str]
    beats: Sequence[str]
    wait_hours: int = 0
    frequency: Frequency = Frequency.IMMEDIATE
    paused_until: datetime | None = None


def choices(tx: Session, row: Subscriber, *, now: datetime) -> Choices:
    """A pause that is over is none."""
    followed = subscribers.beats_of(tx, row.id)
    known = beats_of_newsroom.in_newsroom(tx, row.newsroom_id)
    beats = [slug for slug, beat in known.items() if beat.id in followed]
    paused_until = row.paused_until if row.paused_until is not None and row.paused_until > now else None
    return Choices(list(row.languages), beats, row.wait_hours, row.frequency, paused_until)


def choose(database: Database, subscriber_id: int, wanted: Choices, *, now: datetime) -> None:
    """Stores a subscriber's own choices; a pause holds from the commit on.

    Raises NotFound, and Refused for an unknown language, beat, wait or end of a pause.
    """
    if wanted.wait_hours not in WAITS:
        raise Refused(f"Choose one of {', '.join(map(str, WAITS))} hours.")
    if wanted.paused_until is not None and not now < wanted.paused_until <= now + LONGEST_PAUSE:
        raise Refused("A pause ends on a day to come, within a year; choose another.")
    with database.transaction() as tx:
        # The senders share this lock while they decide whether to write.
        row = tx.get(Subscriber, subscriber_id, with_for_update={"key_share": True})
        if row is None:
            raise NotFound("There is no such subscription.")
        newsroom = tx.get_one(Newsroom, row.newsroom_id)
        chosen = check(tx, newsroom, wanted.languages, wanted.beats, already=row.languages, now=now)
        row.languages, row.wait_hours, row.frequency = list(chosen.languages), wanted.wait_hours, wanted.frequency
        is_paused = row.paused_until is not None and row.paused_until > now
        # One that is over is kept: what waited before it stays away.
        if wanted.paused_until is not None or is_paused:
            row.paused_until = wanted.paused_until
        store_beats(tx, newsroom, row.id, chosen.beats)
        audit.note(tx, "change preferences", f"subscriber:{row.id}", now=now, newsroom_id=row.newsroom_id)


def check(
    tx: Session,
    newsroom: Newsroom,
    languages: Iterable[str],
    beats: Iterable[str],
    already: Sequence[str] = (),
    *,
    now: datetime,
) -> Choices:
    """The languages and beats, each once. Raises Refused."""
    chosen = Choices(list(dict.fromkeys(parse_tag(tag) for tag in languages)), list(dict.fromkeys(beats)))
    if not chosen.languages:
        raise Refused("Choose at least one language.")
    spoken = (*newsroom.languages, *already)
    for tag in chosen.languages:
        if tag not in spoken:
            raise Refused(f"This newsroom does not write in “{tag}”; choose among {', '.join(newsroom.languages)}.")
    known = visibility.public_beats(tx, newsroom.id, now)
    for slug in chosen.beats:
        if slug not in known:
            raise Refused(f"There is no beat “{slug}” here; choose among {', '.join(known) or 'none'}.")
    return chosen


def store_beats(tx: Session, newsroom: Newsroom, subscriber_id: int, slugs: Iterable[str]) -> None:
    known = beats_of_newsroom.in_newsroom(tx, newsroom.id)
    subscribers.set_beats(tx, subscriber_id, [known[slug].id for slug in slugs])
