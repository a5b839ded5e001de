from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from pressroom.db import Base, Database
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.steering import cancel
from pressroom.people.audit import AuditEntry
from pressroom.releases import revision as revisions
from pressroom.releases.release import Release, Status
from pressroom.releases.revision import Revision
from tests.cli.conftest import Press, must, refused, write

TEXTS: dict[str, str | bytes] = {
    "bridge.en.md": "---\ntitle: New bridge opens to walkers\nslug: bridge\n---\n\nThe bridge is open.\n",
    "bridge.ckb.md": "---\ntitle: پردە نوێیەکە بۆ پیادەڕۆیان دەکرێتەوە\nslug: پرد\n---\n\nپردەکە کراوەیە.\n",
    "bridge.kmr.md": "---\ntitle: Pira nû ji bo peyayan vebû\nslug: pir\n---\n\nPir vekirî ye.\n",
}
BASE = "https://press.example.org"


def push(press: Press, paths: list[str], *options: str):
    return press("push", *paths, "--newsroom", "river", "--json", *options)


def stored(database: Database) -> dict[str, int]:
    """How many rows each table has, but for the log of what was tried."""
    with database.reading() as tx:
        tables = Base.metadata.sorted_tables
        return {one.name: tx.execute(select(func.count()).select_from(one)).scalar_one() for one in tables}


def release(database: Database) -> Release:
    with database.reading() as tx:
        return tx.scalars(select(Release)).one()


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    return write(tmp_path, TEXTS)


def test_three_files_make_one_draft_that_has_no_page_yet(newsroom: Press, database: Database, paths: list[str]) -> None:
    done = must(push(newsroom, paths)).json
    assert list(done) == ["id", "status", "changed", "urls", "mailing"]
    assert done == {"id": release(database).id, "status": "draft", "changed": True, "urls": {}, "mailing": None}


def test_publishing_gives_an_address_in_each_language(newsroom: Press, paths: list[str]) -> None:
    done = must(push(newsroom, paths, "--publish")).json
    assert done["status"] == "published" and done["mailing"] is None
    assert done["urls"] == {
        "ckb": f"{BASE}/river/ckb/%D9%BE%D8%B1%D8%AF",
        "en": f"{BASE}/river/en/bridge",
        "kmr": f"{BASE}/river/kmr/pir",
    }


def test_the_same_push_again_changes_nothing_and_mails_nobody(
    newsroom: Press, database: Database, paths: list[str]
) -> None:
    options = ("--publish", "--mail", "press", "--hold", "0")
    first = must(push(newsroom, paths, *options)).json
    before = stored(database)
    assert must(push(newsroom, paths, *options)).json == {**first, "changed": False}
    assert stored(database) == before
    with database.reading() as tx:
        now = database.now(tx)
    cancel(database, int(first["mailing"]), now=now)
    assert must(push(newsroom, paths, *options)).json["mailing"] == first["mailing"]
    assert stored(database)["mailing"] == 1


def test_changed_files_make_new_draft_revisions(newsroom: Press, database: Database, paths: list[str]) -> None:
    must(push(newsroom, paths))
    Path(paths[0]).write_text(str(TEXTS["bridge.en.md"]).replace("is open", "is open at last"))
    again = must(push(newsroom, paths)).json
    assert again["changed"] is True
    with database.reading() as tx:
        numbers = sorted(tx.scalars(select(Revision.number)))
    assert numbers == [1, 1, 1, 2]


def test_changed_text_of_a_published_release_is_refused(newsroom: Press, database: Database, paths: list[str]) -> None:
    must(push(newsroom, paths, "--publish"))
    before = stored(database)
    Path(paths[0]).write_text(str(TEXTS["bridge.en.md"]).replace("is open", "is shut"))
    assert "pressroom correct" in refused(push(newsroom, paths, "--publish"))
    assert stored(database) == before


def test_a_time_without_an_offset_is_in_the_newsrooms_zone(
    newsroom: Press, database: Database, paths: list[str]
) -> None:
    done = must(push(newsroom, paths, "--publish", "--at", "2031-03-01T09:00")).json
    assert done["status"] == "scheduled" and done["urls"]["en"] == f"{BASE}/river/en/bridge"
    assert release(database).public_from == datetime(2031, 3, 1, 6, 0, tzinfo=UTC)


def test_an_embargo_is_kept_by_publishing(newsroom: Press, database: Database, paths: list[str]) -> None:
    done = must(push(newsroom, paths, "--publish", "--embargo", "2031-03-01T09:00+00:00")).json
    assert done["status"] == "scheduled"
    assert release(database).public_from == datetime(2031, 3, 1, 9, 0, tzinfo=UTC)


