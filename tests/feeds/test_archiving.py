from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest

from pressroom.db import Database
from pressroom.feeds import archive as archives
from pressroom.feeds import archiving
from pressroom.feeds import contents as feeds
from pressroom.feeds.channel import Channel
from pressroom.feeds.contents import Contents
from pressroom.feeds.entry import Standing
from pressroom.feeds.frame import LARGEST, LIMIT
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import retracting, vanishing
from pressroom.releases.beat import in_newsroom
from pressroom.releases.newsroom import Newsroom, NoticeStyle
from tests.makers import Made, make_correction, make_newsroom, make_release, now


def publish(database: Database, newsroom: Newsroom, count: int, *, body: str = "Text.") -> list[Made]:
    """One a day, the last of them yesterday, in English and every second one in Sorani."""
    return [
        make_release(
            database,
            newsroom,
            ["en", "ckb"] if day % 2 else ["en"],
            titles={"en": f"Day {day}"},
            bodies={"en": body, "ckb": body},
            public_from=now() - timedelta(days=day),
            beats=["water"] if day % 3 == 0 else [],
        )
        for day in range(count, 0, -1)
    ]


def close(database: Database) -> None:
    archiving.close_full(database, {}, now=now())


def documents(database: Database, channel: Channel) -> list[Contents]:
    """The feed, then its archives, the newest first."""
    with database.reading() as tx:
        spans = [archives.numbered(tx, channel, number).span for number in range(archives.count(tx, channel), 0, -1)]
        return [
            feeds.contents(tx, channel, now(), limit=LIMIT),
            *(feeds.archived(tx, channel, now(), span) for span in spans),
        ]


def ids(found: Contents) -> list[str]:
    return [one.id for one in found.entries]


@pytest.mark.parametrize("style", list(NoticeStyle))
def test_every_entry_stands_in_the_feed_or_in_one_archive(database: Database, style: NoticeStyle) -> None:
    newsroom = make_newsroom(database, languages=["en", "ckb"])
    with database.transaction() as tx:
        tx.get_one(Newsroom, newsroom.id).notice_style = style
    made = publish(database, newsroom, 130)
    for number, one in enumerate(made[::10]):
        at = now() - timedelta(hours=1, minutes=number)
        make_correction(database, one, {"en": f"Better {number}."}, {"en": "Better."}, at=at)
    for one in made[5::40]:
        retracting.retract(database, one.id, {"en": "Wrong."}, now=now() - timedelta(minutes=90))
    close(database)
    with database.reading() as tx:
        beat = in_newsroom(tx, newsroom.id)["water"]
    for channel in (Channel(), Channel(newsroom), Channel(newsroom, "en"), Channel(newsroom, "ckb", beat)):
        with database.reading() as tx:
            everything = [one.id for _, one in feeds.dated(tx, channel, now())]
        feed, *parts = documents(database, channel)
        archived = [one for part in parts for one in ids(part)]
        assert len(archived) == len(set(archived)) and {len(part.entries) for part in parts} <= {LIMIT}
        assert set(ids(feed)) | set(archived) == set(everything)
        assert everything[: len(everything) - len(archived)] == ids(feed)[: len(everything) - len(archived)]
        assert archived == everything[len(everything) - len(archived) :]


