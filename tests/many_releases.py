"""Very many releases, written at once: each ten minutes one, in two languages, the last of them an hour ago."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from pressroom.db import Database, new_id, new_public_id
from pressroom.folded import fold
from pressroom.releases.beat import ReleaseBeat
from pressroom.releases.change import Kind, PublicChange
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release, Status
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from tests.makers import BODIES, make_revision_row, now

TAGS = ("en", "ckb")
_AT_ONCE = 2000


def fill(database: Database, newsroom: Newsroom, count: int, *, beat_ids: Sequence[int] = ()) -> None:
    """Into an empty newsroom of these languages; each carries these beats."""
    texts = {tag: _columns(tag) for tag in TAGS}
    began = now() - timedelta(minutes=10 * count + 60)
    for start in range(0, count, _AT_ONCE):
        rows: dict[type, list[dict[str, Any]]] = {
            table: [] for table in (Release, Translation, Revision, ReleaseBeat, PublicChange)
        }
        for number in range(start, min(count, start + _AT_ONCE)):
            at = began + timedelta(minutes=10 * number)
            release_id = new_public_id()
            dated = {"newsroom_id": newsroom.id, "public_from": at}
            said = {"id": release_id, "status": Status.PUBLISHED, "source_language": "en", "created_at": at}
            rows[Release].append({**dated, **said})
            rows[ReleaseBeat] += [{"release_id": release_id, "beat_id": beat_id} for beat_id in beat_ids]
            for place, tag in enumerate(TAGS):
                made = {"id": str(uuid.uuid4()), "release_id": release_id, "language": tag, "slug": f"day-{number}"}
                own = {"id": new_id(), "translation_id": made["id"], "title": f"Day {number}", "created_at": at}
                rows[Translation].append({**dated, **made, "updated_at": at, "revision_id": own["id"]})
                rows[Revision].append({**texts[tag], **own})
                change = {"number": 2 * number + place + 1, "translation_id": made["id"], "kind": Kind.PUBLICATION}
                rows[PublicChange].append({**dated, **change})
        with database.transaction() as tx:
            for table, found in rows.items():
                if found:
                    tx.execute(insert(table), found)
    with database.transaction() as tx:
        tx.get_one(Newsroom, newsroom.id).last_change = 2 * count


def _columns(tag: str) -> dict[str, Any]:
    """What all revisions in a language have in common."""
    row = make_revision_row(Translation(id="", language=tag), "", BODIES[tag], at=now())
    names = ("number", "subtitle", "dateline", "dated", "form", "body", "html", "text", "contacts", "content_hash")
    return {**{name: getattr(row, name) for name in names}, "folded": fold(row.text)}
