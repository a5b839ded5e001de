from __future__ import annotations

import pytest

from pressroom import addresses
from pressroom.config import Config
from pressroom.db import Database
from pressroom.web.pace import WINDOW, Pace
from tests.conftest import MakeConfig
from tests.makers import make_newsroom, make_release
from tests.web.public import Site

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
    path = f"/river/en/feed.{kind}"
    # The first one renders it.
    assert statuses(paced, path, FETCHES + 1) == [200] * (FETCHES + 1)
    refused = paced.get(path)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= WINDOW
    assert "If-None-Match" in refused.text and refused.headers["Cache-Control"] == "no-store"
    assert statuses(paced, f"/river/ckb/feed.{kind}", 2) == [200, 200], "another feed has its own count"


def test_whoever_asks_whether_it_changed_is_never_told_to_wait(paced: Site) -> None:
    path = "/river/en/feed.atom"
    tag = paced.get(path).headers["ETag"]
    assert statuses(paced, path, 3 * FETCHES, If_None_Match=tag) == [304] * (3 * FETCHES)
    assert statuses(paced, path, 3 * FETCHES, If_None_Match='"another"') == [200] * (3 * FETCHES)
    assert statuses(paced, path, 2, If_Modified_Since="Sat, 28 Nov 2020 00:00:00 GMT") == [200, 200]
    assert statuses(paced, path, FETCHES) == [200] * FETCHES


def test_clients_behind_a_proxy_are_told_apart_and_pages_are_for_everybody(paced: Site) -> None:
    path = "/river/en/feed.atom"
    statuses(paced, path, FETCHES + 1, X_Forwarded_For="192.0.2.1")
    assert paced.get(path, X_Forwarded_For="192.0.2.1").status_code == 429
    assert paced.get(path, X_Forwarded_For="192.0.2.2").status_code == 200
    assert paced.get(path, X_Forwarded_For="192.0.2.1", method="HEAD").status_code == 200
    assert statuses(paced, "/river/en/", 3 * FETCHES) == [200] * (3 * FETCHES)


def test_nothing_is_counted_without_a_limit_and_little_is_remembered() -> None:
    assert {Pace(0).wait("client", "/feed") for _ in range(100)} == {0}
    pace = Pace(1)
    for number in range(50_000):
        pace.wait(f"client {number}", "/feed")
    assert len(pace._asked) <= 20_001
