from __future__ import annotations

from collections.abc import Iterator

import pytest

from pressroom.config import Config
from pressroom.db import Database
from pressroom.releases.newsroom import Newsroom
from tests.mailing.makers import MailHouse
from tests.makers import make_newsroom
from tests.sink import Sink
from tests.web.public import Site
from tests.web.staff import House


@pytest.fixture
def site(config: Config, database: Database) -> Iterator[Site]:
    """The public site on the test's database."""
    site = Site(config, database)
    yield site
    site.close()


@pytest.fixture
def mail(database: Database, config: Config, smtp_sink: Sink) -> MailHouse:
    return MailHouse(database, config, smtp_sink)


@pytest.fixture
def house(mail: MailHouse, database: Database) -> Iterator[House]:
    house = House(mail.config, database)
    yield house
    house.close()


@pytest.fixture
def newsroom(database: Database) -> Newsroom:
    return make_newsroom(database)
