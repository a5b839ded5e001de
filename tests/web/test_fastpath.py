from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import brotli
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.http import http_date

from pressroom.config import Config
from pressroom.db import Database
from pressroom.errors import NotFound, TryLater
from pressroom.releases import newsroom as newsrooms
from pressroom.web import documents
from pressroom.web.documents import Document, Keep
from pressroom.web.fastpath import FastPath, Instant, Library, Pulse
from pressroom.web.pace import Pace
from tests.makers import make_newsroom, make_release, now
from tests.web.public import Site

FEED = "/river/ckb/feed.atom"
PAGE = "/river/ckb/"


@pytest.fixture
def site(config: Config, database: Database) -> Iterator[Site]:
    site = Site(config, database)
    make_release(database, make_newsroom(database))
    yield site
    site.close()


def text(body: str = "words", **terms: datetime) -> Document:
    return documents.make(body.encode(), "text/plain", Keep.PAGE, **terms)


@pytest.mark.parametrize("path", [FEED, PAGE])
@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", None),
        ("gzip", "gzip"),
        ("gzip, deflate, br", "br"),
        ("br;q=0.2, gzip;q=0.9", "gzip"),
        ("br;q=0, gzip;q=0", None),
        ("gzip;q=0, *", "br"),
        ("*;q=0", None),
        ("identity", None),
        ("GZIP", "gzip"),
        ("br;q=nonsense, gzip", "gzip"),
    ],
)
def test_the_encoding_is_one_the_reader_takes(site: Site, path: str, accepted: str, coding: str | None) -> None:
    plain = site.get(path).data
    for _ in ("rendered", "from memory"):
        answer = site.get(path, Accept_Encoding=accepted)
        assert answer.headers.get("Content-Encoding") == coding
        assert answer.headers["Vary"] == "Accept-Encoding"
        undo = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}[coding]
        assert undo(answer.data) == plain
        assert int(answer.headers["Content-Length"]) == len(answer.data)


