from __future__ import annotations

from datetime import timedelta

import pytest

from pressroom.db import Database
from pressroom.errors import NotFound
from pressroom.feeds import channel as channels
from pressroom.feeds.channel import Channel
from pressroom.releases import beat as beats
from pressroom.releases import publishing
from pressroom.releases.visibility import Visibility
from tests.makers import make_newsroom, make_release, now


def languages_of(database: Database, channel: Channel, **bounds: int) -> list[str]:
    with database.reading() as tx:
        return [one.language for one in channels.latest(tx, channel, now(), **bounds)]


def test_a_release_appears_once_in_the_first_language_that_is_out(database: Database) -> None:
    newsroom = make_newsroom(database, languages=["ckb", "kmr", "en"])
    for tags in (["en", "kmr"], ["ar", "en"], ["ar"], ["kmr", "ckb", "en"]):
        make_release(database, newsroom, tags, public_from=now() - timedelta(minutes=10))
    assert sorted(languages_of(database, Channel(newsroom))) == ["ar", "ckb", "en", "kmr"]


def test_items_come_newest_first_and_in_pages(database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    for number in (3, 1, 2, 5, 4):
        make_release(database, newsroom, titles={"en": str(number)}, public_from=now() - timedelta(hours=number))
    with database.reading() as tx:
        for channel in (Channel(newsroom), Channel(newsroom, "en"), Channel(), Channel(language="en")):
            titles = [
                one.title for skip in (0, 2, 4) for one in channels.latest(tx, channel, now(), limit=2, skip=skip)
            ]
            assert titles == ["1", "2", "3", "4", "5"]


def test_a_beat_and_a_newsroom_narrow_the_choice(database: Database) -> None:
    newsroom, other = make_newsroom(database), make_newsroom(database, "other")
    make_release(database, newsroom, ["en"], beats=["water"])
    make_release(database, newsroom, ["ckb"])
    make_release(database, other, ["ar"], beats=["water"])
    with database.reading() as tx:
        water = beats.in_newsroom(tx, newsroom.id)["water"]
    assert languages_of(database, Channel(newsroom, beat=water)) == ["en"]
    assert sorted(languages_of(database, Channel(newsroom))) == ["ckb", "en"]
    assert languages_of(database, Channel(other)) == ["ar"]


def test_siblings_are_only_those_that_are_out(database: Database) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom)
    with database.transaction() as tx:
        tx.get_one(publishing.Translation, made.translations["ar"].id).public_from = now() + timedelta(days=1)
    with database.reading() as tx:
        (item,) = channels.latest(tx, Channel(newsroom), now())
    assert [one.language for one in item.siblings] == ["ckb", "kmr"]


def test_the_last_change_counts_what_came_and_what_was_taken_back(database: Database) -> None:
    newsroom = make_newsroom(database)
    first = make_release(database, newsroom, ["en"], public_from=now() - timedelta(days=3))
    second = make_release(database, newsroom, ["ckb"], public_from=now() - timedelta(days=2))
    gone = now() - timedelta(days=1)
    publishing.retract(database, first.id, {"en": "Wrong."}, now=gone)
    with database.reading() as tx:
        assert channels.updated(tx, Channel(newsroom), now()) == gone
        assert channels.updated(tx, Channel(newsroom, "en"), now()) == gone
        assert channels.updated(tx, Channel(newsroom, "ckb"), now()) == second.release.public_from
        assert channels.updated(tx, Channel(newsroom, "ar"), now()) == newsroom.created_at


def test_an_address_finds_what_is_or_was_public(database: Database) -> None:
    newsroom = make_newsroom(database)
    made, hidden = make_release(database, newsroom, ["en"]), make_release(database, newsroom, ["ar"], draft=True)
    publishing.retract(database, made.id, {"en": "Wrong."}, now=now())
    with database.reading() as tx:
        item, seen = channels.by_slug(tx, newsroom, "en", made.translations["en"].slug, now())
        assert (item.release.id, seen) == (made.id, Visibility.RETRACTED)
        for tag, slug in (("ar", hidden.translations["ar"].slug), ("ckb", made.translations["en"].slug)):
            with pytest.raises(NotFound):
                channels.by_slug(tx, newsroom, tag, slug, now())