def test_a_mailing_waits_for_its_hold(newsroom: Press, database: Database, paths: list[str]) -> None:
    done = must(push(newsroom, paths, "--publish", "--mail", "press", "--hold", "90")).json
    with database.reading() as tx:
        mailing = tx.get_one(Mailing, int(done["mailing"]))
        public_from = tx.get_one(Release, done["id"]).public_from
    assert public_from is not None and (mailing.hold_until - public_from).total_seconds() == 90


def test_a_near_match_asks_which_release_is_meant(newsroom: Press, database: Database, tmp_path: Path) -> None:
    text = "---\ntitle: New bridge opens to walkers\n---\n\nThe bridge is open.\n"
    first = must(push(newsroom, write(tmp_path, {"a.en.md": text}))).json
    near = write(tmp_path, {"b.en.md": text.replace("to walkers", "for walkers")})
    before = stored(database)
    says = refused(push(newsroom, near))
    assert "--new" in says and f"--release {first['id']}" in says
    assert stored(database) == before
    assert must(push(newsroom, near, "--release", first["id"])).json["id"] == first["id"]
    assert must(push(newsroom, near, "--new")).json["id"] != first["id"]


def test_an_id_in_the_front_matter_names_the_release(newsroom: Press, database: Database, tmp_path: Path) -> None:
    first = write(tmp_path, {"a.en.md": "---\nid: bridge-2026\ntitle: The bridge opens\n---\n\nIt is open.\n"})
    again = write(tmp_path, {"b.en.md": "---\nid: bridge-2026\ntitle: A quite different line\n---\n\nIt is.\n"})
    assert must(push(newsroom, first)).json["id"] == must(push(newsroom, again)).json["id"]


def test_where_a_second_person_is_wanted_it_says_who_can_approve(
    press: Press, database: Database, paths: list[str]
) -> None:
    must(press("init"))
    must(
        press(
            "newsroom", "add", "river", "--language", "en", "--language", "ckb", "--language", "kmr",
            "--name", "River", "--from", "press@example.org", "--two-person",
        )
    )  # fmt: skip
    must(press("list", "add", "press", "--newsroom", "river", "--name", "Press"))
    for email, role in (("shilan@example.org", "editor"), ("azad@example.org", "author")):
        must(press("user", "add", email, "--role", role, "--newsroom", "river"))
    asked = push(press, paths, "--publish", "--mail", "press")
    assert asked.code == 1 and asked.json["status"] == "in_review" and asked.json["mailing"] is None
    assert "shilan@example.org" in asked.err and "azad@example.org" not in asked.err
    assert release(database).status is Status.IN_REVIEW
    assert stored(database)["mailing"] == 0


WRONG_FILES: dict[str, tuple[dict[str, str | bytes], str]] = {
    "an unknown language": ({"a.xx.md": "# Title\n\nText.\n"}, "xx"),
    "bare Kurdish": ({"a.ku.md": "# Title\n\nText.\n"}, "ckb for Sorani"),
    "no headline": ({"a.en.md": "Text only.\n"}, "headline"),
    "not UTF-8": ({"a.en.txt": "Şîlan diaxive\n".encode("iso8859-9")}, "UTF-8"),
    "wrong front matter": ({"a.en.md": "---\ntitle: [a\n---\n\nText.\n"}, "a.en.md:"),
    "an unknown field": ({"a.en.md": "---\ntitle: T\ncolour: red\n---\n\nText.\n"}, "a.en.md:3"),
    "two of one language": ({"a.en.md": "# One\n\nText.\n", "b.en.md": "# Two\n\nText.\n"}, "keep one"),
    "a missing asset": (
        {"a.en.md": "---\ntitle: T\nassets:\n  - path: none.png\n    alt: x\n---\n\nText.\n"},
        "none.png",
    ),
    "an empty file": ({"a.en.md": b""}, "empty"),
    "one good and one bad": ({**TEXTS, "bad.ar.md": "Text only.\n"}, "headline"),
}


