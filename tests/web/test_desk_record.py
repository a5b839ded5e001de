from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pressroom
from pressroom.mailing import record
from pressroom.mailing.mailing import State
from pressroom.mailing.record import Entry, Who, as_csv
from pressroom.people import audit, inviting
from pressroom.people.account import Role
from pressroom.releases.newsroom import Newsroom
from pressroom.web.desk import wording
from tests.mailing.makers import MailHouse
from tests.makers import make_newsroom, make_release
from tests.web.desk import at, publish
from tests.web.staff import House

SORANI = "پردەکە کراوەیە بۆ هەمووان\n\nدەقی یەکەم."


def acts(page: str) -> list[str]:
    return re.findall(r'<p class="row-facts"><strong>([^<]+)</strong>', unescape(page))


def test_the_timeline_tells_a_releases_life_in_order_and_who(house: House, mail: MailHouse, newsroom: Newsroom) -> None:
    mail.subscriber(newsroom, "reader@example.org", [mail.media_list(newsroom)])
    author = house.staff(newsroom, "author")
    made = make_release(house.database, newsroom, ["en"], draft=True)
    author.send(at(made, "/text"), language="ckb", text=SORANI)
    author.send(at(made, "/ask"))
    editor = house.staff(newsroom, "editor")
    editor.send(at(made, "/send-back"), note="Shorter.")
    author.send(at(made, "/ask"))
    publish(editor, made, lists=["press"], at="2030-01-04T09:00")
    editor.send(at(made, "/embargo"), until="2030-01-06T09:00")
    author.send(at(made, "/unschedule"))
    publish(editor, made)
    editor.send(at(made, "/retract"), **{"reason-en": "Wrong."})
    editor.send(at(made, "/vanish"), sure="1")
    page = editor.get(at(made)).text
    assert [one for one in acts(page) if "ailing" not in one] == [
        "Text submitted", "Review asked for", "Sent back", "Review asked for", "Published", "Embargo moved",
        "Schedule taken back", "Published", "Taken back", "Removed",
    ]  # fmt: skip
    timeline = page.partition('id="timeline"')[2]
    assert "Author" in timeline and "Editor" in timeline and "@example.org" not in timeline
    assert "author@example.org" in house.staff(newsroom, "owner").get(at(made)).text.partition('id="timeline"')[2]


def test_mailings_stand_in_the_timeline_when_they_begin_and_when_they_end(
    house: House, mail: MailHouse, newsroom: Newsroom
) -> None:
    mail.subscriber(newsroom, "reader@example.org", [mail.media_list(newsroom)])
    made = make_release(house.database, newsroom, ["en"])
    mailing = mail.mailing(made)
    viewer = house.staff(newsroom, "viewer")
    assert acts(viewer.get(at(made)).text) == ["Mailing started"]
    mail.send()
    assert mail.progress(mailing).state is State.FINISHED
    page = viewer.get(at(made)).text
    assert acts(page) == ["Mailing started", "Mailing finished"] and f"/desk/river/mailings/{mailing}" in page
    house.staff(newsroom, "editor").send(at(made, "/retract"), **{"reason-en": "Wrong."})
    assert acts(viewer.get(at(made)).text)[1:3] == ["Mailing finished", "Taken back"], "in the order of time"
    assert "Command line or service" in page


def test_the_record_is_for_those_who_lead_and_has_addresses_for_owners_only(house: House, newsroom: Newsroom) -> None:
    author = house.staff(newsroom, "author")
    author.send("/desk/river/new", language="ckb", text=SORANI)
    elsewhere = make_newsroom(house.database, "lake")
    with house.database.transaction() as tx:
        audit.note(tx, "submit", "release:elsewhere", now=house.now, newsroom_id=elsewhere.id)
    editor, owner = house.staff(newsroom, "editor"), house.staff(newsroom, "owner")
    page = editor.get("/desk/river/record").text
    assert {"Text submitted", "Account added"} <= set(acts(page)) and "elsewhere" not in page
    assert "author@example.org" not in page and "author@example.org" in owner.get("/desk/river/record").text


def test_the_record_goes_page_by_page_the_newest_first(house: House, newsroom: Newsroom) -> None:
    start = house.now - timedelta(days=1)
    with house.database.transaction() as tx:
        for number in range(150):
            audit.note(
                tx, f"act {number:03}", "newsroom:river", now=start + timedelta(seconds=number), newsroom_id=newsroom.id
            )
    owner = house.staff(newsroom, "owner")
    first, second = (re.findall(r"act (\d{3})", owner.get(f"/desk/river/record?page={one}").text) for one in (1, 2))
    assert [int(one) for one in first + second] == list(range(149, -1, -1))


def test_the_record_is_downloaded_whole_the_oldest_first(house: House, newsroom: Newsroom) -> None:
    author = house.staff(newsroom, "author")
    author.send("/desk/river/new", language="ckb", text=SORANI)
    for role, known in (("owner", "author@example.org"), ("editor", "")):
        answer = house.staff(newsroom, role).get("/desk/river/record.csv")
        assert answer.mimetype == "text/csv" and "record-river.csv" in answer.headers["Content-Disposition"]
        assert answer.headers["Cache-Control"] == "private, no-store"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert list(rows[0]) == list(record.COLUMNS)
        assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
        submitted = next(row for row in rows if row["act"] == "submit")
        assert (submitted["who"], submitted["role"]) == (known, "author") and submitted["account"]
        assert submitted["detail"] == '{"languages": ["ckb"]}'


def test_a_cell_is_never_a_formula(house: House) -> None:
    entry = Entry(house.now, None, "=HYPERLINK(1)", "+subject", {})
    rows = list(csv.reader(io.StringIO("".join(as_csv([entry], Who({}, {}))))))
    assert rows[1][4:6] == ["'=HYPERLINK(1)", "'+subject"]


def test_who_has_left_is_not_named_but_still_counted(house: House, newsroom: Newsroom) -> None:
    account = house.add(newsroom, Role.AUTHOR, "gone@example.org")
    with house.database.transaction() as tx:
        audit.note(tx, "submit", "newsroom:river", now=house.now, newsroom_id=newsroom.id, account_id=account)
    inviting.disable(house.database, house.service.keyring, "gone@example.org", now=house.now)
    assert "Somebody who has left" in house.staff(newsroom, "editor").get("/desk/river/record").text
    assert "gone@example.org" in house.staff(newsroom, "owner").get("/desk/river/record").text


def test_every_act_that_the_code_notes_has_a_wording() -> None:
    noted = {act for path in Path(pressroom.__file__).parent.rglob("*.py") for act in noted_in(path)}
    assert len(noted) > 20
    assert sorted(noted - set(wording.ACTS)) == []


def noted_in(path: Path) -> Iterator[str]:
    """Texts given to whatever notes an act; a choice of two stands in one argument."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("audit.note", "_note", "_record"):
            for one in (one for argument in node.args[1:] for one in ast.walk(argument)):
                if isinstance(one, ast.Constant) and re.fullmatch(r"[a-z]+( [a-z]+)*", str(one.value)):
                    yield str(one.value)
