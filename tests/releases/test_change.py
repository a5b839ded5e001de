from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import select

from pressroom.db import Database
from pressroom.migrations import alembic_config
from pressroom.releases import covering, founding, publishing, rescheduling, retracting, submitting, vanishing
from pressroom.releases.beat import is_topic
from pressroom.releases.change import Kind, PublicChange
from pressroom.releases.covering import Box
from pressroom.releases.newsroom import Newsroom
from tests.makers import Made, make_correction, make_newsroom, make_release, now, write_statement


def recorded(database: Database, made: Made) -> list[tuple[Kind, datetime]]:
    """Of all its translations, in the order of numbers."""
    ids = [one.id for one in made.translations.values()]
    query = select(PublicChange).where(PublicChange.translation_id.in_(ids)).order_by(PublicChange.number)
    with database.reading() as tx:
        return [(one.kind, one.public_from) for one in tx.scalars(query)]


def _scheduled(database: Database, at: datetime) -> Made:
    made = make_release(database, make_newsroom(database), ["en"], draft=True)
    publishing.publish(database, made.id, at=at, now=now())
    return made


def test_what_waits_is_seen_from_its_time_on_and_moves_with_it(database: Database) -> None:
    first, later = now() + timedelta(hours=1), now() + timedelta(hours=2)
    made = _scheduled(database, first)
    assert recorded(database, made) == [(Kind.PUBLICATION, first)]
    rescheduling.move_embargo(database, made.id, later, now=now())
    assert recorded(database, made) == [(Kind.PUBLICATION, later)]
    rescheduling.unschedule(database, made.id, now=now())
    assert recorded(database, made) == []


def test_what_was_taken_back_before_its_time_leaves_nothing(database: Database) -> None:
    for act in (
        lambda release_id: retracting.retract(database, release_id, {"en": "No."}, now=now()),
        lambda release_id: vanishing.vanish_release(database, release_id, now=now()),
    ):
        made = make_release(database, make_newsroom(database, f"r{act.__code__.co_firstlineno}"), ["en"], draft=True)
        publishing.publish(database, made.id, at=now() + timedelta(hours=1), now=now())
        act(made.id)
        assert recorded(database, made) == []


def test_what_was_taken_back_in_the_minute_of_its_time_is_a_removal_then(database: Database) -> None:
    soon = now() + timedelta(seconds=30)
    made = _scheduled(database, soon)
    retracting.retract(database, made.id, {"en": "No."}, now=now())
    assert recorded(database, made) == [(Kind.REMOVAL, soon)]


def test_what_comes_earlier_than_planned_is_not_removed_at_its_old_time(database: Database) -> None:
    made = _scheduled(database, now() + timedelta(seconds=30))
    publishing.publish(database, made.id, at=now(), now=now())
    assert [kind for kind, _ in recorded(database, made)] == [Kind.PUBLICATION]


def test_a_further_language_is_an_update_of_those_that_are_out(database: Database, tmp_path: Path) -> None:
    made = make_release(database, make_newsroom(database), ["en"])
    submitting.submit(database, "river", write_statement(tmp_path, "# دەق", "ckb"), now=now(), release_id=made.id)
    publishing.publish(database, made.id, now=now())
    assert [kind for kind, _ in recorded(database, made)] == [Kind.PUBLICATION, Kind.UPDATE]


def test_mended_spelling_concerns_its_own_language_and_the_credits_of_pictures_all(database: Database) -> None:
    for pictures, kinds in ((0, []), (1, [Kind.UPDATE])):
        made = make_release(database, make_newsroom(database, f"r{pictures}"), ["en", "ckb"], pictures=pictures)
        make_correction(database, made, {"en": "The bridge is opened."}, {}, minor=True)
        assert [kind for kind, _ in recorded(database, made)][2:] == [Kind.CORRECTION, *kinds]


