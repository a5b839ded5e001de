"""Subscribers in from a CSV file, with the consent the operator vouches for; repeatable, and never against a person's
own wish: whoever left or is suppressed is refused.

A thousand lines make one transaction. Of several lines with one address the last one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom import bulk
from pressroom.db import Database, new_id
from pressroom.errors import Refused
from pressroom.mailing import media_list, suppression
from pressroom.mailing import subscriber as subscribers
from pressroom.mailing.media_list import ListMember
from pressroom.mailing.subscriber import Frequency, Person, Subscriber, SubscriberBeat
from pressroom.mailing.subscriber_csv import Entry, RefusedLine, last_lines, read_entries
from pressroom.people import audit
from pressroom.releases import beat as beats
from pressroom.releases import newsroom as newsrooms
from pressroom.seal import Keyring

_BATCH = 1_000
_FILLED = ("subscriber", "list_member", "subscriber_beat")
_ANALYZED = tuple(5_000 * 4**power for power in range(8))
_SUPPRESSED = "this address is suppressed: it asked for no more mail, complained or cannot be reached."


@dataclass
class Imported:
    """What became of the lines; `refused` names those that were not taken, with the reason."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[RefusedLine] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        refused = [{"line": one.line, "reason": one.reason} for one in sorted(self.refused, key=lambda one: one.line)]
        return {"added": self.added, "changed": self.changed, "unchanged": self.unchanged, "refused": refused}


@dataclass(frozen=True)
class _Job:
    """What stays the same for all lines."""

    keyring: Keyring
    newsroom_id: int
    list_id: int
    beats: dict[str, int]
    consent: str
    now: datetime


