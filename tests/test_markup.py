from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from pressroom.clean_text import clean, clean_line
from pressroom.markup import (
    Bullets,
    Heading,
    Paragraph,
    image_uses,
    render_markdown,
    render_plain,
    take_title,
)
from pressroom.wrapping import display_width

ANY_TEXT = st.text(st.characters(), max_size=200)
WORDS = st.lists(st.text(st.characters(categories=["Ll", "Lo"]), min_size=1, max_size=8).map(clean), max_size=12)
XML_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def element(html: str) -> etree._Element:
    return etree.fromstring(f"<div>{html}</div>")


@given(ANY_TEXT)
def test_any_markdown_becomes_well_formed_and_harmless_html(source: str) -> None:
    for rendered in (render_markdown(source, "ckb"), render_plain([Paragraph((clean(source),))], "en")):
        root = element(rendered.html)
        assert not XML_ILLEGAL.search(rendered.html + rendered.text)
        assert not TURNING.search(rendered.html + rendered.text)
        for node in root.iter():
            assert node.tag in set("div p br hr h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong s a img".split())
            assert set(node.attrib) <= {"href", "src", "alt", "start"}


@given(st.lists(st.tuples(st.sampled_from(["", "# ", "> ", "- ", "1. ", "**", "<b>", "| ", "    "]), WORDS)))
def test_no_word_is_lost_on_the_way_to_html_and_to_plain_text(parts: list[tuple[str, list[str]]]) -> None:
    source = "\n\n".join(prefix + " ".join(words) for prefix, words in parts)
    wanted = [word for _, words in parts for word in words]
    rendered = render_markdown(source, "en")
    shown = " ".join(element(rendered.html).itertext())
    for word in wanted:
        assert word in shown
        assert word in rendered.text


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>)",
        "![x](javascript:alert(1))",
        "<javascript:alert(1)>",
        '[x](https://x.example/"onclick="alert(1))',
        '<img src=x onerror="alert(1)">',
        "[x][1]\n\n[1]: vbscript:x",
        "&#x3c;script&#x3e;alert(1)&#x3c;/script&#x3e;",
        "[x](asset:secret)",
        "[x](//evil.example/)",
    ],
)
def test_markup_that_could_act_is_only_text(source: str) -> None:
    for node in element(render_markdown(source, "en").html).iter():
        assert node.tag in ("div", "p", "a")
        assert set(node.attrib) <= {"href"}
        assert node.get("href", "https://").startswith("https://")


def test_characters_hidden_in_entities_are_found_too() -> None:
    rendered = render_markdown("a&#x202e;b&#x2066;c&nbsp;d", "en")
    assert rendered.html == "<p>abc\u00a0d</p>"
    assert rendered.text == "abc\u00a0d"


def test_a_combining_stroke_after_a_tag_survives_normalising() -> None:
    html = render_markdown("*a*\\\n\u0338b", "en").html
    element(unicodedata.normalize("NFC", html))


def test_headings_start_below_the_headline_and_keep_their_distance() -> None:
    assert re.findall(r"<h\d>", render_markdown("# a\n\n### b\n\n###### c", "en").html) == ["<h2>", "<h4>", "<h6>"]
    assert re.findall(r"<h\d>", render_markdown("## a\n\n### b", "en").html) == ["<h2>", "<h3>"]


def test_plain_text_of_markdown_reads_like_a_letter() -> None:
    source = """## Daxwazên me

Em *aştiyê* dixwazin, bnr. [malper](https://example.org/a) û <https://example.org/b>, [nivîs](mailto:a@example.org).

- yek
  - du û gelek peyvên din ên ku di rêzekê de cih nagirin û divê bên şikandin, bi rêz û pêk
- sê

7. heft

> Gotin
>
> dirêj

| Bajar | Roj |
|---|---|
| Amed | 21 |

---

Rêz\\
şikestî ~~na~~ ![Wêne](w.jpg)
"""
    assert (
        render_markdown(source, "kmr").text
        == """Daxwazên me
Em aştiyê dixwazin, bnr. malper (https://example.org/a) û
https://example.org/b, nivîs (a@example.org).

- yek
  - du û gelek peyvên din ên ku di rêzekê de cih nagirin û divê bên
    şikandin, bi rêz û pêk
- sê

7. heft

> Gotin
>
> dirêj

Bajar | Roj
------+----
Amed  | 21

* * *

Rêz
şikestî ~~na~~ [Wêne]"""
    )


