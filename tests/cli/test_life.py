from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from pressroom.db import Database
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.subscriber import Subscriber
from pressroom.releases import correction as corrections
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.asset import Asset, Kind
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.release import Release, Status
from pressroom.releases.revision import Revision
from tests.cli.conftest import Press, must, refused, write

ENGLISH = "---\ntitle: New bridge opens to walkers\nslug: bridge\n---\n\nThe bridge is open. Şîlan Ehmed said so.\n"
SORANI = "---\ntitle: پردە نوێیەکە بۆ پیادەڕۆیان دەکرێتەوە\nslug: پرد\n---\n\nپردەکە کراوەیە.\n"


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    return write(tmp_path, {"bridge.en.md": ENGLISH, "bridge.ckb.md": SORANI})


@pytest.fixture
def draft(newsroom: Press, paths: list[str]) -> str:
    return str(must(newsroom("push", *paths, "--newsroom", "river", "--json")).json["id"])


@pytest.fixture
def people(newsroom: Press, tmp_path: Path) -> None:
    """On the list “press”: one who reads Sorani, one who reads English."""
    (path,) = write(tmp_path, {"people.csv": "email,languages\na@example.org,ckb\nb@example.org,en\n"})
    must(newsroom("subscribers", "import", path, "--newsroom", "river", "--list", "press", "--consent", "Asked."))


def stored(database: Database, release_id: str) -> Release:
    with database.reading() as tx:
        return tx.get_one(Release, release_id)


def river(database: Database) -> Newsroom:
    with database.reading() as tx:
        return newsrooms.by_slug(tx, "river")


def staff(press: Press, email: str, role: str = "owner") -> None:
    must(press("user", "add", email, "--role", role, "--newsroom", "river"))


def two_wanted(press: Press) -> None:
    assert must(press("newsroom", "set", "river", "--approval", "always", "--json")).json["approval"] == "always"


def test_publishing_says_what_went_out_and_again_changes_nothing(newsroom: Press, draft: str, people: None) -> None:
    options = ("publish", draft, "--without", "en", "--mail", "press", "--hold", "600", "--json")
    done = must(newsroom(*options)).json
    assert list(done) == ["id", "status", "changed", "languages", "public_from", "mailings"]
    assert (done["status"], done["changed"], done["languages"], len(done["mailings"])) == (
        "published",
        True,
        ["ckb"],
        1,
    )
    again = must(newsroom(*options)).json
    assert (again["changed"], again["mailings"]) == (False, done["mailings"])
    assert must(newsroom("publish", draft, "--json")).json["languages"] == ["en"]


def test_a_schedule_in_the_newsrooms_time_can_be_taken_back(newsroom: Press, database: Database, draft: str) -> None:
    done = must(newsroom("publish", draft, "--at", "2031-03-01T09:00", "--json")).json
    assert (done["status"], done["public_from"]) == ("scheduled", "2031-03-01T06:00:00+00:00")
    assert must(newsroom("unschedule", draft, "--json")).json == {"id": draft, "changed": True}
    assert stored(database, draft).public_from is None
    assert "was not scheduled" in must(newsroom("unschedule", draft)).out