def import_subscribers(
    database: Database,
    keyring: Keyring,
    newsroom_slug: str,
    list_slug: str,
    path: Path,
    *,
    consent: str,
    now: datetime,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Raises NotFound for newsroom or list, and Refused, before anything is stored, for a file that is no such CSV.

    With `dry_run` it counts the same and stores nothing. `progress` is told lines done and lines in all.
    """
    if not consent.strip():
        raise Refused("Say with --consent how these people agreed to get mail; without consent nobody is imported.")
    with database.reading() as tx:
        newsroom = newsrooms.by_slug(tx, newsroom_slug)
        listed = media_list.by_slug(tx, newsroom.id, list_slug)
        known = {slug: beat.id for slug, beat in beats.in_newsroom(tx, newsroom.id).items()}
    job = _Job(keyring, newsroom.id, listed.id, known, consent.strip(), now)
    total, superseded = last_lines(path, frozenset(known))
    counts, done = Imported(), 0
    lines = read_entries(path, frozenset(known))
    while batch := list(islice(lines, _BATCH)):
        _take(database, job, batch, superseded, counts, dry_run=dry_run)
        database.let_others_write()
        done += len(batch)
        if progress is not None:
            progress(done, total)
    if not dry_run:
        _note(database, job, counts)
        if counts.added >= _ANALYZED[0]:
            database.analyze(_FILLED)
    return counts


def _note(database: Database, job: _Job, counts: Imported) -> None:
    with database.transaction() as tx:
        audit.note(
            tx, "import subscribers", f"list:{job.list_id}", now=job.now, newsroom_id=job.newsroom_id,
            added=counts.added, changed=counts.changed, unchanged=counts.unchanged, refused=len(counts.refused),
        )  # fmt: skip


def _take(
    database: Database,
    job: _Job,
    batch: Sequence[Entry | RefusedLine],
    superseded: frozenset[int],
    counts: Imported,
    *,
    dry_run: bool,
) -> None:
    entries = []
    for one in batch:
        if isinstance(one, RefusedLine):
            counts.refused.append(one)
        elif one.line in superseded:
            counts.unchanged += 1
        else:
            entries.append(one)
    by_lookup = {subscribers.lookup(job.keyring, entry.email): entry for entry in entries}
    if dry_run:
        with database.reading() as tx:
            _Batch(tx, job, by_lookup).decide(counts)
        return
    before = counts.added
    with database.transaction() as tx:
        # Nobody else may add the same person meanwhile.
        newsrooms.locked(tx, job.newsroom_id)
        decided = _Batch(tx, job, by_lookup, lock=True)
        decided.decide(counts)
        decided.store()
    # Else the next lines would be looked for without knowing that there are many already.
    if any(before < count <= counts.added for count in _ANALYZED):
        database.analyze(_FILLED)


class _Batch:
    """One transaction's worth of people: what is known of them, and what is to be done."""

    def __init__(self, tx: Session, job: _Job, entries: dict[bytes, Entry], *, lock: bool = False) -> None:
        self._tx, self._job, self._entries = tx, job, entries
        lookups = list(entries)
        query = select(Subscriber).where(
            Subscriber.newsroom_id == job.newsroom_id, Subscriber.email_lookup.in_(lookups)
        )
        # In one order, so that two imports wait for each other instead of locking each other out.
        rows = tx.scalars(query.order_by(Subscriber.id).with_for_update(key_share=True) if lock else query)
        self._known = {row.email_lookup: row for row in rows}
        self._suppressed = suppression.among(tx, lookups)
        ids = [row.id for row in self._known.values()]
        self._members = set(
            tx.scalars(
                select(ListMember.subscriber_id).where(
                    ListMember.list_id == job.list_id, ListMember.subscriber_id.in_(ids)
                )
            )
        )
        self._followed: dict[int, set[int]] = {}
        followed = select(SubscriberBeat.subscriber_id, SubscriberBeat.beat_id)
        for subscriber_id, beat_id in tx.execute(followed.where(SubscriberBeat.subscriber_id.in_(ids))):
            self._followed.setdefault(subscriber_id, set()).add(beat_id)
        self._new: list[tuple[bytes, Entry]] = []
        self._changed: list[tuple[Subscriber, Entry]] = []

    def decide(self, counts: Imported) -> None:
        for lookup, entry in self._entries.items():
            row = self._known.get(lookup)
            if lookup in self._suppressed:
                counts.refused.append(RefusedLine(entry.line, _SUPPRESSED))
            elif row is None:
                self._new.append((lookup, entry))
                counts.added += 1
            elif row.left_at is not None:
                reason = f"this person left on {row.left_at:%Y-%m-%d}; only they can come back."
                counts.refused.append(RefusedLine(entry.line, reason))
            elif self._differs(row, entry):
                self._changed.append((row, entry))
                counts.changed += 1
            else:
                counts.unchanged += 1

    def _differs(self, row: Subscriber, entry: Entry) -> bool:
        person = subscribers.open_(self._job.keyring, row)
        return (
            row.confirmed_at is None
            or row.id not in self._members
            or entry.name not in ("", person.name)
            or entry.outlet not in ("", person.outlet)
            or (bool(entry.languages) and list(entry.languages) != row.languages)
            or (entry.frequency is not None and entry.frequency is not row.frequency)
            or (bool(entry.beats) and self._beat_ids(entry) != self._followed.get(row.id, set()))
        )

    def _beat_ids(self, entry: Entry) -> set[int]:
        return {self._job.beats[slug] for slug in entry.beats}

    def store(self) -> None:
        rows, members, followed = [], [], []
        for _, entry in self._new:
            subscriber_id = new_id()
            rows.append(self._row(subscriber_id, entry))
            members.append({"list_id": self._job.list_id, "subscriber_id": subscriber_id})
            followed += [{"subscriber_id": subscriber_id, "beat_id": one} for one in self._beat_ids(entry)]
        for row, entry in self._changed:
            self._change(row, entry)
            if row.id not in self._members:
                members.append({"list_id": self._job.list_id, "subscriber_id": row.id})
        self._tx.flush()
        bulk.insert_rows(self._tx.connection(), Subscriber, rows)
        bulk.insert_rows(self._tx.connection(), ListMember, members)
        bulk.insert_rows(self._tx.connection(), SubscriberBeat, followed)

    def _row(self, subscriber_id: int, entry: Entry) -> dict[str, Any]:
        person = Person(entry.email, entry.name, entry.outlet)
        return {
            "id": subscriber_id,
            "newsroom_id": self._job.newsroom_id,
            **subscribers.seal(self._job.keyring, subscriber_id, person),
            "languages": list(entry.languages),
            "frequency": entry.frequency or Frequency.IMMEDIATE,
            **self._consent(),
            "created_at": self._job.now,
        }

    def _consent(self) -> dict[str, Any]:
        return {
            "consent_text": self._job.consent,
            "consent_language": None,
            "consent_source": "import",
            "consent_at": self._job.now,
            "confirmed_at": self._job.now,
        }

    def _change(self, row: Subscriber, entry: Entry) -> None:
        """What the line leaves empty stays; a consent that the person gave themselves is kept as it is."""
        known = subscribers.open_(self._job.keyring, row)
        if entry.name or entry.outlet:
            person = Person(known.email, entry.name or known.name, entry.outlet or known.outlet)
            sealed = subscribers.seal(self._job.keyring, row.id, person)
            row.name_sealed, row.outlet_sealed = sealed["name_sealed"], sealed["outlet_sealed"]
        if entry.languages:
            row.languages = list(entry.languages)
        row.frequency = entry.frequency or row.frequency
        if entry.beats:
            subscribers.set_beats(self._tx, row.id, self._beat_ids(entry))
        if row.confirmed_at is None:
            for column, value in self._consent().items():
                setattr(row, column, value)


def listed_people(
    database: Database, keyring: Keyring, newsroom_slug: str, list_slug: str
) -> Iterator[tuple[str, ...]]:
    """The lines of an export, in the order of the CSV columns: those on the list who would be written to.

    Raises NotFound at the first one asked for.
    """
    with database.reading() as tx:
        newsroom = newsrooms.by_slug(tx, newsroom_slug)
        listed = media_list.by_slug(tx, newsroom.id, list_slug)
        slugs = {beat.id: slug for slug, beat in beats.in_newsroom(tx, newsroom.id).items()}
    after = 0
    while True:
        with database.reading() as tx:
            rows = _page(tx, listed.id, after)
            followed = {row.id: subscribers.beats_of(tx, row.id) for row in rows}
        for row in rows:
            person = subscribers.open_(keyring, row)
            own = sorted(slugs[one] for one in followed[row.id])
            yield person.email, person.name, person.outlet, " ".join(row.languages), " ".join(own), row.frequency.value
        if len(rows) < _BATCH:
            return
        after = rows[-1].id


def _page(tx: Session, list_id: int, after: int) -> list[Subscriber]:
    query = (
        select(Subscriber)
        .join(ListMember, ListMember.subscriber_id == Subscriber.id)
        .where(
            ListMember.list_id == list_id,
            Subscriber.id > after,
            Subscriber.confirmed_at.is_not(None),
            Subscriber.left_at.is_(None),
            Subscriber.suppressed_at.is_(None),
        )
        .order_by(Subscriber.id)
        .limit(_BATCH)
    )
    return list(tx.scalars(query))
