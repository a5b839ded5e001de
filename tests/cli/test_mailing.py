from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from pressroom.cli import mailing as commands
from pressroom.db import Database
from pressroom.mailing.delivery import Delivery, DeliveryState
from pressroom.mailing.digesting import begin_due
from pressroom.mailing.expanding import expand
from pressroom.mailing.mailing import Mailing, Progress, State
from pressroom.mailing.notice import Notice
from pressroom.mailing.subscriber import Subscriber
from tests.cli.conftest import Press, must, refused, write

KEYS = (
    "id state total pending sending sent deferred bounced failed suppressed cancelled unknown possible_duplicates"
    " in_digests paused_reason"
)


@pytest.fixture
def release_id(newsroom: Press, tmp_path: Path) -> str:
    paths = write(tmp_path, {"a.en.md": "# The bridge opens\n\nIt is open.\n", "people.csv": "email\na@example.org\n"})
    must(newsroom("subscribers", "import", paths[1], "--newsroom", "river", "--list", "press", "--consent", "Asked."))
    return str(must(newsroom("push", paths[0], "--newsroom", "river", "--publish", "--json")).json["id"])


def expanded(database: Database, mailing_id: str) -> None:
    expand(database, int(mailing_id), lambda _: True)


def test_a_mailing_is_started_held_and_adds_up(newsroom: Press, database: Database, release_id: str) -> None:
    started = must(newsroom("mailing", "start", release_id, "--list", "press", "--hold", "600", "--json")).json
    assert started["state"] == "counting" and started["total"] == 0
    expanded(database, started["id"])
    status = must(newsroom("mailing", "status", started["id"], "--json")).json
    assert list(status) == KEYS.split()
    assert (status["state"], status["total"], status["pending"]) == ("held", 1, 1)
    line = must(newsroom("mailing", "status", started["id"])).out
    assert line == f"Mailing {started['id']}: held, 0 of 1 done (1 pending)\n"


def test_starting_it_again_returns_the_one_under_way(newsroom: Press, release_id: str) -> None:
    start = ("mailing", "start", release_id, "--list", "press", "--hold", "600", "--json")
    assert must(newsroom(*start)).json["id"] == must(newsroom(*start)).json["id"]


def test_it_can_be_paused_resumed_and_cancelled(newsroom: Press, database: Database, release_id: str) -> None:
    mailing = must(newsroom("mailing", "start", release_id, "--list", "press", "--hold", "600", "--json")).json["id"]
    expanded(database, mailing)
    for act, state in (("pause", "paused"), ("resume", "held"), ("cancel", "cancelled")):
        assert must(newsroom("mailing", act, mailing, "--json")).json["state"] == state
    assert must(newsroom("mailing", "status", mailing, "--json")).json["cancelled"] == 1
    refused(newsroom("mailing", "resume", mailing))


def test_a_test_goes_to_one_sealed_address(newsroom: Press, database: Database, release_id: str) -> None:
    must(newsroom("mailing", "start", release_id, "--test", "me@example.org", "--json"))
    with database.reading() as tx:
        mailing = tx.scalars(select(Mailing)).one()
    assert mailing.purpose == "test" and mailing.test_sealed is not None
    assert b"me@example.org" not in mailing.test_sealed


def test_wrong_input_starts_nothing(
    newsroom: Press, database: Database, release_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(newsroom("mailing", "start", release_id), 2)
    assert "nope" in refused(newsroom("mailing", "start", release_id, "--list", "press", "nope"))
    assert "0123456789ab" in refused(newsroom("mailing", "start", "0123456789ab", "--list", "press"))
    refused(newsroom("mailing", "start", release_id, "--test", "nobody"))
    refused(newsroom("mailing", "status", "7"))
    refused(newsroom("mailing", "status", "seven"), 2)
    monkeypatch.delenv("MAIL_SERVER")
    assert "MAIL_SERVER" in refused(newsroom("mailing", "start", release_id, "--list", "press"))
    with database.reading() as tx:
        assert tx.scalars(select(Mailing)).all() == []


def test_following_ends_with_the_mailing_and_prints_a_line_for_each_change(
    newsroom: Press, database: Database, release_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing = must(newsroom("mailing", "start", release_id, "--list", "press", "--hold", "600", "--json")).json["id"]
    looks = []

    def look_and_cancel(service, mailing_id: int) -> Progress:
        looks.append(mailing_id)
        if len(looks) == 3:
            end(database, mailing_id)
        return look(service, mailing_id)

    look = commands.look
    monkeypatch.setattr(commands, "look", look_and_cancel)
    monkeypatch.setattr(commands, "_LOOK_SECONDS", 0.01)
    lines = must(newsroom("mailing", "status", mailing, "--follow")).out.splitlines()
    assert lines == [f"Mailing {mailing}: counting, 0 of 0 done", f"Mailing {mailing}: cancelled, 0 of 0 done"]
    assert must(newsroom("mailing", "status", mailing, "--follow", "--json")).json["state"] == "cancelled"


def end(database: Database, mailing_id: int) -> None:
    with database.transaction() as tx:
        tx.get_one(Mailing, mailing_id).state = State.CANCELLED


def test_send_again_goes_to_one_person_with_a_reason(newsroom: Press, database: Database, release_id: str) -> None:
    again = ("mailing", "send-again", release_id, "a@example.org", "--reason")
    assert "not mailed to this person" in refused(newsroom(*again, "It never came."))
    started = must(newsroom("mailing", "start", release_id, "--list", "press", "--hold", "0", "--json")).json
    expanded(database, started["id"])
    assert "still on its way" in refused(newsroom(*again, "It never came."))
    with database.transaction() as tx:
        tx.execute(update(Delivery).values(state=DeliveryState.FAILED))
    sent = must(newsroom(*again, "It never came.", "--json")).json
    assert (sent["state"], sent["total"], sent["pending"]) == ("sending", 1, 1) and sent["id"] != started["id"]
    assert "--reason" in refused(newsroom(*again[:-1]), 2)
    assert "Leave the address out" in refused(newsroom(*again, "a@example.org asked"))


def test_digests_are_listed_with_their_counts(newsroom: Press, database: Database, release_id: str) -> None:
    assert must(newsroom("mailing", "digests", "--newsroom", "river", "--json")).json == {"digests": []}
    with database.transaction() as tx:
        tx.execute(update(Subscriber).values(frequency="daily"))
    started = must(newsroom("mailing", "start", release_id, "--list", "press", "--hold", "0", "--json")).json["id"]
    expanded(database, started)
    told = must(newsroom("mailing", "status", started)).out
    assert told == f"Mailing {started}: finished, 0 of 0 done; 1 told in digests\n"
    with database.transaction() as tx:
        tx.execute(update(Notice).values(due_at=database.now(tx) - timedelta(days=2)))
        tx.execute(update(Mailing).values(state=State.FINISHED))
    assert begin_due(database) == 1
    with database.reading() as tx:
        (digest,) = tx.scalars(select(Mailing.id).where(Mailing.covers_until.is_not(None)))
    expanded(database, str(digest))
    (shown,) = must(newsroom("mailing", "digests", "--newsroom", "river", "--json")).json["digests"]
    assert (shown["id"], shown["frequency"], shown["total"], shown["pending"]) == (str(digest), "daily", 1, 1)
    assert must(newsroom("mailing", "digests", "--newsroom", "river")).out.startswith(f"daily: Mailing {digest}: ")
