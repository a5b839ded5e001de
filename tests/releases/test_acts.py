"""Random acts by random people: nothing unapproved is public, no turn is forbidden, nothing happens unrecorded."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from pressroom.db import Database
from pressroom.errors import PressroomError
from pressroom.people.account import Membership, Role
from pressroom.people.audit import AuditEntry
from pressroom.releases import (
    approving,
    correcting,
    publishing,
    rescheduling,
    retracting,
    submitting,
    vanishing,
    visibility,
    withdrawing,
)
from pressroom.releases.approval import Approval
from pressroom.releases.correction import Correction, CorrectionChange
from pressroom.releases.newsroom import ApprovalRule
from pressroom.releases.release import TURNS, Release, Status
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from tests.makers import make_account, make_newsroom, now, write_statement

_PUBLISHERS = (Role.OWNER, Role.EDITOR)
# Those who may publish more often than those who may not: refusals teach little.
_WHO = st.sampled_from([2, 3, 0, 6, 1, 2, 3, 4, 5])
_PERSON = st.sampled_from([3, 2, 0, 1, 3, 2, 4, 5])
_TAGS = st.sampled_from(["en", "ckb", "ar"])


@cache
def _template() -> Path:
    """A database with its tables, made once."""
    path = Path(tempfile.mkdtemp()) / "template.db"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.dispose()
    return path


class Acts(RuleBasedStateMachine):
    @initialize()
    def found(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        shutil.copy(_template(), f"{self.folder.name}/acts.db")
        self.database = Database(f"sqlite:///{self.folder.name}/acts.db")
        newsroom = make_newsroom(self.database, languages=["en", "ckb", "ar"], approval=ApprovalRule.ALWAYS)
        roles = (Role.OWNER, Role.OWNER, Role.EDITOR, Role.EDITOR, Role.AUTHOR, Role.VIEWER)
        # The last is the command line.
        self.people: list[int | None] = [*(make_account(self.database, newsroom, role) for role in roles), None]
        self.slug, self.now, self.words = newsroom.slug, now(), 0
        self.release_id = submitting.submit(self.database, self.slug, self._text("en"), now=self.now).release_id
        self.statuses = [Status.DRAFT]

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.dispose()
            self.folder.cleanup()

    def _text(self, tag: str):  # type: ignore[no-untyped-def]
        self.words += 1
        return write_statement(Path(self.folder.name), f"# Headline {tag}\n\nText number {self.words}.", tag)

    def _act(self, act: Callable[[], object], by: int | None) -> None:
        """Whatever changes anything leaves an entry that names who did it; a refusal changes nothing but a status."""
        self.now += timedelta(minutes=7)
        before, entries = self._state(), self._entries()
        with suppress(PressroomError):
            act()
        fresh = self._entries()[len(entries) :]
        if self._state() != before:
            assert fresh and {one.account_id for one in fresh} == {by}, [one.act for one in fresh]
        self.statuses.append(self._release().status)

    def _has(self, *statuses: Status) -> bool:
        return self.statuses[-1] in statuses

    def _waits(self) -> bool:
        with self.database.reading() as tx:
            return tx.scalars(select(Correction.id).where(Correction.at.is_(None))).first() is not None

    def _state(self) -> list[tuple[object, ...]]:
        with self.database.reading() as tx:
            found: list[tuple[object, ...]] = [
                (one.status, one.public_from, one.embargo_until, one.retracted_at, one.removed_at)
                for one in tx.scalars(select(Release))
            ]
            found += [
                (one.language, one.revision_id, one.public_from)
                for one in tx.scalars(select(Translation).order_by(Translation.language))
            ]
            found += [(one.id, one.content_hash) for one in tx.scalars(select(Revision).order_by(Revision.id))]
            found += [(one.id, one.at) for one in tx.scalars(select(Correction).order_by(Correction.id))]
            found += [(one.revision_id, one.account_id) for one in tx.scalars(select(Approval))]
        return found

    def _entries(self) -> list[AuditEntry]:
        with self.database.reading() as tx:
            return list(tx.scalars(select(AuditEntry).order_by(AuditEntry.id)))

    def _release(self) -> Release:
        with self.database.reading() as tx:
            return tx.get_one(Release, self.release_id)

    @rule(who=_WHO, tag=_TAGS)
    def submit(self, who: int, tag: str) -> None:
        by, text = self.people[who], self._text(tag)
        role = self._role(by)
        if role is Role.VIEWER:
            return  # Every door asks for the right to write first.
        act = lambda: submitting.submit(self.database, self.slug, text, now=self.now, release_id=self.release_id, by=by)  # noqa: E731
        self._act(act, by)

    @precondition(lambda self: self._has(Status.DRAFT))
    @rule(who=_WHO)
    def ask(self, who: int) -> None:
        by = self.people[who]
        self._act(lambda: approving.ask(self.database, self.release_id, now=self.now, by=by), by)

    @rule(who=_PERSON, all_of_it=st.booleans())
    def approve(self, who: int, all_of_it: bool) -> None:
        by = self.people[who]
        assert by is not None
        with self.database.reading() as tx:
            seen = [revision.id for _, revision in approving.newest_of(tx, self.release_id)]
        seen = seen if all_of_it else seen[:1]
        self._act(lambda: approving.approve(self.database, self.release_id, seen, now=self.now, by=by), by)

    @precondition(lambda self: self._has(Status.IN_REVIEW, Status.APPROVED))
    @rule(who=_WHO)
    def send_back(self, who: int) -> None:
        by = self.people[who]
        self._act(lambda: approving.send_back(self.database, self.release_id, "Look.", now=self.now, by=by), by)

    @rule(who=_WHO, tag=_TAGS)
    def write_and_publish(self, who: int, tag: str) -> None:
        self.submit(who, tag)
        self.publish(who, later=False, alone=None, without=set())

    @rule(
        who=_WHO,
        later=st.booleans(),
        alone=st.sampled_from([None, None, None, "Now."]),
        without=st.sets(_TAGS, max_size=1),
    )
    def publish(self, who: int, later: bool, alone: str | None, without: set[str]) -> None:
        by = self.people[who]
        at = self.now + timedelta(hours=1) if later else None
        act = lambda: publishing.publish(  # noqa: E731
            self.database, self.release_id, now=self.now, by=by, at=at, without=without, alone=alone
        )
        self._act(act, by)

    @precondition(lambda self: self._has(Status.PUBLISHED, Status.SCHEDULED))
    @rule(who=_WHO, tag=_TAGS, minor=st.booleans())
    def correct(self, who: int, tag: str, minor: bool) -> None:
        by, text = self.people[who], self._text(tag)
        act = lambda: correcting.correct(  # noqa: E731
            self.database, self.release_id, text, {"en": "Note."}, minor=minor, now=self.now, by=by
        )
        self._act(act, by)

    @precondition(lambda self: self._waits())
    @rule(who=_PERSON)
    def publish_proposal(self, who: int) -> None:
        by = self.people[who]
        assert by is not None
        with self.database.reading() as tx:
            seen = list(tx.scalars(select(CorrectionChange.after_id).join(Correction).where(Correction.at.is_(None))))
        act = lambda: correcting.publish_proposal(self.database, self.release_id, seen=seen, now=self.now, by=by)  # noqa: E731
        self._act(act, by)

    @precondition(lambda self: self._waits())
    @rule(who=_WHO)
    def withdraw(self, who: int) -> None:
        by = self.people[who]
        self._act(lambda: withdrawing.withdraw(self.database, self.release_id, now=self.now, by=by), by)

    @precondition(lambda self: not self._has(Status.PUBLISHED, Status.RETRACTED))
    @rule(who=_WHO, hours=st.sampled_from([None, 1, 5]))
    def move_embargo(self, who: int, hours: int | None) -> None:
        by = self.people[who]
        until = self.now + timedelta(hours=hours) if hours else None
        self._act(lambda: rescheduling.move_embargo(self.database, self.release_id, until, now=self.now, by=by), by)

    @precondition(lambda self: self._has(Status.SCHEDULED))
    @rule(who=_WHO)
    def unschedule(self, who: int) -> None:
        by = self.people[who]
        self._act(lambda: rescheduling.unschedule(self.database, self.release_id, now=self.now, by=by), by)

    @precondition(lambda self: self._has(Status.PUBLISHED) and len(self.statuses) > 15)
    @rule(who=_WHO)
    def retract(self, who: int) -> None:
        if len(self.statuses) > 12:
            by = self.people[who]
            self._act(
                lambda: retracting.retract(self.database, self.release_id, {"en": "No."}, now=self.now, by=by), by
            )

    @precondition(lambda self: len(self.statuses) > 20)
    @rule(who=_WHO)
    def vanish(self, who: int) -> None:
        by = self.people[who]
        self._act(lambda: vanishing.vanish_release(self.database, self.release_id, now=self.now, by=by), by)

    def _role(self, by: int | None) -> Role | None:
        if by is None:
            return None
        with self.database.reading() as tx:
            return tx.scalars(select(Membership.role).where(Membership.account_id == by)).one()

    @invariant()
    def only_what_somebody_else_read_is_public_or_scheduled(self) -> None:
        if not hasattr(self, "release_id"):
            return
        alone = self._published_alone()
        with self.database.reading() as tx:
            release = tx.get_one(Release, self.release_id)
            for translation in tx.scalars(select(Translation)):
                seen = visibility.of_translation(release, translation, self.now + timedelta(days=1))
                if seen is not Visibility.PUBLIC or translation.revision_id in alone:
                    continue
                revision = tx.get_one(Revision, translation.revision_id)
                readers = set(tx.scalars(select(Approval.account_id).where(Approval.revision_id == revision.id)))
                assert readers - {revision.created_by}, f"{translation.language} is out and nobody else has read it"

    def _published_alone(self) -> set[int]:
        found: set[int] = set()
        entries = self._entries()
        for place, entry in enumerate(entries):
            if entry.act == "publish alone":
                assert self._role(entry.account_id) is Role.OWNER
                # The reason vanishes with its release.
                assert entry.detail.get("reason") or self._release().removed_at
                # A language may be left behind before.
                found |= next(set(one.detail["revisions"]) for one in entries[place:] if one.act == "publish")
        return found

    @invariant()
    def no_turn_is_forbidden(self) -> None:
        if hasattr(self, "statuses"):
            for before, after in pairwise(self.statuses):
                assert before is after or after in TURNS[before], f"{before} became {after}"

    @invariant()
    def only_those_who_may_have_published(self) -> None:
        if hasattr(self, "release_id"):
            public = ("publish", "approve", "retract", "vanish release", "move embargo")
            for entry in self._entries():
                if entry.act in public and entry.account_id is not None:
                    assert self._role(entry.account_id) in _PUBLISHERS


TestActs = Acts.TestCase
# Not shrunk: with a database for each try that takes minutes.
TestActs.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    phases=(Phase.generate,),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
