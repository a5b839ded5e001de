from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from PIL import Image

from pressroom.mailing import accompanying
from pressroom.people.account import Role
from pressroom.releases import asset as assets
from pressroom.releases import correction as corrections
from pressroom.releases import withdrawing
from pressroom.releases.correction import Correction
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.revision import Revision
from tests.makers import BODIES, TITLES, Made, make_correction, make_newsroom, make_release, write_statement
from tests.web.desk import alert, at, corrected, public
from tests.web.staff import Browser, House

NOTE = {"note-en": "An earlier version said that the bridge was open."}


def loaded(browser: Browser, made: Made) -> dict[str, str]:
    """All that a browser sends back of the form as it was opened."""
    page = browser.get(at(made, "/correct")).text
    fields = dict(re.findall(r'name="(began-\w+)" value="(\d+)"', page))
    for name, text in re.findall(r'<textarea id="(text-\w+)"[^>]*>(.*?)</textarea>', page, re.DOTALL):
        fields[name] = unescape(text).replace("\n", "\r\n")
    return fields


def shut(fields: dict[str, str]) -> dict[str, str]:
    return {**fields, "text-en": fields["text-en"].replace("is open", "is shut")}


def made_public(house: House, made: Made) -> list[Correction]:
    with house.database.reading() as tx:
        return corrections.of_release(tx, made.id)


def waits(house: House, made: Made) -> bool:
    with house.database.reading() as tx:
        return corrections.proposal(tx, made.id) is not None


def body(house: House, made: Made, tag: str) -> str:
    with house.database.reading() as tx:
        translation = tx.get_one(type(made.translations[tag]), made.translations[tag].id)
        return tx.get_one(Revision, translation.revision_id).body


def read(browser: Browser, made: Made) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', browser.get(at(made, "/proposal")).text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("act", ["/correct", "/correct/publish"])
def test_a_form_opened_before_somebody_elses_correction_is_stale(house: House, newsroom: Newsroom, act: str) -> None:
    made, editor = make_release(house.database, newsroom, ["en", "ckb"]), house.staff(newsroom, "editor")
    begun = loaded(editor, made)
    make_correction(house.database, made, {"en": "The bridge opens in May."}, {"en": "In May."})
    refused = editor.send(at(made, act), **shut(begun), **NOTE)
    assert refused.status_code == 409 and "Somebody corrected" in alert(refused)
    page = unescape(refused.text)
    assert "The bridge is shut." in page and "The bridge opens in May." in page, "what both wrote is there"
    assert len(made_public(house, made)) == 1 and body(house, made, "en") == "The bridge opens in May."
    again = dict(re.findall(r'name="(began-\w+)" value="(\d+)"', refused.text))
    taken_over = {"text-en": f"# {TITLES['en']}\n\nThe bridge is shut until May."}
    assert editor.send(at(made, "/correct/publish"), **again, **taken_over, **NOTE).location == at(made)
    assert body(house, made, "en") == "The bridge is shut until May."


def test_a_language_that_nobody_changed_on_the_form_is_not_sent_back(house: House, newsroom: Newsroom) -> None:
    made, editor = make_release(house.database, newsroom, ["en", "ckb"]), house.staff(newsroom, "editor")
    begun = loaded(editor, made)
    assert {"text-ckb", "began-ckb"} <= set(begun)
    make_correction(house.database, made, {"ckb": "لە ئایاردا دەکرێتەوە."}, {"ckb": "لە ئایاردا."})
    checked = editor.send(at(made, "/correct"), **shut(begun), **NOTE)
    assert checked.status_code == 200
    assert "پاسەکان" not in checked.text.partition("What readers are told")[0], "only English is shown to change"
    assert editor.send(at(made, "/correct/publish"), **shut(begun), **NOTE).location == at(made)
    assert "is shut" in body(house, made, "en") and body(house, made, "ckb") == "لە ئایاردا دەکرێتەوە."
    second = made_public(house, made)[1]
    with house.database.reading() as tx:
        assert set(corrections.changes(tx, second.id)) == {made.translations["en"].id}


@pytest.mark.parametrize("begun", [{}, {"began-en": ""}, {"began-en": "x"}, {"began-en": "12345"}])
def test_a_changed_text_that_does_not_say_what_it_was_made_of_is_refused(
    house: House, newsroom: Newsroom, begun: dict[str, str]
) -> None:
    made, editor = make_release(house.database, newsroom, ["en"]), house.staff(newsroom, "editor")
    fields = {**corrected(made, "en", "is open", "is shut"), **NOTE}
    del fields["began-en"]
    assert editor.send(at(made, "/correct/publish"), **fields, **begun).status_code == 409
    assert made_public(house, made) == []


def test_the_revision_of_another_release_is_no_beginning(house: House, newsroom: Newsroom) -> None:
    made, editor = make_release(house.database, newsroom, ["en"]), house.staff(newsroom, "editor")
    other = make_release(house.database, newsroom, ["en"], bodies={"en": "Something else."})
    fields = corrected(made, "en", BODIES["en"], "Something else.")
    answer = editor.send(at(made, "/correct"), **{**fields, "began-en": str(other.revisions["en"].id)}, **NOTE)
    assert answer.status_code == 409


