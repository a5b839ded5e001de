from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from pressroom.db import Database
from pressroom.mailing import subscriber, suppression
from pressroom.mailing.subscriber import Subscriber
from pressroom.mailing.suppression import Reason
from pressroom.people.audit import AuditEntry
from pressroom.seal import Keyring
from tests.cli.conftest import Press, must, refused, write
from tests.makers import now

EMAIL = "dilan@example.org"


@pytest.fixture
def suppress(newsroom: Press, database: Database, data_dir: Path, tmp_path: Path):
    paths = write(tmp_path, {"people.csv": f"email\n{EMAIL}\n"})
    must(newsroom("subscribers", "import", paths[0], "--newsroom", "river", "--list", "press", "--consent", "Asked."))

    def call(reason: Reason) -> None:
        with database.transaction() as tx:
            lookup = subscriber.lookup(Keyring.load(data_dir / "keyring.json"), EMAIL)
            suppression.add(tx, lookup, reason, now=now())

    return call


def test_it_says_who_is_suppressed_and_why(newsroom: Press, suppress) -> None:
    assert must(newsroom("suppression", "list", "--newsroom", "river")).out == "Nobody is suppressed here.\n"
    assert "not suppressed" in refused(newsroom("suppression", "show", EMAIL))
    suppress(Reason.BOUNCE)
    listed = must(newsroom("suppression", "list", "--newsroom", "river", "--json")).json["suppressions"]
    assert [(one["address"], one["reason"]) for one in listed] == [(EMAIL, "bounce")]
    shown = must(newsroom("suppression", "show", EMAIL, "--json")).json
    assert list(shown) == ["address", "reason", "at", "status", "diagnostic", "delivery", "mailing"]
    assert must(newsroom("suppression", "show", EMAIL)).out.startswith("bounce on ")


def test_a_bounce_is_lifted_with_a_reason_that_is_kept(newsroom: Press, database: Database, suppress) -> None:
    suppress(Reason.BOUNCE)
    assert "few words" in refused(newsroom("suppression", "lift", EMAIL, "--reason", " "))
    assert must(newsroom("suppression", "lift", EMAIL, "--reason", "They called us.", "--json")).json == {
        "lifted": "bounce"
    }
    refused(newsroom("suppression", "show", EMAIL))
    with database.reading() as tx:
        entry = tx.scalars(select(AuditEntry).where(AuditEntry.act == "lift suppression")).one()
        assert entry.detail == {"reason": "They called us.", "was": "bounce"} and EMAIL not in entry.subject
        assert tx.scalars(select(Subscriber.suppressed_at)).one() is None


@pytest.mark.parametrize("reason", [Reason.COMPLAINT, Reason.REQUEST])
def test_what_a_person_said_takes_an_owner(newsroom: Press, suppress, reason: Reason) -> None:
    suppress(reason)
    lift = ("suppression", "lift", EMAIL, "--reason", "They asked us to.")
    refused(newsroom(*lift))
    for email, role in (("editor@example.org", "editor"), ("owner@example.org", "owner")):
        must(newsroom("user", "add", email, "--role", role, "--newsroom", "river"))
    assert "owner" in refused(newsroom(*lift, "--owner", "editor@example.org"))
    must(newsroom("newsroom", "add", "hill", "--name", "Hill", "--language", "en", "--from", "hill@example.org"))
    must(newsroom("list", "add", "press", "--newsroom", "hill", "--name", "Press"))
    assert must(newsroom(*lift, "--owner", "owner@example.org")).out.startswith("Lifted")
