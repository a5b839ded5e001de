from __future__ import annotations

import pytest
from babel import Locale

from pressroom import languages
from pressroom.errors import Refused
from pressroom.languages import Direction


@pytest.mark.parametrize(
    ("given", "canonical"),
    [("EN", "en"), ("en_gb", "en-GB"), ("ckb-arab-iq", "ckb-Arab-IQ"), (" kmr ", "kmr"), ("zh-hant", "zh-Hant")],
)
def test_a_tag_takes_its_canonical_case(given: str, canonical: str) -> None:
    assert canonical == languages.parse_tag(given)


@pytest.mark.parametrize("given", ["ku", "KU", "ku-Arab", "ku-TR"])
def test_bare_kurdish_is_asked_about(given: str) -> None:
    with pytest.raises(Refused, match="ckb for Sorani or kmr for Kurmanji"):
        languages.parse_tag(given)


@pytest.mark.parametrize("given", ["", "x", "english", "qqq", "en-", "12", "en-x"])
def test_what_is_no_language_is_refused(given: str) -> None:
    with pytest.raises(Refused):
        languages.parse_tag(given)


@pytest.mark.parametrize(
    ("tag", "direction"),
    [
        ("ckb", "rtl"),
        ("kmr", "ltr"),
        ("ar", "rtl"),
        ("en", "ltr"),
        ("kmr-Arab", "rtl"),
        ("ckb-Latn", "ltr"),
        ("fa-IR", "rtl"),
    ],
)
def test_direction_follows_the_script(tag: str, direction: str) -> None:
    assert Direction(direction) is languages.direction(tag)


@pytest.mark.parametrize(
    ("wanted", "available", "fallback", "best"),
    [
        (["kmr", "en"], ["en", "kmr"], ["en"], "kmr"),
        (["fr"], ["ckb", "en"], ["en", "ckb"], "en"),
        (["en-GB"], ["ckb", "en"], ["ckb"], "en"),
        (["ckb"], ["kmr"], ["en", "kmr"], "kmr"),
        (["ar"], [], ["en"], None),
        ([], ["ar", "ckb"], ["ckb"], "ckb"),
        (["de"], ["ar"], ["en"], None),
        (["ckb-Latn"], ["ckb", "en"], ["en"], "en"),
    ],
)
def test_a_person_gets_the_first_of_their_own_then_of_the_newsrooms_languages(
    wanted: list[str], available: list[str], fallback: list[str], best: str | None
) -> None:
    assert best == languages.best(wanted, available, fallback)


def test_kurdish_languages_have_their_own_names() -> None:
    assert languages.language("kmr").name == "Kurmancî"
    assert languages.language("ckb").name.startswith("کوردی")


@pytest.mark.parametrize("tag", ["en", "ar"])
def test_names_at_hand_are_those_of_cldr(tag: str) -> None:
    known, cldr = languages.language(tag), Locale(tag)
    assert (known.name, known.english) == (cldr.display_name, cldr.english_name)


def test_a_name_at_hand_is_of_that_tag_alone() -> None:
    assert languages.language("en-GB").english == "English (United Kingdom)"
