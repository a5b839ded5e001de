from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pressroom.db import Database
from pressroom.errors import Refused
from pressroom.feeds import changes
from pressroom.feeds.changes import Cursor
from tests.feeds.importers import Importer, Staff, differences, fetching, follow_through, ours
from tests.makers import make_newsroom

_START = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("step", [1, 40, 1000])
def test_an_importer_ends_with_our_state_whatever_is_done_and_though_it_crashes(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """With 1,000 acts: tests/chaos/test_changes.py."""
    monkeypatch.setattr(changes, "_ROUND", step)
    follow_through(database, tmp_path, acts=90, seed=1)


def test_an_importer_ends_with_our_state_while_many_write_at_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_ROUND", 1)
    make_newsroom(database)

    def clock() -> datetime:
        with database.reading() as tx:
            return database.now(tx)

    staff = [Staff(database, "river", tmp_path, clock, seed) for seed in range(1, 5)]
    importer = Importer(fetching(database, "river", clock))
    over = threading.Event()

    def importing() -> None:
        while not over.is_set():
            importer.poll()

    with ThreadPoolExecutor(5) as pool:
        reading = pool.submit(importing)
        for one in [pool.submit(_work, one, 20) for one in staff]:
            one.result()
        over.set()
        reading.result()
    later = clock() + timedelta(minutes=3)
    importer._fetch = fetching(database, "river", lambda: later)
    assert differences(importer.catch_up(), ours(database, later)) == []


def _work(staff: Staff, times: int) -> None:
    for _ in range(times):
        staff.act()


@pytest.mark.parametrize(
    "text", ["x", "AAAA", "!" * 34, "é", " ", "A" * 34, "A" * 400, str(Cursor(1, _START, 1)) + "=", "\n"]
)
def test_a_cursor_that_no_page_gave_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="no cursor of ours"):
        Cursor.read(text)


def test_a_cursor_is_read_as_it_was_given() -> None:
    for cursor in (Cursor(), Cursor(7, _START, 3), Cursor((1 << 63) - 1, datetime(9999, 12, 31, tzinfo=UTC), 1)):
        assert Cursor.read(str(cursor)) == cursor
    assert Cursor.read("") == Cursor()
