from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from pressroom.pushing import forgetting
from pressroom.pushing.dispatch import Dispatch, Kind
from pressroom.pushing.intent import Intent
from pressroom.pushing.subscription import Subscription
from pressroom.pushing.watermark import Pinged
from pressroom.releases import scrubbing, vanishing
from tests.makers import make_newsroom, make_release, now
from tests.pushing.house import BASE, HubHouse
from tests.pushing.subscriber import Subscriber

NAME = "zerya-canbaz"
TOPIC = f"{BASE}/river/en/beats/{NAME}/feed.atom"
OTHER = f"{BASE}/river/en/feed.atom"


def told(hub: HubHouse) -> Iterator[str]:
    """What the tables of pushes say of feeds."""
    with hub.database.reading() as tx:
        for column in (Subscription.topic, Intent.topic, Dispatch.subject, Pinged.topic):
            yield from tx.scalars(select(column))


def test_the_name_of_a_beat_that_is_no_more_stands_in_no_topic(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database, languages=["en"])
    made = make_release(hub.database, newsroom, ["en"], beats=[NAME])
    with Subscriber() as unheard, Subscriber() as other:
        elsewhere = HubHouse(hub.database, hub.config, hub_url=other.callback("publish"))
        elsewhere.notice()
        elsewhere.age()
        elsewhere.deliver()
        elsewhere.close()
        hub.subscribe(subscriber, TOPIC)
        hub.subscribe(subscriber, OTHER)
        assert hub.post(unheard.request("subscribe", TOPIC)).status_code == 202
    assert sum(NAME in one for one in told(hub)) > 6
    assert not forgetting.forget_beats(hub.database), "nothing while it is public"

    vanishing.vanish_release(hub.database, made.id, now=now())
    assert forgetting.forget_beats(hub.database)
    assert [one for one in told(hub) if NAME in one] == []
    assert [one.topic for one in hub.subscriptions()] == ["/river/en/feed.atom"]
    assert hub.states(Kind.PING), "what was told of other feeds is kept"
    assert scrubbing.scrub(hub.database)
    if hub.database.is_sqlite:
        folder = Path(hub.database.url.removeprefix("sqlite:///")).parent
        kept = {path.name for path in folder.glob("*.db*") if NAME.encode() in path.read_bytes()}
        assert kept == set()
    assert not forgetting.forget_beats(hub.database)


def test_a_beat_that_only_a_draft_carries_is_known(hub: HubHouse, subscriber: Subscriber) -> None:
    newsroom = make_newsroom(hub.database)
    made = make_release(hub.database, newsroom, beats=[NAME])
    hub.subscribe(subscriber, TOPIC)
    make_release(hub.database, newsroom, beats=[NAME], draft=True)
    vanishing.vanish_release(hub.database, made.id, now=now())
    assert not forgetting.forget_beats(hub.database)
    assert len(hub.subscriptions()) == 1
