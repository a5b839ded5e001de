from __future__ import annotations

from datetime import timedelta

import pytest

from pressroom.db import Database
from pressroom.errors import NotFound
from pressroom.feeds import channel as channels
from pressroom.feeds.channel import Channel
from pressroom.releases import beat as beats
from pressroom.releases import retracting, vanishing
from pressroom.releases.former_slug import remember
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from tests.makers import make_correction, make_newsroom, make_release, now


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
        tx.get_one(Translation, made.translations["ar"].id).public_from = now() + timedelta(days=1)
    with database.reading() as tx:
        (item,) = channels.latest(tx, Channel(newsroom), now())
    assert [one.language for one in item.siblings] == ["ckb", "kmr"]


def test_the_last_change_counts_what_came_and_what_was_taken_back(database: Database) -> None:
    newsroom = make_newsroom(database)
    first = make_release(database, newsroom, ["en"], public_from=now() - timedelta(days=3))
    second = make_release(database, newsroom, ["ckb"], public_from=now() - timedelta(days=2))
    gone = now() - timedelta(days=1)
    retracting.retract(database, first.id, {"en": "Wrong."}, now=gone)
    with database.reading() as tx:
        assert channels.updated(tx, newsroom, now()) == channels.updated(tx, None, now()) == gone
        assert channels.updated(tx, newsroom, gone - timedelta(hours=1)) == second.release.public_from
        assert channels.updated(tx, newsroom, now() - timedelta(days=4)) == newsroom.created_at
    other = make_newsroom(database, "other", at=now() - timedelta(minutes=5))
    with database.reading() as tx:
        assert channels.updated(tx, newsroom, now()) == gone
        assert channels.updated(tx, None, now()) == other.created_at


def test_an_address_finds_what_is_or_was_public(database: Database) -> None:
    newsroom = make_newsroom(database)
    made, hidden = make_release(database, newsroom, ["en"]), make_release(database, newsroom, ["ar"], draft=True)
    retracting.retract(database, made.id, {"en": "Wrong."}, now=now())
    with database.reading() as tx:
        found = channels.by_slug(tx, newsroom, "en", made.translations["en"].slug, now())
        assert found.item is not None
        assert (found.item.release.id, found.seen) == (made.id, Visibility.RETRACTED)
        for tag, slug in (("ar", hidden.translations["ar"].slug), ("ckb", made.translations["en"].slug)):
            with pytest.raises(NotFound):
                channels.by_slug(tx, newsroom, tag, slug, now())


def test_the_last_change_counts_corrections_and_removals(database: Database) -> None:
    newsroom = make_newsroom(database, at=now() - timedelta(days=90))
    began, then = now() - timedelta(days=9), now() - timedelta(days=5)
    made = make_release(database, newsroom, ["en", "ckb"], public_from=began)
    make_correction(database, made, {"en": "The bridge is closed."}, {"en": "It is not open."}, at=then)
    with database.reading() as tx:
        assert channels.updated(tx, newsroom, now()) == then
    later = now() - timedelta(days=2)
    make_correction(database, made, {"en": "The bridge is shut."}, {}, minor=True, at=later)
    with database.reading() as tx:
        assert channels.updated(tx, newsroom, now()) == later, "spelling changes what a page shows, too"
    gone = now() - timedelta(days=1)
    vanishing.vanish_release(database, made.id, now=gone)
    with database.reading() as tx:
        assert channels.updated(tx, newsroom, now()) == gone


def test_the_last_change_counts_a_name_taken_out_of_what_was_retracted(database: Database) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, ["en"], titles={"en": "Şîlan speaks"})
    retracting.retract(database, made.id, {"en": "Wrong."}, now=now())
    at = now()
    vanishing.vanish_text(database, "river", "Şîlan", now=at)
    with database.reading() as tx:
        assert channels.updated(tx, newsroom, now()) == at


def test_what_was_taken_back_before_it_was_public_changes_nothing(database: Database) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, public_from=now() + timedelta(hours=1))
    retracting.retract(database, made.id, {"en": "Never mind."}, now=now())
    later = now() + timedelta(days=1)
    with database.reading() as tx:
        assert channels.updated(tx, newsroom, later) == newsroom.created_at
    vanishing.vanish_release(database, made.id, now=later)
    with database.reading() as tx:
        assert channels.updated(tx, newsroom, later + timedelta(days=1)) == newsroom.created_at


def test_an_address_that_was_given_up_leads_on_only_to_what_is_public(database: Database) -> None:
    newsroom = make_newsroom(database)
    public, hidden = make_release(database, newsroom, ["en"]), make_release(database, newsroom, ["ckb"], draft=True)
    before = {}
    for made in (public, hidden):
        with database.transaction() as tx:
            for translation in made.translations.values():
                row = tx.get_one(Translation, translation.id)
                before[translation.language] = row.slug
                remember(tx, row)
                row.slug = f"other-{row.language}"
    with database.reading() as tx:
        found = channels.by_slug(tx, newsroom, "en", before["en"], now())
        assert (found.seen, found.moved_to) == (Visibility.PUBLIC, "other-en")
        assert channels.by_slug(tx, newsroom, "en", "other-en", now()).moved_to is None
        with pytest.raises(NotFound):
            channels.by_slug(tx, newsroom, "ckb", before["ckb"], now())
        with pytest.raises(NotFound):
            channels.by_slug(tx, newsroom, "ar", before["en"], now())


def test_of_what_was_removed_there_is_no_item_at_its_old_address(database: Database) -> None:
    newsroom = make_newsroom(database)
    made = make_release(database, newsroom, ["en"])
    vanishing.vanish_release(database, made.id, now=now())
    with database.reading() as tx:
        found = channels.by_slug(tx, newsroom, "en", made.translations["en"].slug, now())
        assert (found.seen, found.item, found.moved_to) == (Visibility.REMOVED, None, None)
