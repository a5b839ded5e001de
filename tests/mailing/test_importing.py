from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from pressroom.config import Config
from pressroom.db import Database
from pressroom.errors import NotFound, Refused
from pressroom.mailing import subscriber, subscribing, suppression
from pressroom.mailing.importing import Imported, import_subscribers, listed_people
from pressroom.mailing.listing import add_list
from pressroom.mailing.subscriber import Subscriber
from pressroom.mailing.subscribing import SignUp
from pressroom.mailing.suppression import Reason
from pressroom.releases.founding import add_beat
from pressroom.service import Service
from tests.makers import make_newsroom

CSV = """email,name,outlet,languages,beats
n.whitlock@example.com,Nora Whitlock,The Harbour Ledger,en,water health
dilan@example.org,دیلان ئەحمەد,ڕۆژنامەی ئاسۆ,ckb kmr,
"""


class Desk:
    def __init__(self, database: Database, config: Config, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.keyring = Service(config).keyring
        self.newsroom = make_newsroom(database)
        with database.reading() as tx:
            self.now = database.now(tx)
        for slug in ("press", "radio"):
            add_list(database, "river", slug, slug.title(), now=self.now)
        for slug in ("water", "health"):
            add_beat(database, "river", slug, {"en": slug.title()}, now=self.now)

    def load(self, content: str | bytes = CSV, **given) -> Imported:
        path = self.folder / "people.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        terms = {"consent": "Asked at the press conference in May.", "now": self.now, **given}
        return import_subscribers(self.database, self.keyring, "river", terms.pop("to", "press"), path, **terms)

    def counts(self, content: str | bytes = CSV, **given) -> tuple[int, int, int, int]:
        done = self.load(content, **given)
        return done.added, done.changed, done.unchanged, len(done.refused)

    def row(self, email: str) -> Subscriber:
        with self.database.reading() as tx:
            row = subscriber.find(tx, self.newsroom.id, subscriber.lookup(self.keyring, email))
        assert row is not None
        return row

    def people(self, slug: str = "press") -> list[tuple[str, ...]]:
        return list(listed_people(self.database, self.keyring, "river", slug))

    def count(self) -> int:
        with self.database.reading() as tx:
            return tx.execute(select(func.count()).select_from(Subscriber)).scalar_one()


@pytest.fixture
def desk(database: Database, config: Config, tmp_path: Path) -> Desk:
    return Desk(database, config, tmp_path)


def test_an_import_adds_people_with_the_consent_given(desk: Desk) -> None:
    assert desk.counts() == (2, 0, 0, 0)
    row = desk.row("dilan@example.org")
    assert (row.languages, row.consent_source, row.consent_text) == (
        ["ckb", "kmr"], "import", "Asked at the press conference in May.",
    )  # fmt: skip
    assert row.confirmed_at == desk.now
    assert desk.people() == [
        ("n.whitlock@example.com", "Nora Whitlock", "The Harbour Ledger", "en", "health water", "immediate"),
        ("dilan@example.org", "دیلان ئەحمەد", "ڕۆژنامەی ئاسۆ", "ckb kmr", "", "immediate"),
    ]


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    desk.load()
    assert desk.counts(now=desk.now + timedelta(days=1)) == (0, 0, 2, 0)
    assert desk.row("dilan@example.org").consent_at == desk.now


def test_what_differs_is_changed_and_what_is_empty_stays(desk: Desk) -> None:
    desk.load()
    again = (
        "email,name,outlet,languages,beats\nN.Whitlock@Example.com,,,ar en,\ndilan@example.org,Dilan Ehmed,,,water\n"
    )
    assert desk.counts(again) == (0, 2, 0, 0)
    assert desk.people() == [
        ("n.whitlock@example.com", "Nora Whitlock", "The Harbour Ledger", "ar en", "health water", "immediate"),
        ("dilan@example.org", "Dilan Ehmed", "ڕۆژنامەی ئاسۆ", "ckb kmr", "water", "immediate"),
    ]


def test_another_list_of_the_same_people_is_a_change(desk: Desk) -> None:
    desk.load()
    assert desk.counts(to="radio") == (0, 2, 0, 0)
    assert len(desk.people("radio")) == len(desk.people("press")) == 2
    assert desk.count() == 2


def test_a_dry_run_counts_the_same_and_stores_nothing(desk: Desk) -> None:
    assert desk.counts(CSV + "nonsense,,,,\n", dry_run=True) == (2, 0, 0, 1)
    assert desk.count() == 0
    desk.load()
    assert desk.counts(CSV.replace("Nora", "Eleanora"), dry_run=True) == (0, 1, 1, 0)
    assert desk.people()[0][1] == "Nora Whitlock"


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_delimiter_and_a_byte_order_mark_are_read(desk: Desk, mark: str, delimiter: str) -> None:
    lines = [["languages", "Email", "name"], ["ckb en", "a@example.org", '"Ahmed ""the ear"""']]
    text = mark + "\r\n".join(delimiter.join(line) for line in lines) + "\r\n"
    assert desk.counts(text) == (1, 0, 0, 0)
    assert desk.people() == [("a@example.org", 'Ahmed "the ear"', "", "ckb en", "", "immediate")]


def test_each_refused_line_is_named_with_its_reason_and_the_others_are_taken(desk: Desk) -> None:
    text = (
        "email,languages,beats\n"
        "good@example.org,en,water\n"
        "no-at-sign,en,\n"
        "\n"
        "ku@example.org,ku,\n"
        "beat@example.org,en,sport\n"
        "many@example.org,en,water,too,many\n"
    )
    done = desk.load(text)
    assert done.added == 1
    assert [one.line for one in done.refused] == [3, 5, 6, 7]
    reasons = [one.reason for one in done.refused]
    assert "ckb for Sorani" in reasons[1]
    assert "sport" in reasons[2] and "health, water" in reasons[2]
    assert desk.count() == 1


def test_a_record_over_several_lines_is_named_by_its_first(desk: Desk) -> None:
    text = 'email,name\na@example.org,"Anna\nMaria"\nbroken,x\n'
    assert [one.line for one in desk.load(text).refused] == [4]
    assert desk.people()[0][1] == "Anna Maria"


def test_of_two_lines_with_one_address_the_last_counts_once(desk: Desk) -> None:
    filler = "".join(f"p{number}@example.org,en\n" for number in range(1_200))
    text = f"email,languages\nTwice@example.org,en\n{filler}twice@example.org,ckb\n"
    assert desk.counts(text) == (1_201, 0, 1, 0)
    assert desk.row("twice@example.org").languages == ["ckb"]
    assert desk.counts(text) == (0, 0, 1_202, 0)


def test_nobody_who_left_comes_back_by_import(desk: Desk) -> None:
    desk.load()
    gone = desk.row("dilan@example.org")
    subscribing.leave(desk.database, gone.id, now=desk.now)
    done = desk.load(CSV.replace("ckb kmr", "en"))
    assert [one.line for one in done.refused] == [3]
    assert f"{desk.now:%Y-%m-%d}" in done.refused[0].reason
    row = desk.row("dilan@example.org")
    assert row.left_at is not None and row.languages == ["ckb", "kmr"]


@pytest.mark.parametrize("reason", list(Reason))
def test_no_import_overrides_a_suppression(desk: Desk, reason: Reason) -> None:
    with desk.database.transaction() as tx:
        suppression.add(tx, subscriber.lookup(desk.keyring, "dilan@example.org"), reason, now=desk.now)
    done = desk.load()
    assert (done.added, [one.line for one in done.refused]) == (1, [3])
    assert desk.count() == 1


def test_consent_a_person_gave_themselves_is_kept(desk: Desk) -> None:
    wanted = SignUp("dilan@example.org", ["ckb"], [], "I agree.", "ckb", "192.0.2.0/24")
    subscribing.join(desk.database, desk.keyring, "river", wanted, now=desk.now)
    subscribing.confirm(desk.database, desk.row("dilan@example.org").id, now=desk.now)
    desk.load()
    row = desk.row("dilan@example.org")
    assert (row.consent_source, row.consent_text) == ("web", "I agree.")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("email,phone\na@example.org,1\n", "“phone”"),
        ("name,outlet\nA,B\n", "“email”"),
        ("email,email\na@example.org,b@example.org\n", "twice"),
        ("", "empty"),
        ("email,name\nşîlan@example.org,Şîlan\n".encode("iso8859-9"), "UTF-8"),
        ("email,name\n" + "".join(f"p{n}@example.org,x\n" for n in range(2_000)) + "q@example.org,", "UTF-8"),
    ],
)
def test_a_file_that_is_no_such_csv_stores_nothing(desk: Desk, content: str | bytes, says: str) -> None:
    if isinstance(content, str) and content.endswith(","):
        content = content.encode() + b"\xff\xfe\n"
    with pytest.raises(Refused, match=says):
        desk.load(content)
    assert desk.count() == 0


def test_without_consent_nobody_is_imported(desk: Desk) -> None:
    with pytest.raises(Refused):
        desk.load(consent="  ")
    assert desk.count() == 0


def test_an_unknown_list_or_file_is_said(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.load(to="nope")
    with pytest.raises(Refused):
        import_subscribers(
            desk.database, desk.keyring, "river", "press", desk.folder / "none.csv", consent="yes", now=desk.now
        )


def test_progress_tells_how_many_of_how_many_lines_are_done(desk: Desk) -> None:
    told: list[tuple[int, int]] = []
    desk.load(
        "email\n" + "".join(f"p{n}@example.org\n" for n in range(1_500)),
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1_000, 1_500), (1_500, 1_500)]


def test_an_export_holds_only_those_who_may_be_written_to(desk: Desk) -> None:
    desk.load()
    subscribing.leave(desk.database, desk.row("dilan@example.org").id, now=desk.now)
    assert [one[0] for one in desk.people()] == ["n.whitlock@example.com"]
