from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from pressroom.db import Database
from pressroom.errors import Conflict, Refused
from pressroom.people.account import Role
from pressroom.releases import approving, correcting, log, retracting, withdrawing
from pressroom.releases import correction as corrections
from pressroom.releases.asset import Asset
from pressroom.releases.log import LogRow
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from tests.makers import Made, make_account, make_newsroom, make_release, now, write_statement

_NOTE = {"en": "The bridge opens on Monday, not on Sunday."}


def _public(database: Database, **given: object) -> Made:
    return make_release(database, make_newsroom(database, **given), ["en", "ckb"])  # type: ignore[arg-type]


def _named(database: Database, made: Made) -> dict[str, tuple[Translation, Revision]]:
    with database.reading() as tx:
        found = tx.scalars(select(Translation).where(Translation.release_id == made.id))
        return {one.language: (one, tx.get_one(Revision, one.revision_id)) for one in found}


def _proposed(database: Database, made: Made) -> set[int]:
    with database.reading() as tx:
        proposed = corrections.proposal(tx, made.id)
        assert proposed is not None
        return {one.after_id for one in corrections.changes(tx, proposed.id).values()}


def _text(folder: Path, words: str, tag: str = "en"):
    return write_statement(folder, f"# New bridge opens to walkers\n\n{words}", tag)


def test_a_correction_is_a_new_revision_with_a_note_on_every_translation(database: Database, tmp_path: Path) -> None:
    made = _public(database)
    before = _named(database, made)
    done = correcting.correct(database, made.id, _text(tmp_path, "It opens on Monday."), _NOTE, now=now())
    assert (done.number, done.changed, list(done.languages)) == (1, True, ["en"])
    after = _named(database, made)
    assert "Monday" in after["en"][1].text and after["en"][1].number == 2
    assert before["ckb"][1].id == after["ckb"][1].id
    assert all(after[tag][0].updated_at > before[tag][0].updated_at for tag in after)
    with database.reading() as tx:
        [correction] = corrections.of_release(tx, made.id)
        [change] = corrections.changes(tx, correction.id).values()
        assert (change.before_id, change.after_id) == (before["en"][1].id, after["en"][1].id)
        rows = list(tx.scalars(select(LogRow).order_by(LogRow.number)))
    assert rows[-1].event is log.Event.CORRECTION
    assert after["ckb"][1].source_revision_id != after["en"][1].said_since, "the translation is stale"


def test_a_translation_corrected_with_its_source_is_not_stale(database: Database, tmp_path: Path) -> None:
    made = _public(database)
    texts = [*_text(tmp_path, "It opens on Monday."), *_text(tmp_path, "دووشەممە دەکرێتەوە.", "ckb")]
    correcting.correct(database, made.id, texts, _NOTE, now=now())
    named = _named(database, made)
    assert named["ckb"][1].source_revision_id == named["en"][1].said_since


def test_a_minor_change_moves_no_date_and_makes_nothing_stale(database: Database, tmp_path: Path) -> None:
    made = _public(database)
    before = _named(database, made)
    done = correcting.correct(database, made.id, _text(tmp_path, "The brigde is open."), {}, minor=True, now=now())
    after = _named(database, made)
    assert done.changed
    assert {tag: one[0].updated_at for tag, one in after.items()} == {
        tag: one[0].updated_at for tag, one in before.items()
    }
    assert after["ckb"][1].source_revision_id == after["en"][1].said_since
    with pytest.raises(Refused, match="note"):
        correcting.correct(database, made.id, _text(tmp_path, "Something else."), {"en": " "}, now=now())


def test_the_same_text_again_is_no_correction(database: Database, tmp_path: Path) -> None:
    made = _public(database)
    texts = _text(tmp_path, "It opens on Monday.")
    assert correcting.correct(database, made.id, texts, _NOTE, now=now()).changed
    assert not correcting.correct(database, made.id, texts, _NOTE, now=now()).changed
    with database.reading() as tx:
        assert len(corrections.of_release(tx, made.id)) == 1


def test_where_two_are_wanted_a_correction_waits_for_the_second(database: Database, tmp_path: Path) -> None:
    made = _public(database, approval=ApprovalRule.ALWAYS)
    writer, second = (make_account(database, made.newsroom, Role.EDITOR) for _ in range(2))
    before = _named(database, made)
    waits = correcting.correct(database, made.id, _text(tmp_path, "It opens on Monday."), _NOTE, now=now(), by=writer)
    assert (waits.number, waits.approvers) == (None, [second])
    assert _named(database, made)["en"][1].id == before["en"][1].id
    with pytest.raises(approving.NeedsSecondPerson):
        correcting.publish_proposal(database, made.id, seen=_proposed(database, made), now=now(), by=writer)
    with pytest.raises(Conflict, match="waits already"):
        correcting.correct(database, made.id, _text(tmp_path, "On Tuesday."), _NOTE, now=now(), by=second)
    assert (
        correcting.publish_proposal(database, made.id, seen=_proposed(database, made), now=now(), by=second).number == 1
    )
    assert "Monday" in _named(database, made)["en"][1].text


