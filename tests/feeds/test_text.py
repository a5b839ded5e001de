from __future__ import annotations

from datetime import timedelta

import pytest

from pressroom.feeds.notice import Notice
from pressroom.feeds.text import text
from pressroom.releases.newsroom import Said
from pressroom.wrapping import first_strong
from tests.feeds.articles import BASE, MOMENT, article
from tests.makers import ABOUT, TITLES


@pytest.mark.parametrize(
    ("tag", "says"),
    [
        ("en", ["Silêmanî, November 20, 2026", "Media contact", "About River Valley Newsroom", "Licence: CC BY 4.0"]),
        ("kmr", ["Silêmanî, 20ê mijdara 2026an"]),
        ("ckb", ["سلێمانی، 20ی تشرینی دووەمی 2026", "مۆڵەتنامە: CC BY 4.0"]),
        ("ar", ["السليمانية، 20 نوفمبر 2026", "الترخيص: CC BY 4.0"]),
    ],
)
def test_a_text_says_all_that_the_page_says_in_its_language(tag: str, says: list[str]) -> None:
    item = article(tag, subtitle="7319")
    written = text(item, BASE).decode()
    lines = written.split("\n")
    assert lines[0] == TITLES[tag]
    assert "7319" in lines and set(says) <= set(lines)
    assert f"\n\n{item.revision.text}\n\n" in written
    assert " ".join(ABOUT[tag].split()) in " ".join(lines)
    assert "+964 770 000 0000" in written and "press@example.org" in written
    assert [f"{BASE}{item.path}", f"{BASE}/river/r/release1", item.translation.urn] == [
        line for line in lines if line.startswith(("https:", "urn:"))
    ]
    assert written.endswith("\n") and "\n\n\n" not in written


@pytest.mark.parametrize("tag", ["ckb", "ar"])
def test_lines_of_a_right_to_left_text_that_begin_with_latin_letters_are_marked(tag: str) -> None:
    written = text(article(tag, title="NGO: پرد کراوەیە"), BASE).decode()
    assert written.startswith("\u200fNGO: ")
    for line in written.split("\n"):
        if not line.startswith(("https:", "urn:")):
            assert first_strong(line) in (None, first_strong("\u200f")), line


def test_what_xml_forbids_is_left_out_and_equal_content_gives_equal_bytes() -> None:
    assert text(article("en", title="One\x0b two"), BASE).startswith(b"One two\n")
    assert text(article("ckb"), BASE) == text(article("ckb"), BASE)


def test_a_text_begins_with_its_corrections_and_says_if_it_lags_behind() -> None:
    at = MOMENT - timedelta(days=1)
    notes = [Notice(2, at, Said("Ten.\nNot nine.", "en")), Notice(1, at, Said("دە، نەک نۆ.", "ckb"))]
    spelling = Notice(3, at, Said("A slip.", "en"), minor=True)
    written = text(article("en", corrections=[spelling, *notes]), BASE).decode()
    day = "Correction (November 19, 2026)"
    assert written.startswith(f"{day}\nTen.\nNot nine.\n\n{day}\nدە، نەک نۆ.\n\n{TITLES['en']}\n")
    stale = "This translation was made from an earlier version of the text."
    assert text(article("en", is_stale=True), BASE).decode().startswith(f"{stale}\n\n{TITLES['en']}")
    missing = Notice(1, at, Said("Ten.", "en"), is_missing=True)
    lagging = text(article("en", corrections=[missing], is_stale=True), BASE).decode()
    assert lagging.startswith(f"{day}\nTen.\nThe text in this language has not been corrected yet.\n\n")
    assert stale not in lagging
