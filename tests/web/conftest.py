from __future__ import annotations

from collections.abc import Iterator

import pytest

from pressroom.config import Config
from pressroom.db import Database
from tests.web.public import Site


@pytest.fixture
def site(config: Config, database: Database) -> Iterator[Site]:
    """The public site on the test's database."""
    site = Site(config, database)
    yield site
    site.close()
