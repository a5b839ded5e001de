from __future__ import annotations

from collections.abc import Iterator

import pytest

from pressroom.config import Config
from pressroom.db import Database
from tests.pushing.house import HubHouse
from tests.pushing.subscriber import Subscriber


@pytest.fixture
def hub(database: Database, config: Config) -> Iterator[HubHouse]:
    house = HubHouse(database, config)
    yield house
    house.close()


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    with Subscriber() as subscriber:
        yield subscriber
