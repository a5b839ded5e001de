from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from pressroom.db import Database
from pressroom.errors import Conflict, NotAllowed, Refused
from pressroom.outbox import OutboxRow
from pressroom.people.account import Account, Role
from pressroom.people.audit import AuditEntry
from pressroom.releases import approving, publishing, rescheduling, submitting, vanishing, visibility
from pressroom.releases.approval import Approval
from pressroom.releases.asset import Asset
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.release import Release, Status
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from tests.makers import Made, make_account, make_newsroom, make_release, make_revision_row, now, write_statement


def _written_by(database: Database, made: Made, account: int) -> None:
    with database.transaction() as tx:
        for revision in made.revisions.values():
            tx.merge(revision).created_by = account


def _release(database: Database, made: Made) -> Release:
    with database.reading() as tx:
        return tx.get_one(Release, made.id)


def _seen(made: Made) -> set[int]:
    return {one.id for one in made.revisions.values()}


def test_a_second_person_is_wanted_by_default_once_two_may_publish(database: Database) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.AUTO)

    def wanted() -> bool:
        with database.reading() as tx:
            return approving.wants_two(tx, tx.get_one(Newsroom, newsroom.id))

    owner = make_account(database, newsroom, Role.OWNER)
    make_account(database, newsroom, Role.AUTHOR)
    assert not wanted()
    make_account(database, newsroom, Role.EDITOR)
    assert wanted()
    with database.transaction() as tx:
        tx.get_one(Account, owner).disabled_at = now()
    assert not wanted()


def test_the_writer_asks_another_approves_and_the_writer_publishes(database: Database) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.ALWAYS)
    writer, second = make_account(database, newsroom, Role.EDITOR), make_account(database, newsroom, Role.EDITOR)
    made = make_release(database, newsroom, ["en", "ckb"], draft=True)
    _written_by(database, made, writer)
    approving.ask(database, made.id, now=now(), by=writer)
    assert _release(database, made).status is Status.IN_REVIEW
    with pytest.raises(NotAllowed, match="somebody else"):
        approving.approve(database, made.id, _seen(made), now=now(), by=writer)
    with pytest.raises(approving.NeedsSecondPerson):
        publishing.publish(database, made.id, now=now(), by=writer)
    assert approving.approve(database, made.id, _seen(made), now=now(), by=second) is Status.APPROVED
    assert publishing.publish(database, made.id, now=now(), by=writer).status is Status.PUBLISHED


def test_a_change_after_approval_asks_again_for_that_translation_only(database: Database, tmp_path: Path) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.ALWAYS)
    writer, second = make_account(database, newsroom, Role.EDITOR), make_account(database, newsroom, Role.EDITOR)
    made = make_release(database, newsroom, ["en", "ckb"], draft=True)
    _written_by(database, made, writer)
    approving.approve(database, made.id, _seen(made), now=now(), by=second)
    changed = write_statement(tmp_path, "# پردە نوێیەکە\n\nدەقێکی نوێ.", "ckb")
    submitting.submit(database, newsroom.slug, changed, now=now(), release_id=made.id, by=writer)
    assert _release(database, made).status is Status.IN_REVIEW
    with database.reading() as tx:
        lacking = approving.lacking(tx, approving.newest_of(tx, made.id))
    assert [one.language for one, _ in lacking] == ["ckb"]
    with pytest.raises(approving.NeedsSecondPerson):
        publishing.publish(database, made.id, now=now(), by=writer)
    # What is approved may go out without it.
    published = publishing.publish(database, made.id, now=now(), by=writer, without=["ckb"])
    assert published.languages == ["en"]


def test_what_was_not_read_is_not_approved(database: Database, tmp_path: Path) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.ALWAYS)
    second = make_account(database, newsroom, Role.EDITOR)
    made = make_release(database, newsroom, ["en"], draft=True)
    changed = write_statement(tmp_path, "# New bridge opens to walkers\n\nOther words.")
    submitting.submit(database, newsroom.slug, changed, now=now(), release_id=made.id)
    with pytest.raises(Conflict, match="changed after"):
        approving.approve(database, made.id, _seen(made), now=now(), by=second)
    with database.reading() as tx:
        assert list(tx.scalars(select(Approval))) == []


def test_whoever_did_not_write_it_approves_by_publishing(database: Database) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.ALWAYS)
    second = make_account(database, newsroom, Role.OWNER)
    made = make_release(database, newsroom, ["en"], draft=True)
    assert publishing.publish(database, made.id, now=now(), by=second).changed
    with database.reading() as tx:
        assert [one.account_id for one in tx.scalars(select(Approval))] == [second]


