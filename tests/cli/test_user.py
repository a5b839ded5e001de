from __future__ import annotations

import io

import pytest
from sqlalchemy import select

from pressroom.db import Database
from pressroom.people.account import Account, Membership, Role
from tests.cli.conftest import Press, must, refused

ADD = ("user", "add", "shilan@example.org", "--role", "editor", "--newsroom", "river")


def test_without_a_password_it_prints_a_link_once(newsroom: Press, database: Database) -> None:
    link = must(newsroom(*ADD, "--json")).json["invitation"]
    assert link.startswith("https://press.example.org/login/invitation/")
    with database.reading() as tx:
        account = tx.scalars(select(Account)).one()
        assert account.password_hash is None
        assert tx.scalars(select(Membership)).one().role is Role.EDITOR


def test_a_password_comes_from_standard_input(
    newsroom: Press, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("دارستانی بەڕووی کۆن\n"))
    added = must(newsroom(*ADD, "--password-stdin", "--json"))
    assert added.json["invitation"] is None
    with database.reading() as tx:
        assert str(tx.scalars(select(Account)).one().password_hash).startswith("$argon2id$")


def test_wrong_input_stores_nothing(newsroom: Press, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "admin" in refused(newsroom("user", "add", "a@example.org", "--role", "admin", "--newsroom", "river"), 2)
    assert "nowhere" in refused(newsroom("user", "add", "a@example.org", "--role", "owner", "--newsroom", "nowhere"))
    refused(newsroom("user", "add", "nobody", "--role", "owner", "--newsroom", "river"))
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert "12" in refused(newsroom(*ADD, "--password-stdin"))
    with database.reading() as tx:
        assert tx.scalars(select(Account)).all() == []


def test_an_account_is_disabled_by_its_address(newsroom: Press, database: Database) -> None:
    must(newsroom(*ADD))
    assert must(newsroom("user", "disable", "Shilan@example.org", "--json")).json["changed"] is True
    with database.reading() as tx:
        assert tx.scalars(select(Account)).one().disabled_at is not None
    refused(newsroom("user", "disable", "nobody@example.org"))
