from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from pressroom.config import Config
from pressroom.db import Database
from pressroom.mailing import digest, digesting, following_up, steering, stopping, subscribing
from pressroom.mailing.choosing import Choices, choose
from pressroom.mailing.delivery import Delivery, DeliveryState
from pressroom.mailing.digesting import begin_due
from pressroom.mailing.expanding import expand
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.notice import Notice
from pressroom.mailing.subscriber import Frequency
from pressroom.releases.newsroom import Newsroom
from tests.mailing.digests import DAY, HOUR, DigestHouse
from tests.mailing.makers import MailHouse
from tests.makers import make_correction, make_newsroom
from tests.sink import Sink

DAILY, WEEKLY, IMMEDIATE = Frequency.DAILY, Frequency.WEEKLY, Frequency.IMMEDIATE


@pytest.fixture
def room(house: MailHouse) -> DigestHouse:
    return DigestHouse(house)


def test_a_day_of_releases_is_one_message(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    room.subscriber("once@example.org", IMMEDIATE)
    first = room.mailed("Bridge")[1]
    room.mailed("Water")
    assert set(room.house.sink.recipients()) == {"once@example.org"}
    room.pass_time()
    room.leave()
    own = [one for one in room.house.sink.received if one.recipient == "daily@example.org"]
    assert len(own) == 1
    assert set(room.told().values()) == {1} and len(room.told()) == 4
    (digests,) = room.digests()
    progress = room.house.progress(digests)
    assert (progress.state, progress.total, progress.sent) == (State.FINISHED, 1, 1)
    assert (room.house.progress(first).total, room.house.progress(first).in_digests) == (1, 1)


def test_nothing_is_begun_before_the_hour_or_twice_or_for_nobody(room: DigestHouse) -> None:
    assert begin_due(room.database) == 0, "nothing to tell"
    room.subscriber("daily@example.org")
    room.mailed("Bridge")
    assert begin_due(room.database) == 0, "it has waited only since the hour"
    room.pass_time()
    assert begin_due(room.database) == 1
    assert begin_due(room.database) == 0
    room.expand()
    room.house.send()
    room.mailed("Water")
    room.pass_time()
    room.leave()
    assert ("daily@example.org", "Water") in room.told(), "the next instant"


def test_two_clocks_at_once_begin_one(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    room.mailed("Bridge")
    room.pass_time()
    clocks = [threading.Thread(target=begin_due, args=(room.database,)) for _ in range(4)]
    for clock in clocks:
        clock.start()
    for clock in clocks:
        clock.join()
    assert len(room.digests()) == 1


def test_a_weekly_digest_leaves_on_its_day(room: DigestHouse) -> None:
    room.subscriber("weekly@example.org", WEEKLY)
    room.set_digest_time(room.house.now() - timedelta(days=3))
    room.mailed("Bridge")
    room.pass_time(timedelta(days=2))
    room.leave()
    assert room.house.sink.received == []
    room.pass_time(timedelta(days=2))
    room.leave()
    assert room.told() == {("weekly@example.org", "Bridge"): 1}


def test_each_release_is_told_in_the_best_language_of_each_reader(room: DigestHouse) -> None:
    room.subscriber("hawar@example.org", DAILY, "ckb", "en")
    room.mailed("Bridge", "en", "ckb")
    room.mailed("Water", "en")
    room.pass_time()
    room.leave()
    (mail,) = room.house.sink.received
    assert mail.language == "ckb"
    html = mail.message.get_body(("html",)).get_content()
    assert '<div lang="ckb" dir="rtl" style="margin' in html and '<div lang="en" dir="ltr" style="margin' in html
    assert "Bridge ckb" in html


def test_only_followed_beats_stand_in_a_digest(room: DigestHouse) -> None:
    room.subscriber("daily@example.org", beats=["water"])
    room.mailed("Bridge", beats=["labour"])
    room.mailed("Water", beats=["water", "labour"])
    room.pass_time()
    room.leave()
    assert room.told() == {("daily@example.org", "Water"): 1}


def test_a_second_mailing_of_what_waits_or_was_told_tells_nobody_again(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    made, _ = room.mailed("Bridge")
    room.house.mailing(made)
    room.pass_time()
    room.leave()
    room.house.mailing(made)
    room.house.send()
    room.pass_time(2 * DAY)
    room.leave()
    assert room.told() == {("daily@example.org", "Bridge"): 1}


def test_a_retraction_before_it_leaves_takes_a_release_out_and_an_empty_digest_is_not_sent(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    (made, _), _ = room.mailed("Bridge"), room.mailed("Water")
    room.house.retract(made)
    room.pass_time()
    room.leave()
    assert room.told() == {("daily@example.org", "Water"): 1}
    alone, _ = room.mailed("Market")
    room.house.retract(alone)
    room.pass_time(DAY)
    assert begin_due(room.database) == 0
    assert room.waiting() == 0


def test_a_retraction_takes_a_release_out_of_a_digest_that_was_gathered(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    (made, _), (other, _) = room.mailed("Bridge"), room.mailed("Water")
    room.pass_time()
    room.begin()
    room.expand()
    room.house.retract(made)
    room.house.send()
    assert room.told() == {("daily@example.org", "Water"): 1}
    room.expand()
    room.house.send()
    assert len(room.house.sink.received) == 1, "who never had it hears nothing of its end"
    room.house.retract(other)
    room.expand()
    room.house.send()
    assert [one.subject for one in room.house.sink.received[1:]] == ["Retracted: Water"]


def test_a_digest_of_which_nothing_is_left_is_not_sent_and_its_counts_add_up(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    made, _ = room.mailed("Bridge")
    room.pass_time()
    room.begin()
    room.expand()
    room.house.retract(made)
    room.house.send()
    assert room.house.sink.received == []
    progress = room.house.progress(room.digests()[0])
    assert (progress.total, progress.cancelled, progress.state) == (1, 1, State.FINISHED)


def test_a_correction_before_it_leaves_is_told_and_one_after_it_follows_up(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    made, _ = room.mailed("Bridge", bodies={"en": "The bridge is open."})
    make_correction(room.database, made, {"en": "The bridge is closed."}, {"en": "It was closed."})
    room.pass_time()
    room.leave()
    (mail,) = room.house.sink.received
    assert "The bridge is closed." in mail.text and "Correction: It was closed." in mail.text
    corrected = make_correction(room.database, made, {"en": "The bridge is open again."}, {"en": "It is open."})
    assert corrected.number is not None
    with room.database.transaction() as tx:
        following_up.of_correction(room.database, tx, made.release, corrected.number, by=None)
    room.expand()
    room.house.send()
    assert room.house.sink.received[-1].subject == "Correction: Bridge"
    assert room.house.sink.received[-1].recipient == "daily@example.org"


def test_a_follow_up_is_in_the_language_in_which_the_digest_told_of_the_release(room: DigestHouse) -> None:
    room.subscriber("hawar@example.org", DAILY, "ckb", "en")
    made, _ = room.mailed("Water", "en")
    room.pass_time()
    room.leave()
    assert room.house.sink.received[0].language == "ckb"
    room.house.retract(made)
    room.expand()
    room.house.send()
    assert (room.house.sink.received[1].language, room.house.sink.received[1].subject) == ("en", "Retracted: Water")


def test_a_retraction_while_a_digest_is_in_doubt_reaches_who_may_have_had_it(room: DigestHouse) -> None:
    """The second copy no longer tells of the release; the first may have."""
    room.subscriber("daily@example.org")
    (made, _), _ = room.mailed("Bridge"), room.mailed("Water")
    room.pass_time()
    room.begin()
    room.expand()
    with room.database.transaction() as tx:
        past = room.database.now(tx) - timedelta(seconds=30)
        doubt = {"state": DeliveryState.SENDING, "sending_at": past, "first_at": past, "attempts": 1}
        tx.execute(update(Delivery).values(doubt))
    room.house.retract(made)
    room.house.send()
    assert room.told() == {("daily@example.org", "Water"): 1}
    with room.database.transaction() as tx:
        tx.execute(text("UPDATE outbox SET not_before = 0"))
    room.expand()
    room.house.send()
    assert room.house.sink.received[-1].subject == "Retracted: Bridge"


def test_leaving_suppression_and_pausing_count_from_their_commit_on(room: DigestHouse) -> None:
    left = room.subscriber("left@example.org")
    room.subscriber("suppressed@example.org")
    paused = room.subscriber("paused@example.org")
    room.subscriber("stays@example.org")
    room.mailed("Bridge")
    room.pass_time()
    room.begin()
    room.expand()
    now = room.house.now()
    subscribing.leave(room.database, left, now=now)
    room.house.suppress("suppressed@example.org")
    choose(room.database, paused, Choices(["en"], [], 0, DAILY, now + DAY), now=now)
    room.house.send()
    assert set(room.house.sink.recipients()) == {"stays@example.org"}
    progress = room.house.progress(room.digests()[0])
    assert (progress.total, progress.sent, progress.suppressed, progress.state) == (4, 1, 3, State.FINISHED)


def test_who_pauses_gets_nothing_then_and_afterwards_only_what_comes_then(room: DigestHouse) -> None:
    daily, once = room.subscriber("daily@example.org"), room.subscriber("once@example.org", IMMEDIATE)
    room.mailed("Bridge")
    now = room.house.now()
    for one, frequency in ((daily, DAILY), (once, IMMEDIATE)):
        choose(room.database, one, Choices(["en"], [], 0, frequency, now + DAY), now=now)
    room.mailed("Water")
    room.pass_time()
    room.leave()
    assert room.told() == {("once@example.org", "Bridge"): 1}
    for one in (daily, once):
        room.change(one, paused_until=room.house.now() - timedelta(minutes=30))
    room.mailed("Market")
    room.pass_time(timedelta(minutes=20))
    room.leave()
    told = {("once@example.org", "Bridge"): 1, ("once@example.org", "Market"): 1, ("daily@example.org", "Market"): 1}
    assert room.told() == told


def test_a_pause_that_is_ended_early_loses_nothing_that_waited_before(room: DigestHouse) -> None:
    daily = room.subscriber("daily@example.org")
    room.mailed("Bridge")
    now = room.house.now()
    choose(room.database, daily, Choices(["en"], [], 0, DAILY, now + DAY), now=now)
    choose(room.database, daily, Choices(["en"], [], 0, DAILY), now=now)
    room.pass_time()
    room.leave()
    assert room.told() == {("daily@example.org", "Bridge"): 1}


def test_who_pauses_still_hears_of_a_retraction(room: DigestHouse) -> None:
    once = room.subscriber("once@example.org", IMMEDIATE)
    made, _ = room.mailed("Bridge")
    now = room.house.now()
    choose(room.database, once, Choices(["en"], [], 0, IMMEDIATE, now + DAY), now=now)
    room.house.retract(made)
    room.expand()
    room.house.send()
    assert room.house.sink.received[-1].subject == "Retracted: Bridge"


def test_a_pause_that_ends_before_the_mailing_begins_does_not_count(room: DigestHouse) -> None:
    once = room.subscriber("once@example.org", IMMEDIATE)
    room.change(once, paused_until=room.house.now() + HOUR)
    made = room.release("Bridge", public_from=room.house.now() + 2 * HOUR)
    assert room.house.progress(room.house.mailing(made)).total == 1
    room.change(once, paused_until=room.house.now() + 3 * HOUR)
    other = room.release("Water", public_from=room.house.now() + 2 * HOUR)
    assert room.house.progress(room.house.mailing(other)).total == 0


def test_what_waited_goes_in_a_last_digest_when_somebody_wants_each_at_once(room: DigestHouse) -> None:
    daily = room.subscriber("daily@example.org")
    room.mailed("Bridge")
    room.mailed("Water")
    choose(room.database, daily, Choices(["en"], []), now=room.house.now())
    room.pass_time(2 * HOUR)
    room.leave()
    assert len(room.house.sink.received) == 1 and len(room.told()) == 2
    room.mailed("Market")
    assert set(room.told().values()) == {1} and len(room.told()) == 3


def test_nothing_that_is_not_public_stands_in_a_digest(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    embargoed = room.release("Bridge", public_from=room.house.now() + DAY)
    room.house.mailing(embargoed)
    room.mailed("Water")
    # As if the hour had come, with only the embargo in its way.
    with room.database.transaction() as tx:
        tx.execute(update(Mailing).values(state=State.SENDING))
    room.pass_time(3 * DAY)
    room.leave()
    assert room.told() == {("daily@example.org", "Water"): 1}
    assert room.waiting() == 1


def test_a_mailing_that_is_held_paused_or_cancelled_is_not_told_in_digests(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    room.subscriber("once@example.org", IMMEDIATE)
    held = room.house.mailing(room.release("Bridge"), hold=HOUR)
    paused = room.house.mailing(room.release("Water"))
    steering.pause(room.database, paused, now=room.house.now())
    cancelled = room.house.mailing(room.release("Market"))
    steering.cancel(room.database, cancelled, now=room.house.now())
    room.pass_time(3 * HOUR)
    assert begin_due(room.database) == 0
    assert (room.house.progress(held).in_digests, room.house.progress(cancelled).in_digests) == (1, 0)


def test_a_mailing_cancelled_or_paused_after_it_was_gathered_stays_out_of_the_digest(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    room.subscriber("once@example.org", IMMEDIATE)
    # Their own messages wait, so that these mailings can still be stopped.
    cancelled, paused = room.house.mailing(room.release("Bridge")), room.house.mailing(room.release("Water"))
    rung, room.house.rung = room.house.rung, []
    room.hold_back(cancelled, paused)
    room.mailed("Market")
    room.pass_time()
    room.begin()
    room.expand()
    steering.cancel(room.database, cancelled, now=room.house.now())
    steering.pause(room.database, paused, now=room.house.now())
    room.house.send()
    told = {("daily@example.org", "Market"): 1, ("once@example.org", "Market"): 1}
    assert room.told() == told
    steering.resume(room.database, paused, now=room.house.now())
    room.hold_back(paused, span=timedelta(0))
    room.house.rung = rung
    room.house.send()
    room.pass_time(DAY)
    room.leave()
    assert room.told() == {**told, ("daily@example.org", "Water"): 1, ("once@example.org", "Water"): 1}


def test_a_mailing_of_which_everybody_hears_in_digests_is_held_like_any(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    mailing_id = room.house.mailing(room.release("Bridge"), hold=HOUR)
    progress = room.house.progress(mailing_id)
    assert (progress.state, progress.total, progress.in_digests) == (State.HELD, 0, 1)
    steering.cancel(room.database, mailing_id, now=room.house.now())
    assert room.waiting() == 0


def test_stopping_everything_stops_digests(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    room.mailed("Bridge")
    room.pass_time()
    room.begin()
    stopping.stop_everything(room.database, "river", now=room.house.now())
    room.expand()
    room.house.send()
    assert room.house.sink.received == []
    assert room.house.progress(room.digests()[0]).state is State.PAUSED


def test_a_cancelled_digest_leaves_its_releases_to_another_mailing(room: DigestHouse) -> None:
    room.subscriber("daily@example.org")
    made, _ = room.mailed("Bridge")
    room.pass_time()
    room.begin()
    room.expand()
    steering.cancel(room.database, room.digests()[0], now=room.house.now())
    room.house.send()
    room.house.mailing(made)
    room.pass_time(DAY)
    room.leave()
    assert room.told() == {("daily@example.org", "Bridge"): 1}


def test_accredited_people_get_what_is_under_embargo_at_once(room: DigestHouse) -> None:
    trusted = room.subscriber("trusted@example.org")
    room.change(trusted, accredited_at=room.house.now())
    made = room.release("Bridge", public_from=room.house.now() + DAY)
    mailing_id = steering.start_mailing(
        room.database, room.house.keyring, made.id, ["press"], hold=timedelta(0), now=room.house.now(),
        under_embargo=True,
    )  # fmt: skip
    expand(room.database, mailing_id, room.house.ring)
    room.house.send()
    assert room.told() == {("trusted@example.org", "Bridge"): 1}


def test_a_language_that_is_awaited_is_awaited_in_digests_too(room: DigestHouse) -> None:
    hawar = room.subscriber("hawar@example.org", DAILY, "ckb", "en")
    room.change(hawar, wait_hours=12)
    made, _ = room.mailed("Water", "en")
    room.pass_time()
    room.leave()
    assert room.house.sink.received == []
    with room.database.transaction() as tx:
        steering.wake_waiting(tx, made.release, ["ckb"], now=room.database.now(tx))
    room.pass_time()
    room.leave()
    assert room.told() == {("hawar@example.org", "Water"): 1}


class Died(Exception):
    pass


@contextmanager
def dying(database: Database, at: int) -> Iterator[list[int]]:
    """The process dies at the `at`-th commit from now: nothing of that transaction is stored."""
    seen = [0]
    whole = database.transaction

    @contextmanager
    def transaction() -> Iterator[Session]:
        with whole() as tx:
            yield tx
            seen[0] += 1
            if seen[0] == at:
                raise Died

    database.transaction = transaction  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        database.transaction = whole  # type: ignore[method-assign]


def _steps(room: DigestHouse) -> None:
    room.begin()
    room.expand(page=2)


@pytest.mark.parametrize("at", range(1, 9))
def test_dying_at_any_commit_loses_nobody_and_tells_nobody_twice(room: DigestHouse, at: int) -> None:
    for number in range(5):
        room.subscriber(f"person{number}@example.org", DAILY if number % 2 else WEEKLY)
    room.subscriber("late@example.org")
    room.mailed("Bridge")
    room.mailed("Water")
    room.pass_time()
    try:
        with dying(room.database, at):
            _steps(room)
    except Died:
        pass
    _steps(room)
    with room.database.reading() as tx:
        chunks = tx.execute(text("SELECT id FROM chunk WHERE next_due IS NOT NULL")).scalars()
        room.house.rung = list(chunks)
    room.house.send()
    assert set(room.told().values()) == {1} and len(room.told()) == 12
    assert len(room.house.sink.received) == 6
    assert room.waiting() == 0


def test_dying_between_two_mailings_pages_leaves_whoever_gets_digests_told_once(room: DigestHouse) -> None:
    for number in range(6):
        room.subscriber(f"person{number}@example.org", DAILY if number % 2 else IMMEDIATE)
    made = room.release("Bridge")
    mailing_id = steering.start_mailing(
        room.database, room.house.keyring, made.id, ["press"], hold=timedelta(0), now=room.house.now()
    )
    for at in (1, 2, 3):
        with pytest.raises(Died), dying(room.database, at):
            expand(room.database, mailing_id, room.house.ring, page=2)
    expand(room.database, mailing_id, room.house.ring, page=2)
    room.house.send()
    room.pass_time()
    room.leave()
    assert set(room.told().values()) == {1} and len(room.told()) == 6


def test_two_digests_that_want_the_same_person_tell_them_once(room: DigestHouse) -> None:
    """Whoever changes how often between the two is in one of them."""
    ids = [room.subscriber(f"person{number}@example.org") for number in range(30)]
    room.mailed("Bridge")
    room.pass_time(2 * HOUR)
    room.begin()
    for one in ids:
        room.change(one, frequency=IMMEDIATE)
    room.begin()
    for one in ids[::2]:
        room.change(one, frequency=DAILY)
    mailings = room.digests()
    assert len(mailings) == 2
    threads = [
        threading.Thread(target=expand, args=(room.database, one, room.house.ring), kwargs={"page": 3})
        for one in mailings
    ]
    for thread in threads:
        thread.start()
    for one in ids:
        room.change(one, frequency=IMMEDIATE)
    for thread in threads:
        thread.join()
    room.house.send()
    room.pass_time(2 * HOUR)
    room.leave()
    assert set(room.told().values()) == {1} and len(room.told()) == 30


ACTS = st.lists(
    st.sampled_from(["release", "daily", "weekly", "immediate", "hour", "day", "week", "look"]), min_size=1, max_size=14
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=ACTS)
def test_however_somebody_changes_how_often_each_release_is_told_once(
    acts: list[str], tmp_path_factory: pytest.TempPathFactory, _sqlite_template, config: Config, smtp_sink: Sink
) -> None:
    path = tmp_path_factory.mktemp("often") / "pressroom.db"
    shutil.copy(_sqlite_template, path)
    smtp_sink.forget()
    room = DigestHouse(MailHouse(Database(f"sqlite:///{path}"), config, smtp_sink))
    person = room.subscriber("changes@example.org", IMMEDIATE)
    titles = iter(["Bridge", "Water", "Market", "School", "Harvest"])
    mailed = set()
    for act in acts:
        if act == "release" and (title := next(titles, None)):
            room.mailed(title)
            mailed.add(("changes@example.org", title))
        elif act in list(Frequency):
            choose(room.database, person, Choices(["en"], [], 0, Frequency(act)), now=room.house.now())
        elif act in ("hour", "day", "week"):
            room.pass_time({"hour": HOUR, "day": DAY, "week": 7 * DAY}[act])
        else:
            room.leave()
        assert set(room.told().values()) <= {1}
    room.pass_time(8 * DAY)
    room.leave()
    assert room.told() == dict.fromkeys(mailed, 1)
    room.database.dispose()


def _newsroom(**given: int) -> Newsroom:
    return Newsroom(time_zone="Asia/Baghdad", digest_minute=420, **{"digest_weekday": 1, **given})


@pytest.mark.parametrize(
    ("now", "frequency", "due"),
    [
        ("2026-11-25T04:00", DAILY, "2026-11-25T04:00"),
        ("2026-11-25T03:59", DAILY, "2026-11-24T04:00"),
        ("2026-11-25T23:59", DAILY, "2026-11-25T04:00"),
        ("2026-11-23T04:00", WEEKLY, "2026-11-23T04:00"),
        ("2026-11-23T03:59", WEEKLY, "2026-11-16T04:00"),
        ("2026-11-29T23:00", WEEKLY, "2026-11-23T04:00"),
        ("2026-11-25T10:59", IMMEDIATE, "2026-11-25T10:00"),
    ],
)
def test_digests_are_due_by_the_clocks_of_the_newsroom(now: str, frequency: Frequency, due: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert digest.last_due(_newsroom(), frequency, at) == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_a_digest_keeps_its_hour_when_clocks_change() -> None:
    newsroom = Newsroom(time_zone="Europe/Berlin", digest_minute=420, digest_weekday=1)
    for day in ("2026-03-28", "2026-03-29", "2026-10-25", "2026-10-26"):
        at = datetime.fromisoformat(f"{day}T20:00").replace(tzinfo=UTC)
        assert digest.last_due(newsroom, DAILY, at).astimezone(ZoneInfo("Europe/Berlin")).hour == 7


def test_notices_that_wait_are_of_nobody_else(room: DigestHouse) -> None:
    """A digest of one newsroom takes up nothing of another's."""
    room.subscriber("daily@example.org")
    other = make_newsroom(room.database, "hills")
    room.house.subscriber(other, "hills@example.org", [room.house.media_list(other, "hills")])
    room.mailed("Bridge")
    room.pass_time()
    room.leave()
    with room.database.reading() as tx:
        found = list(tx.scalars(select(Notice.due_at)))
    assert found == [None]
    assert digesting.begin_due(room.database) == 0
