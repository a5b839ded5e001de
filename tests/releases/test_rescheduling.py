from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pressroom.db import Database
from pressroom.errors import Conflict
from pressroom.people.account import Role
from pressroom.releases import approving, publishing, rescheduling, visibility
from pressroom.releases.newsroom import ApprovalRule
from pressroom.releases.release import Release, Status
from pressroom.releases.visibility import Visibility
from tests.makers import Made, make_account, make_newsroom, make_release, now


def _embargoed(database: Database, until: datetime, rule: ApprovalRule = ApprovalRule.OFF) -> Made:
    made = make_release(database, make_newsroom(database, approval=rule), ["en", "ckb"], draft=True)
    rescheduling.move_embargo(database, made.id, until, now=now())
    return made


def _seen(database: Database, made: Made, at: datetime) -> Visibility:
    with database.reading() as tx:
        return visibility.of_release(tx.get_one(Release, made.id), at)


def test_a_moved_embargo_moves_what_waits_for_it(database: Database) -> None:
    first, later = now() + timedelta(hours=1), now() + timedelta(hours=5)
    made = _embargoed(database, first)
    publishing.publish(database, made.id, now=now())
    assert rescheduling.move_embargo(database, made.id, later, now=now()).public_from == later
    assert _seen(database, made, later - timedelta(seconds=1)) is Visibility.HIDDEN
    assert _seen(database, made, later) is Visibility.PUBLIC
    assert not rescheduling.move_embargo(database, made.id, later, now=now()).changed


def test_a_lifted_embargo_makes_it_public_at_once_but_not_before_its_schedule(database: Database) -> None:
    schedule, embargo = now() + timedelta(hours=1), now() + timedelta(hours=5)
    for at, expected in ((None, Visibility.PUBLIC), (schedule, Visibility.HIDDEN)):
        made = make_release(database, make_newsroom(database, f"r{bool(at)}"), ["en"], draft=True)
        rescheduling.move_embargo(database, made.id, embargo, now=now())
        publishing.publish(database, made.id, now=now(), at=at)
        rescheduling.move_embargo(database, made.id, None, now=now())
        assert _seen(database, made, now()) is expected


def test_to_end_an_embargo_earlier_takes_the_second_person_and_later_does_not(database: Database) -> None:
    until = now() + timedelta(hours=5)
    made = _embargoed(database, until, ApprovalRule.ALWAYS)
    writer, second = (make_account(database, made.newsroom, Role.EDITOR) for _ in range(2))
    with database.transaction() as tx:
        for revision in made.revisions.values():
            tx.merge(revision).created_by = writer
    publishing.publish(database, made.id, now=now(), by=second)
    for by in (writer, None):
        with pytest.raises(approving.NeedsSecondPerson):
            rescheduling.move_embargo(database, made.id, None, now=now(), by=by)
    assert rescheduling.move_embargo(database, made.id, until + timedelta(hours=1), now=now(), by=writer).changed
    assert rescheduling.move_embargo(database, made.id, None, now=now(), by=second).changed


def test_a_schedule_is_taken_back_by_one_person_and_what_is_public_stays(database: Database) -> None:
    made = _embargoed(database, now() + timedelta(hours=1))
    author = make_account(database, made.newsroom, Role.AUTHOR)
    publishing.publish(database, made.id, now=now())
    assert rescheduling.unschedule(database, made.id, now=now(), by=author)
    assert not rescheduling.unschedule(database, made.id, now=now(), by=author)
    with database.reading() as tx:
        assert tx.get_one(Release, made.id).status is Status.APPROVED
    assert _seen(database, made, now() + timedelta(hours=2)) is Visibility.HIDDEN
    public = make_release(database, made.newsroom, ["en"])
    with pytest.raises(Conflict, match="only retracted"):
        rescheduling.unschedule(database, public.id, now=now())
    with pytest.raises(Conflict, match="cannot be moved"):
        rescheduling.move_embargo(database, public.id, now() + timedelta(hours=1), now=now())