@pytest.mark.parametrize("case", list(WRONG_FILES))
def test_a_wrong_file_is_named_with_the_reason_and_nothing_is_stored(
    newsroom: Press, database: Database, tmp_path: Path, case: str
) -> None:
    texts, says = WRONG_FILES[case]
    before = stored(database)
    assert says in refused(push(newsroom, write(tmp_path, texts), "--publish", "--mail", "press"))
    assert stored(database) == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--publish", "--mail", "nope"), "“nope”"),
        (("--publish", "--mail", "press,nope"), "“nope”"),
        (("--release", "0123456789ab"), "0123456789ab"),
        (("--language", "ku"), "ckb"),
        (("--language", "en"), "keep one"),
    ],
)
def test_an_order_that_cannot_be_carried_out_stores_nothing(
    newsroom: Press, database: Database, paths: list[str], options: tuple[str, ...], says: str
) -> None:
    before = stored(database)
    assert says in refused(push(newsroom, paths, *options))
    assert stored(database) == before


def test_an_unknown_newsroom_stores_nothing(newsroom: Press, database: Database, paths: list[str]) -> None:
    before = stored(database)
    assert "nowhere" in refused(newsroom("push", *paths, "--newsroom", "nowhere"))
    assert stored(database) == before


def test_nothing_to_publish_undoes_the_submission_too(newsroom: Press, database: Database, tmp_path: Path) -> None:
    (path,) = write(tmp_path, {"a.en.md": "---\ntitle: Only a source\npublish: false\n---\n\nText.\n"})
    before = stored(database)
    assert "may be published" in refused(push(newsroom, [path], "--publish"))
    assert stored(database) == before


def test_without_a_mail_server_a_mailing_is_refused_and_nothing_stored(
    newsroom: Press, database: Database, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAIL_SERVER")
    before = stored(database)
    assert "MAIL_SERVER" in refused(push(newsroom, paths, "--publish", "--mail", "press"))
    assert stored(database) == before
    must(push(newsroom, paths, "--publish"))


@pytest.mark.parametrize(
    "options",
    [
        ("--at", "2031-03-01T09:00"),
        ("--mail", "press"),
        ("--hold", "0"),
        ("--publish", "--hold", "5"),
        ("--publish", "--at", "tomorrow"),
        ("--publish", "--at", "2031-03-01"),
        ("--embargo", "2031-13-01T09:00"),
        ("--publish", "--mail", "press", "--hold", "-1"),
        ("--new", "--release", "0123456789ab"),
    ],
)
def test_wrong_usage_stores_nothing(
    newsroom: Press, database: Database, paths: list[str], options: tuple[str, ...]
) -> None:
    before = stored(database)
    refused(push(newsroom, paths, *options), 2)
    assert stored(database) == before


def test_without_a_file_it_is_wrong_usage(newsroom: Press) -> None:
    refused(newsroom("push", "--newsroom", "river"), 2)


def test_a_picture_is_stored_with_its_release(newsroom: Press, database: Database, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (90, 120, 60)).save(tmp_path / "dawn.png")
    text = "---\ntitle: The bridge at dawn\n---\n\n![The bridge](dawn.png)\n\nIt is open.\n"
    must(push(newsroom, write(tmp_path, {"a.en.md": text}), "--publish"))
    assert stored(database)["asset"] == 1


def test_a_retraction_gives_the_reason_and_cancels_what_has_not_left(
    newsroom: Press, database: Database, paths: list[str]
) -> None:
    done = must(push(newsroom, paths, "--publish", "--mail", "press", "--hold", "600")).json
    reasons = ("--reason", "The figures were wrong.", "ckb=ژمارەکان هەڵە بوون.")
    assert must(newsroom("retract", done["id"], *reasons, "--json")).json["changed"] is True
    found = release(database)
    assert found.status is Status.RETRACTED
    assert found.retraction_reasons == {"en": "The figures were wrong.", "ckb": "ژمارەکان هەڵە بوون."}
    assert must(newsroom("mailing", "status", done["mailing"], "--json")).json["state"] == "cancelled"
    assert must(newsroom("retract", done["id"], *reasons, "--json")).json["changed"] is False
    refused(push(newsroom, paths, "--publish"))


def test_a_retraction_needs_a_reason_and_a_published_release(
    newsroom: Press, database: Database, paths: list[str]
) -> None:
    draft = must(push(newsroom, paths)).json["id"]
    assert "--reason" in refused(newsroom("retract", draft), 2)
    refused(newsroom("retract", draft, "--reason", " "))
    assert "never published" in refused(newsroom("retract", draft, "--reason", "x"))
    assert "nothing-here" in refused(newsroom("retract", "nothing-here", "--reason", "x"))
    with database.reading() as tx:
        assert tx.scalars(select(AuditEntry).where(AuditEntry.act == "retract")).all() == []
        assert revisions.next_number(tx, tx.scalars(select(Revision.translation_id)).first() or "") == 2
