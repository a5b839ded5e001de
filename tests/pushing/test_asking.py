from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from pressroom.pushing import asking, reconciling, subscription, verifying
from pressroom.pushing.dispatch import Dispatch, Kind
from pressroom.pushing.intent import Intent
from pressroom.pushing.subscription import LONGEST_LEASE, SHORTEST_LEASE, USUAL_LEASE, Subscription
from tests.makers import make_newsroom, make_release
from tests.pushing.house import BASE, HubHouse
from tests.pushing.subscriber import Subscriber

TOPIC = f"{BASE}/river/en/feed.atom"


def test_a_subscription_begins_once_its_callback_agrees(hub: HubHouse, subscriber: Subscriber) -> None:
    make_newsroom(hub.database)
    assert hub.post(subscriber.request("subscribe", TOPIC)).status_code == 202
    assert hub.subscriptions() == [] and subscriber.asked == [], "it answers before it asks"
    hub.deliver()
    (made,) = hub.subscriptions()
    (asked,) = subscriber.asked
    assert (asked["hub.mode"], asked["hub.topic"]) == ("subscribe", TOPIC)
    assert int(asked["hub.lease_seconds"]) == USUAL_LEASE.total_seconds()
    assert abs(made.expires_at - made.created_at - USUAL_LEASE) < timedelta(minutes=1)
    with hub.database.reading() as tx:
        assert not list(tx.scalars(select(Intent))), "what was asked for is kept no longer than needed"
    assert subscriber.queries[0].startswith("key=1&x=%20y&hub."), "what the callback asks for stays as it is"


def test_challenges_differ_and_cannot_be_guessed(hub: HubHouse, subscriber: Subscriber) -> None:
    make_newsroom(hub.database)
    for _ in range(2):
        hub.subscribe(subscriber, TOPIC)
    first, second = (one["hub.challenge"] for one in subscriber.asked)
    assert first != second and len(first) >= 32


@pytest.mark.parametrize(
    ("wanted", "granted"),
    [("60", SHORTEST_LEASE), ("86400", timedelta(days=1)), ("99999999999999999999", LONGEST_LEASE)],
)
def test_a_lease_is_what_was_asked_for_within_bounds(
    hub: HubHouse, subscriber: Subscriber, wanted: str, granted: timedelta
) -> None:
    make_newsroom(hub.database)
    hub.subscribe(subscriber, TOPIC, lease_seconds=wanted)
    assert int(subscriber.asked[0]["hub.lease_seconds"]) == granted.total_seconds()
    assert abs(hub.subscriptions()[0].expires_at - hub.subscriptions()[0].created_at - granted) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "forge",
    [
        lambda one: setattr(one, "echo", b"something else"),
        lambda one: setattr(one, "echo", b""),
        lambda one: setattr(one, "verify_status", 500),
        lambda one: setattr(one, "verify_status", 302) or one.verify_headers.update(Location=one.callback("there")),
        lambda one: one.wants.clear(),
    ],
    ids=["another challenge", "no challenge", "an error", "a redirect", "not wanted"],
)
def test_whatever_else_a_callback_says_means_no(hub: HubHouse, subscriber: Subscriber, forge) -> None:
    make_newsroom(hub.database)
    form = subscriber.request("subscribe", TOPIC)
    forge(subscriber)
    assert hub.post(form).status_code == 202
    hub.deliver()
    hub.age()
    hub.deliver()
    assert hub.subscriptions() == [] and len(subscriber.asked) == 1, "asked once, and no redirect followed"
    assert hub.states(Kind.VERIFICATION) == ["failed"]


def test_a_failed_renewal_leaves_the_subscription_as_it_was(hub: HubHouse, subscriber: Subscriber) -> None:
    make_newsroom(hub.database)
    hub.subscribe(subscriber, TOPIC, secret="old")
    (before,) = hub.subscriptions()
    subscriber.echo = b"no"
    for mode in ("subscribe", "unsubscribe"):
        hub.post(subscriber.request(mode, TOPIC, secret="new", lease_seconds="3600"))
        hub.deliver()
    (after,) = hub.subscriptions()
    assert (after.id, after.expires_at, after.secret(hub.service.keyring)) == (before.id, before.expires_at, "old")


def test_a_renewal_brings_a_new_lease_and_a_new_secret(hub: HubHouse, subscriber: Subscriber) -> None:
    make_newsroom(hub.database)
    hub.subscribe(subscriber, TOPIC, secret="old", lease_seconds="3600")
    (before,) = hub.subscriptions()
    hub.subscribe(subscriber, TOPIC, lease_seconds="7200")
    (after,) = hub.subscriptions()
    assert after.id == before.id and after.expires_at > before.expires_at and after.secret(hub.service.keyring) is None