def test_deep_quotes_keep_their_words() -> None:
    rendered = render_markdown(">" * 50 + " deep", "en")
    assert "deep" in rendered.html
    assert "deep" in rendered.text


def test_a_table_too_wide_for_the_page_names_each_cell() -> None:
    long = "peyv " * 12
    text = render_markdown(f"| A | B |\n|---|---|\n| {long} | {long} |", "kmr").text
    assert text.startswith("A: peyv peyv")
    assert "\nB: peyv" in text
    assert all(display_width(line) <= 72 for line in text.split("\n"))


def test_every_line_that_starts_against_its_language_gets_a_mark() -> None:
    text = render_markdown(
        "YPJ ڕایگەیاند\n\nسڵاو لە هەمووان\n\n1. NATO و ئەوانی تر\n\nhttps://example.org/", "ckb"
    ).text
    assert text.split("\n\n") == [
        "\u200fYPJ ڕایگەیاند",
        "سڵاو لە هەمووان",
        "\u200f1. NATO و ئەوانی تر",
        "https://example.org/",
    ]
    assert render_markdown("کوردستان is a word", "en").text.startswith("\u200e")
    assert render_markdown("Kurdistan", "en").text == "Kurdistan"


def test_image_uses_name_file_alt_and_line() -> None:
    uses = image_uses("text\n\n![A *b*](p/c%20d.jpg)\n\n![e](https://x.example/f.png)")
    assert [(use.target, use.alt, use.line, use.remote) for use in uses] == [
        ("p/c d.jpg", "A b", 3, False),
        ("https://x.example/f.png", "e", 5, True),
    ]


def test_the_title_is_taken_out_and_line_numbers_stay() -> None:
    assert take_title("# A *title* [here](https://x.example)\n\ntext") == ("A title here", "\n\ntext")
    assert take_title("Set\next\n===\ntext") == ("Set ext", "\n\n\ntext")
    assert take_title("## none\n\n> # quoted") is None


def test_plain_blocks_keep_signs_as_typed_and_link_addresses() -> None:
    rendered = render_plain(
        [
            Heading("A *heading*"),
            Paragraph(("See https://example.org/a_(b), or (https://example.org/c).", "mail press@example.org!")),
            Bullets(("<b>", "_x_")),
        ],
        "en",
    )
    assert rendered.html == (
        "<h2>A *heading*</h2>\n"
        '<p>See <a href="https://example.org/a_(b)">https://example.org/a_(b)</a>, or '
        '(<a href="https://example.org/c">https://example.org/c</a>).<br/>'
        'mail <a href="mailto:press@example.org">press@example.org</a>!</p>\n'
        "<ul><li>&lt;b&gt;</li><li>_x_</li></ul>"
    )
    assert rendered.text == (
        "A *heading*\nSee https://example.org/a_(b), or (https://example.org/c).\n"
        "mail press@example.org!\n\n- <b>\n- _x_"
    )


@given(st.lists(st.lists(ANY_TEXT.map(clean_line).filter(bool), min_size=1, max_size=3), max_size=4))
def test_plain_blocks_lose_no_word(paragraphs: list[list[str]]) -> None:
    rendered = render_plain([Paragraph(tuple(lines)) for lines in paragraphs], "en")
    wanted = [word for lines in paragraphs for line in lines for word in line.split()]
    assert re.sub("[\u200e\u200f]", "", rendered.text).split() == [
        bare for word in wanted if (bare := re.sub("[\u200e\u200f]", "", word))
    ]
    shown = "".join("".join(element(rendered.html).itertext()).split())
    assert shown == "".join(wanted)