def test_the_command_line_approves_nothing_and_an_owner_answers_for_going_alone(
    newsroom: Press, database: Database, draft: str
) -> None:
    two_wanted(newsroom)
    staff(newsroom, "shilan@example.org")
    staff(newsroom, "azad@example.org", "author")
    assert must(newsroom("review", draft, "--json")).json["approvers"] == ["shilan@example.org"]
    says = refused(newsroom("publish", draft, "--mail", "press", "--at", "2031-03-01T09:00"))
    assert "shilan@example.org" in says and "azad" not in says
    release = stored(database, draft)
    assert release.status is Status.IN_REVIEW and release.wish["lists"] == ["press"]
    refused(newsroom("publish", draft, "--alone", "Lives depend on it."), 2)
    refused(newsroom("publish", draft, "--owner", "shilan@example.org"), 2)
    assert "role" in refused(newsroom("publish", draft, "--alone", "Lives.", "--owner", "azad@example.org"))
    refused(newsroom("publish", draft, "--alone", "Lives.", "--owner", "nobody@example.org"))
    refused(newsroom("publish", draft, "--alone", " ", "--owner", "shilan@example.org"))
    assert stored(database, draft).public_from is None
    must(newsroom("publish", draft, "--alone", "Lives depend on it.", "--owner", "shilan@example.org"))
    assert stored(database, draft).status is Status.PUBLISHED
    entries = must(newsroom("audit", "river", "--release", draft, "--json")).json["entries"]
    alone = next(one for one in entries if one["act"] == "publish alone")
    assert (alone["who"], alone["detail"]["reason"]) == ("shilan@example.org", "Lives depend on it.")


def test_a_push_that_needs_a_second_person_keeps_its_lists_and_time(
    newsroom: Press, database: Database, paths: list[str]
) -> None:
    two_wanted(newsroom)
    options = ("--publish", "--mail", "press", "--at", "2031-03-01T09:00", "--without", "en", "--json")
    asked = newsroom("push", *paths, "--newsroom", "river", *options)
    assert asked.code == 1 and "Its lists are kept" in asked.err
    wish = stored(database, asked.json["id"]).wish
    assert (wish["lists"], wish["without"]) == (["press"], ["en"])
    assert wish["at"] == int(datetime(2031, 3, 1, 6, 0, tzinfo=UTC).timestamp() * 1_000_000)
    refused(newsroom("push", *paths, "--newsroom", "river", "--without", "en"), 2)


def test_a_correction_replaces_the_text_with_a_note(
    newsroom: Press, database: Database, draft: str, paths: list[str]
) -> None:
    must(newsroom("publish", draft))
    Path(paths[0]).write_text(ENGLISH.replace("is open", "is shut"))
    refused(newsroom("correct", draft, *paths), 2)
    note = ("--note", "It said that the bridge was open.", "--note", "ckb=وەشانی پێشوو هەڵە بوو.")
    done = must(newsroom("correct", draft, *paths, *note, "--json")).json
    assert done == {"id": draft, "number": 1, "changed": True, "languages": ["en"]}
    assert must(newsroom("correct", draft, *paths, *note, "--json")).json["changed"] is False
    with database.reading() as tx:
        (made,) = corrections.of_release(tx, draft)
    assert made.notes == {"en": "It said that the bridge was open.", "ckb": "وەشانی پێشوو هەڵە بوو."}
    Path(paths[1]).write_text(SORANI.replace("کراوەیە", "کراوەیە."))
    assert must(newsroom("correct", draft, paths[1], "--minor", "--json")).json["languages"] == ["ckb"]


def test_a_correction_waits_for_a_second_person_where_one_is_wanted(
    newsroom: Press, database: Database, draft: str, paths: list[str]
) -> None:
    must(newsroom("publish", draft))
    two_wanted(newsroom)
    staff(newsroom, "shilan@example.org")
    Path(paths[0]).write_text(ENGLISH.replace("is open", "is shut"))
    asked = newsroom("correct", draft, *paths, "--note", "It was shut.", "--json")
    assert (asked.code, asked.json["number"], asked.json["changed"]) == (1, None, True)
    assert "shilan@example.org" in asked.err
    with database.reading() as tx:
        assert corrections.of_release(tx, draft) == [] and corrections.proposal(tx, draft) is not None


def test_an_owner_answers_for_a_correction_without_a_second_person(
    newsroom: Press, draft: str, paths: list[str]
) -> None:
    must(newsroom("publish", draft))
    two_wanted(newsroom)
    staff(newsroom, "shilan@example.org")
    Path(paths[0]).write_text(ENGLISH.replace("is open", "is shut"))
    note = ("--note", "It was shut.")
    refused(newsroom("correct", draft, *paths, *note, "--alone", "Lives."), 2)
    alone = ("--alone", "Lives.", "--owner", "shilan@example.org", "--json")
    assert must(newsroom("correct", draft, *paths, *note, *alone)).json["number"] == 1