def test_unsubscribing_deletes_the_callback_and_the_secret(hub: HubHouse, subscriber: Subscriber) -> None:
    make_newsroom(hub.database)
    hub.subscribe(subscriber, TOPIC, secret="s")
    assert hub.post(subscriber.request("unsubscribe", TOPIC)).status_code == 202
    hub.deliver()
    assert subscriber.asked[-1]["hub.mode"] == "unsubscribe"
    with hub.database.reading() as tx:
        assert not list(tx.scalars(select(Subscription))) and not list(tx.scalars(select(Intent)))


def test_a_newer_request_takes_the_place_of_an_older_one_under_way(hub: HubHouse, subscriber: Subscriber) -> None:
    """A yes to subscribing must never end what somebody asked to end meanwhile, and the other way round."""
    make_newsroom(hub.database)
    hub.subscribe(subscriber, TOPIC)
    original = subscriber.verify

    def ask_for_the_other(path: str) -> tuple[int, bytes]:
        subscriber.verify = original  # type: ignore[method-assign]
        subscriber.wants.discard(("unsubscribe", TOPIC))
        hub.post({**subscriber.request("unsubscribe", TOPIC)})
        subscriber.wants.discard(("unsubscribe", TOPIC))
        return original(path)

    subscriber.verify = ask_for_the_other  # type: ignore[method-assign]
    hub.post(subscriber.request("subscribe", TOPIC))
    hub.deliver()
    assert len(hub.subscriptions()) == 1
    assert [one["hub.mode"] for one in subscriber.asked] == ["subscribe", "subscribe", "unsubscribe"]


def test_callback_and_secret_lie_sealed(hub: HubHouse, subscriber: Subscriber) -> None:
    make_newsroom(hub.database)
    hub.post(subscriber.request("subscribe", TOPIC, secret="canary-secret"))
    with hub.database.reading() as tx:
        intent = tx.scalars(select(Intent)).one()
    hub.deliver()
    (made,) = hub.subscriptions()
    assert made.secret(hub.service.keyring) == "canary-secret"
    for row in (intent, made):
        kept = [value for value in vars(row).values() if isinstance(value, bytes)]
        assert len(kept) == 5 and not [one for one in kept if b"canary" in one or b"127.0.0.1" in one]


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"hub.mode": "publish"}, 400, "hub.mode"),
        ({"hub.mode": ""}, 400, "hub.mode"),
        ({"hub.topic": ""}, 400, "hub.topic is missing"),
        ({"hub.callback": ""}, 400, "hub.callback is missing"),
        ({"hub.callback": "ftp://reader.example.net/x"}, 400, "https://"),
        ({"hub.callback": "gopher://reader.example.net/x"}, 400, "https://"),
        ({"hub.lease_seconds": "soon"}, 400, "hub.lease_seconds"),
        ({"hub.lease_seconds": "-5"}, 400, "hub.lease_seconds"),
        ({"hub.lease_seconds": "٣"}, 400, "hub.lease_seconds"),
        ({"hub.secret": "x" * 200}, 400, "200 bytes"),
        ({"hub.secret": "ێ" * 100}, 400, "200 bytes"),
    ],
)
def test_a_wrong_request_is_refused_with_a_sentence(
    hub: HubHouse, subscriber: Subscriber, change: dict[str, str], status: int, says: str
) -> None:
    make_newsroom(hub.database)
    answer = hub.post(subscriber.request("subscribe", TOPIC) | change)
    assert answer.status_code == status and says in answer.text
    assert answer.mimetype == "text/plain" and len(answer.text.strip().splitlines()) == 1
    assert hub.states(Kind.VERIFICATION) == []


def test_a_secret_of_199_bytes_is_taken(hub: HubHouse, subscriber: Subscriber) -> None:
    make_newsroom(hub.database)
    assert hub.post(subscriber.request("subscribe", TOPIC, secret="x" * 199)).status_code == 202


