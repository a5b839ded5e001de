from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pressroom.clean_text import clean
from pressroom.feeds.item import Item, plain
from pressroom.feeds.markdown import markdown
from pressroom.feeds.notice import Notice
from pressroom.releases.media_contact import MediaContact
from pressroom.releases.newsroom import Said
from pressroom.releases.reading import read_statements, render
from pressroom.releases.revision import BodyForm
from pressroom.releases.statement import Statement
from tests.feeds.articles import BASE, MOMENT, article

PASTED = """1. Open to all: C# & *C++* in [brackets] <b>not bold</b> &amp; ~~not struck~~

- a_b_c | `code` \\ backslash
+ 2) next
- # no heading

What comes next
Write to press@example.org or see https://example.org/a_b?c=1&d=(2) and !https://example.org/%D9%BE%D8%B1%D8%AF.

Town Hall
= 12 Main Street
--- : ---
:--
"""


def read(item: Item, folder: Path) -> Statement:
    path = folder / f"{item.translation.slug}.md"
    path.write_bytes(markdown(item, BASE))
    [statement] = read_statements([path])
    return statement


def pasted(body: str, tag: str = "en") -> Item:
    item = article(tag)
    rendered = render(clean(body), BodyForm.PLAIN, tag)
    item.revision.form, item.revision.body = BodyForm.PLAIN, clean(body)
    item.revision.html, item.revision.text = rendered.html, rendered.text
    return item


@pytest.mark.parametrize("tag", ["en", "ckb", "kmr", "ar"])
def test_push_reads_the_file_back_to_the_same_content(tmp_path: Path, tag: str) -> None:
    item = article(tag, title='“#1”: it\'s a <b> – "null" & more', subtitle="~", siblings=[] if tag == "en" else ["en"])
    item.release.urgency = 3
    revision = item.revision
    revision.contacts = (
        MediaContact("Şîlan Ehmed", email="press@example.org", role="Berdevk"),
        MediaContact("ئاوات: ٢", phone="+964 770 000 0000"),
    )
    found = read(item, tmp_path)
    same = ("title", "subtitle", "dateline", "form", "body", "html", "text")
    assert {name: getattr(found, name) for name in same} == {name: getattr(revision, name) for name in same}
    assert (found.id, found.language, found.slug, found.urgency) == ("release1", tag, item.translation.slug, 3)
    assert (found.date, found.beats, found.publish) == (revision.dated, ("water",), True)
    assert found.contacts == revision.contacts
    assert found.translation_of == (None if tag == "en" else "en")


def test_a_source_that_is_not_public_is_not_named() -> None:
    assert b"translation_of" not in markdown(article("ckb", siblings=["ar"]), BASE)


def test_a_heading_like_the_headline_stays_in_the_text(tmp_path: Path) -> None:
    item = article("en", title="*One*", body="# \\*One\\*\n\nA bridge.")
    found = read(item, tmp_path)
    assert (found.title, found.html) == ("*One*", item.revision.html)
    assert "One" in found.html


def test_a_pasted_text_says_the_same_words_as_markdown(tmp_path: Path) -> None:
    item = pasted(PASTED)
    found = read(item, tmp_path)
    assert found.form is BodyForm.MARKDOWN
    assert found.text == item.revision.text
    same = found.html.replace("<br/>\n", "<br/>").replace(">\n<", "><")
    assert same == item.revision.html.replace(">\n<", "><")


@settings(deadline=None)
@example("me@example.org- ")
@example("!https://example.org/%D9%BE%20z")
@example("https://example.org/a\u0338![a](b)")
@given(st.text(alphabet=st.one_of(st.sampled_from("\n\n  -+*_#=:|<>[]()`~\\&;.)1a!@/\u0338\u0301پ"), st.characters())))
def test_whatever_is_pasted_keeps_its_words(body: str) -> None:
    item = pasted(body)
    source = markdown(item, BASE).decode().split("---\n\n", 1)[1].strip("\n")
    assert plain(render(clean(source), BodyForm.MARKDOWN, "en").html.replace("<br/>", " ")) == plain(
        item.revision.html.replace("<br/>", " ")
    )


def test_pictures_are_listed_with_what_is_said_of_them(tmp_path: Path) -> None:
    item = article("en", body="Look:\n\n![as typed](folder/0.png)", pictures=2)
    for name in ("0.png", "1.png"):
        (tmp_path / name).write_bytes(b"")
    found = read(item, tmp_path)
    assert found.body == item.revision.body
    assert [(one.name, one.alt, one.caption, one.credit) for one in found.assets] == [
        (name, 'The "old" bridge', "Dawn", "Archive") for name in ("0.png", "1.png")
    ]
    assert f"# {BASE}/assets/picture0.png\n" in markdown(item, BASE).decode()


def test_equal_content_gives_equal_bytes() -> None:
    item = article("ckb", pictures=1)
    assert markdown(item, BASE) == markdown(replace(item), BASE)


def test_corrections_are_comments_that_push_passes_over(tmp_path: Path) -> None:
    note = "Ten.\ntitle: No\r\n---\x7f\x85\u2028# “Nine”\x9f"
    item = article("en", corrections=[Notice(1, MOMENT, Said(note, "en"), is_missing=True)], is_stale=True)
    found = read(item, tmp_path)
    assert (found.title, found.body) == (item.revision.title, item.revision.body)
    lines = markdown(item, BASE).decode().split("\n")
    assert lines[1].startswith("# Correction (November 20, 2026): Ten. title: No ---")
    assert lines[2] == "# The text in this language has not been corrected yet."
    assert lines[3].startswith("id: ")