def test_an_embargo_is_moved_and_lifted(newsroom: Press, database: Database, paths: list[str]) -> None:
    pushed = newsroom("push", *paths, "--newsroom", "river", "--publish", "--embargo", "2031-03-01T09:00", "--json")
    release_id = must(pushed).json["id"]
    refused(newsroom("embargo", release_id), 2)
    refused(newsroom("embargo", release_id, "--lift", "--until", "2031-03-01T09:00"), 2)
    moved = must(newsroom("embargo", release_id, "--until", "2031-04-01T09:00", "--json")).json
    assert moved == {
        "id": release_id, "embargo": "2031-04-01T06:00:00+00:00", "public_from": "2031-04-01T06:00:00+00:00",
        "changed": True,
    }  # fmt: skip
    assert "lifted" in must(newsroom("embargo", release_id, "--lift")).out
    assert stored(database, release_id).status is Status.PUBLISHED
    refused(newsroom("embargo", release_id, "--until", "2031-04-01T09:00"))


def test_accredited_people_get_it_early(newsroom: Press, database: Database, paths: list[str], people: None) -> None:
    pushed = newsroom("push", *paths, "--newsroom", "river", "--publish", "--at", "2031-03-01T09:00", "--json")
    release_id = must(pushed).json["id"]
    accredit = ("subscribers", "accredit", "a@example.org", "--newsroom", "river", "--json")
    assert must(newsroom(*accredit)).json == {"accredited": True, "changed": True}
    assert must(newsroom(*accredit)).json["changed"] is False
    refused(newsroom("subscribers", "accredit", "nobody@example.org", "--newsroom", "river"))
    must(newsroom("mailing", "start", release_id, "--list", "press", "--under-embargo"))
    with database.reading() as tx:
        assert tx.scalars(select(Mailing)).one().under_embargo
    assert must(newsroom(*accredit, "--revoke")).json == {"accredited": False, "changed": True}
    with database.reading() as tx:
        assert set(tx.scalars(select(Subscriber.accredited_at))) == {None}


def test_stopping_holds_everything_and_allowing_starts_nothing(
    newsroom: Press, database: Database, draft: str, people: None
) -> None:
    must(newsroom("publish", draft, "--at", "2031-03-01T09:00", "--mail", "press"))
    assert must(newsroom("stop", "river", "--json")).json["releases"] == 1
    assert stored(database, draft).public_from is None and river(database).stopped_at is not None
    assert "stopped" in refused(newsroom("publish", draft))
    must(newsroom("allow", "river"))
    assert river(database).stopped_at is None and stored(database, draft).public_from is None
    assert "Nothing was stopped" in refused(newsroom("allow", "river"))
    refused(newsroom("stop", "nowhere"))


def test_a_newsrooms_settings_are_changed_and_printed(newsroom: Press, database: Database) -> None:
    options = ("--together", "--faces-checked", "--late-after", "45", "--notices", "in_place", "--json")
    done = must(newsroom("newsroom", "set", "river", *options)).json
    assert done == {
        "slug": "river", "approval": "auto", "approval_wish": None, "together": True, "faces_checked": True,
        "late_after": 45, "digest_at": "07:00", "digest_weekday": 1, "notices": "in_place",
    }  # fmt: skip
    found = river(database)
    assert (found.together, found.faces_checked, found.late_after) == (True, True, 2700)
    assert must(newsroom("newsroom", "set", "river", "--no-together", "--json")).json["faces_checked"] is True
    refused(newsroom("newsroom", "set", "river", "--late-after", "-1"), 2)
    refused(newsroom("newsroom", "set", "nowhere", "--together"))


