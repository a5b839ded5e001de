from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pressroom.errors import Refused
from pressroom.releases.local_time import read
from pressroom.releases.submitting import moment

# In each: the first hour shown twice when clocks are set back, with its two instants.
BACK = {
    "Europe/Berlin": (datetime(2026, 10, 25, 2, 30), (datetime(2026, 10, 25, 0, 30), datetime(2026, 10, 25, 1, 30))),
    "America/New_York": (datetime(2026, 11, 1, 1, 30), (datetime(2026, 11, 1, 5, 30), datetime(2026, 11, 1, 6, 30))),
}
FORTH = {"Europe/Berlin": datetime(2026, 3, 29, 2, 30), "America/New_York": datetime(2026, 3, 8, 2, 30)}


@pytest.mark.parametrize("name", list(BACK))
def test_the_hour_that_comes_twice_knows_its_twin(name: str) -> None:
    zone, (shown, (early, late)) = ZoneInfo(name), BACK[name]
    for utc, twin, first in ((early, late, True), (late, early, False)):
        found = read(utc.replace(tzinfo=UTC), zone)
        assert found.local.replace(tzinfo=None, fold=0) == shown
        assert (found.utc, found.twin, found.is_first) == (
            utc.replace(tzinfo=UTC), twin.replace(tzinfo=UTC), first,
        )  # fmt: skip
    taken = moment(shown, zone)
    assert taken == early.replace(tzinfo=UTC), "without more said, the first is meant"
    assert moment(shown.replace(fold=1), zone) == late.replace(tzinfo=UTC)


@pytest.mark.parametrize("name", list(BACK))
def test_no_other_instant_around_a_change_has_a_twin(name: str) -> None:
    zone, (_, (early, _)) = ZoneInfo(name), BACK[name]
    for change in (early.replace(tzinfo=UTC), moment(FORTH[name] - timedelta(hours=1), zone)):
        assert change is not None
        found = [read(change + timedelta(minutes=15 * step), zone) for step in range(-24, 24)]
        shown = [one.local.replace(tzinfo=None, fold=0) for one in found]
        assert [one.twin is not None for one in found] == [shown.count(one) == 2 for one in shown]


@pytest.mark.parametrize("name", list(FORTH))
def test_the_hour_that_is_skipped_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="does not exist"):
        moment(FORTH[name], ZoneInfo(name))


def test_offsets_are_told_before_and_after_a_change() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert [read(datetime(2026, 10, 25, hour, 30, tzinfo=UTC), zone).offset for hour in (0, 1)] == ["+02:00", "+01:00"]
    assert read(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), zone).zone == "Europe/Berlin"