def test_a_withdrawn_correction_leaves_nothing_and_can_be_made_again(database: Database, tmp_path: Path) -> None:
    made = _public(database, approval=ApprovalRule.ALWAYS)
    writer = make_account(database, made.newsroom, Role.AUTHOR)
    texts = _text(tmp_path, "It opens on Monday.")
    correcting.correct(database, made.id, texts, _NOTE, now=now(), by=writer)
    withdrawing.withdraw(database, made.id, now=now(), by=writer)
    with database.reading() as tx:
        assert not list(tx.scalars(select(Revision).where(Revision.text.contains("Monday"))))
    assert correcting.correct(database, made.id, texts, _NOTE, now=now(), by=writer).approvers is not None


def test_only_what_is_public_is_corrected(database: Database, tmp_path: Path) -> None:
    made = _public(database)
    with pytest.raises(Refused, match="not public in"):
        correcting.correct(database, made.id, _text(tmp_path, "Vebû.", "kmr"), _NOTE, now=now())
    retracting.retract(database, made.id, {"en": "Wrong."}, now=now())
    with pytest.raises(Conflict, match="not public"):
        correcting.correct(database, made.id, _text(tmp_path, "On Monday."), _NOTE, now=now())


def test_a_proposal_that_was_exchanged_meanwhile_is_not_published(database: Database, tmp_path: Path) -> None:
    made = _public(database, approval=ApprovalRule.ALWAYS)
    writer, second = (make_account(database, made.newsroom, Role.EDITOR) for _ in range(2))
    correcting.correct(database, made.id, _text(tmp_path, "Harmless."), _NOTE, now=now(), by=writer)
    seen = _proposed(database, made)
    withdrawing.withdraw(database, made.id, now=now(), by=writer)
    correcting.correct(database, made.id, _text(tmp_path, "Poison."), _NOTE, now=now(), by=writer)
    with pytest.raises(Conflict, match="changed after"):
        correcting.publish_proposal(database, made.id, seen=seen, now=now(), by=second)
    assert "Poison" not in _named(database, made)["en"][1].text


def test_a_correction_of_an_older_text_does_not_undo_a_newer_one(database: Database, tmp_path: Path) -> None:
    made = _public(database)
    began = {"en": made.revisions["en"].id}
    correcting.correct(database, made.id, _text(tmp_path, "It opens on Monday."), _NOTE, now=now())
    with pytest.raises(Conflict, match="corrected this text"):
        correcting.correct(database, made.id, _text(tmp_path, "It opens today."), _NOTE, began_from=began, now=now())


def test_a_note_is_cleaned_of_what_turns_the_line_around(database: Database, tmp_path: Path) -> None:
    made = _public(database)
    note = {"en": "It was \u202eyadnoM\u202c and Se\u0302ri\u0302n."}
    correcting.correct(database, made.id, _text(tmp_path, "On Monday."), note, now=now())
    with database.reading() as tx:
        [kept] = corrections.of_release(tx, made.id)
    assert kept.notes["en"] == unicodedata.normalize("NFC", kept.notes["en"])
    assert "\u202e" not in kept.notes["en"]


def test_a_new_picture_in_a_correction_waits_for_its_faces(database: Database, tmp_path: Path) -> None:
    made = _public(database)
    with database.transaction() as tx:
        tx.get_one(Newsroom, made.newsroom.id).faces_checked = True
    Image.new("RGB", (60, 40), (9, 9, 9)).save(tmp_path / "new.png")
    front = {"assets": "[{path: new.png, alt: The bridge}]"}
    texts = write_statement(tmp_path, "# New bridge opens to walkers\n\nSee it.", "en", **front)
    done = correcting.correct(database, made.id, texts, _NOTE, now=now())
    assert done.changed and done.number is None
    owner = make_account(database, made.newsroom, Role.OWNER)
    with database.transaction() as tx:
        for asset in tx.scalars(select(Asset)):
            asset.checked_at = now()
    seen = _proposed(database, made)
    assert correcting.publish_proposal(database, made.id, seen=seen, now=now(), by=owner).number == 1


def test_a_file_of_another_release_corrects_nothing(database: Database, tmp_path: Path) -> None:
    made = _public(database)
    for given, fits in (("another-release", False), (made.id, True)):
        texts = write_statement(tmp_path, f"# New bridge\n\nOf {given}.", "en", id=given)
        if fits:
            assert correcting.correct(database, made.id, texts, _NOTE, now=now()).changed
        else:
            with pytest.raises(Refused, match="another-release"):
                correcting.correct(database, made.id, texts, _NOTE, now=now())
