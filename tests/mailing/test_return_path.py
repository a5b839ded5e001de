from __future__ import annotations

import pytest

from pressroom.config import load
from pressroom.errors import ConfigError
from pressroom.mailing import return_path
from pressroom.signing import Signer

SIGNER = Signer("s" * 40)
NEWEST = 2**63 - 1


def test_without_a_bounce_address_failures_return_to_the_sender_and_nobody_reads_mail_to_leave() -> None:
    assert return_path.of_delivery(SIGNER, None, 1, "press@example.org") == "press@example.org"
    assert return_path.for_leaving(SIGNER, None, 1) is None


@pytest.mark.parametrize("number", [1, 2**40, NEWEST])
def test_a_return_path_says_whose_it_is_and_fits(number: int) -> None:
    longest = f"{'b' * return_path.LONGEST_LOCAL_PART}@press.example.org"
    path = return_path.of_delivery(SIGNER, longest, number, "press@example.org")
    leaving = return_path.for_leaving(SIGNER, longest, number)
    assert leaving is not None
    assert max(len(one.rpartition("@")[0]) for one in (path, leaving)) <= 64
    assert return_path.delivery_in(SIGNER, f"To: <{path.upper()}>, x@example.org") == number
    assert return_path.subscriber_in(SIGNER, leaving.title()) == number
    assert return_path.delivery_in(SIGNER, leaving) is None and return_path.subscriber_in(SIGNER, path) is None


def test_nobody_else_makes_one_and_none_serves_for_another() -> None:
    path = return_path.of_delivery(SIGNER, "b@press.example.org", 7, "press@example.org")
    assert return_path.delivery_in(Signer("t" * 40), path) is None
    assert return_path.delivery_in(SIGNER, path.replace("+7-", "+8-")) is None
    assert return_path.delivery_in(SIGNER, path.replace("+7-", "+u-7-")) is None
    assert return_path.subscriber_in(SIGNER, path.replace("+7-", "+u-7-")) is None
    assert return_path.delivery_in(SIGNER, f"+{'f' * 16}-{'0' * 16}@") is None


@pytest.mark.parametrize(
    "wrong", [f"{'b' * 29}@example.org", "b+c@example.org", "bounces", "b@localhost", "@example.org"]
)
def test_a_bounce_address_that_leaves_no_room_stops_the_start(wrong: str) -> None:
    with pytest.raises(ConfigError, match="PRESSROOM_BOUNCE_ADDRESS"):
        load({"PRESSROOM_BOUNCE_ADDRESS": wrong})
    assert load({"PRESSROOM_BOUNCE_ADDRESS": f"{'b' * 28}@example.org"}).bounce_address
