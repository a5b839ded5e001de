"""Accrediting: which journalists get releases under embargo, because somebody knows them and trusts them with it."""

from __future__ import annotations

from datetime import datetime

from pressroom.db import Database
from pressroom.errors import NotFound
from pressroom.mailing import address
from pressroom.mailing import subscriber as subscribers
from pressroom.people import audit, granting
from pressroom.people.account import Act
from pressroom.releases import newsroom as newsrooms
from pressroom.seal import Keyring


def accredit(
    database: Database,
    keyring: Keyring,
    newsroom_slug: str,
    email: str,
    accredited: bool,
    *,
    now: datetime,
    by: int | None = None,
) -> bool:
    """Marks a subscriber as accredited, or no longer; False if nothing changed. Messages under way ask again.

    Raises Refused for what is no address, NotFound and NotAllowed.
    """
    lookup = subscribers.lookup(keyring, address.parse(email))
    with database.transaction() as tx:
        newsroom = newsrooms.by_slug(tx, newsroom_slug)
        granting.permit(tx, by, newsroom.id, Act.MANAGE)
        found = subscribers.find(tx, newsroom.id, lookup)
        if found is None:
            raise NotFound("Nobody with this address is subscribed here; import or invite them first.")
        row = tx.get_one(subscribers.Subscriber, found.id, with_for_update={"key_share": True})
        if (row.accredited_at is not None) is accredited:
            return False
        row.accredited_at = now if accredited else None
        audit.note(
            tx, "accredit" if accredited else "end accreditation", f"subscriber:{row.id}",
            now=now, newsroom_id=newsroom.id, account_id=by,
        )  # fmt: skip
        return True
