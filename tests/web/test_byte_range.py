"""Parts of recordings and documents, as players and readers ask for them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from pressroom.db import Database
from pressroom.releases import illustrating, publishing
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.illustrating import Description
from tests.makers import make_newsroom, make_release, now
from tests.releases import uploads
from tests.web.public import Site
from tests.web.staff import House

SAID = {"en": Description("The minister speaks", "Speech", "River Archive", "CC BY 4.0")}
LENGTH = 417 * 76


@pytest.fixture
def later(site: Site) -> Site:
    """When dates, which are those of whole seconds, are told."""
    site.ahead = timedelta(seconds=2)
    return site


@pytest.fixture
def sound(database: Database) -> tuple[str, str, str]:
    """The address of a recording and of a document, both public, and the desk's of the latter."""
    made = make_release(database, make_newsroom(database, languages=["en"]), draft=True)
    recording, document = (
        illustrating.attach(database, made.id, name, data, SAID, now=now(), by=None)
        for name, data in (("a.mp3", uploads.mp3()), ("a.pdf", uploads.document()))
    )
    publishing.publish(database, made.id, now=now())
    return (
        f"/assets/{recording}.mp3",
        f"/assets/{document}.pdf",
        f"/desk/river/releases/{made.id}/assets/{document}.pdf",
    )


def told(answer: TestResponse) -> tuple[int, str | None, int]:
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    return answer.status_code, answer.headers.get("Content-Range"), len(answer.data)


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-1", 0, 2),
        ("bytes=100-", 100, LENGTH),
        ("bytes=-417", LENGTH - 417, LENGTH),
        ("bytes=100-99999999999", 100, LENGTH),
        ("bytes=-99999999999", 0, LENGTH),
        ("Bytes= 5-5 ", 5, 6),
    ],
)
def test_a_part_is_answered_at_first_and_from_memory(
    later: Site, sound: tuple[str, str, str], asked: str, first: int, end: int
) -> None:
    answers = [later.get(sound[0], Range=asked) for _ in ("rendered", "from memory")]
    whole = later.get(sound[0])
    assert told(whole) == (200, None, LENGTH) and whole.headers["Accept-Ranges"] == "bytes"
    for answer in answers:
        assert told(answer) == (206, f"bytes {first}-{end - 1}/{LENGTH}", end - first)
        assert answer.data == whole.data[first:end]
        for name in ("ETag", "Cache-Control", "Last-Modified", "Vary", "Content-Type", "Content-Security-Policy"):
            assert answer.headers[name] == whole.headers[name]


@pytest.mark.parametrize("asked", ["bytes=31692-", "bytes=99999999-99999999", "bytes=-0"])
def test_what_lies_behind_the_end_is_not_there(later: Site, sound: tuple[str, str, str], asked: str) -> None:
    for _ in ("rendered", "from memory"):
        answer = later.get(sound[0], Range=asked)
        assert told(answer) == (416, f"bytes */{LENGTH}", 0)
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "bytes=9-5",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "lines=0-1",
        "bytes=٠-١",
        "bytes=" + "9" * 9999 + "-",
    ],
)
def test_what_is_no_single_part_is_answered_with_the_whole(
    later: Site, sound: tuple[str, str, str], asked: str
) -> None:
    answer = later.client.get(sound[0], environ_overrides={"HTTP_RANGE": asked})
    assert told(answer) == (200, None, LENGTH)


def test_a_part_is_of_the_state_that_the_asker_has_or_it_is_the_whole(later: Site, sound: tuple[str, str, str]) -> None:
    whole = later.get(sound[0])
    tag, date = whole.headers["ETag"], whole.headers["Last-Modified"]
    statuses = {
        given: later.get(sound[0], Range="bytes=0-1", If_Range=given).status_code
        for given in (tag, f"W/{tag}", '"other"', date)
    }
    assert statuses == {tag: 206, f"W/{tag}": 200, '"other"': 200, date: 200}


def test_what_the_asker_has_already_comes_before_parts(later: Site, sound: tuple[str, str, str]) -> None:
    whole = later.get(sound[0])
    for given, status in ((whole.headers["ETag"], 304), ('"other"', 206)):
        answer = later.get(sound[0], Range="bytes=0-1", If_None_Match=given)
        assert (answer.status_code, "Content-Range" in answer.headers) == (status, status == 206)
    assert later.get(sound[0], Range="bytes=0-1", If_Modified_Since=whole.headers["Last-Modified"]).status_code == 304


def test_head_says_that_there_are_parts_and_gives_none(later: Site, sound: tuple[str, str, str]) -> None:
    for _ in ("rendered", "from memory"):
        answer = later.get(sound[0], method="HEAD", Range="bytes=0-1")
        assert (answer.status_code, answer.data, answer.headers["Content-Length"]) == (200, b"", str(LENGTH))
        assert answer.headers["Accept-Ranges"] == "bytes"


def test_pages_and_pictures_come_whole(later: Site, sound: tuple[str, str, str]) -> None:
    for path in ("/river/en/", "/river/en/feed.atom"):
        answer = later.get(path, Range="bytes=0-1")
        assert answer.status_code == 200 and "Accept-Ranges" not in answer.headers


def test_a_document_comes_in_parts_too(later: Site, sound: tuple[str, str, str]) -> None:
    answer = later.get(sound[1], Range="bytes=0-4", Accept_Encoding="gzip, br")
    assert (answer.status_code, answer.data) == (206, b"%PDF-")
    assert answer.headers["Content-Disposition"] == "attachment"


def test_the_desk_gives_documents_out_as_readers_get_them(
    house: House, database: Database, sound: tuple[str, str, str]
) -> None:
    with database.reading() as tx:
        newsroom = newsrooms.by_slug(tx, "river")
    author = house.staff(newsroom, "author")
    whole, part = author.get(sound[2]), author.get(sound[2], headers={"Range": "bytes=0-4"})
    behind = author.get(sound[2], headers={"Range": "bytes=99999999-"})
    for answer in (whole, part):
        assert answer.headers["Content-Disposition"] == "attachment"
        assert "no-store" in answer.headers["Cache-Control"]
    assert (whole.status_code, part.status_code, part.data, behind.status_code) == (200, 206, b"%PDF-", 416)
