from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from pressroom.mailing import accompanying
from pressroom.outgoing.client import Client
from pressroom.pushing import ledger, noticing, reconciling
from pressroom.pushing.call import Answer, Call, Forbidden, Unreachable
from pressroom.pushing.dispatch import Dispatch, DispatchState, Kind
from pressroom.pushing.subscription import Subscription
from pressroom.releases import vanishing
from tests.makers import TITLES, Made, make_correction, make_newsroom, make_release, now
from tests.pushing.house import BASE, HubHouse
from tests.pushing.subscriber import Subscriber
from tests.supervising.running import until

TOPIC = f"{BASE}/river/en/feed.atom"


def retract(hub: HubHouse, made: Made) -> None:
    accompanying.retract(hub.database, made.id, {"en": "It was wrong."}, now=now())


def settled(hub: HubHouse, subscriber: Subscriber, topic: str = TOPIC, **more: str) -> None:
    """Subscribed, and told once how things stand."""
    hub.subscribe(subscriber, topic, **more)
    assert len(subscriber.delivered) == 1
    subscriber.delivered.clear()


@pytest.mark.parametrize("kind", ["atom", "rss", "json"])
def test_a_push_is_the_whole_feed_with_its_type_and_links_and_signature(
    hub: HubHouse, subscriber: Subscriber, kind: str
) -> None:
    newsroom = make_newsroom(hub.database)
    topic = f"{BASE}/river/ckb/feed.{kind}"
    settled(hub, subscriber, topic, secret="ێک secret")
    make_release(hub.database, newsroom)
    hub.push()
    (told,) = subscriber.delivered
    page = hub.client.get(f"/river/ckb/feed.{kind}")
    assert told.body == page.data and TITLES["ckb"] in told.body.decode()
    assert told.headers["Content-Type"] == page.content_type
    assert told.links == {"hub": f"{BASE}/hub", "self": topic}
    assert told.path == "/feed?key=1&x=%20y"
    assert told.is_signed_with("ێک secret") and not told.is_signed_with("another")


