from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from pressroom.db import Database, new_id
from pressroom.errors import Conflict, Refused
from pressroom.people.account import Account, Membership, Role
from pressroom.people.audit import AuditEntry
from pressroom.releases import approving, log, publishing, retracting, visibility
from pressroom.releases.log import LogRow
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.release import Release, Status
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from tests.makers import Made, make_newsroom, make_release, make_revision_row, now


def _draft(database: Database, **given: object) -> Made:
    return make_release(database, make_newsroom(database, **given), ["en", "ckb"], draft=True)  # type: ignore[arg-type]


def _visibility(database: Database, made: Made, at=None) -> Visibility:
    with database.reading() as tx:
        return visibility.of_release(tx.get_one(Release, made.id), at or now())


def test_publishing_names_the_newest_revisions_and_tells_every_process(database: Database) -> None:
    made = _draft(database)
    before = _generation(database)
    published = publishing.publish(database, made.id, now=now())
    assert (published.status, published.changed) == (Status.PUBLISHED, True)
    assert Visibility.PUBLIC is _visibility(database, made)
    assert _generation(database) > before
    with database.reading() as tx:
        named = {one.language: one.revision_id for one in tx.scalars(select(Translation))}
        assert {tag: one.id for tag, one in made.revisions.items()} == named


def _generation(database: Database) -> int:
    with database.reading() as tx:
        return tx.scalars(select(Newsroom.generation)).one()


def test_publishing_twice_changes_nothing_the_second_time(database: Database) -> None:
    made = _draft(database)
    publishing.publish(database, made.id, now=now())
    generation = _generation(database)
    assert not publishing.publish(database, made.id, now=now()).changed
    assert generation == _generation(database)


def test_a_schedule_and_an_embargo_both_have_to_pass(database: Database) -> None:
    made = _draft(database)
    schedule, embargo = now() + timedelta(hours=1), now() + timedelta(hours=3)
    with database.transaction() as tx:
        tx.get_one(Release, made.id).embargo_until = embargo
    published = publishing.publish(database, made.id, now=now(), at=schedule)
    assert (Status.SCHEDULED, embargo) == (published.status, published.public_from)
    assert Visibility.HIDDEN is _visibility(database, made, embargo - timedelta(microseconds=1))
    assert Visibility.PUBLIC is _visibility(database, made, embargo), "no job has run"


def test_the_clock_only_keeps_the_books(database: Database) -> None:
    made = _draft(database)
    publishing.publish(database, made.id, now=now(), at=now() + timedelta(hours=1))
    publishing.settle(database, now=now())
    with database.reading() as tx:
        assert Status.SCHEDULED is tx.get_one(Release, made.id).status
    publishing.settle(database, now=now() + timedelta(hours=2))
    with database.reading() as tx:
        assert Status.PUBLISHED is tx.get_one(Release, made.id).status


def test_what_joins_the_transaction_fails_with_it(database: Database) -> None:
    made = _draft(database)
    with pytest.raises(RuntimeError), database.joined() as joined:
        publishing.publish(joined, made.id, now=now())
        raise RuntimeError
    assert Visibility.HIDDEN is _visibility(database, made)


def test_a_source_that_is_never_shown_is_not_published(database: Database) -> None:
    made = _draft(database)
    with database.transaction() as tx:
        tx.get_one(Translation, made.translations["en"].id).publish = False
    publishing.publish(database, made.id, now=now())
    with database.reading() as tx:
        release = tx.get_one(Release, made.id)
        seen = {
            one.language: visibility.of_translation(release, one, now())
            for one in tx.scalars(select(Translation).where(Translation.release_id == made.id))
        }
    assert seen == {"en": Visibility.HIDDEN, "ckb": Visibility.PUBLIC}


def test_nothing_to_publish_is_refused(database: Database) -> None:
    made = _draft(database)
    with database.transaction() as tx:
        for one in tx.scalars(select(Translation)):
            one.publish = False
    with pytest.raises(Refused, match="no translation"):
        publishing.publish(database, made.id, now=now())


