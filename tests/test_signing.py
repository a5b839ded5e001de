from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pressroom.signing import Signer

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SIGNER = Signer("s" * 40)


@given(st.integers(0, 2**63 - 1))
def test_a_token_names_its_subject_for_its_purpose_only(subject: int) -> None:
    token = SIGNER.token("unsubscribe", subject)
    assert subject == SIGNER.subject("unsubscribe", token, now=NOW)
    assert SIGNER.subject("preferences", token, now=NOW) is None
    assert Signer("t" * 40).subject("unsubscribe", token, now=NOW) is None


@given(st.integers(0, 2**63 - 1), st.integers(0, 31), st.characters(codec="ascii"))
def test_an_altered_token_is_worth_nothing(subject: int, place: int, letter: str) -> None:
    token = SIGNER.token("unsubscribe", subject)
    altered = token[:place] + letter + token[place + 1 :]
    if altered != token:
        assert SIGNER.subject("unsubscribe", altered, now=NOW) is None


@given(st.text(max_size=60))
def test_anything_else_is_no_token(text: str) -> None:
    assert SIGNER.subject("unsubscribe", text, now=NOW) is None


def test_a_token_ends_when_it_says_so() -> None:
    token = SIGNER.token("confirm", 5, until=NOW + timedelta(days=7))
    assert SIGNER.subject("confirm", token, now=NOW + timedelta(days=6)) == 5
    assert SIGNER.subject("confirm", token, now=NOW + timedelta(days=8)) is None