@pytest.mark.parametrize("path", [FEED, PAGE])
@pytest.mark.parametrize("accepted", ["", "gzip", "br"])
def test_what_a_reader_has_already_is_not_sent_again(site: Site, path: str, accepted: str) -> None:
    first = site.get(path, Accept_Encoding=accepted)
    tag = first.headers["ETag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = site.get(path, Accept_Encoding=accepted, If_None_Match=given)
        assert (answer.status_code, answer.data) == (304, b"")
        assert "Content-Length" not in answer.headers and "Content-Type" not in answer.headers
        for name in ("ETag", "Cache-Control", "Vary", "Last-Modified"):
            assert answer.headers[name] == first.headers[name]


def test_each_encoding_has_a_tag_of_its_own(site: Site) -> None:
    assert len({site.get(FEED, Accept_Encoding=coding).headers["ETag"] for coding in ("", "gzip", "br")}) == 3


def test_a_tag_that_differs_wins_over_a_date_that_fits(site: Site) -> None:
    date = site.get(PAGE).headers["Last-Modified"]
    assert site.get(PAGE, If_Modified_Since=date).status_code == 304
    assert site.get(PAGE, If_Modified_Since=date, If_None_Match='"other"').status_code == 200
    earlier = http_date(datetime.now(UTC) - timedelta(days=900))
    assert site.get(PAGE, If_Modified_Since=earlier).status_code == 200
    assert site.get(PAGE, If_Modified_Since="yesterday").status_code == 200


def test_head_says_what_get_would_and_sends_nothing(site: Site) -> None:
    for _ in ("rendered", "from memory"):
        head, get = site.get(PAGE, method="HEAD"), site.get(PAGE)
        assert head.data == b"" and head.status_code == 200
        assert head.headers.to_wsgi_list() == get.headers.to_wsgi_list()


@pytest.mark.parametrize("path", [FEED, PAGE, "/"])
def test_the_first_answer_is_like_all_later_ones(site: Site, path: str) -> None:
    first, later = site.get(path), site.get(path)
    assert first.headers.to_wsgi_list() == later.headers.to_wsgi_list()
    assert first.data == later.data


def test_pages_are_checked_anew_each_time(site: Site) -> None:
    assert site.get(PAGE).headers["Cache-Control"] == "max-age=0, must-revalidate"


def test_a_session_changes_nothing_about_a_public_page(site: Site) -> None:
    plain = site.get(PAGE)
    signed_in = site.get(PAGE, Cookie="pressroom=eyJfZnJlc2giOmZhbHNlfQ.aaaa.bbbb")
    assert (signed_in.data, signed_in.headers["ETag"]) == (plain.data, plain.headers["ETag"])


def test_a_query_gets_the_same_document(site: Site) -> None:
    assert site.get(f"{PAGE}?utm_source=x").headers["ETag"] == site.get(PAGE).headers["ETag"]


def test_a_change_is_seen_by_a_process_that_has_the_document(site: Site, database: Database) -> None:
    before = site.get(PAGE)
    with database.reading() as tx:
        newsroom = newsrooms.by_slug(tx, "river")
    make_release(database, newsroom, titles={"ckb": "هەواڵێکی نوێ"}, public_from=now() - timedelta(seconds=1))
    after = site.get(PAGE, If_None_Match=before.headers["ETag"])
    assert after.status_code == 200 and "هەواڵێکی نوێ" in after.text


def test_the_front_page_changes_with_any_newsroom(site: Site, database: Database) -> None:
    site.get("/")
    make_newsroom(database, "second", names={"en": "Second Newsroom"})
    assert "Second Newsroom" in site.get("/").text


def test_memory_answers_while_nothing_changes(database: Database) -> None:
    make_newsroom(database)
    library = Library(Pulse(database))
    rendered = []

    def render(_: datetime) -> Document:
        rendered.append(1)
        return text()

    library.get("/a", "river", render)
    assert library.get("/a", "river", render)[0] is library.find("/a")[0]
    assert len(rendered) == 1


def test_a_document_ends_with_its_time_and_another_newsroom_leaves_it_alone(database: Database) -> None:
    river, other = make_newsroom(database), make_newsroom(database, "other")
    ahead = timedelta()
    library = Library(Pulse(database, every=0.0, clock=lambda tx: database.now(tx) + ahead))
    library.get("/a", "river", lambda now: text(valid_until=now + timedelta(minutes=5)))
    with database.transaction() as tx:
        newsrooms.touch(tx, other.id, now=now())
    assert library.find("/a")
    ahead = timedelta(minutes=5)
    assert library.find("/a") is None
    ahead = timedelta()
    assert library.find("/a")
    with database.transaction() as tx:
        newsrooms.touch(tx, river.id, now=now())
    assert library.find("/a") is None


def test_with_the_database_away_documents_are_served_until_their_time(database: Database) -> None:
    make_newsroom(database)
    away = False

    def clock(tx: Session) -> datetime:
        if away:
            raise OperationalError("SELECT", {}, Exception("connection refused"))
        return database.now(tx)

    pulse = Pulse(database, every=0.0, clock=clock)
    library = Library(pulse)
    library.get("/for-ever", "river", lambda _: text())
    library.get("/short", "river", lambda now: text(valid_until=now))
    away = True
    assert library.find("/for-ever")
    assert library.find("/short") is None
    with pytest.raises(TryLater):
        Library(Pulse(database, clock=clock)).get("/a", "river", lambda _: text())


def test_a_jumped_clock_of_this_machine_moves_nothing(database: Database) -> None:
    there = datetime(2001, 2, 3, tzinfo=UTC)
    pulse = Pulse(database, clock=lambda _: there)
    assert timedelta() <= pulse.now(pulse.look()) - there < timedelta(minutes=5)


def test_one_thread_renders_while_the_others_wait(database: Database) -> None:
    make_newsroom(database)
    library = Library(Pulse(database))
    together = threading.Barrier(6)
    rendered, got = [], []

    def render(_: datetime) -> Document:
        rendered.append(1)
        # Long enough for the others to arrive, if they were let in.
        together_again.wait(timeout=0.2)
        return text()

    together_again = threading.Event()

    def read() -> None:
        together.wait()
        got.append(library.get("/a", "river", render)[0])

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rendered) == 1 and len({id(one) for one in got}) == 1


def test_what_is_not_found_takes_no_memory(database: Database) -> None:
    library = Library(Pulse(database))

    def nothing(_: datetime) -> Document:
        raise NotFound("There is nothing.")

    for number in range(50):
        with pytest.raises(NotFound):
            library.get(f"/{number}", None, nothing)
    assert not library._shelf and not library._flights


def test_the_least_read_documents_leave_when_memory_is_full(database: Database) -> None:
    library = Library(Pulse(database), memory=20_000)
    for number in range(10):
        library.get(f"/{number}", None, lambda _: text("x" * 200))
        library.find("/0")
    kept = [number for number in range(10) if library.find(f"/{number}")]
    assert len(kept) == 10
    for number in range(10, 30):
        library.get(f"/{number}", None, lambda _: text("x" * 200))
        assert library.find("/0")
    kept = [number for number in range(30) if library.find(f"/{number}")]
    assert kept[0] == 0 and 0 < len(kept) <= 20_000 // 1_200 and kept[1:] == list(range(31 - len(kept), 30))
    library.get("/huge", None, lambda _: text("x" * 20_000))
    assert library.find("/huge") is None


