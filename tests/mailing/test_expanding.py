from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.mailing import steering
from pressroom.mailing.delivery import Delivery, DeliveryState
from pressroom.mailing.expanding import expand
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.notice import RETRACTION, Notice
from tests.mailing.makers import MailHouse
from tests.makers import Made, make_newsroom, make_release


def _start(house: MailHouse, people: int) -> tuple[Made, int]:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    for number in range(people):
        house.subscriber(newsroom, f"person{number}@example.org", [press])
    made = make_release(house.database, newsroom)
    mailing_id = steering.start_mailing(
        house.database, house.keyring, made.id, ["press"], hold=timedelta(0), now=house.now()
    )
    return made, mailing_id


@pytest.mark.parametrize("page", [1, 3, 7, 500])
def test_every_page_size_counts_everybody_once(house: MailHouse, page: int) -> None:
    _, mailing_id = _start(house, 7)
    expand(house.database, mailing_id, house.ring, page=page)
    assert house.progress(mailing_id).total == 7


def test_others_may_write_between_any_two_pages(house: MailHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    made, mailing_id = _start(house, 7)
    wrote: list[int] = []

    def another(_database: Database) -> None:
        wrote.append(house.mailing(made, hold=timedelta(hours=len(wrote) + 1), test="x@example.org"))

    monkeypatch.setattr(Database, "let_others_write", another)
    expand(house.database, mailing_id, house.ring, page=2)
    assert len(wrote) == 3 and house.progress(mailing_id).total == 7


def test_two_workers_counting_one_mailing_count_everybody_once(house: MailHouse) -> None:
    _, mailing_id = _start(house, 30)
    threads = [
        threading.Thread(target=expand, args=(house.database, mailing_id, house.ring), kwargs={"page": 2})
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.send()
    assert house.progress(mailing_id).sent == 30
    assert set(house.sink.counts().values()) == {1}


def test_counting_stops_when_paused_and_ends_after_resuming(house: MailHouse) -> None:
    _, mailing_id = _start(house, 5)
    steering.pause(house.database, mailing_id, now=house.now())
    expand(house.database, mailing_id, house.ring)
    assert (house.progress(mailing_id).total, house.progress(mailing_id).state) == (0, State.PAUSED)
    steering.resume(house.database, mailing_id, now=house.now())
    expand(house.database, mailing_id, house.ring)
    assert (house.progress(mailing_id).total, house.progress(mailing_id).state) == (5, State.SENDING)


def test_a_retraction_while_a_mailing_is_counted_succeeds(house: MailHouse) -> None:
    """On PostgreSQL a lock that foreign keys meet made one of the two fail (DeadlockDetected)."""
    made, mailing_id = _start(house, 60)
    failed: list[BaseException] = []

    def count() -> None:
        try:
            expand(house.database, mailing_id, house.ring, page=1)
        except BaseException as error:
            failed.append(error)

    counting = threading.Thread(target=count)
    counting.start()
    while not _notices(house):
        pass
    house.retract(made)
    counting.join(30)
    assert failed == []
    progress = house.progress(mailing_id)
    assert (progress.state, progress.pending) == (State.CANCELLED, 0)


def _notices(house: MailHouse) -> int:
    with house.database.reading() as tx:
        return tx.execute(select(func.count()).select_from(Notice)).scalar_one()


class _Between(Database):
    """Does something once, after its first transaction has been committed."""

    def __init__(self, database: Database, act: Callable[[], None]) -> None:
        self.__dict__.update(database.__dict__)
        self._acts = [act]

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as tx:
            yield tx
        if self._acts:
            self._acts.pop()()


def test_whoever_has_it_between_two_pages_of_a_follow_up_is_told_too(house: MailHouse) -> None:
    made, mailing_id = _start(house, 3)
    expand(house.database, mailing_id, house.ring)
    _settle(house, mailing_id, DeliveryState.SENT)
    _settle(house, mailing_id, DeliveryState.SENDING, only_first=True)
    house.retract(made)
    with house.database.reading() as tx:
        follow_up = tx.scalars(select(Mailing.id).where(Mailing.purpose == RETRACTION)).one()
    between = _Between(house.database, lambda: _settle(house, mailing_id, DeliveryState.SENT))
    expand(between, follow_up, house.ring, page=1)
    expand(house.database, follow_up, house.ring)
    assert house.progress(follow_up).total == 3


def _settle(house: MailHouse, mailing_id: int, state: DeliveryState, *, only_first: bool = False) -> None:
    with house.database.transaction() as tx:
        at = tx.get_one(Mailing, mailing_id).created_at
        change = update(Delivery).where(Delivery.mailing_id == mailing_id).values(state=state, sending_at=at)
        first = select(func.min(Delivery.subscriber_id)).where(Delivery.mailing_id == mailing_id).scalar_subquery()
        tx.execute(change.where(Delivery.subscriber_id == first) if only_first else change)
