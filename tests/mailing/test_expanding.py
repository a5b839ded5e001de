from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pressroom.mailing import steering
from pressroom.mailing.expanding import expand
from pressroom.mailing.mailing import State
from pressroom.mailing.notice import Notice
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
