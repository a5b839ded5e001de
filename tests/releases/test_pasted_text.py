from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pressroom.clean_text import clean
from pressroom.markup import Bullets, Heading, Paragraph, render_plain
from pressroom.releases.pasted_text import blocks


def test_lines_broken_by_a_mail_program_flow_again_and_others_stay() -> None:
    wrapped = (
        "The quick brown fox jumps over the lazy dog and then runs back into the\n"
        "forest, where nobody has seen it since.\n"
    )
    assert blocks(wrapped) == [Paragraph((wrapped.replace("\n", " ").strip(),))]
    assert blocks("I am the land\nI am the river\nand the sea") == [
        Paragraph(("I am the land", "I am the river", "and the sea"))
    ]


def test_a_heading_above_lines_that_were_broken_is_still_one() -> None:
    body = (
        "Background\nThe quick brown fox jumps over the lazy dog and then runs back into the\n"
        "forest, where nobody has seen it.\n\n"
        "Our demands\n- peace\n- bread\n\nWe want:\n- roses\n\nNo heading here.\nBut a sentence."
    )
    found = blocks(body)
    assert [block.text for block in found if isinstance(block, Heading)] == ["Background", "Our demands"]
    assert [block for block in found if isinstance(block, Bullets)] == [
        Bullets(("peace", "bread")),
        Bullets(("roses",)),
    ]
    assert found[-1] == Paragraph(("No heading here.", "But a sentence."))


def test_long_lines_without_blank_lines_between_are_paragraphs() -> None:
    one, two = "one " * 60, "two " * 60
    assert blocks(f"{one}\n{two}") == [Paragraph((one.strip(),)), Paragraph((two.strip(),))]


@given(st.lists(st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=160), max_size=12))
def test_no_paste_loses_a_word(lines: list[str]) -> None:
    body = clean("\n".join(lines))
    letters = [char for char in body if char.isalnum()]
    rendered = render_plain(blocks(body), "en")
    assert [char for char in rendered.text if char.isalnum()] == letters