@pytest.mark.parametrize(
    "topic",
    [
        f"{BASE}/river/en/feed.xml",
        f"{BASE}/river/en/",
        f"{BASE}/river/en/feed.atom?page=2",
        f"{BASE}/river/en//feed.atom",
        f"{BASE}/r%69ver/en/feed.atom",
        f"{BASE}/river/%00/feed.atom",
        f"{BASE}/river/fr/feed.atom",
        f"{BASE}/lake/en/feed.atom",
        f"{BASE}/river/en/beats/unknown/feed.atom",
        f"{BASE}/all/en/beats/water/feed.atom",
        f"{BASE}.attacker.example/river/en/feed.atom",
        "http://press.example.org/river/en/feed.atom",
        "/river/en/feed.atom",
        f"{BASE}/river/en/feed.atom#x",
        f"{BASE}/ڕووبار/en/feed.atom",
    ],
)
def test_only_the_own_address_of_a_feed_is_a_topic(hub: HubHouse, subscriber: Subscriber, topic: str) -> None:
    make_newsroom(hub.database)
    answer = hub.post(subscriber.request("subscribe", topic))
    assert answer.status_code == 404 and "rel=self" in answer.text
    assert hub.states(Kind.VERIFICATION) == []


def test_a_beat_that_only_hidden_releases_carry_is_no_topic_and_answers_like_an_unknown_one(
    hub: HubHouse, subscriber: Subscriber
) -> None:
    newsroom = make_newsroom(hub.database)
    make_release(hub.database, newsroom, beats=["water"])
    make_release(hub.database, newsroom, beats=["strike"], draft=True)
    found = {
        beat: hub.post(subscriber.request("subscribe", f"{BASE}/river/en/beats/{beat}/feed.rss"))
        for beat in ("water", "strike", "unknown")
    }
    assert found["water"].status_code == 202
    assert (found["strike"].status_code, found["strike"].data) == (404, found["unknown"].data)


def test_a_host_is_not_asked_without_end(hub: HubHouse, subscriber: Subscriber, monkeypatch) -> None:
    make_newsroom(hub.database)
    monkeypatch.setattr(asking, "_OF_HOST", 3)
    form = subscriber.request("subscribe", TOPIC)
    answers = [hub.post({**form, "hub.callback": subscriber.callback(f"c{number}")}) for number in range(5)]
    assert [one.status_code for one in answers] == [202] * 3 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) == 600
    hub.deliver()
    assert len(subscriber.asked) == 3


def test_who_holds_a_subscription_can_renew_it_however_many_strangers_name_its_host(
    hub: HubHouse, subscriber: Subscriber, monkeypatch
) -> None:
    make_newsroom(hub.database)
    hub.subscribe(subscriber, TOPIC)
    monkeypatch.setattr(asking, "_OF_HOST", 1)
    form = subscriber.request("subscribe", TOPIC)
    assert hub.post({**form, "hub.callback": subscriber.callback("stranger")}).status_code == 429
    assert hub.post(form).status_code == 202


def test_a_network_does_not_ask_without_end(hub: HubHouse, subscriber: Subscriber, monkeypatch) -> None:
    make_newsroom(hub.database)
    monkeypatch.setattr(asking, "_OF_NETWORK", 2)
    form = subscriber.request("subscribe", TOPIC)
    names = ("one", "two", "three")
    codes = [hub.post({**form, "hub.callback": f"https://{name}.example.net/"}).status_code for name in names]
    assert codes == [202, 202, 429]


def test_a_host_has_not_more_subscriptions_than_it_may(hub: HubHouse, subscriber: Subscriber, monkeypatch) -> None:
    make_newsroom(hub.database)
    hub.subscribe(subscriber, TOPIC)
    monkeypatch.setattr(asking, "_SUBSCRIPTIONS", 1)
    form = subscriber.request("subscribe", TOPIC)
    assert hub.post({**form, "hub.callback": subscriber.callback("second")}).status_code == 403
    assert hub.post(form).status_code == 202, "a renewal is none more"


def test_one_machine_behind_many_names_is_not_asked_without_end(hub: HubHouse, monkeypatch) -> None:
    make_newsroom(hub.database)
    monkeypatch.setattr(verifying, "_OF_ADDRESS", 2)
    with Subscriber("127.0.0.1") as one, Subscriber("127.0.0.2") as two, Subscriber("127.0.0.3") as three:
        for each in (one, two, three):
            hub.post(each.request("subscribe", TOPIC))
        hub.deliver()
        assert len(one.asked) + len(two.asked) + len(three.asked) == 2
        assert sorted(hub.states(Kind.VERIFICATION)) == ["deferred", "sent", "sent"]