def test_a_covered_picture_and_a_renamed_beat_are_updates_of_what_shows_them(database: Database) -> None:
    newsroom = make_newsroom(database)
    shown = make_release(database, newsroom, ["en"], beats=["water"], pictures=1)
    waiting = make_release(database, newsroom, ["en"], beats=["water"], public_from=now() + timedelta(hours=1))
    other = make_release(database, newsroom, ["en"])
    covering.cover(database, shown.assets[0].id, [Box(0, 0, 0.5, 0.5)], now=now())
    founding.add_beat(database, "river", "water", {"en": "Water"}, topic="medtop:06000000", now=now())
    founding.add_beat(database, "river", "water", {"en": "Water"}, now=now())
    assert [kind for kind, _ in recorded(database, shown)] == [Kind.PUBLICATION, Kind.UPDATE, Kind.UPDATE]
    for one in (waiting, other):
        assert [kind for kind, _ in recorded(database, one)] == [Kind.PUBLICATION]
    with database.reading() as tx:
        assert tx.get_one(Newsroom, newsroom.id).last_change == 5


def test_words_taken_out_of_a_newsrooms_name_are_an_update_of_all_it_says(database: Database) -> None:
    newsroom = make_newsroom(database, names={"en": "River of Zerya Canbaz"})
    made = make_release(database, newsroom, ["en"])
    vanishing.vanish_text(database, "river", "Zerya Canbaz", now=now())
    assert [kind for kind, _ in recorded(database, made)] == [Kind.PUBLICATION, Kind.UPDATE]


def test_an_act_that_waited_for_another_counts_as_later_than_it(database: Database) -> None:
    began = now()
    made = make_release(database, make_newsroom(database), ["en"], draft=True)
    publishing.publish(database, made.id, now=began + timedelta(seconds=2))
    retracting.retract(database, made.id, {"en": "No."}, now=began + timedelta(seconds=1))
    assert recorded(database, made) == [
        (kind, began + timedelta(seconds=2)) for kind in (Kind.PUBLICATION, Kind.RETRACTION)
    ]


def test_numbers_are_never_given_twice(database: Database) -> None:
    made = _scheduled(database, now() + timedelta(hours=1))
    rescheduling.unschedule(database, made.id, now=now())
    publishing.publish(database, made.id, at=now() + timedelta(hours=1), now=now())
    with database.reading() as tx:
        assert list(tx.scalars(select(PublicChange.number))) == [2]


@pytest.mark.parametrize("topic", ["water", "medtop:1", "medtop:0600000", "medtop:060000000", "MEDTOP:06000000"])
def test_only_a_code_of_media_topics_is_one(topic: str) -> None:
    assert not is_topic(topic)


def test_the_migration_finds_what_had_been_done_before_it(database: Database) -> None:
    newsroom = make_newsroom(database)
    made = [make_release(database, newsroom, ["en", "ckb"], titles={"en": f"{one}"}) for one in range(5)]
    make_correction(database, made[0], {"en": "It opens in May."}, {"en": "Not in spring."})
    make_correction(database, made[1], {"en": "The bridge is opened."}, {}, minor=True)
    retracting.retract(database, made[2].id, {"en": "Wrong."}, now=now())
    vanishing.vanish_release(database, made[2].id, now=now())
    vanishing.vanish_release(database, made[3].id, now=now())
    vanishing.vanish_text(database, "river", "bridge is open", release_id=made[4].id, now=now())
    waiting = make_release(database, newsroom, ["en"], public_from=now() + timedelta(hours=1))
    taken_back = make_release(database, newsroom, ["en"], public_from=now() + timedelta(hours=1))
    retracting.retract(database, taken_back.id, {"en": "Wrong."}, now=now())
    every = [*made, waiting, taken_back]
    before = [sorted(recorded(database, one)) for one in every]
    config = alembic_config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
        command.upgrade(config, "head")
    assert [sorted(recorded(database, one)) for one in every] == before
    with database.reading() as tx:
        numbers = list(tx.scalars(select(PublicChange.number).order_by(PublicChange.number)))
        assert numbers == list(range(1, tx.get_one(Newsroom, newsroom.id).last_change + 1))