def _member(database: Database, made: Made, role: Role) -> int:
    account = Account(id=new_id(), email_sealed=b"x", email_lookup=new_id().to_bytes(8, "big"), created_at=now())
    with database.transaction() as tx:
        tx.add(account)
        tx.flush()
        tx.add(Membership(account_id=account.id, newsroom_id=made.newsroom.id, role=role))
    return account.id


def test_where_two_people_are_wanted_the_writer_and_the_command_line_cannot_publish(database: Database) -> None:
    made = _draft(database, approval=ApprovalRule.ALWAYS)
    editor, owner, author = (_member(database, made, role) for role in (Role.EDITOR, Role.OWNER, Role.AUTHOR))
    with database.transaction() as tx:
        for revision in made.revisions.values():
            tx.merge(revision).created_by = editor
    for by in (None, editor):
        with pytest.raises(approving.NeedsSecondPerson) as refused:
            publishing.publish(database, made.id, now=now(), by=by)
        assert [owner] == refused.value.approvers
        assert author not in refused.value.approvers
    with database.reading() as tx:
        assert Status.IN_REVIEW is tx.get_one(Release, made.id).status
    assert Visibility.HIDDEN is _visibility(database, made)
    assert publishing.publish(database, made.id, now=now(), by=owner).changed


def test_a_retraction_needs_a_reason_and_holds(database: Database) -> None:
    made = _draft(database)
    with pytest.raises(Conflict, match="never published"):
        retracting.retract(database, made.id, {"en": "Wrong."}, now=now())
    publishing.publish(database, made.id, now=now())
    with pytest.raises(Refused, match="needs a reason"):
        retracting.retract(database, made.id, {"en": " "}, now=now())
    assert retracting.retract(database, made.id, {"en": "Wrong."}, now=now())
    assert not retracting.retract(database, made.id, {"en": "Again."}, now=now())
    assert Visibility.RETRACTED is _visibility(database, made)
    with pytest.raises(Conflict):
        publishing.publish(database, made.id, now=now())


def test_a_retraction_before_the_embargo_leaves_nothing_to_see(database: Database) -> None:
    made = _draft(database)
    publishing.publish(database, made.id, now=now(), at=now() + timedelta(hours=1))
    retracting.retract(database, made.id, {"en": "Wrong."}, now=now())
    assert Visibility.HIDDEN is _visibility(database, made, now() + timedelta(hours=2))


def test_the_log_is_a_chain_that_shows_any_change(database: Database) -> None:
    made = _draft(database)
    publishing.publish(database, made.id, now=now())
    retracting.retract(database, made.id, {"en": "Wrong."}, now=now())
    with database.reading() as tx:
        rows = list(tx.scalars(select(LogRow).order_by(LogRow.number)))
        assert [(row.number, row.event.value) for row in rows] == [(1, "publication"), (2, "retraction")]
        assert ["0" * 64, rows[0].row_hash] == [row.previous_hash for row in rows]
        assert all(log.hash_of(row) == row.row_hash for row in rows)
        rows[0].at += timedelta(seconds=1)
        assert log.hash_of(rows[0]) != rows[0].row_hash


def test_every_act_is_noted(database: Database) -> None:
    made = _draft(database)
    publishing.publish(database, made.id, now=now())
    retracting.retract(database, made.id, {"en": "Wrong."}, now=now())
    with database.reading() as tx:
        assert list(tx.scalars(select(AuditEntry.act).order_by(AuditEntry.id))) == ["publish", "retract"]


def test_what_is_public_is_not_replaced_by_a_newer_draft(database: Database) -> None:
    made = _draft(database)
    publishing.publish(database, made.id, now=now())
    with database.transaction() as tx:
        later = make_revision_row(made.translations["en"], "Another headline", "Other words.", at=now(), number=2)
        tx.add(later)
    assert not publishing.publish(database, made.id, now=now()).changed
    with database.reading() as tx:
        assert tx.get_one(Translation, made.translations["en"].id).revision_id == made.revisions["en"].id


def test_a_further_language_of_a_public_release_takes_no_time_of_its_own(database: Database) -> None:
    made = _draft(database)
    publishing.publish(database, made.id, now=now())
    with pytest.raises(Refused, match="public already"):
        publishing.publish(database, made.id, now=now(), at=now() + timedelta(days=2))
