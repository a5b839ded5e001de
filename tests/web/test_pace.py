from __future__ import annotations

import pytest
from sqlalchemy import select

from pressroom import addresses
from pressroom.config import Config
from pressroom.db import Database
from pressroom.releases.asset import Rendition
from pressroom.web.pace import WINDOW, Pace
from pressroom.web.places import RELEASE_FILES
from tests.conftest import MakeConfig
from tests.makers import make_newsroom, make_release
from tests.web.public import Site, path

FETCHES = 5


@pytest.fixture
def paced(make_config: MakeConfig, config: Config, database: Database):
    site = Site(
        make_config(database_url=config.database_url, feed_fetches=FETCHES, trusted_proxies=("127.0.0.1",)), database
    )
    make_release(database, make_newsroom(database))
    yield site
    site.close()


def statuses(site: Site, path: str, count: int, **headers: str) -> list[int]:
    return [site.get(path, **headers).status_code for _ in range(count)]


@pytest.mark.parametrize("kind", addresses.FEED_FORMATS)
def test_whoever_fetches_a_feed_whole_again_and_again_is_told_to_wait(paced: Site, kind: str) -> None:
    feed = f"/river/en/feed.{kind}"
    # The first one renders it.
    assert statuses(paced, feed, FETCHES + 1) == [200] * (FETCHES + 1)
    refused = paced.get(feed)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= WINDOW
    assert "If-None-Match" in refused.text and refused.headers["Cache-Control"] == "no-store"
    assert statuses(paced, f"/river/ckb/feed.{kind}", 2) == [200, 200], "another feed has its own count"


def test_whoever_asks_whether_it_changed_is_never_told_to_wait(paced: Site) -> None:
    feed = "/river/en/feed.atom"
    tag = paced.get(feed).headers["ETag"]
    assert statuses(paced, feed, 3 * FETCHES, If_None_Match=tag) == [304] * (3 * FETCHES)
    assert statuses(paced, feed, 3 * FETCHES, If_None_Match='"another"') == [200] * (3 * FETCHES)
    assert statuses(paced, feed, 2, If_Modified_Since="Sat, 28 Nov 2020 00:00:00 GMT") == [200, 200]
    assert statuses(paced, feed, FETCHES) == [200] * FETCHES


def test_clients_behind_a_proxy_are_told_apart_and_pages_are_for_everybody(paced: Site) -> None:
    feed = "/river/en/feed.atom"
    statuses(paced, feed, FETCHES + 1, X_Forwarded_For="192.0.2.1")
    assert paced.get(feed, X_Forwarded_For="192.0.2.1").status_code == 429
    assert paced.get(feed, X_Forwarded_For="192.0.2.2").status_code == 200
    assert paced.get(feed, X_Forwarded_For="192.0.2.1", method="HEAD").status_code == 200
    assert statuses(paced, "/river/en/", 3 * FETCHES) == [200] * (3 * FETCHES)


def test_only_what_is_polled_is_counted(paced: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database, slug="lake"), ["en"], pictures=1)
    files = [f"{path(made, 'en')}.{kind}" for kind in RELEASE_FILES]
    with database.reading() as tx:
        pictures = [one.path for one in tx.scalars(select(Rendition))]
    assert len(files) == 5 and len(pictures) == 1
    for one in (*files, *pictures, addresses.OPML, addresses.SITEMAP, addresses.NEWS_SITEMAP):
        assert statuses(paced, one, 3 * FETCHES) == [200] * (3 * FETCHES), one
    assert statuses(paced, "/lake/en/feed.ninjs.json", FETCHES + 2)[-1] == 429


def test_a_proxy_that_no_setting_names_does_not_make_one_client_of_all(paced: Site) -> None:
    everybody = [
        paced.get("/river/en/feed.atom", peer=peer, X_Forwarded_For="192.0.2.1").status_code
        for peer in ["10.0.0.7"] * (2 * FETCHES)
    ]
    assert everybody == [200] * (2 * FETCHES)
    strangers = [
        paced.get("/river/en/feed.atom", peer="9.9.9.9", X_Forwarded_For=f"192.0.2.{number}").status_code
        for number in range(FETCHES + 1)
    ]
    assert strangers == [200] * FETCHES + [429], "who is no proxy of ours gains nothing by forging"


def test_nothing_is_counted_without_a_limit_and_little_is_remembered() -> None:
    assert {Pace(0).wait("client", "/feed") for _ in range(100)} == {0}
    pace = Pace(1)
    for number in range(50_000):
        pace.wait(f"client {number}", "/feed")
    assert len(pace._asked) <= 20_001