def test_a_milder_rule_waits_for_somebody_at_the_desk(newsroom: Press, database: Database) -> None:
    two_wanted(newsroom)
    asked = must(newsroom("newsroom", "set", "river", "--approval", "off"))
    assert "second person" in asked.out
    must(newsroom("newsroom", "set", "river", "--approval", "off"))
    assert river(database).approval is ApprovalRule.ALWAYS, "the command line is one person, however often it asks"


def test_the_sheet_says_what_would_happen_and_changes_nothing(
    newsroom: Press, database: Database, draft: str, people: None
) -> None:
    sheet = must(newsroom("sheet", draft, "--list", "press", "--at", "2031-03-01T09:00", "--hold", "0", "--json")).json
    assert sheet["recipients"] == {"en": 1, "ckb": 1} and sheet["missing"] == ["kmr"]
    assert sheet["public_from"]["utc"] == "2031-03-01T06:00+00:00" and sheet["second_person"] is False
    lines = must(newsroom("sheet", draft, "--list", "press", "--without", "ckb")).out
    assert "ckb: left out this time" in lines and "Mail: 2 people (2 en)" in lines
    assert stored(database, draft).status is Status.DRAFT
    two_wanted(newsroom)
    staff(newsroom, "shilan@example.org")
    assert must(newsroom("sheet", draft, "--json")).json["approvers"] == ["shilan@example.org"]
    assert "A second person has to agree: shilan@example.org" in must(newsroom("sheet", draft)).out
    refused(newsroom("sheet", draft, "--list", "nowhere"))


def test_the_sheet_says_which_of_two_equal_times_is_meant(press: Press, paths: list[str]) -> None:
    must(press("init"))
    must(
        press(
            "newsroom", "add", "river", "--name", "River", "--language", "en", "ckb", "--from", "press@example.org",
            "--time-zone", "Europe/Berlin",
        )
    )  # fmt: skip
    draft = must(press("push", *paths, "--newsroom", "river", "--json")).json["id"]
    twice = must(press("sheet", draft, "--at", "2031-10-26T02:30")).out
    assert "2031-10-26 00:30 UTC; this time comes twice, the first is meant, and not 01:30 UTC" in twice
    assert "the second is meant" in must(press("sheet", draft, "--at", "2031-10-26T02:30+01:00")).out
    assert "does not exist" in refused(press("sheet", draft, "--at", "2031-03-30T02:30"))


def test_the_audit_log_is_printed_as_lines_csv_and_json(newsroom: Press, draft: str) -> None:
    must(newsroom("publish", draft))
    lines = must(newsroom("audit", "river", "--release", draft)).out.splitlines()
    assert [line.split("  ")[1] for line in lines] == ["submit", "publish"]
    assert "by command line or service" in lines[0]
    as_csv = must(newsroom("audit", "river", "--csv")).out.splitlines()
    assert as_csv[0] == "at,who,role,account,act,subject,detail" and "found newsroom" in as_csv[1]
    entries = must(newsroom("audit", "river", "--json")).json["entries"]
    assert len(entries) == len(as_csv) - 1
    assert must(newsroom("audit", "river", "--since", "2031-01-01T00:00", "--json")).json["entries"] == []
    refused(newsroom("audit", "river", "--csv", "--json"), 2)
    refused(newsroom("audit", "river", "--release", "0123456789ab"))


def test_a_release_vanishes_only_when_somebody_is_sure(newsroom: Press, database: Database, draft: str) -> None:
    must(newsroom("publish", draft))
    refused(newsroom("vanish", draft), 2)
    dry = must(newsroom("vanish", draft, "--dry-run", "--json")).json
    assert dry == {"release": draft, "languages": ["ckb", "en"], "removed": False}
    assert stored(database, draft).removed_at is None
    done = must(newsroom("vanish", draft, "--yes"))
    assert "was removed" in done.out and "backups" in done.out
    assert stored(database, draft).removed_at is not None
    with database.reading() as tx:
        assert set(tx.scalars(select(Revision.title))) == {""}
    refused(newsroom("vanish", "0123456789ab", "--yes"))


