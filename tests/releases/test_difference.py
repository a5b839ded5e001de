from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pressroom import markup
from pressroom.releases.asset import RevisionAsset
from pressroom.releases.difference import Change, Part, between
from pressroom.releases.media_contact import MediaContact
from pressroom.releases.revision import BodyForm, Revision

CLAUSES = {
    "en": ("The bridge is open.", "Twelve buses run each day.", "Fourteen buses run each day."),
    "ckb": ("پردەکە کراوەیە.", "ڕۆژانە دوازدە پاس دەڕۆن.", "ڕۆژانە چواردە پاس دەڕۆن."),
    "kmr": ("Pir vekirî ye.", "Rojê dozdeh otobus diçin.", "Rojê çardeh otobus diçin."),
    "ar": ("الجسر مفتوح.", "هل تسير اثنتا عشرة حافلة يوميًا؟", "هل تسير أربع عشرة حافلة يوميًا؟"),
}
WORDS = st.text("abپڕدeî", min_size=1, max_size=9)
SENTENCES = st.builds(
    lambda words, stop: " ".join(words) + stop, st.lists(WORDS, min_size=1, max_size=14), st.sampled_from(".?؟!")
)
BODIES = st.lists(st.lists(SENTENCES, min_size=1, max_size=5).map(" ".join), max_size=5).map("\n\n".join)


def revision(body: str, language: str = "en", **said: object) -> Revision:
    rendered = markup.render_markdown(body, language)
    given = {"title": "T", "subtitle": "", "dateline": "", "dated": None, "contacts": [], **said}
    return Revision(form=BodyForm.MARKDOWN, body=body, html=rendered.html, text=rendered.text, **given)


def words(said: Revision) -> list[str]:
    # A line may begin with a mark of direction.
    return said.text.replace("\u200e", "").replace("\u200f", "").split()


def changes(before: str, after: str, language: str = "en") -> list[tuple[str, str]]:
    return [(one.was, one.now) for one in between(revision(before, language), revision(after, language))]


@pytest.mark.parametrize("tag", CLAUSES)
def test_of_a_paragraph_only_the_sentence_that_changed_is_shown(tag: str) -> None:
    first, was, now = CLAUSES[tag]
    assert changes(f"{first} {was} {first}\n\n{first}", f"{first} {now} {first}\n\n{first}", tag) == [(was, now)]


@pytest.mark.parametrize("tag", CLAUSES)
def test_what_is_added_was_nothing_and_what_is_left_out_is_nothing_now(tag: str) -> None:
    first, was, now = CLAUSES[tag]
    assert changes(first, f"{first}\n\n{now}", tag) == [("", now)]
    assert changes(f"{first} {was}", first, tag) == [(was, "")]


def test_headings_list_items_and_quotations_stand_for_themselves() -> None:
    body = "# Next\n\nIt opens.\n\n- one bus\n- two trams\n\n> " + " ".join(
        f"She said so at length on day {day}." for day in range(9)
    )
    assert changes(body, body.replace("two trams", "ten trams")) == [("- two trams", "- ten trams")]
    assert changes(body, body.replace("Next", "Later")) == [("Next", "Later")]
    assert changes(body, body.replace("> She", "> Yesterday in town she")) == [
        ("She said so at length on day 0.", "Yesterday in town she said so at length on day 0.")
    ]


def test_of_a_long_sentence_only_the_clause_that_changed_is_shown() -> None:
    clause = "which runs from the old market to the hospital beyond the river"
    before = f"The bridge, {clause}, {clause}, cost 12 million, {clause}."
    assert changes(before, before.replace("12", "14")) == [("cost 12 million,", "cost 14 million,")]


def test_all_that_a_page_says_is_compared_in_its_order() -> None:
    contact = MediaContact("Şîlan Ehmed", "press@example.org")
    before = revision("One.", title="Old", subtitle="A", dateline="Amed", dated=date(2026, 11, 20), contacts=[contact])
    after = revision("Two.", title="New", subtitle="B", dateline="Wan", dated=None, contacts=[])
    files = tuple(
        [RevisionAsset(name="a.png", alt="A bridge", caption="", credit=credit, licence="")] for credit in ("X", "Y")
    )
    assert between(before, after, files=(files[0], files[1])) == [
        Change(Part.HEADLINE, "Old", "New"),
        Change(Part.SUBTITLE, "A", "B"),
        Change(Part.DATELINE, "Amed", "Wan"),
        Change(Part.DATE, "2026-11-20", ""),
        Change(Part.TEXT, "One.", "Two."),
        Change(Part.FILES, "A bridge · X", "A bridge · Y"),
        Change(Part.CONTACTS, "Şîlan Ehmed · press@example.org", ""),
    ]


def test_paragraphs_that_are_joined_or_broken_elsewhere_say_the_same() -> None:
    first, was, _ = CLAUSES["ckb"]
    assert changes(f"{first}\n\n{was}", f"{first} {was}", "ckb") == []
    assert changes(f"{first}\n{was}", f"{first} {was}", "ckb") == []
    assert between(revision("", title="\u200fNGO"), revision("", title=" NGO")) == []


@settings(deadline=None)
@given(BODIES)
def test_equal_texts_have_no_difference(body: str) -> None:
    assert between(revision(body), revision(body)) == []


@settings(deadline=None)
@given(BODIES, BODIES)
def test_every_word_that_differs_is_in_some_change_and_the_rest_is_the_same(before: str, after: str) -> None:
    old, new = revision(before), revision(after)
    found = between(old, new)
    gone = Counter(" ".join(one.was for one in found).split())
    come = Counter(" ".join(one.now for one in found).split())
    said, says = words(old), words(new)
    assert gone <= Counter(said) and come <= Counter(says)
    assert Counter(said) - gone == Counter(says) - come
    assert bool(found) == (said != says)


def said(asset: str, name: str, alt: str = "A bridge") -> RevisionAsset:
    return RevisionAsset(asset_id=asset, name=name, alt=alt, caption="", credit="", licence="")


def of_files(before: list[RevisionAsset], after: list[RevisionAsset]) -> list[tuple[str, str, bool]]:
    found = between(revision("One."), revision("One."), files=(before, after))
    assert {one.part for one in found} <= {Part.FILES}
    return [(one.was, one.now, one.replaced) for one in found]


def test_another_picture_under_the_same_words_is_said_to_be_replaced() -> None:
    assert of_files([said("a", "a.png")], [said("b", "a.png")]) == [("A bridge", "A bridge", True)]
    assert of_files([said("a", "a.png")], [said("b", "b.png")]) == [("A bridge", "A bridge", True)]
    assert of_files([said("a", "a.png", "")], [said("b", "a.png", "")]) == [("a.png", "a.png", True)]


def test_a_picture_replaced_with_its_words_says_both() -> None:
    assert of_files([said("a", "a.png")], [said("b", "a.png", "A road")]) == [("A bridge", "A road", True)]
    assert of_files([said("a", "a.png")], [said("a", "b.png", "A road")]) == [("A bridge", "A road", False)]


def test_a_picture_left_out_or_added_beside_one_that_stays_is_no_replacement() -> None:
    bridge, road = said("a", "a.png"), said("b", "b.png", "A road")
    assert of_files([bridge, road], [road]) == [("A bridge", "", False)]
    assert of_files([road], [bridge, road]) == [("", "A bridge", False)]
    assert of_files([bridge], [road]) == [("A bridge", "", False), ("", "A road", False)]
    assert of_files([bridge, road], [road, bridge]) == []
