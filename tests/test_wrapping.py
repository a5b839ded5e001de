from __future__ import annotations

from pressroom.languages import Direction
from pressroom.wrapping import display_width, first_strong, wrap


def test_lines_break_at_72_columns_and_never_inside_an_address() -> None:
    address = "https://example.org/" + "a" * 90
    lines = wrap(f"{'word ' * 20}{address} {'peyv ' * 20}")
    assert address in lines
    assert all(display_width(line) <= 72 for line in lines if line != address)
    assert " ".join(lines).split() == f"{'word ' * 20}{address} {'peyv ' * 20}".split()


def test_width_counts_columns_not_characters() -> None:
    assert display_width("e\u0301\u200c") == 1
    assert display_width("新聞") == 4
    assert [len(line) for line in wrap("新" * 50)] == [36, 14]


def test_a_no_break_space_holds_its_words_together() -> None:
    assert wrap("aaa bbb\u00a0ccc", 8) == ["aaa", "bbb\u00a0ccc"]


def test_the_first_strong_character_decides() -> None:
    assert first_strong("12 «سڵاو» hello") is Direction.RTL
    assert first_strong("… Roj باش") is Direction.LTR
    assert first_strong("123 – …") is None
