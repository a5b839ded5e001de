from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from pressroom.config import Config
from pressroom.db import Database
from pressroom.people.account import Role
from pressroom.pushing.subscription import Subscription
from pressroom.releases.newsroom import Newsroom
from tests.makers import make_newsroom, make_release
from tests.pushing.house import BASE, HubHouse
from tests.pushing.subscriber import Subscriber
from tests.web.staff import House

PAGE = "/desk/river/subscriptions"
FEED = "/river/en/feed.atom"


@pytest.fixture
def hub(database: Database, config: Config) -> Iterator[HubHouse]:
    hub = HubHouse(database, config)
    yield hub
    hub.close()


def table(text: str) -> dict[str, list[str]]:
    """By feed, what the other cells of its row say."""
    rows = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in re.findall(r"<tr>.*?</tr>", text, re.DOTALL)
    ]
    said = [[unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row] for row in rows]
    return {row[0]: row[1:] for row in said[1:]}


def test_an_owner_sees_of_each_feed_how_many_are_subscribed_and_how_it_goes(
    house: House, hub: HubHouse, newsroom: Newsroom
) -> None:
    hill = make_newsroom(house.database, "hill")
    with Subscriber() as well, Subscriber("127.0.0.2") as ill, Subscriber("127.0.0.3") as other:
        hub.subscribe(well, BASE + FEED, secret="canary-secret")
        hub.subscribe(ill, BASE + FEED, lease_seconds="3600")
        hub.subscribe(well, f"{BASE}/all/feed.rss")
        hub.subscribe(other, f"{BASE}/hill/en/feed.json")
        ill.answers = [(503, {})]
        make_release(house.database, newsroom)
        hub.push()
    families = {one.name: one.samples for one in text_string_to_metric_families(hub.client.get("/metrics").text)}
    assert [families[f"pressroom_subscriptions{one}"][0].value for one in ("", "_failing")] == [4, 1]
    page = house.staff(newsroom, Role.OWNER).get(PAGE)
    seen = table(page.text)
    assert {feed: row[:2] for feed, row in seen.items()} == {FEED: ["2", "1"], "/all/feed.rss": ["1", "0"]}
    (first,) = [one for one in hub.subscriptions() if one.failures]
    assert f"{first.expires_at:%H:%M} UTC" in seen[FEED][3]
    assert re.search(r"[0-9]{2}:[0-9]{2} UTC", seen[FEED][2])
    assert "127.0.0" not in page.text and "canary" not in page.text and "key=1" not in page.text
    assert set(table(house.staff(hill, Role.OWNER).get("/desk/hill/subscriptions").text)) == {
        "/hill/en/feed.json", "/all/feed.rss",
    }  # fmt: skip


def test_what_was_never_told_or_has_ended_is_no_push(house: House, hub: HubHouse, newsroom: Newsroom) -> None:
    owner = house.staff(newsroom, Role.OWNER)
    assert "No machine is subscribed here." in owner.get(PAGE).text and "<table" not in owner.get(PAGE).text
    with Subscriber() as subscriber:
        subscriber.answers = [(500, {})]
        hub.subscribe(subscriber, BASE + FEED)
    assert table(owner.get(PAGE).text)[FEED][:3] == ["1", "1", "Not in the last 30 days"]
    with house.database.transaction() as tx:
        tx.execute(update(Subscription).values(expires_at=house.now - timedelta(seconds=1)))
    assert "<table" not in owner.get(PAGE).text


def test_the_page_is_linked_for_owners_only(house: House, newsroom: Newsroom) -> None:
    assert f'href="{PAGE}"' in house.staff(newsroom, Role.OWNER).get("/desk/river/").text
    editor = house.staff(newsroom, Role.EDITOR)
    assert f'href="{PAGE}"' not in editor.get("/desk/river/").text and editor.get(PAGE).status_code == 403


@pytest.mark.parametrize(
    ("tag", "says"),
    [("ckb", "ئامێرە بەشدارەکان"), ("kmr", "Makîneyên abone"), ("ar", "الأجهزة المشتركة")],
)
def test_the_page_speaks_each_language(house: House, newsroom: Newsroom, tag: str, says: str) -> None:
    page = house.staff(newsroom, Role.OWNER).get(PAGE, headers={"Accept-Language": tag})
    assert f'<h1 id="subscribed">{says}</h1>' in page.text
