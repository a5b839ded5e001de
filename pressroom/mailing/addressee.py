"""An addressee: what composing needs of a subscriber, a batch in one plain query; name and address sealed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy.orm import Session

from pressroom.db import to_micros
from pressroom.mailing.subscriber import Person
from pressroom.seal import Keyring

# Asked for in the suppression table too, for a row imported in the instant of a suppression, which could not mark it.
_WILLING = """
SELECT s.id, s.email_sealed, s.name_sealed, {languages}, s.accredited_at IS NOT NULL, s.paused_until FROM subscriber s
WHERE s.id {among} AND s.left_at IS NULL AND s.suppressed_at IS NULL AND s.confirmed_at IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM suppression p WHERE p.email_lookup = s.email_lookup) {locked}
"""
_SQLITE = _WILLING.format(languages="s.languages", among="IN (SELECT value FROM json_each(?))", locked="")
_POSTGRESQL = _WILLING.format(languages="s.languages::text", among="= ANY(%s)", locked="FOR SHARE OF s")


class Addressee(NamedTuple):
    """`languages_json` stays as it is stored: there are few orders of languages, and many people. `paused_until` is in
    microseconds, as stored too.
    """

    id: int
    email_sealed: bytes
    name_sealed: bytes | None
    languages_json: str
    accredited: bool
    paused_until: int | None

    @property
    def languages(self) -> tuple[str, ...]:
        return _languages(self.languages_json)

    def is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and self.paused_until > to_micros(now)

    def opened(self, keyring: Keyring) -> Person:
        """Raises SealBroken."""
        name = keyring.open(self.name_sealed, "subscriber", "name", self.id) if self.name_sealed else ""
        return Person(keyring.open(self.email_sealed, "subscriber", "email", self.id), name, "")


def willing(tx: Session, subscriber_ids: Sequence[int]) -> dict[int, Addressee]:
    """Those who may still be written to. Their rows are share-locked (PostgreSQL), so that leaving waits or counts."""
    if not subscriber_ids:
        return {}
    # What the caller changed in this transaction counts.
    tx.flush()
    connection = tx.connection()
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(_SQLITE, (json.dumps(list(subscriber_ids)),))
    else:
        found = connection.exec_driver_sql(_POSTGRESQL, (list(subscriber_ids),))
    return {row[0]: Addressee._make(row) for row in found.all()}


@lru_cache(maxsize=256)
def _languages(as_json: str) -> tuple[str, ...]:
    return tuple(json.loads(as_json))
