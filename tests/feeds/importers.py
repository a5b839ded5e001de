"""An importer that reads a newsroom's changes as its paper says, and people who change things at random."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from pressroom.db import Database
from pressroom.errors import PressroomError
from pressroom.feeds import changes, ninjs
from pressroom.feeds import version as versions
from pressroom.feeds.changes import Cursor
from pressroom.releases import (
    correcting,
    founding,
    publishing,
    rescheduling,
    retracting,
    submitting,
    vanishing,
)
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.change import Kind
from pressroom.releases.release import Release
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from tests.makers import make_newsroom, write_statement

BASE = "https://press.example.org"
Item = dict[str, Any]


class Crashed(Exception):
    """The importer died with what it had fetched."""


class Importer:
    """`stored` is what it keeps on its disk: what it holds by `uri`, and the cursor, always written together."""

    def __init__(self, fetch: Callable[[str], dict[str, Any]]) -> None:
        self._fetch = fetch
        self.stored: tuple[dict[str, Item], str] = {}, ""
        self.events: list[tuple[str, str]] = []

    def poll(self, *, crashes: bool = False) -> bool:
        """One page; False if that was the last for now."""
        held, cursor = dict(self.stored[0]), self.stored[1]
        page = self._fetch(cursor)
        for change in page["changes"]:
            held[change["item"]["uri"]] = change["item"]
        if crashes:
            raise Crashed
        self.events += [(change["event"], change["item"]["uri"]) for change in page["changes"]]
        self.stored = held, page["cursor"]
        return bool(page["more"])

    def catch_up(self) -> dict[str, Item]:
        while self.poll():
            pass
        return self.stored[0]


def fetching(database: Database, slug: str, clock: Callable[[], datetime]) -> Callable[[str], dict[str, Any]]:
    def fetch(cursor: str) -> dict[str, Any]:
        now = clock()
        with database.reading() as tx:
            page = changes.page(tx, newsrooms.by_slug(tx, slug), Cursor.read(cursor), now, limit=7)
            read: dict[str, Any] = json.loads(ninjs.changes(page, BASE)[0])
            return read

    return fetch


def ours(database: Database, now: datetime) -> dict[str, Item | None]:
    """By `uri` what we show; None for what we do not even know in public."""
    with database.reading() as tx:
        found = versions.of_translations(tx, list(tx.scalars(select(Translation.id))), now)
        return {
            one.translation.urn: None
            if one.seen is Visibility.HIDDEN
            else json.loads(json.dumps(ninjs.news_object(one, BASE)))
            for one in found.values()
        }


def differences(held: dict[str, Item], shown: dict[str, Item | None]) -> list[str]:
    """What an importer has otherwise than we; of what we hide it may know that it is nobody's any more."""
    wrong = []
    for uri in held.keys() | shown.keys():
        item, own = held.get(uri), shown.get(uri)
        hidden = item is None or set(item) <= {"uri", "standard", "type", "version", "versionCreated", "pubStatus"}
        if (own is None and not hidden) or (own is not None and item != own):
            wrong.append(f"{uri}: {item} and {own}")
    return wrong