def test_an_author_neither_approves_nor_publishes(database: Database) -> None:
    newsroom = make_newsroom(database)
    author = make_account(database, newsroom, Role.AUTHOR)
    made = make_release(database, newsroom, ["en"], draft=True)
    with pytest.raises(NotAllowed):
        approving.approve(database, made.id, _seen(made), now=now(), by=author)
    with pytest.raises(NotAllowed):
        publishing.publish(database, made.id, now=now(), by=author)
    approving.ask(database, made.id, now=now(), by=author)
    assert _release(database, made).status is Status.IN_REVIEW


def test_what_is_sent_back_is_a_draft_with_a_note(database: Database) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.ALWAYS)
    editor = make_account(database, newsroom, Role.EDITOR)
    made = make_release(database, newsroom, ["en"], draft=True)
    approving.ask(database, made.id, now=now(), by=None)
    approving.send_back(database, made.id, "The figure in the second line is last year's.", now=now(), by=editor)
    found = _release(database, made)
    assert (found.status, found.review_note) == (Status.DRAFT, "The figure in the second line is last year's.")


def test_an_owner_may_publish_alone_with_a_reason_and_all_owners_are_told(database: Database) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.ALWAYS)
    owner, other = make_account(database, newsroom, Role.OWNER), make_account(database, newsroom, Role.OWNER)
    editor = make_account(database, newsroom, Role.EDITOR)
    made = make_release(database, newsroom, ["en"], draft=True)
    _written_by(database, made, owner)
    for by in (editor, None):
        _written_by(database, made, by or owner)
        with pytest.raises(NotAllowed):
            publishing.publish(database, made.id, now=now(), by=by, alone="They are being evicted now.")
    _written_by(database, made, owner)
    with pytest.raises(Refused, match="reason"):
        publishing.publish(database, made.id, now=now(), by=owner, alone=" ")
    assert publishing.publish(database, made.id, now=now(), by=owner, alone="They are being evicted now.").changed
    with database.reading() as tx:
        told = {
            row.payload["account_id"] for row in tx.scalars(select(OutboxRow).where(OutboxRow.kind == "tell_owner"))
        }
        acts = list(tx.scalars(select(AuditEntry.act).order_by(AuditEntry.id)))
    assert told == {owner, other}
    assert acts[-2:] == ["publish alone", "publish"]


def test_turning_approval_off_takes_two_people_and_turning_it_on_one(database: Database) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.ALWAYS)
    first, second = make_account(database, newsroom, Role.OWNER), make_account(database, newsroom, Role.EDITOR)

    def wish(rule: ApprovalRule, by: int | None) -> bool:
        return approving.wish_rule(database, newsroom.slug, rule, now=now(), by=by)

    with pytest.raises(NotAllowed):
        wish(ApprovalRule.OFF, second)
    assert not wish(ApprovalRule.OFF, first)
    assert not wish(ApprovalRule.OFF, first), "the same person twice is one"
    assert wish(ApprovalRule.OFF, second)
    assert wish(ApprovalRule.ALWAYS, first)


def test_where_faces_are_checked_an_unchecked_picture_holds_it_back(database: Database) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.ALWAYS)
    with database.transaction() as tx:
        tx.get_one(Newsroom, newsroom.id).faces_checked = True
    editor = make_account(database, newsroom, Role.EDITOR)
    made = make_release(database, newsroom, ["en"], draft=True, pictures=1)
    for act in (
        lambda: approving.approve(database, made.id, _seen(made), now=now(), by=editor),
        lambda: publishing.publish(database, made.id, now=now(), by=editor),
    ):
        with pytest.raises(Refused, match="faces"):
            act()
    with database.transaction() as tx:
        tx.get_one(Asset, made.assets[0].id).checked_at = now()
    assert approving.approve(database, made.id, _seen(made), now=now(), by=editor) is Status.APPROVED


def test_languages_that_go_out_together_wait_for_each_other(database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en", "ckb", "ar"])
    with database.transaction() as tx:
        tx.get_one(Newsroom, newsroom.id).together = True
    made = make_release(database, newsroom, ["en", "ckb"], draft=True)
    with pytest.raises(Refused, match="ar is missing"):
        publishing.publish(database, made.id, now=now())
    published = publishing.publish(database, made.id, now=now(), without=["ar"])
    assert sorted(published.languages) == ["ckb", "en"]


def test_a_picture_that_somebody_adds_makes_nobody_the_reader_of_their_own_words(database: Database) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.ALWAYS)
    writer, author = make_account(database, newsroom, Role.EDITOR), make_account(database, newsroom, Role.AUTHOR)
    made = make_release(database, newsroom, ["en"], draft=True)
    _written_by(database, made, writer)
    with database.transaction() as tx:
        old = tx.get_one(Revision, made.revisions["en"].id)
        later = make_revision_row(made.translations["en"], old.title, f"{old.body} ", at=now(), number=2)
        later.created_by = author
        tx.add(later)
    with pytest.raises(approving.NeedsSecondPerson) as needed:
        publishing.publish(database, made.id, now=now(), by=writer)
    assert writer not in needed.value.approvers