def test_notes_are_kept_in_the_languages_of_the_newsroom_only(house: House) -> None:
    newsroom = make_newsroom(house.database, languages=["en", "ckb"])
    made, editor = make_release(house.database, newsroom, ["en"]), house.staff(newsroom, "editor")
    fields = {**shut(loaded(editor, made)), "note-de": "Falsch.", 'note-x"y': "?"}
    only = editor.send(at(made, "/correct"), **fields)
    assert only.status_code == 422 and "note" in alert(only)
    fields |= {**NOTE, "note-ckb": "هەڵە بوو."}
    checked = editor.send(at(made, "/correct"), **fields)
    assert checked.status_code == 200 and "Falsch" not in checked.text
    editor.send(at(made, "/correct/publish"), **fields)
    assert made_public(house, made)[0].notes == {"en": NOTE["note-en"], "ckb": "هەڵە بوو."}


def propose(house: House, made: Made, folder: Path, by: int, body: str) -> None:
    texts = write_statement(folder, body, title=TITLES["en"])
    assert accompanying.correct(house.database, made.id, texts, {"en": "Wrong."}, now=house.now, by=by).number is None


def test_only_the_proposal_that_was_read_is_published(house: House, tmp_path: Path) -> None:
    newsroom = make_newsroom(house.database, approval=ApprovalRule.ALWAYS)
    made = make_release(house.database, newsroom, ["en"])
    author, second = house.add(newsroom, Role.AUTHOR), house.staff(newsroom, "editor")
    propose(house, made, tmp_path, author, "The bridge opens in May.")
    harmless = read(second, made)
    withdrawing.withdraw(house.database, made.id, now=house.now, by=author)
    propose(house, made, tmp_path, author, "The bridge was never built.")
    for seen in (harmless, "", "x"):
        refused = second.send(at(made, "/proposal/publish"), seen=seen)
        assert refused.status_code == 409 and "read it again" in alert(refused)
        assert "never built" in refused.text, "what waits now is shown"
    assert second.send(at(made, "/proposal/publish")).status_code == 409
    assert made_public(house, made) == [] and waits(house, made)
    assert second.send(at(made, "/proposal/publish"), seen=read(second, made)).location == at(made)
    assert body(house, made, "en") == "The bridge was never built."


def with_another_picture(house: House, made: Made, folder: Path, *, by: int | None = None) -> str:
    """Proposes the same words over another picture; returns its id."""
    Image.new("RGB", (40, 30), "red").save(folder / "picture-0.png")
    said = "{path: picture-0.png, alt: The bridge at dawn, caption: The new bridge, credit: River Valley Archive}"
    statements = write_statement(folder, BODIES["en"], title=TITLES["en"], assets=f"[{said}]")
    accompanying.correct(house.database, made.id, statements, {"en": "Another bridge."}, now=house.now, by=by)
    with house.database.reading() as tx:
        (new,) = {one.id for one in assets.of_release(tx, made.id)} - {one.id for one in made.assets}
    return new


def test_a_swapped_photograph_is_said_and_shown_to_whoever_agrees_and_to_readers(house: House, tmp_path: Path) -> None:
    newsroom = make_newsroom(house.database, approval=ApprovalRule.ALWAYS)
    made = make_release(house.database, newsroom, ["en"], pictures=1)
    new = with_another_picture(house, made, tmp_path)
    second = house.staff(newsroom, "editor")
    page = second.get(at(made, "/proposal")).text
    assert "The picture or file was replaced by another one." in page
    shown = re.search(rf'<img src="({at(made)}/assets/{new}\.[a-z]+)"', page)
    assert shown is not None and second.get(shown[1]).status_code == 200
    assert f"/assets/{made.assets[0].id}" not in page, "the old one is known"
    assert second.send(at(made, "/proposal/publish"), seen=read(second, made)).location == at(made)
    changes = house.browser().get(f"{public(made, 'en')}/changes").text
    assert "The picture or file was replaced by another one." in changes and "The bridge at dawn" in changes


def test_a_correction_whose_pictures_nobody_checked_waits_for_that_also_where_one_person_works(
    house: House, tmp_path: Path
) -> None:
    newsroom = make_newsroom(house.database, approval=ApprovalRule.AUTO)
    owner = house.add(newsroom, Role.OWNER)
    made = make_release(house.database, newsroom, ["en"], pictures=1)
    with house.database.transaction() as tx:
        tx.get_one(Newsroom, newsroom.id).faces_checked = True
    browser = house.browser(owner)
    checked = browser.send(at(made, "/correct"), **shut(loaded(browser, made)), **NOTE)
    assert "Propose the correction" in checked.text and f'href="{at(made, "/pictures")}"' in checked.text
    new = with_another_picture(house, made, tmp_path, by=owner)
    page = browser.get(at(made, "/proposal")).text
    assert "1 picture was not checked for faces yet" in page and "does not publish before that" in page
    assert f'href="{at(made, "/pictures")}"' in page and "Publish the correction" not in page
    assert "A second person" not in page
    browser.send(at(made, f"/pictures/{new}/faces"))
    assert "not checked" not in browser.get(at(made, "/proposal")).text
    assert browser.send(at(made, "/proposal/publish"), seen=read(browser, made)).location == at(made)
    assert len(made_public(house, made)) == 1