def test_an_archive_keeps_its_entries_and_tells_what_became_of_them(database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en", "ckb"])
    made = publish(database, newsroom, 60)
    close(database)
    channel = Channel(newsroom, "en")
    *_, before = documents(database, channel)
    corrected, retracted, removed = made[:3]
    make_correction(database, corrected, {"en": "Better."}, {"en": "It is better."}, at=now())
    retracting.retract(database, retracted.id, {"en": "Wrong."}, now=now())
    vanishing.vanish_release(database, removed.id, now=now())
    publish(database, newsroom, 10)
    close(database)
    *_, after = documents(database, channel)
    urns = [one.translations["en"].urn for one in (corrected, retracted, removed)]
    assert ids(after) == [one for one in ids(before) if one != urns[2]]
    standing = {one.id: one.standing for one in after.entries}
    assert (standing[urns[0]], standing[urns[1]]) == (Standing.CORRECTED, Standing.RETRACTED)
    assert {urns[1], urns[2]} == {one.ref for one in after.tombstones}
    assert after.updated is not None and before.updated is not None and after.updated > before.updated


def test_long_texts_are_archived_before_the_feed_would_drop_them(database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    publish(database, newsroom, 40, body="A long <b>paragraph</b>. " * 2000)
    close(database)
    channel = Channel(newsroom, "en")
    feed, *parts = documents(database, channel)
    sizes = [sum(archiving._size(one) for one in part.entries) for part in parts]
    assert len(parts) > 3 and max(sizes) < LARGEST
    archived = {one for part in parts for one in ids(part)}
    waiting = [one for one in feed.entries if one.id not in archived]
    assert sum(archiving._size(one) for one in waiting) <= LARGEST / 2
    assert len(archived) + len(waiting) == 40


def test_what_may_not_have_settled_yet_stays_open(database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    for number in range(LIMIT):
        make_release(database, newsroom, public_from=now() - timedelta(seconds=59 - number))
    looked: archiving.Looked = {}
    archiving.close_full(database, looked, now=now())
    with database.reading() as tx:
        assert archives.count(tx, Channel(newsroom, "en")) == 0
    archiving.close_full(database, looked, now=now() + timedelta(minutes=2))
    with database.reading() as tx:
        assert archives.count(tx, Channel(newsroom, "en")) == 2


def test_the_first_part_is_closed_as_two_so_that_each_archive_names_another(database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    channel = Channel(newsroom, "en")
    publish(database, newsroom, LIMIT)
    close(database)
    _, *parts = documents(database, channel)
    assert [len(part.entries) for part in parts] == [LIMIT // 2, LIMIT // 2]
    publish(database, newsroom, 1)
    close(database)
    assert len(documents(database, channel)) == 3


def test_entries_of_one_moment_are_one_archive(database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    moment = now() - timedelta(days=1)
    for _ in range(LIMIT):
        make_release(database, newsroom, public_from=moment)
    close(database)
    _, *parts = documents(database, Channel(newsroom, "en"))
    assert [len(part.entries) for part in parts] == [LIMIT]


def test_closing_shows_in_every_process_and_doing_it_again_changes_nothing(database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    publish(database, newsroom, LIMIT)

    def generation() -> int:
        with database.reading() as tx:
            return newsrooms.by_slug(tx, newsroom.slug).generation

    before = generation()
    close(database)
    closed = generation()
    assert closed > before
    close(database)
    assert generation() == closed


def test_two_clocks_close_each_part_once(database: Database) -> None:
    newsroom = make_newsroom(database, languages=["en"])
    publish(database, newsroom, 3 * LIMIT)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            close(database)
        except BaseException as error:
            failures.append(error)

    clocks = [threading.Thread(target=work) for _ in range(3)]
    for one in clocks:
        one.start()
    for one in clocks:
        one.join()
    assert failures == []
    _, *parts = documents(database, Channel(newsroom, "en"))
    assert [len(part.entries) for part in parts] == [LIMIT] * 3


def test_readers_that_come_now_and_then_miss_nothing(database: Database) -> None:
    """Each walks back along prev-archive until an archive it has seen, as RFC 5005 §4 has it."""
    chance = random.Random(5)
    newsroom = make_newsroom(database, languages=["en"])
    channel, known, seen = Channel(newsroom, "en"), set[int](), set[str]()
    began = now() - timedelta(days=2)
    for step in range(180):
        make_release(database, newsroom, titles={"en": f"S {step}"}, public_from=began + timedelta(minutes=10 * step))
        if chance.random() < 0.1 or step == 179:
            close(database)
            with database.reading() as tx:
                seen |= set(ids(feeds.contents(tx, channel, now(), limit=LIMIT)))
                for number in range(archives.count(tx, channel), 0, -1):
                    if number in known:
                        break
                    known.add(number)
                    seen |= set(ids(feeds.archived(tx, channel, now(), archives.numbered(tx, channel, number).span)))
    with database.reading() as tx:
        assert seen == {one.id for _, one in feeds.dated(tx, channel, now())}
