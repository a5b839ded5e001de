"""Rotating: making DKIM pairs, switching to them, and leaving the signing to the relay."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.errors import NotFound
from pressroom.mailing import dkim_pair, header
from pressroom.mailing.dkim_pair import DkimPair
from pressroom.people import audit
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.newsroom import Newsroom
from pressroom.seal import Keyring


def make_pair(database: Database, keyring: Keyring, slug: str, *, now: datetime) -> tuple[DkimPair, bool]:
    """The pair that waits to sign, and whether it is new. Those retired before are deleted. Raises NotFound."""
    with database.reading() as tx:
        newsroom = newsrooms.by_slug(tx, slug)
        waiting = _waiting(tx, newsroom)
    if waiting is not None:
        return waiting, False
    # Before the transaction: an RSA key takes a tenth of a second, for which nobody else should wait.
    selector = f"p{now:%Y%m%d}-{secrets.token_hex(2)}"
    pair = dkim_pair.made(keyring, newsroom.id, sender_domain(newsroom), selector, now=now)
    with database.transaction() as tx:
        newsroom = newsrooms.locked(tx, newsroom.id)
        waiting = _waiting(tx, newsroom)
        if waiting is not None:
            return waiting, False
        for old in dkim_pair.of_newsroom(tx, newsroom.id):
            if not old.signs:
                tx.delete(old)
        tx.add(pair)
        tx.flush()
        _note(tx, "make dkim pair", newsroom, now, selector=selector)
    return pair, True


def switch(database: Database, slug: str, selector: str | None, *, now: datetime) -> DkimPair:
    """Signs with the pair of this selector from now on; by default with the newest. The one before is kept, retired.

    Raises NotFound.
    """
    with database.transaction() as tx:
        newsroom = newsrooms.locked(tx, newsrooms.by_slug(tx, slug).id)
        chosen = choose(tx, newsroom, selector)
        if chosen.signs:
            return chosen
        _retire(tx, newsroom, now)
        chosen.signing_since, chosen.retired_at = now, None
        tx.flush()
        _note(tx, "sign by dkim", newsroom, now, selector=chosen.selector)
        return chosen


def leave_to_relay(database: Database, slug: str, *, now: datetime) -> bool:
    """Mail leaves unsigned from now on; False if it did already. Raises NotFound."""
    with database.transaction() as tx:
        newsroom = newsrooms.locked(tx, newsrooms.by_slug(tx, slug).id)
        if not _retire(tx, newsroom, now):
            return False
        _note(tx, "leave dkim to relay", newsroom, now)
        return True


def choose(tx: Session, newsroom: Newsroom, selector: str | None) -> DkimPair:
    """The pair of this selector that can sign for the newsroom's sender; by default the newest. Raises NotFound."""
    domain = sender_domain(newsroom)
    pairs = [pair for pair in dkim_pair.of_newsroom(tx, newsroom.id) if pair.domain == domain]
    if selector is not None:
        pairs = [pair for pair in pairs if pair.selector == selector]
    if not pairs:
        which = f"“{selector}”" if selector else "for its sender"
        raise NotFound(
            f"There is no DKIM pair {which}: see `pressroom newsroom dkim show {newsroom.slug}`, "
            f"or make one with `pressroom newsroom dkim make {newsroom.slug}`."
        )
    return pairs[-1]


def sender_domain(newsroom: Newsroom) -> str:
    return header.ascii_domain(newsroom.from_address).rpartition("@")[2].lower()


def _waiting(tx: Session, newsroom: Newsroom) -> DkimPair | None:
    domain = sender_domain(newsroom)
    return next((pair for pair in dkim_pair.of_newsroom(tx, newsroom.id) if pair.waits and pair.domain == domain), None)


def _retire(tx: Session, newsroom: Newsroom, now: datetime) -> bool:
    signing = dkim_pair.signing(tx, newsroom.id)
    if signing is None:
        return False
    signing.retired_at = now
    return True


def _note(tx: Session, act: str, newsroom: Newsroom, now: datetime, **detail: Any) -> None:
    audit.note(tx, act, f"newsroom:{newsroom.slug}", now=now, newsroom_id=newsroom.id, **detail)
