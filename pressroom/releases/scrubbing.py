"""Scrubbing: after something vanished its tables are written anew, so that no freed page of the store still holds it.

It is noted in the transaction of the act and done at once; if that is cut short, the outbox has it done later.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from pressroom import outbox
from pressroom.db import Database
from pressroom.errors import TryLater

log = logging.getLogger(__name__)

SCRUB = "scrub_store"

# Where words and pictures lie.
_TABLES = (
    "release translation revision revision_asset rendition asset correction former_slug beat newsroom audit_entry "
    "log_row subscription intent dispatch pinged"
).split()


# Whoever acts scrubs at once; two at a time would only be in each other's way.
_WHOEVER_ACTS = timedelta(minutes=1)


def note(tx: Session, *, now: datetime) -> None:
    """With an act that makes something vanish."""
    outbox.put(tx, SCRUB, {}, now=now, not_before=now + _WHOEVER_ACTS)


def scrub(database: Database) -> bool:
    """After the commit. False if others kept it from ending; it is then tried again by itself."""
    with database.reading() as tx:
        noted = outbox.open_rows(tx, SCRUB)
    try:
        ended = database.scrub(_TABLES)
    except TryLater:
        ended = False
    if not ended:
        log.warning("What vanished is still in freed pages of the database: others were in the way; trying again.")
        return False
    with database.transaction() as tx:
        outbox.done(tx, noted, now=database.now(tx))
    return True
