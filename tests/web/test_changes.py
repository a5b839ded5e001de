from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from werkzeug.test import TestResponse

from pressroom.db import Database
from pressroom.feeds import changes
from pressroom.feeds.changes import Cursor
from pressroom.releases import publishing, rescheduling, retracting, vanishing
from pressroom.releases.newsroom import Newsroom
from tests.makers import LANGUAGES, TITLES, Made, make_correction, make_release, now
from tests.web.public import Site

_FEED = "/river/changes.json"
_MESSAGES = "/river/changes.newsml.xml"


def read(site: Site, cursor: str = "") -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Events with their items, and the whole page."""
    page = json.loads(site.get(f"{_FEED}?after={cursor}" if cursor else _FEED).data)
    return [(one["event"], one["item"]["uri"]) for one in page["changes"]], page


def urns(made: Made, *tags: str) -> list[str]:
    return [made.translations[tag].urn for tag in tags]


def test_it_tells_everything_that_became_public_in_order(site: Site, database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, ["en", "ckb"])
    make_correction(database, made, {"en": "It opens in May."}, {"en": "Not in spring."})
    retracting.retract(database, made.id, {"en": "It was not so."}, now=now())
    found, page = read(site)
    english, kurdish = urns(made, "en", "ckb")
    assert sorted(found[:2]) == sorted([("publication", english), ("publication", kurdish)])
    assert found[2:] == [(event, urn) for event in ("correction", "retraction") for urn in (kurdish, english)]
    for change in page["changes"]:
        assert (change["item"]["pubStatus"], change["item"]["version"]) == ("canceled", "3")
        assert "It was not so." in change["item"]["edNote"] and "bodies" not in change["item"]
    assert not page["more"] and page["next"] == f"http://127.0.0.1:8000{_FEED}?after={page['cursor']}"
    assert read(site, page["cursor"]) == ([], {**page, "changes": []})


def test_no_cursor_tells_of_what_is_under_embargo(
    site: Site, database: Database, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_ROUND", 1)
    make_release(database, newsroom, ["en"])
    before = read(site)[1]
    make_release(database, newsroom, ["ckb"], public_from=now() + timedelta(hours=1))
    assert read(site)[1] == before
    make_release(database, newsroom, ["ar"])
    assert read(site)[1]["cursor"] != before["cursor"]


def test_an_embargo_lifts_in_its_place_for_whoever_has_read_on(
    site: Site, database: Database, newsroom: Newsroom
) -> None:
    hidden = make_release(database, newsroom, ["en"], draft=True)
    rescheduling.move_embargo(database, hidden.id, now() + timedelta(hours=1), now=now())
    before = site.get(_FEED)
    publishing.publish(database, hidden.id, now=now())
    after = site.get(_FEED)
    assert (after.data, after.headers["ETag"]) == (before.data, before.headers["ETag"]), "nothing tells of it"
    later = make_release(database, newsroom, ["ckb"])
    found, page = read(site)
    assert found == [("publication", urns(later, "ckb")[0])]
    site.ahead = timedelta(minutes=59)
    assert read(site, page["cursor"])[0] == []
    site.ahead = timedelta(hours=1, seconds=1)
    assert read(site, page["cursor"])[0] == [("publication", urns(hidden, "en")[0])]
    assert read(site)[0] == [("publication", urns(later, "ckb")[0]), ("publication", urns(hidden, "en")[0])]


def test_a_removed_text_is_on_no_page_however_old_its_cursor(
    site: Site, database: Database, newsroom: Newsroom
) -> None:
    made = make_release(database, newsroom, ["en", "ckb"], bodies={"en": "Zerya Canbaz opened it."})
    old = read(site)[1]["cursor"]
    vanishing.vanish_text(database, "river", "Zerya Canbaz", now=now())
    found, page = read(site)
    assert ("removal", urns(made, "en")[0]) in found and "Zerya" not in json.dumps(page)
    assert {one["item"]["pubStatus"] for one in read(site, old)[1]["changes"]} == {"usable"}
    vanishing.vanish_release(database, made.id, now=now())
    for cursor in ("", old, page["cursor"]):
        found, page = read(site, cursor)
        assert found[-1][0] == "removal"
        assert TITLES["en"] not in json.dumps(page, ensure_ascii=False)
        for change in page["changes"]:
            assert change["item"].keys() <= {"uri", "standard", "type", "version", "versionCreated", "pubStatus"}
    xml = site.get(_MESSAGES).data.decode()
    assert TITLES["en"] not in xml and TITLES["ckb"] not in xml and xml.count("stat:canceled") == 2


def test_pages_are_bounded_and_lead_through_everything_once(site: Site, database: Database, newsroom: Newsroom) -> None:
    made = [
        make_release(
            database, newsroom, ["en"], titles={"en": f"Number {number}"}, public_from=now() - timedelta(days=2)
        )
        for number in range(60)
    ]
    first, page = read(site)
    assert (len(first), page["more"]) == (50, True)
    rest, last = read(site, page["cursor"])
    assert not last["more"] and [urn for _, urn in (*first, *rest)] == [urns(one, "en")[0] for one in made]
    make_release(database, newsroom, ["ckb"])
    assert read(site)[1] == page, "a page that is full stays as it is"


def test_a_page_grows_no_larger_than_a_feed(site: Site, database: Database, newsroom: Newsroom) -> None:
    for number in range(6):
        make_release(database, newsroom, ["en"], titles={"en": f"{number}"}, bodies={"en": "word " * 20_000})
    found, cursor, sizes = [], "", []
    while True:
        answer = site.get(f"{_FEED}?after={cursor}")
        sizes.append(len(answer.data))
        found += answer.get_json()["changes"]
        cursor = answer.get_json()["cursor"]
        if not answer.get_json()["more"]:
            break
    assert len(found) == 6 and len(sizes) > 1 and max(sizes) < 512 * 1024


def headers(answer: TestResponse) -> dict[str, str | None]:
    names = ("Cache-Control", "Access-Control-Allow-Origin", "X-Content-Type-Options", "Set-Cookie", "Last-Modified")
    return {name: answer.headers.get(name) for name in names}


@pytest.mark.parametrize("path", [_FEED, _MESSAGES])
def test_it_is_answered_conditionally_and_asked_for_each_time(
    site: Site, database: Database, newsroom: Newsroom, path: str
) -> None:
    made = make_release(database, newsroom)
    answer = site.get(path)
    kind = "application/json" if path == _FEED else "application/vnd.iptc.g2.newsmessage+xml"
    assert (answer.status_code, answer.content_type) == (200, f"{kind}; charset=utf-8")
    assert headers(answer) == {
        "Cache-Control": "max-age=0, must-revalidate",
        "Access-Control-Allow-Origin": "*",
        "X-Content-Type-Options": "nosniff",
        "Set-Cookie": None,
        "Last-Modified": None,
    }
    cursor = read(site)[1]["cursor"]
    assert answer.headers["Link"] == f'<http://127.0.0.1:8000{path}?after={cursor}>; rel="next"'
    assert site.get(path, If_None_Match=answer.headers["ETag"]).status_code == 304
    assert site.get(path, method="HEAD").headers["ETag"] == answer.headers["ETag"]
    assert site.get(path, Accept_Encoding="br").headers["Content-Encoding"] == "br"
    retracting.retract(database, made.id, {"en": "Wrong."}, now=now())
    assert site.get(path, If_None_Match=answer.headers["ETag"]).status_code == 200


@pytest.mark.parametrize("path", [_FEED, _MESSAGES])
def test_a_cursor_that_no_page_gave_is_refused_in_one_sentence(site: Site, newsroom: Newsroom, path: str) -> None:
    for cursor in ("x", "AAAA", "%00", "1" * 500, "AQAAAAAAAAAB"):
        answer = site.get(f"{path}?after={cursor}")
        assert (answer.status_code, answer.content_type) == (400, "text/plain; charset=utf-8")
        assert answer.text.count("\n") == 1 and answer.text.startswith("This is no cursor of ours")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_an_unknown_newsroom_is_answered_like_any_unknown_address(site: Site, newsroom: Newsroom) -> None:
    unknown = site.get("/river/en/nothing")
    for path in ("/nobody/changes.json", "/nobody/changes.newsml.xml?after=x", "/all/changes.json"):
        answer = site.get(path)
        assert (answer.status_code, answer.data) == (404, unknown.data)


def test_a_newsroom_that_said_nothing_has_an_empty_page_and_no_message(site: Site, newsroom: Newsroom) -> None:
    found, page = read(site)
    assert (found, page["more"], page["cursor"]) == ([], False, str(Cursor()))
    answer = site.get(_MESSAGES)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Link"] == f'<http://127.0.0.1:8000{_MESSAGES}?after={Cursor()}>; rel="next"'


def test_a_message_has_each_item_once_as_it_is(site: Site, database: Database, newsroom: Newsroom) -> None:
    made = make_release(database, newsroom, pictures=1)
    make_correction(database, made, {"en": "It opens in May."}, {"en": "Not in spring."})
    nar = "{http://iptc.org/std/nar/2006-10-01/}"
    root = etree.fromstring(site.get(_MESSAGES).data)
    items = list(root.iter(f"{nar}newsItem"))
    assert sorted(one.get("guid", "") for one in items) == sorted(urns(made, *LANGUAGES))
    for one in items:
        assert (one.get("version"), one.find(f".//{nar}signal").get("qcode")) == ("2", "sig:correction")  # type: ignore[union-attr]
    following = root.find(".//{http://www.w3.org/2005/Atom}link")
    assert following is not None and site.get(following.get("href", "")[21:]).status_code == 204
