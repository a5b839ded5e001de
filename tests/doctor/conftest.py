from __future__ import annotations

from collections.abc import Iterator

import pytest

from pressroom.doctor.dns import Dns
from tests.name_server import NameServer


@pytest.fixture
def names() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.stop()


@pytest.fixture
def ask(names: NameServer) -> Dns:
    return Dns(names.address, seconds=2.0)