@pytest.mark.parametrize("limit", ["_OF_NETWORK", "_OF_HOST", "_INTENTS", "_SUBSCRIPTIONS"])
def test_requests_made_at_the_same_time_do_not_overrun_a_limit(
    hub: HubHouse, subscriber: Subscriber, monkeypatch, limit: str
) -> None:
    make_newsroom(hub.database)
    monkeypatch.setattr(asking, limit, 3)
    form, together = subscriber.request("subscribe", TOPIC), threading.Barrier(12)

    def ask(number: int) -> int:
        client = hub.client.application.test_client()
        together.wait()
        return client.post("/hub", data={**form, "hub.callback": subscriber.callback(f"c{number}")}).status_code

    with ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(ask, range(12)))
    assert codes.count(202) == 3
    hub.deliver()
    assert len(hub.subscriptions()) == 3


def test_workers_that_ask_at_the_same_time_do_not_overrun_the_limit_of_a_network(hub: HubHouse, monkeypatch) -> None:
    monkeypatch.setattr(verifying, "_OF_ADDRESS", 3)
    # Other processes do not share it.
    monkeypatch.setattr(verifying, "_counting", nullcontext())
    together = threading.Barrier(12)

    def permits(number: int) -> bool:
        together.wait()
        return verifying._permits(hub.database, hub.service.keyring, f"192.0.2.{number}")

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(permits, range(12))) == 3


def test_a_renewal_under_way_takes_no_place_of_another(hub: HubHouse, subscriber: Subscriber, monkeypatch) -> None:
    make_newsroom(hub.database)
    hub.subscribe(subscriber, TOPIC)
    monkeypatch.setattr(asking, "_SUBSCRIPTIONS", 2)
    form = subscriber.request("subscribe", TOPIC)
    names = ("feed?key=1&x=%20y", "second", "third")
    codes = [hub.post({**form, "hub.callback": subscriber.callback(name)}).status_code for name in names]
    assert codes == [202, 202, 403]


def test_a_callback_that_cannot_be_reached_is_tried_three_times(hub: HubHouse, subscriber: Subscriber) -> None:
    make_newsroom(hub.database)
    form = subscriber.request("subscribe", TOPIC)
    hub.post({**form, "hub.callback": "http://127.0.0.1:1/x".replace(":1/", ":1025/")})
    tries = []
    for _ in range(5):
        tries.append(hub.deliver())
        hub.age()
    assert tries == [1, 1, 1, 0, 0] and hub.states(Kind.VERIFICATION) == ["failed"]
    with hub.database.reading() as tx:
        assert not list(tx.scalars(select(Intent)))


def test_callbacks_in_private_networks_are_refused(hub: HubHouse, subscriber: Subscriber) -> None:
    make_newsroom(hub.database)
    strict = HubHouse(hub.database, hub.config, push_private_networks=False)
    answer = strict.post(subscriber.request("subscribe", TOPIC))
    assert answer.status_code == 400 and "private network" in answer.text
    strict.close()


def test_a_hub_elsewhere_or_none_takes_no_requests_here(hub: HubHouse, subscriber: Subscriber) -> None:
    make_newsroom(hub.database)
    for url in ("https://hub.example.org/", "none"):
        other = HubHouse(hub.database, hub.config, hub_url=url)
        assert other.post(subscriber.request("subscribe", TOPIC)).status_code == 404
        other.close()


def test_leases_end(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    hub.subscribe(subscriber, TOPIC)
    subscriber.delivered.clear()
    with hub.database.transaction() as tx:
        tx.execute(update(Subscription).values(expires_at=hub.database.now(tx)))
    make_release(hub.database, newsroom)
    hub.push()
    assert subscriber.delivered == [], "nothing is pushed after it"
    assert reconciling.end_leases(hub.database) == 1 and hub.subscriptions() == []


def test_what_is_older_than_a_month_is_forgotten(hub: HubHouse, subscriber: Subscriber) -> None:
    make_newsroom(hub.database)
    hub.subscribe(subscriber, TOPIC)
    with hub.database.reading() as tx:
        now = hub.database.now(tx)
    reconciling.purge(hub.database, now=now + timedelta(days=29))
    assert hub.states(Kind.VERIFICATION) == ["sent"]
    reconciling.purge(hub.database, now=now + timedelta(days=31))
    with hub.database.reading() as tx:
        assert not list(tx.scalars(select(Dispatch)))
    assert len(hub.subscriptions()) == 1


def test_a_lease_has_bounds() -> None:
    assert subscription.lease(None) == timedelta(days=10)
    assert subscription.lease(1) == SHORTEST_LEASE and subscription.lease(10**11) == LONGEST_LEASE