def test_words_vanish_from_one_release_or_from_all(
    newsroom: Press, database: Database, draft: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = ("vanish", "--text", "Şîlan Ehmed", "--newsroom", "river")
    found = must(newsroom(*name, "--dry-run", "--json")).json["places"]
    assert list(found) == [draft] and found[draft] >= 1
    said = must(newsroom(*name, "--dry-run")).out
    assert "Şîlan" not in said, "it is not said again"
    assert "pressroom export" in said and "is not looked at" in said
    monkeypatch.setattr("sys.stdin", io.StringIO("Şîlan Ehmed\n"))
    must(newsroom("vanish", "--text", "-", "--newsroom", "river", "--release", draft, "--yes"))
    with database.reading() as tx:
        assert not any("Şîlan" in body for body in tx.scalars(select(Revision.body)))
    assert must(newsroom(*name, "--dry-run", "--json")).json["places"] == {}


def test_one_asset_vanishes(newsroom: Press, database: Database, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (10, 120, 90)).save(tmp_path / "bridge.png")
    text = (
        "---\ntitle: A bridge with a picture\nassets:\n  - path: bridge.png\n    alt: The bridge\n---\n\nIt is open.\n"
    )
    pushed = must(newsroom("push", *write(tmp_path, {"picture.en.md": text}), "--newsroom", "river", "--json")).json
    with database.reading() as tx:
        (asset_id,) = tx.scalars(select(Asset.id))
    dry = must(newsroom("vanish", "--asset", asset_id, "--dry-run", "--json")).json
    assert dry == {"asset": asset_id, "releases": [pushed["id"]], "removed": False}
    again = text.replace("with a picture", "seen again").replace("It is open", "It is still open")
    other = must(newsroom("push", *write(tmp_path, {"other.en.md": again}), "--newsroom", "river", "--json")).json
    dry = must(newsroom("vanish", "--asset", asset_id, "--dry-run", "--json")).json
    assert dry["releases"] == [other["id"], pushed["id"]]
    must(newsroom("vanish", "--asset", asset_id, "--yes"))
    with database.reading() as tx:
        assert tx.scalars(select(Asset.id)).all() == []


def test_what_is_not_searched_for_words_is_named(newsroom: Press, database: Database, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (10, 120, 90)).save(tmp_path / "Azad.png")
    text = "---\ntitle: Azad Kamal\nbeats: [azad-kamal]\nassets:\n  - path: Azad.png\n---\n\nIt is open.\n"
    pushed = must(newsroom("push", *write(tmp_path, {"one.en.md": text}), "--newsroom", "river", "--json")).json["id"]
    with database.transaction() as tx:
        asset = tx.scalars(select(Asset)).one()
        asset.kind = Kind.DOCUMENT
    found = must(newsroom("vanish", "--text", "Azad", "--newsroom", "river", "--dry-run", "--json")).json
    assert found["files"] == [{"release": pushed, "asset": asset.id, "name": "(…).png"}]
    assert (found["beats"], found["shared_beats"], found["in_newsroom"]) == (1, 0, False)
    lines = must(newsroom("vanish", "--text", "Azad", "--newsroom", "river", "--dry-run")).out
    assert f"the contents of (…).png (asset {asset.id}) are not searched" in lines and "beat" in lines


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("0123456789ab", "--asset", "x"),
        ("--text", "words"),
        ("0123456789ab", "--newsroom", "river"),
        ("--asset", "x", "--tell"),
        ("--asset", "x", "--release", "y"),
    ],
)
def test_one_thing_vanishes_at_a_time(newsroom: Press, options: tuple[str, ...]) -> None:
    refused(newsroom("vanish", *options, "--yes"), 2)


def test_every_new_command_prints_one_object(newsroom: Press, draft: str) -> None:
    for command in (("review", draft), ("sheet", draft), ("unschedule", draft), ("audit", "river")):
        json.loads(must(newsroom(*command, "--json")).out)