class Staff:
    """Somebody who does one thing after another. `clock` tells the time at which each of them begins."""

    def __init__(self, database: Database, slug: str, folder: Path, clock: Callable[[], datetime], seed: int) -> None:
        self.database, self.slug, self.folder, self.clock = database, slug, folder, clock
        self.random, self.words, self.seed = Random(seed), 0, seed
        self.mine: list[str] = []
        self.done = 0

    def act(self) -> None:
        """One act, at random; what is refused is one, too."""
        acts = [self._new, self._correct, self._retract, self._vanish, self._vanish_text, self._move, self._rename]
        with suppress(PressroomError):
            self.random.choices(acts, weights=[30, 30, 6, 3, 4, 12, 1])[0]()
        self.done += 1

    def _text(self, tag: str, word: str | None = None) -> Any:
        self.words += 1
        word = word or f"word{self.seed}n{self.words}"
        (self.folder / f"{self.seed}").mkdir(exist_ok=True)
        text = f"# Headline {self.words} of {self.seed}\n\nIt says {word} here, and name{self.words % 5} said it."
        return write_statement(self.folder / f"{self.seed}", text, tag, beats=f"[beat{self.words % 3}]")

    def _new(self) -> None:
        tags = self.random.sample(["en", "ckb", "kmr", "ar"], self.random.randint(1, 3))
        now = self.clock()
        wait = timedelta(seconds=self.random.choice([0, 0, 0, 1, 2, 5, 90]))
        statements = [one for tag in tags for one in self._text(tag)]
        until = now + wait if wait else None
        made = submitting.submit(self.database, self.slug, statements, now=now, new=True, embargo=until)
        self.mine.append(made.release_id)
        publishing.publish(self.database, made.release_id, now=now)

    def _one(self) -> str:
        """Most often one of the newest, which may wait for its time, or have it just now."""
        return self.random.choice(self.mine[-self.random.choice([2, 4, 25]) :] or [""])

    def _correct(self) -> None:
        release_id, now = self._one(), self.clock()
        with self.database.reading() as tx:
            query = select(Translation.language).where(Translation.release_id == release_id)
            tags = sorted(tx.scalars(query))
        tag = self.random.choice([*tags, "en", "ckb"])
        if tag not in tags:
            # A further language goes out at once.
            submitting.submit(self.database, self.slug, self._text(tag), now=now, release_id=release_id)
            publishing.publish(self.database, release_id, now=now)
            return
        minor = self.random.random() < 0.3
        notes = {} if minor else {"en": f"Note {self.words}", "ckb": "ڕاستکرایەوە"}
        correcting.correct(self.database, release_id, self._text(tag), notes, minor=minor, now=now)

    def _retract(self) -> None:
        retracting.retract(self.database, self._one(), {"en": "It was not so."}, now=self.clock())

    def _vanish(self) -> None:
        vanishing.vanish_release(self.database, self._one(), now=self.clock())

    def _vanish_text(self) -> None:
        """Without writing the tables anew, which takes its time."""
        name, now = f"name{self.random.randrange(5)}", self.clock()
        with self.database.reading() as tx:
            places = vanishing.find_text(tx, newsrooms.by_slug(tx, self.slug).id, name, self._one()).places
        for release_id in places:
            passage = vanishing.Passage.of(name)
            vanishing._take_out(self.database, release_id, passage, with_beats=False, now=now, by=None)

    def _move(self) -> None:
        release_id, now = self._one(), self.clock()
        with self.database.reading() as tx:
            release = tx.get(Release, release_id)
            waits = release is not None and release.public_from is not None and release.public_from > now
        if waits and self.random.random() < 0.3:
            rescheduling.unschedule(self.database, release_id, now=now)
        elif waits:
            until = self.random.choice([None, now + timedelta(seconds=1), now + timedelta(seconds=60)])
            rescheduling.move_embargo(self.database, release_id, until, now=now)
        else:
            publishing.publish(self.database, release_id, now=now)

    def _rename(self) -> None:
        self.words += 1
        names = {"en": f"Beat {self.words}"}
        topic = f"medtop:{20000000 + self.words:08d}"
        founding.add_beat(
            self.database, self.slug, f"beat{self.random.randrange(3)}", names, topic=topic, now=self.clock()
        )


class Clock:
    """Stands still until it is moved; `late` is when an act began that is done only now."""

    def __init__(self, now: datetime) -> None:
        self.now, self.random = now, Random(7)

    def __call__(self) -> datetime:
        return self.now

    def late(self) -> datetime:
        return self.now - timedelta(seconds=self.random.choice([0, 0.001, 0.5, 3, 3]))

    def move(self) -> None:
        self.now += timedelta(seconds=self.random.choice([0, 0.0005, 0.3, 1, 5]))


def follow_through(database: Database, folder: Path, *, acts: int, seed: int) -> None:
    """Acts commit later than they began, embargoes lift meanwhile, an importer polls at any moment and crashes twice:
    it ends with our state, and so does one that begins at the end.
    """
    clock = Clock(datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
    make_newsroom(database, at=clock.now)
    staff = Staff(database, "river", folder, clock.late, seed)
    fetch = fetching(database, "river", clock)
    importer, latecomer = Importer(fetch), Importer(fetch)
    while staff.done < acts:
        staff.act()
        clock.move()
        if staff.done in (acts // 3, acts * 2 // 3):
            with pytest.raises(Crashed):
                importer.poll(crashes=True)
        elif clock.random.random() < 0.4:
            importer.poll()
    clock.now += timedelta(minutes=3)
    shown = ours(database, clock.now)
    assert len([one for one in shown.values() if one]) > acts / 4
    assert differences(importer.catch_up(), shown) == []
    assert differences(latecomer.catch_up(), shown) == []
    assert {event for event, _ in latecomer.events} == set(Kind)
    told = Counter(uri for _, uri in latecomer.events)
    assert {uri: one["version"] for uri, one in shown.items() if one} == {
        uri: str(count) for uri, count in told.items() if shown[uri]
    }
