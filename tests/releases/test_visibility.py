from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.db import Database, new_id
from pressroom.releases import translation as translations
from pressroom.releases import visibility
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from tests.makers import make_newsroom, make_release, now

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MOMENTS = st.sampled_from([-2, -1, 0, 1, 2]).map(lambda micros: NOW + timedelta(microseconds=micros))
PERHAPS = st.none() | MOMENTS


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """One release with one translation; a translation is never out before its release."""
    began = draw(PERHAPS)
    own = draw(PERHAPS)
    return {
        "public_from": began,
        "retracted_at": draw(PERHAPS),
        "removed_at": draw(PERHAPS),
        "own": max(began, own) if began and own else None,
        "publish": draw(st.booleans()),
        "revision_id": draw(st.sampled_from([None, 1])),
    }


def stored(tx: Session, newsroom: Newsroom, drawn: list[dict[str, Any]]) -> list[tuple[Release, Translation]]:
    rows = []
    for case in drawn:
        release = Release(
            newsroom_id=newsroom.id,
            source_language="en",
            public_from=case["public_from"],
            retracted_at=case["retracted_at"],
            removed_at=case["removed_at"],
            created_at=NOW,
        )
        tx.add(release)
        tx.flush()
        translation = Translation(
            release_id=release.id,
            newsroom_id=newsroom.id,
            language="en",
            slug=str(new_id()),
            publish=case["publish"],
            revision_id=case["revision_id"],
            public_from=case["own"],
        )
        tx.add(translation)
        rows.append((release, translation))
    tx.flush()
    return rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(cases(), min_size=1, max_size=12))
def test_python_and_sql_see_the_same(database: Database, drawn: list[dict[str, Any]]) -> None:
    newsroom = the_newsroom(database)
    with Session(database.engine) as tx:
        rows = stored(tx, newsroom, drawn)
        releases = set(tx.scalars(select(Release.id).where(visibility.release_is_public(NOW))))
        joined = select(Translation.id).join(Release, Release.id == Translation.release_id)
        translations = set(tx.scalars(joined.where(visibility.translation_is_public(NOW))))
        for release, translation in rows:
            assert (visibility.of_release(release, NOW) is Visibility.PUBLIC) == (release.id in releases)
            seen = visibility.of_translation(release, translation, NOW)
            assert (seen is Visibility.PUBLIC) == (translation.id in translations)
        tx.rollback()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(cases(), min_size=1, max_size=6))
def test_nothing_changes_before_the_next_change_and_something_does_at_it(
    database: Database, drawn: list[dict[str, Any]]
) -> None:
    newsroom = the_newsroom(database)
    with Session(database.engine) as tx:
        rows = stored(tx, newsroom, drawn)
        following = visibility.next_change(tx, NOW, newsroom.id)
        assert visibility.next_change(tx, NOW) == following
        moments = [NOW + timedelta(microseconds=micros) for micros in range(4)]
        for moment in moments:
            if following is None or moment < following:
                assert seen(rows, moment) == seen(rows, NOW)
        tx.rollback()


def test_the_second_of_an_embargo_is_public_already(database: Database) -> None:
    newsroom = the_newsroom(database)
    case = {"public_from": NOW, "own": NOW, "retracted_at": None, "removed_at": None, "publish": True, "revision_id": 1}
    with Session(database.engine) as tx:
        ((release, translation),) = stored(tx, newsroom, [case])
        before = NOW - timedelta(microseconds=1)
        assert visibility.of_translation(release, translation, before) is Visibility.HIDDEN
        assert visibility.of_translation(release, translation, NOW) is Visibility.PUBLIC
        assert visibility.next_change(tx, before) == NOW
        assert visibility.next_change(tx, NOW) is None
        tx.rollback()


def seen(rows: list[tuple[Release, Translation]], moment: datetime) -> list[bool]:
    return [visibility.of_translation(*row, moment) is Visibility.PUBLIC for row in rows]


def the_newsroom(database: Database) -> Newsroom:
    with database.reading() as tx:
        found = tx.scalars(select(Newsroom)).one_or_none()
    return found or make_newsroom(database)


def test_the_name_of_a_beat_is_hidden_with_the_only_release_that_carries_it(database: Database) -> None:
    newsroom = make_newsroom(database)
    make_release(database, newsroom, beats=["secret"], public_from=NOW + timedelta(hours=1))
    make_release(database, newsroom, beats=["water"], public_from=NOW - timedelta(hours=1))
    with database.reading() as tx:
        assert list(visibility.public_beats(tx, newsroom.id, NOW)) == ["water"]
        assert list(visibility.public_beats(tx, newsroom.id, NOW + timedelta(hours=1))) == ["secret", "water"]


def test_what_was_taken_back_before_it_began_was_never_public(database: Database) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, ["en", "ckb"])
    later = now() + timedelta(hours=1)
    with database.transaction() as tx:
        release = tx.get_one(Release, made.id)
        release.retracted_at = now()
        tx.get_one(Translation, made.translations["ckb"].id).public_from = later
    with database.reading() as tx:
        release, known = tx.get_one(Release, made.id), translations.of_release(tx, made.id)
        at = later + timedelta(hours=1)
        seen = {tag: visibility.of_translation(release, one, at) for tag, one in known.items()}
    assert seen == {"en": Visibility.RETRACTED, "ckb": Visibility.HIDDEN}
    early = make_release(database, newsroom, ["en"], public_from=later)
    with database.transaction() as tx:
        release = tx.get_one(Release, early.id)
        release.retracted_at, release.removed_at = now(), later + timedelta(hours=1)
    with database.reading() as tx:
        assert visibility.of_release(tx.get_one(Release, early.id), later + timedelta(hours=2)) is Visibility.HIDDEN
