from __future__ import annotations

import pytest

from pressroom.db import Database
from pressroom.errors import NotAllowed, NotFound, Refused
from pressroom.people import audit
from pressroom.people.account import Role
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.configuring import Habits, configure
from pressroom.releases.newsroom import Newsroom, NoticeStyle
from tests.makers import make_account, make_newsroom, now


def river(database: Database) -> Newsroom:
    with database.reading() as tx:
        return newsrooms.by_slug(tx, "river")


def test_what_is_given_changes_and_the_rest_stays(database: Database) -> None:
    make_newsroom(database)
    before = river(database)
    assert configure(database, "river", Habits(together=True, late_after=60), now=now())
    found = river(database)
    assert (found.together, found.late_after, found.faces_checked) == (True, 60, before.faces_checked)
    assert found.generation == before.generation, "readers see nothing of it"
    assert not configure(database, "river", Habits(together=True, late_after=60), now=now())
    assert configure(database, "river", Habits(together=False), now=now()) and not river(database).together


def test_another_style_of_notices_renders_the_feeds_anew(database: Database) -> None:
    make_newsroom(database)
    before = river(database).generation
    assert configure(database, "river", Habits(notice_style=NoticeStyle.IN_PLACE), now=now())
    assert river(database).generation > before


@pytest.mark.parametrize("role", [Role.EDITOR, Role.AUTHOR, Role.VIEWER])
def test_only_owners_configure(database: Database, role: Role) -> None:
    newsroom = make_newsroom(database)
    by = make_account(database, newsroom, role)
    with pytest.raises(NotAllowed):
        configure(database, "river", Habits(together=True), now=now(), by=by)
    assert not river(database).together
    owner = make_account(database, newsroom, Role.OWNER)
    assert configure(database, "river", Habits(together=True), now=now(), by=owner)
    with database.reading() as tx:
        (entry,) = tx.scalars(audit.entries(newsroom.id, subjects=["newsroom:river"]))
    assert (entry.act, entry.account_id, entry.detail) == ("change newsroom", owner, {"together": True})


def test_a_limit_that_nobody_can_mean_is_refused(database: Database) -> None:
    make_newsroom(database)
    for seconds in (-1, 7 * 86_400 + 1):
        with pytest.raises(Refused):
            configure(database, "river", Habits(late_after=seconds), now=now())
    with pytest.raises(NotFound):
        configure(database, "nowhere", Habits(), now=now())
