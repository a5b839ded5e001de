from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from pressroom.config import Config
from pressroom.db import Database
from pressroom.errors import NotAllowed
from pressroom.people import attempt, inviting, signing_in
from pressroom.people.account import Account, Role
from pressroom.people.session import LoginSession
from pressroom.people.signing_in import TooManyAttempts
from pressroom.seal import Keyring
from pressroom.service import Service
from tests.makers import make_newsroom

EMAIL = "shilan@example.org"
PASSWORD = "بەفری سپی لە زستان"
NETWORK = "192.0.2.0/24"


class Door:
    def __init__(self, database: Database, config: Config) -> None:
        self.database = database
        self.keyring: Keyring = Service(config).keyring
        self.newsroom = make_newsroom(database)
        self.now: datetime = self.newsroom.created_at + timedelta(days=30)
        self.account_id = self.add(EMAIL)

    def add(self, email: str) -> int:
        return inviting.add(
            self.database, self.keyring, email, Role.EDITOR, self.newsroom.id, now=self.now, password=PASSWORD
        ).account_id

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD, network: str = NETWORK) -> str:
        return signing_in.sign_in(self.database, self.keyring, email, password, network=network, now=self.now)

    def whose(self, token: str) -> int | None:
        return signing_in.account_of(self.database, token, now=self.now)

    def stored(self) -> LoginSession | None:
        with self.database.reading() as tx:
            return tx.scalars(select(LoginSession)).one_or_none()

    def tried(self, times: int, kind: str, subject: bytes) -> None:
        with self.database.transaction() as tx:
            for _ in range(times):
                attempt.record(tx, kind, subject, now=self.now)


@pytest.fixture
def door(database: Database, config: Config) -> Door:
    return Door(database, config)


def test_the_right_password_opens_a_session_of_that_account(door: Door) -> None:
    token = door.sign_in(" Shilan@Example.org ")
    assert door.whose(token) == door.account_id
    stored = door.stored()
    assert stored is not None and token.encode() not in stored.token_hash
    assert len(token) >= 43


def test_two_log_ins_are_two_sessions(door: Door) -> None:
    first, second = door.sign_in(), door.sign_in()
    signing_in.sign_out(door.database, first)
    assert (door.whose(first), door.whose(second)) == (None, door.account_id)


def test_unknown_wrong_disabled_and_invited_get_the_same_answer(door: Door) -> None:
    door.add("gone@example.org")
    inviting.disable(door.database, door.keyring, "gone@example.org", now=door.now)
    inviting.add(door.database, door.keyring, "new@example.org", Role.AUTHOR, door.newsroom.id, now=door.now)
    said = set()
    for email, password in (
        (EMAIL, "wrong"),
        ("nobody@example.org", PASSWORD),
        ("gone@example.org", PASSWORD),
        ("new@example.org", ""),
    ):
        with pytest.raises(NotAllowed) as refused:
            door.sign_in(email, password)
        said.add(refused.value.message)
    assert len(said) == 1 and door.stored() is None


def test_a_password_longer_than_anybodys_is_wrong(door: Door) -> None:
    with pytest.raises(NotAllowed):
        door.sign_in(password=PASSWORD + "x" * 100_000)


def test_an_account_can_be_tried_ten_times_in_a_quarter_of_an_hour(door: Door) -> None:
    for number in range(signing_in.PER_ACCOUNT):
        with pytest.raises(NotAllowed):
            door.sign_in(password="wrong", network=f"192.0.{number}.0/24")
    with pytest.raises(TooManyAttempts):
        door.sign_in(network="203.0.113.0/24")
    door.now += signing_in.WINDOW + timedelta(seconds=1)
    assert door.whose(door.sign_in()) == door.account_id


def test_a_network_can_try_fifty_times_whatever_the_accounts(door: Door) -> None:
    door.tried(signing_in.PER_NETWORK - 1, "log-in network", door.keyring.lookup("network", NETWORK))
    door.sign_in()
    with pytest.raises(TooManyAttempts):
        door.sign_in()
    assert door.whose(door.sign_in(network="203.0.113.0/24")) == door.account_id


def test_a_success_forgives_the_account_its_failures(door: Door) -> None:
    door.tried(signing_in.PER_ACCOUNT - 1, "log-in account", inviting.email_lookup(door.keyring, EMAIL))
    door.sign_in()
    for _ in range(2):
        door.sign_in()


def test_attempts_at_one_instant_do_not_pass_the_limit_together(door: Door) -> None:
    def guess(_: int) -> bool:
        try:
            door.sign_in(password="wrong")
        except TooManyAttempts:
            return False
        except NotAllowed:
            return True
        raise AssertionError("a wrong password was taken")

    with ThreadPoolExecutor(16) as threads:
        looked_at = sum(threads.map(guess, range(24)))
    assert 0 < looked_at <= signing_in.PER_ACCOUNT


def test_a_session_ends_after_twelve_idle_hours(door: Door) -> None:
    token = door.sign_in()
    for _ in range(3):
        door.now += signing_in.IDLE - timedelta(minutes=1)
        assert door.whose(token) == door.account_id
    door.now += signing_in.IDLE
    assert door.whose(token) is None


def test_a_session_ends_after_seven_days_however_busy(door: Door) -> None:
    token, began = door.sign_in(), door.now
    while door.now < began + signing_in.LASTS - timedelta(hours=6):
        door.now += timedelta(hours=6)
        assert door.whose(token) == door.account_id
    door.now = began + signing_in.LASTS
    assert door.whose(token) is None


def test_a_disabled_account_has_no_session(door: Door) -> None:
    token = door.sign_in()
    with door.database.transaction() as tx:
        tx.execute(update(Account).values(disabled_at=door.now))
    assert door.whose(token) is None
    with pytest.raises(NotAllowed):
        signing_in.begin(door.database, door.account_id, now=door.now)


def test_an_unknown_token_is_nobodys(door: Door) -> None:
    door.sign_in()
    assert door.whose("") is None and door.whose("x" * 43) is None


def test_sessions_that_are_over_are_swept_at_the_next_log_in(door: Door) -> None:
    door.sign_in()
    door.now += signing_in.LASTS
    token = door.sign_in()
    stored = door.stored()
    assert stored is not None and door.whose(token) == stored.account_id


def test_an_old_weak_hash_is_renewed_at_log_in(door: Door) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    with door.database.transaction() as tx:
        tx.execute(update(Account).values(password_hash=weak))
    door.sign_in()
    with door.database.reading() as tx:
        stored = tx.get_one(Account, door.account_id).password_hash
    assert stored is not None and stored != weak and not PasswordHasher().check_needs_rehash(stored)
    door.sign_in()
