from __future__ import annotations

import pytest

from pressroom.config import Config
from pressroom.db import Database
from tests.mailing.makers import MailHouse
from tests.sink import Sink


@pytest.fixture
def house(database: Database, config: Config, smtp_sink: Sink) -> MailHouse:
    return MailHouse(database, config, smtp_sink)
