"""Making a media list."""

from __future__ import annotations

import re
from datetime import datetime

from pressroom.db import Database, new_id
from pressroom.errors import NotFound, Refused
from pressroom.mailing import media_list
from pressroom.mailing.media_list import MediaList
from pressroom.people import audit
from pressroom.releases import newsroom as newsrooms


def add_list(
    database: Database, newsroom_slug: str, slug: str, name: str, *, now: datetime, by: int | None = None
) -> int:
    """Returns its id. Raises NotFound for the newsroom and Refused for a slug that cannot be or is taken."""
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?", slug):
        raise Refused(f"“{slug}” cannot name a media list: use small letters, digits and hyphens, at most 80.")
    if not name.strip():
        raise Refused("A media list needs a name; give one with --name.")
    with database.transaction() as tx:
        newsroom = newsrooms.by_slug(tx, newsroom_slug)
        newsrooms.locked(tx, newsroom.id)
        try:
            media_list.by_slug(tx, newsroom.id, slug)
        except NotFound:
            made = MediaList(id=new_id(), newsroom_id=newsroom.id, slug=slug, name=name.strip(), created_at=now)
            tx.add(made)
            audit.note(tx, "add list", f"list:{made.id}", now=now, newsroom_id=newsroom.id, account_id=by)
            return made.id
        raise Refused(f"There is a media list “{slug}” in this newsroom already.")
