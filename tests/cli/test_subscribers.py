from __future__ import annotations

import csv
import io
from pathlib import Path

from sqlalchemy import select

from pressroom.db import Database
from pressroom.mailing.subscriber import Subscriber
from tests.cli.conftest import Press, must, refused, write

CSV = (
    "email;name;languages\n"
    "dilan@example.org;دیلان ئەحمەد;ckb en\n"
    "nora@example.com;Nora, of the Ledger;en\n"
    "broken;x;en\n"
)
TERMS = ("--newsroom", "river", "--list", "press")
CONSENT = ("--consent", "Asked by letter in March.")


def test_an_import_counts_and_an_export_gives_the_same_people_back(newsroom: Press, tmp_path: Path) -> None:
    (path,) = write(tmp_path, {"people.csv": CSV})
    done = must(newsroom("subscribers", "import", path, *TERMS, *CONSENT, "--json")).json
    assert {**done, "refused": len(done["refused"])} == {"added": 2, "changed": 0, "unchanged": 0, "refused": 1}
    assert done["refused"][0]["line"] == 4
    out = must(newsroom("subscribers", "export", *TERMS)).out
    assert list(csv.reader(io.StringIO(out))) == [
        ["email", "name", "outlet", "languages", "beats", "frequency"],
        ["dilan@example.org", "دیلان ئەحمەد", "", "ckb en", "", "immediate"],
        ["nora@example.com", "Nora, of the Ledger", "", "en", "", "immediate"],
    ]
    (again,) = write(tmp_path, {"exported.csv": out})
    done = must(newsroom("subscribers", "import", again, *TERMS, *CONSENT, "--json")).json
    assert done == {"added": 0, "changed": 0, "unchanged": 2, "refused": []}


def test_lines_for_people_name_what_was_refused(newsroom: Press, tmp_path: Path) -> None:
    (path,) = write(tmp_path, {"people.csv": CSV})
    out = must(newsroom("subscribers", "import", path, *TERMS, *CONSENT, "--dry-run")).out.splitlines()
    assert out[0].startswith("line 4: ")
    assert out[1] == "2 added, 0 changed, 0 unchanged, 1 refused (nothing was stored)"
    assert must(newsroom("subscribers", "export", *TERMS)).out == "email,name,outlet,languages,beats,frequency\n"


def test_an_import_without_consent_list_or_file_stores_nothing(
    newsroom: Press, database: Database, tmp_path: Path
) -> None:
    (path,) = write(tmp_path, {"people.csv": CSV})
    assert "--consent" in refused(newsroom("subscribers", "import", path, *TERMS), 2)
    assert "--consent" in refused(newsroom("subscribers", "import", path, *TERMS, "--consent", " "), 2)
    wrong = ("--newsroom", "river", "--list", "nope", *CONSENT)
    assert "nope" in refused(newsroom("subscribers", "import", path, *wrong))
    assert "none.csv" in refused(newsroom("subscribers", "import", "none.csv", *TERMS, *CONSENT))
    with database.reading() as tx:
        assert tx.scalars(select(Subscriber)).all() == []


def test_an_export_of_an_unknown_list_prints_nothing(newsroom: Press) -> None:
    assert "nope" in refused(newsroom("subscribers", "export", "--newsroom", "river", "--list", "nope"))


def test_erasing_forgets_a_person(newsroom: Press, tmp_path: Path) -> None:
    (path,) = write(tmp_path, {"people.csv": CSV})
    must(newsroom("subscribers", "import", path, *TERMS, *CONSENT))
    assert must(newsroom("subscribers", "erase", "Dilan@Example.org", "--json")).json == {"erased": 1}
    assert "dilan" not in must(newsroom("subscribers", "export", *TERMS)).out
    assert must(newsroom("subscribers", "erase", "dilan@example.org", "--json")).json == {"erased": 0}


def test_how_often_comes_from_a_file_and_goes_back_into_one(newsroom: Press, tmp_path: Path) -> None:
    lines = "email,frequency\na@example.org,Daily\nb@example.org,\nc@example.org,hourly\n"
    (path,) = write(tmp_path, {"people.csv": lines})
    done = must(newsroom("subscribers", "import", path, *TERMS, *CONSENT, "--json")).json
    assert done["added"] == 2 and "immediate, daily, weekly" in done["refused"][0]["reason"]
    (later,) = write(tmp_path, {"later.csv": "email,frequency\na@example.org,\nb@example.org,weekly\n"})
    done = must(newsroom("subscribers", "import", later, *TERMS, *CONSENT, "--json")).json
    assert (done["changed"], done["unchanged"]) == (1, 1), "an empty cell changes nothing"
    rows = csv.DictReader(io.StringIO(must(newsroom("subscribers", "export", *TERMS)).out))
    assert {row["email"]: row["frequency"] for row in rows} == {"a@example.org": "daily", "b@example.org": "weekly"}
