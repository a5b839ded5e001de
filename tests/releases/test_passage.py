from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.errors import Refused
from pressroom.releases.passage import GAP, is_in, pattern_of, without


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("Rojîn Ehmed", "… said ROJÎN\nEHMED, who …"),
        ("ڕۆژین ئەحمەدی", "وتەی ڕۆژین ئەحمەدي بوو"),
        ("كاوە", "کاوە هات"),
        ("علي حسن", "قال عليّ حسن"),
        ("علي حسن", "قال عــلي حسن"),
        ("O'Neill", "O’Neill said"),
        ("ئاسۆ نووری", "ئاسۆ\u200cنووری".replace("\u200c", " \u200c")),
    ],
)
def test_words_are_found_however_they_are_written(words: str, text: str) -> None:
    pattern = pattern_of(words)
    assert is_in(pattern, text)
    assert GAP in without(pattern, text)
    assert not is_in(pattern, without(pattern, text))


def test_words_are_found_behind_entities() -> None:
    assert is_in(pattern_of("Ane & Bo"), "<p>Ane &amp; Bo</p>")


@pytest.mark.parametrize("words", ["", " ", "a", "… !"])
def test_too_little_is_refused(words: str) -> None:
    with pytest.raises(Refused, match="two letters"):
        pattern_of(words)


@given(st.text(min_size=2).filter(lambda one: sum(letter.isalnum() for letter in one) > 1), st.text(), st.text())
def test_nothing_of_the_words_stays(words: str, before: str, after: str) -> None:
    try:
        pattern = pattern_of(words)
    except Refused:
        return
    assert not pattern.search(without(pattern, before + words + after).replace(GAP, "\n\n\n"))
