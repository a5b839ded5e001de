from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from pressroom.clean_text import clean, clean_line

ANY_TEXT = st.text(st.characters(), max_size=200)
XML_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


@given(ANY_TEXT)
def test_cleaned_text_can_stand_in_xml_turns_nothing_and_is_not_changed_again(text: str) -> None:
    cleaned = clean(text)
    assert not XML_ILLEGAL.search(cleaned)
    assert not TURNING.search(cleaned)
    assert "\r" not in cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert clean(cleaned) == cleaned
    # NFC composes and reorders, so letters are compared in the form it starts from.
    letters = [char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char)[0] in "LN"]
    assert [char for char in unicodedata.normalize("NFD", cleaned) if unicodedata.category(char)[0] in "LN"] == letters


def test_line_ends_of_every_system_become_line_feeds() -> None:
    assert clean("a\r\nb\rc\u2028d\u2029e\x85f\x0cg") == "a\nb\nc\nd\ne\nf\ng"


def test_marks_that_kurdish_and_persian_need_stay() -> None:
    needed = "نامه\u200cها\u200d \u200fYPJ\u200e \u061c1"
    assert clean(needed) == needed


def test_byte_order_marks_overrides_and_lone_surrogates_go() -> None:
    assert clean("\ufeffa\u202eb\u2066c\ud800d\x00e\ufdd0f\U0001ffffg") == "abcdefg"


def test_one_line_has_single_plain_spaces() -> None:
    assert clean_line(" سڵاو\u00a0\u00a0لە\r\n\tهەمووان ") == "سڵاو لە هەمووان"
