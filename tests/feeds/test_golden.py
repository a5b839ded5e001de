"""Feeds as they were when last looked at by a person; UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pressroom.feeds.document import atom, rss
from pressroom.feeds.json_feed import json_feed
from tests.feeds.articles import around, article
from tests.makers import LANGUAGES

GOLDEN = Path(__file__).parent.parent / "golden"
WRITERS = {"atom": atom, "rss": rss, "json": json_feed}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_feed_is_written_as_it_was(tag: str, kind: str) -> None:
    others = [other for other in LANGUAGES if other != tag]
    second = article(tag, 2, title="3 – UNICEF & “<b>”", pictures=1)
    written = WRITERS[kind](around(kind, tag), [article(tag, siblings=others), second])
    path = GOLDEN / f"feed.{tag}.{kind}"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_bytes(written)
    assert written == path.read_bytes()
