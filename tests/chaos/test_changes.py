from __future__ import annotations

from pathlib import Path

import pytest

from pressroom.db import Database
from tests.feeds.importers import follow_through

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("seed", range(1, 4))
def test_an_importer_ends_with_our_state_after_a_thousand_acts(database: Database, tmp_path: Path, seed: int) -> None:
    follow_through(database, tmp_path, acts=1000, seed=seed)
