from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from pressroom.errors import TryLater
from pressroom.mailing import hot_rows, ledger, steering, subscriber
from pressroom.mailing.delivery import Chunk, Delivery, DeliveryState
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.quota import Quota
from pressroom.mailing.subscriber import Subscriber
from pressroom.mailing.suppression import Reason, Suppression
from tests.mailing.makers import MailHouse
from tests.makers import make_newsroom, make_release, now


def _people(house: MailHouse, count: int, **given: object):
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    ids = [house.subscriber(newsroom, f"person{number}@example.org", [press]) for number in range(count)]
    return newsroom, press, ids


def _age(house: MailHouse) -> None:
    """Every lease runs out and everything that waits is due, as if time had passed."""
    with house.database.transaction() as tx:
        past = house.database.now(tx) - timedelta(seconds=1)
        tx.execute(update(Chunk).values(lease_until=past))
        tx.execute(update(Chunk).where(Chunk.next_due.is_not(None)).values(next_due=past))
        tx.execute(update(Delivery).values(next_at=past))


def _ring_all(house: MailHouse) -> None:
    with house.database.reading() as tx:
        house.rung += ledger.due_chunks(tx, house.database.now(tx))


def test_each_person_gets_one_message_in_their_language(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    lists = [house.media_list(newsroom, slug) for slug in ("a", "b", "c", "d", "e")]
    house.subscriber(newsroom, "rojda@example.org", lists, languages=("kmr", "en"))
    house.subscriber(newsroom, "hawar@example.org", lists[:2], languages=("ckb",))
    house.subscriber(newsroom, "jane@example.org", lists[2:], languages=("fr",))
    mailing_id = house.mailing(make_release(house.database, newsroom), "a", "b", "c", "d", "e")
    house.send()
    languages = {
        one.recipient: next(line for line in one.data.decode().split("\r\n") if line.startswith("Content-Language"))
        for one in house.sink.received
    }
    assert languages == {
        "rojda@example.org": "Content-Language: kmr",
        "hawar@example.org": "Content-Language: ckb",
        "jane@example.org": "Content-Language: en",
    }
    assert len(house.sink.received) == 3
    progress = house.progress(mailing_id)
    assert (progress.state, progress.total, progress.sent) == (State.FINISHED, 3, 3)


def test_a_second_mailing_reaches_only_people_who_have_not_heard(house: MailHouse) -> None:
    newsroom, press, _ = _people(house, 2)
    release = make_release(house.database, newsroom)
    house.mailing(release)
    house.send()
    house.subscriber(newsroom, "late@example.org", [press])
    second = house.mailing(release)
    house.send()
    assert house.progress(second).total == 1
    assert {1} == set(house.sink.recipients().values())


def test_starting_the_same_mailing_twice_gives_one(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 1)
    release = make_release(house.database, newsroom)
    hold = timedelta(minutes=5)
    assert house.mailing(release, hold=hold) == house.mailing(release, hold=hold)


def test_leaving_is_honoured_in_a_mailing_already_counted(house: MailHouse) -> None:
    newsroom, _, ids = _people(house, 3)
    mailing_id = house.mailing(make_release(house.database, newsroom))
    with house.database.transaction() as tx:
        tx.execute(update(Subscriber).where(Subscriber.id == ids[1]).values(left_at=now()))
    house.suppress("person2@example.org")
    house.send()
    assert list(house.sink.recipients()) == ["person0@example.org"]
    progress = house.progress(mailing_id)
    assert (progress.sent, progress.suppressed, progress.state) == (1, 2, State.FINISHED)


def test_retraction_stops_pending_deliveries(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 4)
    release = make_release(house.database, newsroom)
    mailing_id = house.mailing(release)
    house.retract(release)
    house.send()
    assert house.sink.received == []
    assert (house.progress(mailing_id).cancelled, house.progress(mailing_id).state) == (4, State.CANCELLED)


def test_nothing_is_sent_while_paused_and_all_after_resuming(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 3)
    mailing_id = house.mailing(make_release(house.database, newsroom))
    steering.pause(house.database, mailing_id, now=house.now())
    house.send()
    assert house.sink.received == []
    steering.resume(house.database, mailing_id, now=house.now())
    _ring_all(house)
    house.send()
    assert house.progress(mailing_id).sent == 3


def test_a_held_mailing_waits_for_its_hold(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 1)
    mailing_id = house.mailing(make_release(house.database, newsroom), hold=timedelta(minutes=10))
    _ring_all(house)
    house.send()
    assert (house.progress(mailing_id).state, house.progress(mailing_id).pending) == (State.HELD, 1)
    assert house.sink.received == []


def test_a_refused_address_bounces_and_is_never_written_to_again(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 2)
    house.sink.refuse("person0@example.org")
    mailing_id = house.mailing(make_release(house.database, newsroom))
    house.send()
    assert (house.progress(mailing_id).bounced, house.progress(mailing_id).sent) == (1, 1)
    with house.database.reading() as tx:
        assert len(list(tx.scalars(select(Suppression)))) == 1
    second = house.mailing(make_release(house.database, newsroom, titles={"en": "Another"}))
    house.send()
    assert (house.progress(second).sent, house.progress(second).suppressed) == (1, 1)


def test_a_deferred_message_is_sent_later_with_the_same_message_id(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 2)
    house.sink.defer("person0@example.org", times=1)
    mailing_id = house.mailing(make_release(house.database, newsroom))
    house.send()
    assert (house.progress(mailing_id).deferred, house.progress(mailing_id).sent) == (1, 1)
    _age(house)
    _ring_all(house)
    house.send()
    assert (house.progress(mailing_id).sent, house.progress(mailing_id).state) == (2, State.FINISHED)


def test_a_policy_refusal_pauses_the_mailing_and_suppresses_nobody(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 3)
    house.sink.rule("rcpt", reply="550 5.7.26 Unauthenticated mail is not accepted")
    mailing_id = house.mailing(make_release(house.database, newsroom))
    house.send(terms=replace(house.terms, connections=1))
    progress = house.progress(mailing_id)
    assert (
        progress.state,
        progress.bounced,
        progress.suppressed,
        progress.pending + progress.deferred,
    ) == (State.PAUSED, 0, 0, 3)
    with house.database.reading() as tx:
        assert list(tx.scalars(select(Suppression))) == []


def test_the_message_in_doubt_is_sent_again_once_and_then_unknown(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 1)
    house.sink.drop_after_accepting(times=2)
    mailing_id = house.mailing(make_release(house.database, newsroom))
    house.send()
    for _ in range(3):
        _age(house)
        _ring_all(house)
        house.send()
    progress = house.progress(mailing_id)
    assert (progress.unknown, progress.possible_duplicates, progress.state) == (1, 1, State.FINISHED)
    assert list(house.sink.counts().values()) == [2]


def test_rows_left_by_a_dead_worker_are_sent_again_with_the_same_message_id(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 2)
    mailing_id = house.mailing(make_release(house.database, newsroom))
    with house.database.transaction() as tx:
        now_ = house.database.now(tx)
        epoch = ledger.claim(tx, house.rung[0], "dead", timedelta(seconds=15), now_)
        assert epoch is not None
        first = ledger.due_items(tx, house.rung[0], now_)[0]
        hot_rows.mark(tx, [first.id], epoch, now_)
    house.send()
    assert house.sink.received == [], "the dead worker's lease still runs"
    _age(house)
    _ring_all(house)
    house.send()
    progress = house.progress(mailing_id)
    assert (progress.sent, progress.possible_duplicates, progress.state) == (2, 1, State.FINISHED)


def test_every_connection_may_wait_for_a_slow_answer_with_nobody_left_to_write_to(house: MailHouse) -> None:
    most = house.config.mail_connections + house.config.mail_spare_connections
    newsroom, *_ = _people(house, most)
    house.sink.rule("dot", delay=2.5)
    mailing_id = house.mailing(make_release(house.database, newsroom))
    house.send()
    assert house.progress(mailing_id).sent == most


def test_another_language_comes_after_a_transaction_that_failed(
    house: MailHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom, press, _ = _people(house, house.config.mail_connections)
    house.subscriber(newsroom, "last@example.org", [press], languages=["ckb"])
    mailing_id = house.mailing(make_release(house.database, newsroom))
    mark, failed = hot_rows.mark, []

    def fail_once(*given: Any) -> set[int]:
        if not failed:
            failed.append(True)
            raise TryLater("The database is busy; try again in a moment.")
        return mark(*given)

    monkeypatch.setattr(hot_rows, "mark", fail_once)
    house.send()
    assert failed and house.progress(mailing_id).sent == house.config.mail_connections + 1


def test_a_fenced_worker_starts_nothing_and_stores_nothing(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 1)
    house.mailing(make_release(house.database, newsroom))
    chunk = house.rung[0]
    with house.database.transaction() as tx:
        now_ = house.database.now(tx)
        old = ledger.claim(tx, chunk, "slow", timedelta(seconds=-1), now_)
        new = ledger.claim(tx, chunk, "quick", timedelta(seconds=15), now_)
        assert old is not None and new == old + 1
        assert hot_rows.renew(tx, chunk, old, now_ + timedelta(seconds=15)) is None
        assert hot_rows.renew(tx, chunk, new, now_ + timedelta(seconds=15)) is not None
        assert ledger.claim(tx, chunk, "third", timedelta(seconds=15), now_) is None
        (item,) = ledger.due_items(tx, chunk, now_)
        hot_rows.mark(tx, [item.id], new, now_)
        late = ledger.Stored(item.id, DeliveryState.SENT, None, 0, 0, None, "250", None)
        ledger.store(tx, [late], old, now_)
        assert DeliveryState.SENDING is tx.get_one(Delivery, item.id, populate_existing=True).state


def test_the_hourly_quota_is_kept(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 5)
    mailing_id = house.mailing(make_release(house.database, newsroom))
    house.send(terms=replace(house.terms, quota=Quota(per_hour=3)))
    assert (len(house.sink.received), house.progress(mailing_id).pending) == (3, 2)
    _age(house)
    _ring_all(house)
    house.send(terms=replace(house.terms, quota=Quota(per_hour=3)))
    assert len(house.sink.received) == 3, "the window has not moved on"


def test_beats_decide_who_hears(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    house.subscriber(newsroom, "water@example.org", [press], beats=["water"])
    house.subscriber(newsroom, "labour@example.org", [press], beats=["labour"])
    house.subscriber(newsroom, "all@example.org", [press])
    house.mailing(make_release(house.database, newsroom, beats=["water", "health"]))
    house.send()
    assert {"water@example.org", "all@example.org"} == set(house.sink.recipients())


def test_a_test_goes_to_one_address_and_leaves_no_notice(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 1)
    release = make_release(house.database, newsroom, ["en", "ckb"], draft=True)
    house.mailing(release, test="editor@example.org")
    house.send()
    assert dict(house.sink.recipients()) == {"editor@example.org": 2}
    assert all(b"List-Unsubscribe" not in one.data for one in house.sink.received)
    assert b"Subject: [Test]" in house.sink.received[0].data + house.sink.received[1].data


def test_an_embargoed_release_is_not_mailed_before_its_second(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 1)
    release = make_release(house.database, newsroom, public_from=now() + timedelta(hours=1))
    mailing_id = house.mailing(release)
    assert State.HELD is house.progress(mailing_id).state
    with house.database.transaction() as tx:
        # Even if the hold were lost, the composer asks the one rule again.
        tx.execute(update(Mailing).values(state=State.SENDING))
    _age(house)
    _ring_all(house)
    house.send()
    assert house.sink.received == []


def test_a_suppression_that_missed_the_subscribers_row_still_holds(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 2)
    mailing_id = house.mailing(make_release(house.database, newsroom))
    with house.database.transaction() as tx:
        lookup = subscriber.lookup(house.keyring, "person0@example.org")
        tx.add(Suppression(email_lookup=lookup, reason=Reason.COMPLAINT, at=now()))
    house.send()
    assert list(house.sink.recipients()) == ["person1@example.org"]
    assert house.progress(mailing_id).suppressed == 1


def test_retracting_while_messages_leave_waits_for_nobody_for_ever(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 60)
    made = make_release(house.database, newsroom)
    mailing_id = house.mailing(made)
    house.sink.delay(0.01)
    sender = threading.Thread(target=house.send)
    sender.start()
    house.sink.wait_for(5)
    house.retract(made)
    at_the_commit = len(house.sink.received)
    sender.join(30)
    progress = house.progress(mailing_id)
    assert progress.state is State.CANCELLED
    assert len(house.sink.received) - at_the_commit <= house.terms.connections, "only what was on the wire"
    assert progress.sent == len(house.sink.received)
    assert (progress.sent + progress.cancelled, progress.pending + progress.deferred + progress.sending) == (60, 0)


def test_whoever_a_cancelled_mailing_did_not_reach_is_reached_by_the_next(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 3)
    made = make_release(house.database, newsroom)
    first = house.mailing(made, hold=timedelta(minutes=5))
    steering.cancel(house.database, first, now=house.now())
    second = house.mailing(made)
    house.send()
    assert (house.progress(first).cancelled, house.progress(second).sent) == (3, 3)


def test_a_message_in_doubt_when_its_mailing_is_cancelled_is_unknown_and_not_sent_again(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 1)
    made = make_release(house.database, newsroom)
    mailing_id = house.mailing(made)
    house.sink.drop_after_accepting(times=1)
    house.send()
    steering.cancel(house.database, mailing_id, now=house.now())
    progress = house.progress(mailing_id)
    assert (progress.unknown, progress.cancelled) == (1, 0)
    assert house.progress(house.mailing(made)).total == 0, "they may have it: nobody gets it again unasked"


def test_patience_with_a_slow_address_counts_from_its_own_first_attempt(house: MailHouse) -> None:
    newsroom, *_ = _people(house, 1)
    mailing_id = house.mailing(make_release(house.database, newsroom))
    with house.database.transaction() as tx:
        tx.execute(update(Mailing).values(created_at=now() - timedelta(days=5)))
    house.sink.defer(times=2)
    house.send()
    assert house.progress(mailing_id).deferred == 1
    with house.database.transaction() as tx:
        tx.execute(update(Delivery).values(first_at=now() - timedelta(days=3)))
    _age(house)
    _ring_all(house)
    house.send()
    assert house.progress(mailing_id).failed == 1
