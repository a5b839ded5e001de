from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.errors import Refused
from pressroom.releases.passage import GAP, Passage


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("Şîlan", unicodedata.normalize("NFD", "Dibêje Şîlan …")),
        ("Azad Kamal", "https://example.org/?q=Azad%20Kamal"),
        ("Azad Kamal", "Azad&#32;&#75;amal"),
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
    passage = Passage.of(words)
    assert passage.is_in(text)
    assert GAP in passage.without(text)
    assert not passage.is_in(passage.without(text))


def test_words_are_found_behind_entities() -> None:
    assert Passage.of("Ane & Bo").is_in("<p>Ane &amp; Bo</p>")


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("> said Azad\n> Kamal there", "> said (…) there"),
        ("Az**ad** Kamal", "(…)"),
        ("- Azad\n- Kamal", "- (…)"),
        ("| Azad | Kamal |", "| (…) |"),
        ("[he](https://example.org/Azad%20Kamal)", "[he]((…))"),
        ("Azadê Kamal", "Azadê Kamal"),
    ],
)
def test_words_are_found_through_the_marks_of_a_source(source: str, left: str) -> None:
    assert Passage.of("Azad Kamal").without_source(source) == left


def test_what_does_not_hold_the_words_stays_to_the_letter() -> None:
    text = unicodedata.normalize("NFD", "Şîlan &amp; 50%20")
    assert Passage.of("Azad Kamal").without(text) == text


@pytest.mark.parametrize("words", ["", " ", "a", "… !"])
def test_too_little_is_refused(words: str) -> None:
    with pytest.raises(Refused, match="two letters"):
        Passage.of(words)


@given(st.text(min_size=2).filter(lambda one: sum(letter.isalnum() for letter in one) > 1), st.text(), st.text())
def test_nothing_of_the_words_stays(words: str, before: str, after: str) -> None:
    try:
        passage = Passage.of(words)
    except Refused:
        return
    assert not passage.is_in(passage.without(before + words + after))
