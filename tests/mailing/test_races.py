"""Two acts at once, one of which waits in the middle of its transaction: the other waits too, and both hold."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

from sqlalchemy import select

from pressroom.db import Database
from pressroom.mailing import accompanying, steering, stopping
from pressroom.mailing import mailing as mailings
from pressroom.mailing.accompanying import Plan
from pressroom.mailing.delivery import Delivery
from pressroom.mailing.expanding import expand
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.subscriber import Subscriber
from pressroom.releases import submitting
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from tests.mailing.makers import MailHouse
from tests.makers import make_newsroom, make_release, write_statement

_A_MOMENT = 0.3


class _Slow(Database):
    """Its transactions say when they are about to commit, and wait to be let go."""

    def __init__(self, database: Database) -> None:
        self.__dict__.update(database.__dict__)
        self.open, self.go = Event(), Event()

    def transaction(self):  # type: ignore[no-untyped-def]
        @contextmanager
        def slowly():  # type: ignore[no-untyped-def]
            with Database.transaction(self) as tx:
                yield tx
                tx.flush()
                self.open.set()
                assert self.go.wait(10)

        return slowly()


def _beside(first: Callable[[Database], object], second: Callable[[], object], database: Database) -> Future[object]:
    """Does the second while the first has not committed; returns the second, which must have waited or refused."""
    slow = _Slow(database)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first, slow)
        assert slow.open.wait(10)
        other = pool.submit(second)
        # Long enough to run into the first one's locks; the outcome does not depend on it.
        Event().wait(_A_MOMENT)
        slow.go.set()
        one.result(20)
        other.exception(20)
    return other


def _mailed_newsroom(house: MailHouse, people: int = 3, **given: str) -> Newsroom:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    for number in range(people):
        house.subscriber(newsroom, f"person{number}@example.org", [press], languages=("kmr", "en"))
    return newsroom


def test_what_starts_while_everything_is_stopped_is_stopped_too(house: MailHouse) -> None:
    newsroom = _mailed_newsroom(house)
    made = make_release(house.database, newsroom, ["en"])

    def start(database: Database) -> int:
        return steering.start_mailing(database, house.keyring, made.id, ["press"], hold=timedelta(0), now=house.now())

    _beside(start, lambda: stopping.stop_everything(house.database, newsroom.slug, now=house.now()), house.database)
    with house.database.reading() as tx:
        assert tx.get_one(Newsroom, newsroom.id).stopped_at is not None
        assert list(tx.scalars(select(Mailing.state))) == [State.PAUSED]


def test_a_release_vanishes_while_its_recipients_are_counted(house: MailHouse) -> None:
    newsroom = _mailed_newsroom(house)
    made = make_release(house.database, newsroom, ["en"])
    with house.database.transaction() as tx:
        tx.get_one(Release, made.id).given_id = "given-by-the-organiser"
    mailing_id = steering.start_mailing(
        house.database, house.keyring, made.id, ["press"], hold=timedelta(0), now=house.now()
    )
    vanished = _beside(
        lambda database: expand(database, mailing_id, house.ring),
        lambda: accompanying.vanish_release(house.database, made.id, tell=False, now=house.now()),
        house.database,
    )
    assert vanished.result() is True
    with house.database.reading() as tx:
        assert mailings.get(tx, mailing_id).state is State.CANCELLED


def test_nobody_who_is_just_counted_waits_for_a_language_that_came_meanwhile(house: MailHouse, tmp_path: Path) -> None:
    newsroom = _mailed_newsroom(house)
    with house.database.transaction() as tx:
        for one in tx.scalars(select(Subscriber)):
            one.wait_hours = 6
    made = make_release(house.database, newsroom, ["en"])
    mailing_id = steering.start_mailing(
        house.database, house.keyring, made.id, ["press"], hold=timedelta(0), now=house.now()
    )
    text = write_statement(tmp_path, "# Pira nû vebû\n\nPir vekirî ye.", "kmr")
    submitting.submit(house.database, newsroom.slug, text, now=house.now(), release_id=made.id)
    _beside(
        lambda database: expand(database, mailing_id, house.ring),
        lambda: accompanying.publish(house.database, house.keyring, made.id, Plan(), now=house.now()),
        house.database,
    )
    with house.database.reading() as tx:
        assert set(tx.scalars(select(Delivery.waits_for))) == {None}
        assert all(moment <= house.now() for moment in tx.scalars(select(Delivery.next_at)))