def test_a_post_goes_to_the_application(database: Database) -> None:
    library = Library(Pulse(database))
    library.get("/a", None, lambda _: text())
    asked = []
    layer = FastPath(
        lambda environ, start_response: asked.append(environ["REQUEST_METHOD"]) or [], library, Pace(0), lambda *_: ""
    )
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        layer({"REQUEST_METHOD": method, "PATH_INFO": "/a"}, lambda *_: None)
    assert asked == ["POST", "PUT", "DELETE", "OPTIONS"]


@pytest.mark.parametrize(
    "since", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "nonsense", "", "0", "Mon, 99 Foo 1 1"]
)
def test_a_date_that_cannot_be_read_is_no_condition(site: Site, since: str) -> None:
    assert site.get(PAGE, If_Modified_Since=since).status_code == 200


def test_a_change_within_the_same_second_is_never_answered_with_304(config: Config, database: Database) -> None:
    site, second = Site(config, database), now().replace(microsecond=10_000) - timedelta(minutes=1)
    newsroom = make_newsroom(database)
    make_release(database, newsroom, public_from=second)
    first = site.get(FEED).headers["Last-Modified"]
    make_release(database, newsroom, public_from=second + timedelta(milliseconds=700))
    fresh = document_at(site, second + timedelta(milliseconds=800))
    assert "Last-Modified" not in fresh, "a date that is not over yet says nothing"
    assert site.get(FEED, If_Modified_Since=first).status_code == 304, "the second is over and all of it is in"
    site.close()


def document_at(site: Site, moment: datetime) -> dict[str, str]:
    """The headers of a document whose last change lies in the second that is not over at `moment`."""
    made = documents.make(b"words", "text/plain", Keep.PAGE, last_modified=moment)
    return dict(documents.reply(made, {"REQUEST_METHOD": "GET"}, moment).headers)


@pytest.mark.parametrize("path", ["/", PAGE, FEED, "/river/feed.rss", "/all/feed.atom"])
def test_a_hidden_act_moves_no_date(site: Site, database: Database, path: str) -> None:
    before = site.get(path).headers["Last-Modified"]
    with database.reading() as tx:
        newsroom = newsrooms.by_slug(tx, "river")
    make_release(database, newsroom, public_from=now() + timedelta(days=9))
    with database.transaction() as tx:
        newsrooms.touch(tx, newsroom.id, now=now())
    assert site.get(path).headers["Last-Modified"] == before


def test_what_a_change_made_stale_leaves_the_memory_unasked(database: Database) -> None:
    river, _ = make_newsroom(database), make_newsroom(database, "other")
    library = Library(Pulse(database, every=0.0))
    for path, newsroom in (("/a", "river"), ("/b", "river"), ("/other", "other"), ("/all", None)):
        library.get(path, newsroom, lambda _: text("a name that endangers somebody"))
    with database.transaction() as tx:
        newsrooms.touch(tx, river.id, now=now())
    assert library.find("/other")
    assert list(library._shelf) == ["/other"]
    assert library._used == library._shelf["/other"][0].size


def test_a_document_rendered_while_others_saw_the_change_is_not_kept(database: Database) -> None:
    river = make_newsroom(database)
    library = Library(Pulse(database, every=0.0))

    def render(_: datetime) -> Document:
        with database.transaction() as tx:
            newsrooms.touch(tx, river.id, now=now())
        library.now()
        return text("as it was before")

    library.get("/a", "river", render)
    assert not library._shelf and library._used == 0


def test_a_slow_answer_of_the_clock_never_runs_ahead(database: Database) -> None:
    def slow(tx: Session) -> datetime:
        time.sleep(0.05)
        return database.now(tx)

    pulse = Pulse(database, clock=slow)
    state = pulse.look()
    with database.reading() as tx:
        # SQLite counts whole milliseconds.
        assert pulse.now(state) <= database.now(tx) + timedelta(milliseconds=2)


def test_an_instant_never_moves(database: Database) -> None:
    river = make_newsroom(database)
    instant = Instant(database, clock=database.now)
    state = instant.look()
    with database.transaction() as tx:
        newsrooms.touch(tx, river.id, now=now())
    assert instant.look() is state and instant.now(state) == state.database_time


def test_nobody_waits_for_the_database_unless_what_is_known_is_old(database: Database) -> None:
    slowly, asked, go_on = threading.Event(), threading.Event(), threading.Event()

    def clock(tx: Session) -> datetime:
        if slowly.is_set():
            asked.set()
            go_on.wait(10)
        return database.now(tx)

    pulse = Pulse(database, every=0.2, clock=clock)
    assert pulse.would_wait(), "it knows nothing yet"
    known = pulse.look()
    slowly.set()
    time.sleep(0.25)
    assert not pulse.would_wait() and pulse.would_wait(margin=0.2)
    assert pulse.look() is known and pulse.look() is known
    assert asked.wait(5), "a thread asks meanwhile"
    time.sleep(0.2)
    assert pulse.would_wait(), "now it is old"
    go_on.set()
    assert pulse.look() is not known
