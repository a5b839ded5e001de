"""With many releases no more is read for a feed or a page than with few: counted are the steps of SQLite's machine."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from pressroom.db import Database
from pressroom.feeds import changes
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import retracting
from pressroom.releases.beat import Beat, ReleaseBeat
from pressroom.releases.founding import add_beat
from pressroom.releases.newsroom import Newsroom
from tests.conftest import MakeConfig
from tests.makers import make_correction, make_newsroom, make_release, now
from tests.many_releases import TAGS, fill
from tests.web.public import Site

FEEDS = [
    f"{place}feed.{kind}"
    for place in ("/all/", "/all/en/", "/river/", "/river/en/", "/river/en/beats/water/", "/river/en/beats/air/")
    for kind in ("atom", "json", "ninjs.json")
]
PAGES = [
    "/",
    "/river/",
    "/river/en/",
    "/river/en/beats/water/",
    "/river/changes.json",
    "/feeds.opml",
    "/river/en/day-9",
]
FEW, MANY = 150, 3000
_UNIT = 50


class Counting:
    """What the readers of a site's database do, in units of steps."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.units = 0
        event.listen(site.app.extensions["pressroom"].database._reader, "connect", self._connected)

    def _connected(self, connection: sqlite3.Connection, _record: object) -> None:
        connection.set_progress_handler(self._count, _UNIT)

    def _count(self) -> int:
        self.units += 1
        return 0

    def get(self, path: str) -> Any:
        return self._site.get(path).get_json()

    def of(self, path: str) -> int:
        """For one rendering, after a change."""
        with self._site.database.transaction() as tx:
            for newsroom in newsrooms.everyone(tx):
                newsrooms.touch(tx, newsroom.id, now=now())
        self.units = 0
        assert self._site.get(path).status_code == 200, path
        return self.units


def filled(database: Database, newsroom: Newsroom, count: int) -> None:
    """With some of all that can become of a release, and a beat that only few carry."""
    for slug in ("water", "air"):
        add_beat(database, newsroom.slug, slug, dict.fromkeys(TAGS, slug), now=now())
    with database.reading() as tx:
        beats = {beat.slug: beat.id for beat in tx.query(Beat)}
    fill(database, newsroom, count, beat_ids=[beats["water"]])
    rare = make_release(database, newsroom, list(TAGS))
    with database.transaction() as tx:
        tx.add(ReleaseBeat(release_id=rare.id, beat_id=beats["air"]))
    corrected = make_release(database, newsroom, list(TAGS), titles={"en": "Two", "ckb": "دوو"}, pictures=1)
    make_correction(database, corrected, {"en": "It is wider."}, {"en": "Wider."})
    taken = make_release(database, newsroom, list(TAGS), titles={"en": "Three", "ckb": "سێ"})
    retracting.retract(database, taken.id, {"en": "Wrong."}, now=now())


@pytest.fixture
def counted(make_config: MakeConfig, _sqlite_template: Path, tmp_path: Path) -> Iterator[Callable[[int], Counting]]:
    """With so many releases in the store."""
    opened: list[Site] = []

    def opened_with(count: int) -> Counting:
        path = tmp_path / f"{count}.db"
        shutil.copy(_sqlite_template, path)
        database = Database(f"sqlite:///{path}")
        filled(database, make_newsroom(database, languages=list(TAGS)), count)
        opened.append(Site(make_config(database_url=database.url), database))
        return Counting(opened[-1])

    yield opened_with
    for one in opened:
        one.close()
        one.database.dispose()


def test_a_feed_and_a_page_read_no_more_of_many_releases_than_of_few(counted: Callable[[int], Counting]) -> None:
    few, many = counted(FEW), counted(MANY)
    # Whatever grows with the store grows twentyfold here.
    read = {path: (few.of(path), many.of(path)) for path in (*FEEDS, *PAGES)}
    assert [path for path, (before, _) in read.items() if before == 0] == []
    assert {path: units for path, units in read.items() if units[1] > units[0] + 30} == {}


def test_an_importer_in_the_middle_reads_no_more_of_many_changes_than_of_few(
    counted: Callable[[int], Counting], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_ROUND", 50)
    read = []
    for releases in (FEW, MANY):
        site = counted(releases)
        first = site.get("/river/changes.json")
        read.append(site.of(f"/river/changes.json?after={first['cursor']}"))
    assert 0 < read[1] <= read[0] + 30
