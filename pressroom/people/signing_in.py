"""Signing in and out of the desk. Whoever tries learns only whether address and password belong together."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.errors import NotAllowed, TryLater
from pressroom.people import attempt, audit, inviting
from pressroom.people.account import Account
from pressroom.people.session import LoginSession
from pressroom.seal import Keyring

IDLE = timedelta(hours=12)
LASTS = timedelta(days=7)
WINDOW = timedelta(minutes=15)
PER_ACCOUNT, PER_NETWORK = 10, 50

_SEEN_EVERY = timedelta(minutes=5)
_ACCOUNT, _NETWORK = "log-in account", "log-in network"


class TooManyAttempts(TryLater):
    """This account or this network has tried too often within `WINDOW`."""


def sign_in(database: Database, keyring: Keyring, email: str, password: str, *, network: str, now: datetime) -> str:
    """A new session's token, for the cookie. `network` is where the attempt comes from, such as 192.0.2.0/24.

    Raises NotAllowed, in the same time and words for an unknown address, a wrong password and a disabled account, and
    TooManyAttempts.
    """
    limits = [
        (_ACCOUNT, inviting.email_lookup(keyring, email), PER_ACCOUNT),
        (_NETWORK, keyring.lookup("network", network), PER_NETWORK),
    ]
    _admit(database, limits, now=now)
    with database.reading() as tx:
        account = inviting.by_email(tx, keyring, email)
    known = account.password_hash if account and not account.disabled_at else None
    if not _verify(known or _nobodys_hash(), password) or account is None or known is None:
        raise _refusal()
    better = PasswordHasher().hash(password) if PasswordHasher().check_needs_rehash(known) else known
    with database.transaction() as tx:
        account = tx.get_one(Account, account.id, with_for_update={"key_share": True})
        if account.disabled_at is not None or account.password_hash != known:
            raise _refusal()
        account.password_hash = better
        attempt.forget(tx, _ACCOUNT, limits[0][1])
        return _begin(tx, account.id, now=now)


def begin(database: Database, account_id: int, *, now: datetime) -> str:
    """A session for somebody who has just set a password by invitation; its token. Raises NotAllowed if disabled."""
    with database.transaction() as tx:
        if tx.get_one(Account, account_id, with_for_update={"key_share": True}).disabled_at is not None:
            raise _refusal()
        return _begin(tx, account_id, now=now)


def account_of(database: Database, token: str, *, now: datetime) -> int | None:
    """Whose session this is; None if it is unknown, signed out, idle for 12 hours, 7 days old, or of one disabled."""
    query = (
        select(LoginSession)
        .join(Account, Account.id == LoginSession.account_id)
        .where(LoginSession.token_hash == _hash(token), Account.disabled_at.is_(None))
    )
    with database.reading() as tx:
        session = tx.scalars(query).one_or_none()
    if session is None or session.expires_at <= now or session.seen_at <= now - IDLE:
        return None
    if session.seen_at <= now - _SEEN_EVERY:
        with database.transaction() as tx:
            tx.execute(update(LoginSession).where(LoginSession.token_hash == session.token_hash).values(seen_at=now))
    return session.account_id


def sign_out(database: Database, token: str) -> None:
    """Ends this session; others of the same account go on."""
    with database.transaction() as tx:
        tx.execute(delete(LoginSession).where(LoginSession.token_hash == _hash(token)))


def _admit(database: Database, limits: list[tuple[str, bytes, int]], *, now: datetime) -> None:
    since = now - WINDOW
    with database.transaction() as tx:
        if any(attempt.count_since(tx, kind, subject, since) >= most for kind, subject, most in limits):
            raise _too_many()
        for kind, subject, _ in limits:
            attempt.record(tx, kind, subject, now=now)
    with database.reading() as tx:
        # Attempts made at one instant see each other only once all of them are stored.
        if any(attempt.count_since(tx, kind, subject, since) > most for kind, subject, most in limits):
            raise _too_many()


def _begin(tx: Session, account_id: int, *, now: datetime) -> str:
    over = or_(LoginSession.expires_at <= now, LoginSession.seen_at <= now - IDLE)
    tx.execute(delete(LoginSession).where(over))
    token = secrets.token_urlsafe(32)
    tx.add(
        LoginSession(
            token_hash=_hash(token), account_id=account_id, created_at=now, seen_at=now, expires_at=now + LASTS
        )
    )
    audit.note(tx, "log in", f"account:{account_id}", now=now, account_id=account_id)
    return token


def _verify(password_hash: str, password: str) -> bool:
    # A password longer than anybody's is cut, so that it costs no more to refuse.
    try:
        return PasswordHasher().verify(password_hash, password[: inviting.LONGEST_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    """Verified against where there is no account, so that the answer takes as long."""
    return PasswordHasher().hash(secrets.token_urlsafe(32))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _refusal() -> NotAllowed:
    return NotAllowed("This address and this password do not belong together; check both and try again.")


def _too_many() -> TooManyAttempts:
    return TooManyAttempts("Too many attempts to log in: wait 15 minutes and try again.")