def test_an_approval_of_somebody_who_may_approve_no_more_counts_no_more(database: Database) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.ALWAYS)
    writer, second = make_account(database, newsroom, Role.EDITOR), make_account(database, newsroom, Role.EDITOR)
    made = make_release(database, newsroom, ["en"], draft=True)
    _written_by(database, made, writer)
    approving.approve(database, made.id, _seen(made), now=now(), by=second)
    with database.transaction() as tx:
        tx.get_one(Account, second).disabled_at = now()
    with pytest.raises(approving.NeedsSecondPerson):
        publishing.publish(database, made.id, now=now(), by=writer)


@pytest.mark.parametrize("change", ["beats", "embargo", "unschedule"])
def test_other_beats_or_an_earlier_embargo_are_asked_about_anew(
    database: Database, tmp_path: Path, change: str
) -> None:
    newsroom = make_newsroom(database, approval=ApprovalRule.ALWAYS)
    writer, second = make_account(database, newsroom, Role.EDITOR), make_account(database, newsroom, Role.EDITOR)
    until = now() + timedelta(hours=5)
    made = make_release(database, newsroom, ["en"], draft=True)
    _written_by(database, made, writer)
    rescheduling.move_embargo(database, made.id, until, now=now(), by=writer)
    approving.approve(database, made.id, _seen(made), now=now(), by=second)
    if change == "beats":
        title, body = made.revisions["en"].title, made.revisions["en"].body
        text = write_statement(tmp_path, f"# {title}\n\n{body}", beats="secret")
        submitting.submit(database, newsroom.slug, text, now=now(), release_id=made.id, by=writer)
    else:
        if change == "unschedule":
            publishing.publish(database, made.id, now=now(), by=writer)
            rescheduling.unschedule(database, made.id, now=now(), by=writer)
        rescheduling.move_embargo(database, made.id, None, now=now(), by=writer)
    with pytest.raises(approving.NeedsSecondPerson):
        publishing.publish(database, made.id, now=now(), by=writer)


def test_the_beats_of_what_is_scheduled_stay(database: Database, tmp_path: Path) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, ["en"], public_from=now() + timedelta(hours=1))
    text = write_statement(tmp_path, "# New bridge opens to walkers\n\nText.", beats="secret-name")
    with pytest.raises(Conflict, match="scheduled"):
        submitting.submit(database, newsroom.slug, text, now=now(), release_id=made.id)


def test_a_language_that_was_held_back_is_not_public_by_a_push_alone(database: Database, tmp_path: Path) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, ["en", "ckb"], public_from=now() + timedelta(hours=1))
    for publish in ("false", "true"):
        text = write_statement(tmp_path, f"# پرد\n\nدەق {publish}.", "ckb", publish=publish)
        submitting.submit(database, newsroom.slug, text, now=now(), release_id=made.id)
    with database.reading() as tx:
        ckb = tx.get_one(Translation, made.translations["ckb"].id)
        later = now() + timedelta(hours=2)
        assert visibility.of_translation(tx.get_one(Release, made.id), ckb, later) is Visibility.HIDDEN


def test_a_language_left_out_of_a_schedule_stays_behind(database: Database) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, ["en", "ckb"], draft=True)
    publishing.publish(database, made.id, now=now(), at=now() + timedelta(hours=1))
    publishing.publish(database, made.id, now=now(), at=now() + timedelta(hours=2), without=["ckb"])
    with database.reading() as tx:
        release, ckb = tx.get_one(Release, made.id), tx.get_one(Translation, made.translations["ckb"].id)
        assert visibility.of_translation(release, ckb, now() + timedelta(hours=3)) is Visibility.HIDDEN


def test_what_was_removed_takes_no_new_text(database: Database, tmp_path: Path) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, ["en"], draft=True)
    vanishing.vanish_release(database, made.id, now=now())
    text = write_statement(tmp_path, "# New\n\nText.")
    with pytest.raises(Conflict, match="removed"):
        submitting.submit(database, newsroom.slug, text, now=now(), release_id=made.id)
    with pytest.raises(Conflict, match="removed"):
        approving.ask(database, made.id, now=now(), by=None)
