from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from pressroom.config import Config
from pressroom.db import Database
from pressroom.errors import NotFound, Refused
from pressroom.people import inviting
from pressroom.people.account import Account, Membership, Role, role_in
from pressroom.people.session import LoginSession
from pressroom.seal import Keyring
from pressroom.service import Service
from tests.makers import make_newsroom

EMAIL = "shilan@example.org"
PASSWORD = "بەفری سپی لە زستان"


class Desk:
    def __init__(self, database: Database, config: Config) -> None:
        self.database = database
        self.keyring: Keyring = Service(config).keyring
        self.newsroom = make_newsroom(database)
        self.now: datetime = self.newsroom.created_at + timedelta(days=30)

    def add(self, email: str = EMAIL, role: Role = Role.EDITOR, password: str | None = None) -> inviting.Added:
        return inviting.add(self.database, self.keyring, email, role, self.newsroom.id, now=self.now, password=password)

    def account(self) -> Account:
        with self.database.reading() as tx:
            return tx.scalars(select(Account)).one()

    def role(self) -> Role | None:
        with self.database.reading() as tx:
            return role_in(tx, self.account().id, self.newsroom.id)


@pytest.fixture
def desk(database: Database, config: Config) -> Desk:
    return Desk(database, config)


def test_an_invitation_sets_a_password_once(desk: Desk) -> None:
    added = desk.add()
    assert added.token is not None and desk.account().password_hash is None
    inviting.accept(desk.database, added.token, PASSWORD, now=desk.now)
    hashed = desk.account().password_hash
    assert hashed is not None and hashed.startswith("$argon2id$")
    assert PasswordHasher().verify(hashed, PASSWORD)
    with pytest.raises(NotFound):
        inviting.accept(desk.database, added.token, "another pass phrase", now=desk.now)


def test_an_invitation_ends_after_a_week(desk: Desk) -> None:
    added = desk.add()
    assert added.token is not None
    with pytest.raises(NotFound):
        inviting.accept(desk.database, added.token, PASSWORD, now=desk.now + timedelta(days=7))
    assert desk.account().password_hash is None


def test_a_second_invitation_ends_the_first(desk: Desk) -> None:
    first, second = desk.add(), desk.add()
    assert first.token is not None and second.token is not None
    with pytest.raises(NotFound):
        inviting.accept(desk.database, first.token, PASSWORD, now=desk.now)
    inviting.accept(desk.database, second.token, PASSWORD, now=desk.now)


def test_a_short_password_stores_nothing(desk: Desk) -> None:
    with pytest.raises(Refused):
        desk.add(password="short")
    with desk.database.reading() as tx:
        assert tx.scalars(select(Account)).all() == []


def test_adding_the_same_person_again_changes_the_role_only(desk: Desk) -> None:
    desk.add(password=PASSWORD)
    again = desk.add(EMAIL.upper(), Role.VIEWER)
    assert again.token is None
    assert desk.role() is Role.VIEWER
    assert desk.account().password_hash is not None


def test_the_address_is_sealed(desk: Desk) -> None:
    added = desk.add()
    assert EMAIL.encode() not in desk.account().email_sealed
    with desk.database.reading() as tx:
        assert inviting.addresses_of(tx, desk.keyring, [added.account_id]) == [EMAIL]


def test_disabling_ends_sessions_and_invitations(desk: Desk) -> None:
    added = desk.add()
    with desk.database.transaction() as tx:
        session = LoginSession(
            token_hash=b"h", account_id=added.account_id, created_at=desk.now, seen_at=desk.now,
            expires_at=desk.now + timedelta(days=1),
        )  # fmt: skip
        tx.add(session)
    assert inviting.disable(desk.database, desk.keyring, EMAIL.upper(), now=desk.now) is True
    assert desk.account().disabled_at == desk.now
    with desk.database.reading() as tx:
        assert tx.scalars(select(LoginSession)).all() == []
        assert inviting.addresses_of(tx, desk.keyring, [added.account_id]) == []
    assert added.token is not None
    with pytest.raises(NotFound):
        inviting.accept(desk.database, added.token, PASSWORD, now=desk.now)
    assert inviting.disable(desk.database, desk.keyring, EMAIL, now=desk.now) is False


def test_an_account_that_comes_back_needs_a_new_password(desk: Desk) -> None:
    desk.add(password=PASSWORD)
    inviting.disable(desk.database, desk.keyring, EMAIL, now=desk.now)
    again = desk.add()
    assert again.token is not None
    assert desk.account().disabled_at is None and desk.account().password_hash is None


def test_an_unknown_account_cannot_be_disabled(desk: Desk) -> None:
    with pytest.raises(NotFound):
        inviting.disable(desk.database, desk.keyring, "nobody@example.org", now=desk.now)


def test_a_disabled_account_that_is_added_again_has_only_its_new_role(desk: Desk) -> None:
    other = make_newsroom(desk.database, "other")
    account = inviting.add(desk.database, desk.keyring, "al@example.org", Role.OWNER, desk.newsroom.id, now=desk.now)
    inviting.disable(desk.database, desk.keyring, "al@example.org", now=desk.now)
    inviting.add(desk.database, desk.keyring, "al@example.org", Role.VIEWER, other.id, now=desk.now)
    with desk.database.reading() as tx:
        query = select(Membership).where(Membership.account_id == account.account_id)
        assert [(one.newsroom_id, one.role) for one in tx.scalars(query)] == [(other.id, Role.VIEWER)]


def test_a_password_that_signing_in_would_not_read_whole_is_refused() -> None:
    inviting.hash_password("x" * inviting.LONGEST_PASSWORD)
    with pytest.raises(Refused, match="too long"):
        inviting.hash_password("x" * (inviting.LONGEST_PASSWORD + 1))
