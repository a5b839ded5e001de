from __future__ import annotations

import pytest

from pressroom.doctor.dkim_record import compare
from pressroom.doctor.finding import State

EXPECTED = "v=DKIM1; k=rsa; p=TUlJQklq"


@pytest.mark.parametrize(
    "there",
    [
        EXPECTED,
        "v=DKIM1;k=rsa;p=TUlJ QklqX".replace("X", ""),
        "p=TUlJQklq",
        "k=RSA; t=s; s=email; h=sha1:sha256; n=note; p=TUlJQklq;",
    ],
)
def test_the_same_key_in_other_words_is_in_order(there: str) -> None:
    assert [one.state for one in compare([there], EXPECTED)] == [State.OK]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([], "there is no record"),
        ([EXPECTED, EXPECTED], "2 records"),
        (["v=DKIM1; k=rsa; p="], "revoked"),
        (["v=DKIM1; k=rsa"], "no key"),
        (["v=DKIM1; k=rsa; p=QUFBQQ"], "another key"),
        (["v=DKIM1; k=ed25519; p=TUlJQklq"], "type ed25519, not rsa"),
        (["v=DKIM2; p=TUlJQklq"], "v=DKIM1"),
        (["k=rsa; v=DKIM1; p=TUlJQklq"], "v=DKIM1"),
        (["v=DKIM1; h=sha1; p=TUlJQklq"], "sha256"),
        (["v=DKIM1; s=tlsrpt; p=TUlJQklq"], "not for mail"),
        (["v=DKIM1; p=TUlJQklq; p=x"], "twice"),
        (["hello"], "tag=value"),
    ],
)
def test_what_makes_signatures_fail_is_named(texts: list[str], says: str) -> None:
    (said,) = compare(texts, EXPECTED)
    assert said.state is State.WRONG and says in said.says and said.do


def test_a_key_under_test_is_a_warning() -> None:
    (said,) = compare(["v=DKIM1; t=y:s; p=TUlJQklq"], EXPECTED)
    assert said.state is State.WARNING


def test_what_a_stranger_wrote_is_printed_as_one_short_plain_line() -> None:
    (said,) = compare(["v=DKIM1; k=\x1b[31m" + "x" * 500 + "; p=TUlJQklq"], EXPECTED)
    assert said.says.isprintable() and len(said.says) < 150