def test_without_a_secret_a_push_is_not_signed(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    make_release(hub.database, newsroom)
    hub.push()
    assert "X-Hub-Signature" not in subscriber.delivered[0].headers


def test_each_change_is_pushed_and_nothing_else(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    made = make_release(hub.database, newsroom)
    hub.push()
    hub.push()
    assert len(subscriber.delivered) == 1, "a change is told once"
    make_release(hub.database, newsroom, ["ckb"])
    hub.push()
    assert len(subscriber.delivered) == 1 and hub.states()[-1] == "unchanged", (
        "another language is none of its business"
    )
    make_release(hub.database, make_newsroom(hub.database, "lake"))
    hub.push()
    assert len(subscriber.delivered) == 1
    make_correction(hub.database, made, {"en": "It opens in May."}, {"en": "Not in spring."})
    hub.push()
    retract(hub, made)
    hub.push()
    vanishing.vanish_release(hub.database, made.id, now=now())
    hub.push()
    bodies = [one.body.decode() for one in subscriber.delivered]
    assert len(bodies) == 4
    assert "Correction: " in bodies[1] and "It opens in May." in bodies[1]
    assert "It was wrong." in bodies[2] and "It opens in May." not in bodies[2]
    assert TITLES["en"] not in bodies[3] and "deleted-entry" in bodies[3]


def test_a_feed_of_all_newsrooms_is_pushed_for_each_of_them(hub: HubHouse, subscriber: Subscriber) -> None:
    settled(hub, subscriber, f"{BASE}/all/feed.rss")
    for slug in ("river", "lake"):
        make_release(hub.database, make_newsroom(hub.database, slug))
        hub.push()
    assert len(subscriber.delivered) == 2


def test_an_embargo_lifts_in_pushes_too_and_not_before(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    make_release(hub.database, newsroom, public_from=now() + timedelta(hours=1))
    hub.push()
    assert subscriber.delivered == []
    hub.ahead = timedelta(minutes=59)
    hub.push()
    assert subscriber.delivered == []
    hub.ahead = timedelta(minutes=61)
    hub.push()
    assert [TITLES["en"] in one.body.decode() for one in subscriber.delivered] == [True]
    assert hub.notice() == []


def test_a_worker_whose_clock_is_behind_waits_until_the_change_shows(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    make_release(hub.database, newsroom, public_from=now() + timedelta(hours=1))
    hub.push()
    hub.ahead = timedelta(minutes=61)
    hub.notice()
    hub.ahead = timedelta(minutes=59)
    hub.deliver()
    assert subscriber.delivered == [] and hub.states()[-1] == "pending"
    hub.ahead = timedelta(minutes=61)
    hub.age()
    hub.deliver()
    assert TITLES["en"] in subscriber.delivered[0].body.decode()


def test_what_is_pushed_is_how_things_stand_when_it_leaves(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    made = make_release(hub.database, newsroom)
    hub.notice()
    retract(hub, made)
    hub.deliver()
    assert "It was wrong." in subscriber.delivered[0].body.decode()
    hub.push()
    assert len(subscriber.delivered) == 1, "it has been told already"


def test_of_many_changes_while_a_subscriber_is_away_it_gets_the_newest_state(
    hub: HubHouse, subscriber: Subscriber
) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    subscriber.answers = [(503, {})]
    for number in range(3):
        make_release(hub.database, newsroom, titles={"en": f"Number {number}"})
        hub.notice()
        if number == 0:
            hub.deliver()
            assert hub.states()[-1] == "deferred"
    assert hub.states().count("pending") == 1, "a change makes it due again"
    hub.deliver()
    assert len(subscriber.delivered) == 2
    assert all(f"Number {number}" in subscriber.delivered[-1].body.decode() for number in range(3))


@pytest.mark.parametrize("draft", [False, True], ids=["no other", "a draft has it too"])
def test_a_beats_feed_that_is_gone_is_not_told_of_and_comes_back_to_its_subscribers(
    hub: HubHouse, subscriber: Subscriber, draft: bool
) -> None:
    """Nothing may depend on the draft, which nobody may know of."""
    newsroom, topic = make_newsroom(hub.database), f"{BASE}/river/en/beats/water/feed.atom"
    made = make_release(hub.database, newsroom, beats=["water"])
    settled(hub, subscriber, topic)
    (before,) = hub.subscriptions()
    if draft:
        make_release(hub.database, newsroom, beats=["water"], draft=True)
    vanishing.vanish_release(hub.database, made.id, now=now())
    hub.push()
    assert hub.client.get("/river/en/beats/water/feed.atom").status_code == 404
    assert hub.states()[-1] == "cancelled" and subscriber.delivered == [] and len(subscriber.asked) == 1
    (after,) = hub.subscriptions()
    assert (after.id, after.expires_at) == (before.id, before.expires_at)
    make_release(hub.database, newsroom, titles={"en": "Water again"}, beats=["water"])
    hub.push()
    assert ["Water again" in one.body.decode() for one in subscriber.delivered] == [True]


def test_a_retraction_of_all_that_carries_a_beat_is_told(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom, topic = make_newsroom(hub.database), f"{BASE}/river/en/beats/water/feed.atom"
    made = make_release(hub.database, newsroom, beats=["water"])
    settled(hub, subscriber, topic)
    retract(hub, made)
    hub.push()
    (told,) = subscriber.delivered
    assert "Retracted: " in told.body.decode() and "deleted-entry" in told.body.decode()


@pytest.mark.parametrize("status", [500, 503, 404, 301, 429])
def test_a_refused_push_is_tried_again_for_hours_and_then_the_subscription_still_stands(
    hub: HubHouse, subscriber: Subscriber, status: int
) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    make_release(hub.database, newsroom)
    subscriber.answers = [(status, {"Location": subscriber.callback("elsewhere")})] * 50
    hub.push()
    tries = 1
    while hub.states()[-1] == "deferred":
        hub.age()
        tries += hub.deliver()
    assert (tries, hub.states()[-1]) == (9, "failed")
    assert len(subscriber.delivered) == 9 and {one.path for one in subscriber.delivered} == {"/feed?key=1&x=%20y"}
    assert len(hub.subscriptions()) == 1
    subscriber.answers.clear()
    make_release(hub.database, newsroom)
    hub.push()
    assert hub.states()[-1] == "sent"


def test_a_subscriber_may_say_when_to_try_again(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    make_release(hub.database, newsroom)
    subscriber.answers = [(503, {"Retry-After": "3600"})]
    hub.push()
    with hub.database.reading() as tx:
        waits = tx.scalars(select(Dispatch).where(Dispatch.state == DispatchState.DEFERRED)).one()
        assert waits.next_at - hub.database.now(tx) > timedelta(minutes=59)


def test_gone_ends_a_subscription(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    subscriber.answers = [(410, {})]
    make_release(hub.database, newsroom)
    hub.push()
    assert hub.subscriptions() == [] and hub.states()[-1] == "failed"
    make_release(hub.database, newsroom)
    hub.push()
    assert len(subscriber.delivered) == 1


@pytest.mark.parametrize("run_for", [60.0, 0.0], ids=["in its time", "when its time is over"])
def test_stalled_receivers_hold_up_nobody_else(hub: HubHouse, subscriber: Subscriber, run_for: float) -> None:
    """Of eight places seven wait for receivers that say nothing, and more of them are due."""
    newsroom = make_newsroom(hub.database)
    stalled = [Subscriber(f"127.0.0.{number}") for number in range(10, 17)]
    for one in stalled:
        one.__enter__()
        settled(hub, one)
        one.stalled.set()
    settled(hub, subscriber)
    make_release(hub.database, newsroom)
    hub.notice()
    worker = threading.Thread(target=hub.deliver, kwargs={"run_for": run_for})
    worker.start()
    until(lambda: len(subscriber.delivered) == 1, "the one that answers has been told")
    assert worker.is_alive() and not any(one.delivered for one in stalled)
    # A later change passes them, too, in the same job.
    make_release(hub.database, newsroom)
    hub.notice()
    until(lambda: len(subscriber.delivered) == 2, "it has been told of the next change")
    assert worker.is_alive()
    for one in stalled:
        one.__exit__()
    worker.join()


def test_those_known_to_be_slow_take_half_of_the_places(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    slow = [Subscriber(f"127.0.0.{number}") for number in range(10, 19)]
    for one in slow:
        one.__enter__()
        settled(hub, one)
        one.answers = [(500, {})]
    make_release(hub.database, newsroom)
    hub.push()
    for one in slow:
        one.delivered.clear()
        one.stalled.set()
    settled(hub, subscriber)
    make_release(hub.database, newsroom)
    hub.notice()
    worker = threading.Thread(target=hub.deliver)
    worker.start()
    until(lambda: len(subscriber.delivered) == 1, "the one that answers has been told, though nine stall")
    until(lambda: sum(one.waiting for one in slow) >= 4, "half of the places are taken")
    make_release(hub.database, newsroom)
    hub.notice()
    until(lambda: len(subscriber.delivered) == 2, "it has been told of the next change, too")
    assert sum(one.waiting for one in slow) == 4
    for one in slow:
        one.__exit__()
    worker.join()


def test_one_host_takes_four_places(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    with Subscriber("127.0.0.9") as host:
        for name in "abcdefghij":
            hub.post({**host.request("subscribe", TOPIC), "hub.callback": host.callback(name)})
        hub.deliver()
        with hub.database.transaction() as tx:
            some = [one.id for one in hub.subscriptions()[:5]]
            tx.execute(update(Subscription).where(Subscription.id.in_(some)).values(failures=1))
        settled(hub, subscriber)
        host.stalled.set()
        make_release(hub.database, newsroom)
        hub.notice()
        worker = threading.Thread(target=hub.deliver)
        worker.start()
        until(lambda: host.waiting >= 4 and len(subscriber.delivered) == 1, "all are told who have a place")
        make_release(hub.database, newsroom)
        hub.notice()
        until(lambda: len(subscriber.delivered) == 2, "the next change has been told")
        assert host.waiting == 4
    worker.join()


def test_a_worker_killed_in_the_middle_loses_nothing(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    make_release(hub.database, newsroom)

    class Killed(BaseException):
        pass

    def die(_call: Call) -> Answer:
        raise Killed

    call, hub.call = hub.call, die
    with pytest.raises(Killed):
        hub.push()
    hub.call = call
    assert hub.deliver() == 0 and hub.states()[-1] == "sending", "it is in other hands until its lease is over"
    hub.age()
    assert hub.deliver() == 1 and hub.states()[-1] == "sent"
    assert len(subscriber.delivered) == 1


def test_what_a_dead_worker_held_gives_way_to_a_newer_change(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    make_release(hub.database, newsroom)
    (first,) = hub.notice()
    with hub.database.transaction() as tx:
        assert ledger.claim(tx, first, hub.database.now(tx)) is not None
    make_release(hub.database, newsroom)
    hub.notice()
    assert hub.deliver() == 0, "one at a time for each subscription"
    hub.age()
    assert hub.deliver() == 1, "both changes are told at once"
    assert hub.states()[-1] == "sent" and hub.states()[-2] in ("cancelled", "unchanged")


def test_only_the_holder_of_the_newest_epoch_settles(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    make_release(hub.database, newsroom)
    (dispatch_id,) = hub.notice()
    with hub.database.transaction() as tx:
        late = ledger.claim(tx, dispatch_id, hub.database.now(tx))
    assert late is not None
    hub.age()
    with hub.database.transaction() as tx:
        moment = hub.database.now(tx)
        newer = ledger.claim(tx, dispatch_id, moment)
        assert newer is not None and newer.epoch == late.epoch + 1
        assert not ledger.defer(tx, late, moment, now=moment)
        assert ledger.claim(tx, dispatch_id, moment) is None


def test_the_clock_rings_for_what_is_due_and_in_nobodys_hands(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    make_release(hub.database, newsroom)
    (dispatch_id,) = hub.notice()
    rung: list[int] = []
    reconciling.ring_due(hub.database, lambda one: bool(rung.append(one)) or True)
    assert rung == [dispatch_id]
    hub.deliver()
    assert reconciling.ring_due(hub.database, lambda _: True) == 0


def test_a_worker_asked_to_stop_begins_nothing_and_rings_for_the_rest(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    make_release(hub.database, newsroom)
    due = hub.notice()
    assert hub.deliver(stop=lambda: True) == 0 and hub.rung == due
    assert subscriber.delivered == []


@pytest.mark.parametrize("error", [Unreachable("x"), ValueError("https://canary.example.net/")])
def test_no_answer_and_faults_of_our_own_are_tried_again(
    hub: HubHouse, subscriber: Subscriber, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    make_release(hub.database, newsroom)

    def fail(_call: Call) -> Answer:
        raise error

    call, hub.call = hub.call, fail
    hub.push()
    assert hub.states()[-1] == "deferred" and "canary" not in caplog.text
    hub.call = call
    hub.age()
    hub.deliver()
    assert hub.states()[-1] == "sent"


def test_who_does_not_answer_counts_as_slow_until_it_does(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)

    def behind() -> bool:
        with hub.database.reading() as tx:
            return tx.scalars(select(Dispatch).order_by(Dispatch.id.desc())).first().behind

    make_release(hub.database, newsroom)
    call, hub.call = hub.call, Client("Pressroom", private=True, seconds=0)
    hub.push()
    assert hub.states()[-1] == "deferred" and hub.subscriptions()[0].failures == 1
    for number, is_slow in ((1, True), (2, False)):
        make_release(hub.database, newsroom, titles={"en": f"Number {number}"})
        hub.notice()
        assert behind() is is_slow
        hub.call = call
        hub.deliver()
        assert hub.subscriptions()[0].failures == 0


def test_a_callback_that_came_to_lead_into_a_private_network_is_given_up_at_once(
    hub: HubHouse, subscriber: Subscriber, caplog: pytest.LogCaptureFixture
) -> None:
    newsroom = make_newsroom(hub.database)
    settled(hub, subscriber)
    make_release(hub.database, newsroom)
    hub.call = Client("Pressroom", private=False)
    hub.push()
    assert hub.states()[-1] == "failed" and subscriber.delivered == []
    assert "127.0.0.1" not in caplog.text and len(hub.subscriptions()) == 1


def test_one_that_cannot_be_made_ready_holds_up_nobody(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    with Subscriber("127.0.0.9") as broken:
        settled(hub, broken)
        with hub.database.transaction() as tx:
            tx.execute(update(Subscription).values(callback_sealed=b"\x02k1" + b"x" * 40))
        settled(hub, subscriber)
        make_release(hub.database, newsroom)
        hub.push()
        assert len(subscriber.delivered) == 1 and broken.delivered == []
    assert hub.states()[-1] in ("sent", "deferred") and sorted(hub.states()[-2:]) == ["deferred", "sent"]


@pytest.mark.parametrize("status", [204, 500])
def test_a_hub_elsewhere_is_told_which_feeds_have_changed(hub: HubHouse, status: int) -> None:
    newsroom = make_newsroom(hub.database, languages=["en", "ckb"])
    with Subscriber() as other:
        elsewhere = HubHouse(hub.database, hub.config, hub_url=other.callback("publish"))
        elsewhere.notice()
        assert elsewhere.holds() == {noticing.UNTIL_ALL_SHOW_IT}, "not before every web process shows it"
        elsewhere.age()
        elsewhere.deliver()
        other.delivered.clear()
        made = make_release(hub.database, newsroom, ["ckb"])
        other.answers = [(status, {})]
        elsewhere.notice()
        elsewhere.age()
        elsewhere.deliver()
        told = {one.body.decode() for one in other.delivered}
        feeds = [
            f"{place}feed.{kind}"
            for place in ("river/", "river/ckb/", "all/", "all/ckb/")
            for kind in ("atom", "rss", "json")
        ]
        assert told == {
            f"hub.mode=publish&hub.url={BASE}/{feed}".replace(":", "%3A", 1).replace("/", "%2F") for feed in feeds
        }
        assert other.delivered[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
        states = elsewhere.states(Kind.PING)
        assert states.count("deferred") == (status == 500)
        assert f"<{other.callback('publish')}>" in elsewhere.client.get("/river/feed.atom").headers["Link"]
        assert elsewhere.states() == [], "and nobody else is"
        elsewhere.close()
    assert made.id


def test_without_a_hub_nothing_is_noticed_and_feeds_name_none(hub: HubHouse) -> None:
    make_release(hub.database, make_newsroom(hub.database))
    without = HubHouse(hub.database, hub.config, hub_url="none")
    assert without.notice() == []
    for kind in ("atom", "rss", "json"):
        answer = without.client.get(f"/river/feed.{kind}")
        assert "Link" not in answer.headers and "hub" not in answer.text
    without.close()


def test_a_forbidden_verification_is_not_tried_again(hub: HubHouse, subscriber: Subscriber) -> None:
    make_newsroom(hub.database)

    def forbid(_call: Call) -> Answer:
        raise Forbidden("x")

    hub.call = forbid
    hub.subscribe(subscriber, TOPIC)
    assert hub.states(Kind.VERIFICATION) == ["failed"]
