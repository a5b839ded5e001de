"""Accounts in and out: adding one, inviting its owner to set a password, disabling it."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pressroom.db import Database, new_id
from pressroom.errors import NotFound, Refused
from pressroom.people import audit
from pressroom.people.account import Account, Membership, Role
from pressroom.people.invitation import Invitation
from pressroom.people.session import LoginSession
from pressroom.seal import Keyring

INVITATION_LASTS = timedelta(days=7)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1024


@dataclass(frozen=True)
class Added:
    """`token` opens /login/invitation/{token} once, within a week; None where the account has a password."""

    account_id: int
    token: str | None


def email_lookup(keyring: Keyring, email: str) -> bytes:
    """The keyed hash by which an account is found, however its address is typed."""
    return keyring.lookup("account", unicodedata.normalize("NFKC", email.strip()).casefold())


def hash_password(password: str) -> str:
    """Raises Refused for one that is too short, or longer than signing in reads."""
    if len(password) > LONGEST_PASSWORD:
        raise Refused(f"The password is too long: use at most {LONGEST_PASSWORD} characters.")
    if len(password) < SHORTEST_PASSWORD:
        raise Refused(f"The password is too short: use at least {SHORTEST_PASSWORD} characters.")
    return PasswordHasher().hash(password)


def add(
    database: Database,
    keyring: Keyring,
    email: str,
    role: Role,
    newsroom_id: int,
    *,
    now: datetime,
    password: str | None = None,
    by: int | None = None,
) -> Added:
    """A new account with a role in a newsroom; of a known one, the role. One that was disabled may work again.

    `email` is a whole address. Without a password, one who has none is invited; older invitations end.
    """
    hashed = hash_password(password) if password is not None else None
    with database.transaction() as tx:
        account = by_email(tx, keyring, email, lock=True) or _new_account(tx, keyring, email, now=now)
        if account.disabled_at is not None:
            account.disabled_at, account.password_hash = None, None
        if hashed is not None:
            account.password_hash = hashed
            _end(tx, account.id)
        tx.flush()
        tx.merge(Membership(account_id=account.id, newsroom_id=newsroom_id, role=role))
        audit.note(
            tx, "add user", f"account:{account.id}", now=now, newsroom_id=newsroom_id, account_id=by, role=role.value
        )
        return Added(account.id, None if account.password_hash else _invite(tx, account.id, now=now))


def by_email(tx: Session, keyring: Keyring, email: str, *, lock: bool = False) -> Account | None:
    query = select(Account).where(Account.email_lookup == email_lookup(keyring, email))
    return tx.scalars(query.with_for_update(key_share=True) if lock else query).one_or_none()


def _new_account(tx: Session, keyring: Keyring, email: str, *, now: datetime) -> Account:
    account_id = new_id()
    account = Account(
        id=account_id,
        email_sealed=keyring.seal(email, "account", "email", account_id),
        email_lookup=email_lookup(keyring, email),
        created_at=now,
    )
    tx.add(account)
    return account


def _invite(tx: Session, account_id: int, *, now: datetime) -> str:
    tx.execute(delete(Invitation).where(Invitation.account_id == account_id))
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        token_hash=_hash(token), account_id=account_id, created_at=now, expires_at=now + INVITATION_LASTS
    )
    tx.add(invitation)
    return token


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def invited(tx: Session, token: str, *, now: datetime, lock: bool = False) -> Invitation:
    """The invitation that may still be used. Raises NotFound for one that is unknown, used or older than a week."""
    invitation = tx.get(Invitation, _hash(token), with_for_update={"key_share": True} if lock else None)
    if invitation is None or invitation.used_at is not None or invitation.expires_at <= now:
        raise NotFound("This invitation was used or has expired: ask an owner of the newsroom for another.")
    return invitation


def accept(database: Database, token: str, password: str, *, now: datetime) -> int:
    """Sets the password of the one invited, once; returns the account's id. Raises NotFound and Refused."""
    hashed = hash_password(password)
    with database.transaction() as tx:
        invitation = invited(tx, token, now=now, lock=True)
        account = tx.get_one(Account, invitation.account_id, with_for_update={"key_share": True})
        if account.disabled_at is not None:
            raise NotFound("This invitation was used or has expired: ask an owner of the newsroom for another.")
        invitation.used_at = now
        account.password_hash = hashed
        audit.note(tx, "accept invitation", f"account:{account.id}", now=now, account_id=account.id)
        return account.id


def disable(database: Database, keyring: Keyring, email: str, *, now: datetime, by: int | None = None) -> bool:
    """Ends an account with its sessions, invitations and roles; False if it was disabled before. Raises NotFound."""
    with database.transaction() as tx:
        account = by_email(tx, keyring, email, lock=True)
        if account is None:
            raise NotFound("There is no account with this address; check how it is written.")
        was_disabled = account.disabled_at is not None
        account.disabled_at = account.disabled_at or now
        _end(tx, account.id)
        # Whoever brings them back says anew what they may do, and where.
        tx.execute(delete(Membership).where(Membership.account_id == account.id))
        if not was_disabled:
            audit.note(tx, "disable user", f"account:{account.id}", now=now, account_id=by)
        return not was_disabled


def _end(tx: Session, account_id: int) -> None:
    tx.execute(delete(LoginSession).where(LoginSession.account_id == account_id))
    tx.execute(delete(Invitation).where(Invitation.account_id == account_id))


def addresses_of(tx: Session, keyring: Keyring, account_ids: Iterable[int]) -> list[str]:
    """The open addresses of accounts that are not disabled, for the operator's own eyes only."""
    query = select(Account).where(Account.id.in_(list(account_ids)), Account.disabled_at.is_(None))
    found = tx.scalars(query.order_by(Account.id))
    return [keyring.open(account.email_sealed, "account", "email", account.id) for account in found]
