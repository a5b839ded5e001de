from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pressroom.pushing import patience
from pressroom.pushing.dispatch import Kind


def test_waits_grow_over_hours_and_end() -> None:
    waits = []
    while (wait := patience.wait(Kind.CONTENT, len(waits) + 1)) is not None:
        waits.append(wait)
    assert waits == sorted(waits)
    assert waits[0] < timedelta(seconds=15) and timedelta(hours=3) < sum(waits, timedelta()) < timedelta(hours=9)


@given(st.integers(1, 8), st.integers(0, 10**6))
def test_nobody_is_asked_sooner_than_they_said_nor_left_alone_for_ever(attempts: int, asked: int) -> None:
    wait = patience.wait(Kind.PING, attempts, asked)
    assert wait is not None and min(timedelta(seconds=asked), timedelta(hours=3)) <= wait < timedelta(hours=4)
