from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pressroom.config import Config
from pressroom.db import Database
from pressroom.web import documents
from pressroom.web.at_once import AtOnce
from pressroom.web.documents import Keep, Reply
from pressroom.web.fastpath import Pulse
from tests.conftest import MakeConfig
from tests.makers import make_newsroom, make_release, now
from tests.web.public import Site

FEED = "/river/ckb/feed.atom"
PAGE = "/river/ckb/"


class Direct:
    """A site that is asked both ways: by WSGI, and by the bytes of a request."""

    def __init__(self, config: Config, database: Database) -> None:
        self.pulse = Pulse(database, every=60)
        self.site = Site(config, database, pulse=self.pulse)
        self.at_once = AtOnce(self.site.app.wsgi_app)

    def ask(self, target: str, *lines: str, method: str = "GET", peer: str = "127.0.0.1") -> tuple[Reply, bool] | None:
        return self.at_once.reply(request(target, *lines, method=method), peer)


def request(target: str, *lines: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: news.example.org", *lines, "", ""]).encode("latin-1")


@pytest.fixture
def direct(config: Config, database: Database) -> Iterator[Direct]:
    make_release(database, make_newsroom(database))
    direct = Direct(config, database)
    for path in (FEED, PAGE):
        assert direct.site.get(path).status_code == 200
    yield direct
    direct.site.close()


def test_what_is_in_memory_is_answered_by_the_bytes_of_the_request(direct: Direct) -> None:
    for _ in ("read", "known"):
        found = direct.ask(FEED, "Accept-Encoding: gzip")
        assert found is not None
        reply, with_body = found
        assert with_body and reply.status == "200 OK"
        assert reply.body == direct.site.get(FEED, Accept_Encoding="gzip").data
    reply, with_body = direct.ask(FEED, method="HEAD") or pytest.fail("HEAD is as plain")
    assert not with_body and dict(reply.headers)["Content-Length"] == str(len(direct.site.get(FEED).data))


ENCODINGS = st.sampled_from(["", "gzip", "br", "gzip, br", "gzip;q=0", "*", "identity", "x-gzip;q=0.3, br;q=0.1", "ü"])
TAGS = st.sampled_from(["*", '"none"', '"{tag}"', 'W/"{tag}"', '"a", "{tag}-gzip"', '"{tag}-br"', "{tag}", ""])
DATES = st.sampled_from(["Mon, 01 Jan 2001 00:00:00 GMT", "Mon, 01 Jan 2099 00:00:00 GMT", "never", ""])
RANGES = st.sampled_from(["bytes=0-3", "bytes=-5", "bytes=900000-", "bytes=4-2", "lines=1-2"])


@given(
    method=st.sampled_from(["GET", "HEAD"]),
    headers=st.fixed_dictionaries(
        {},
        optional={
            "Accept-Encoding": ENCODINGS,
            "If-None-Match": TAGS,
            "If-Modified-Since": DATES,
            "Range": RANGES,
            "X-Forwarded-For": st.sampled_from(["192.0.2.1", "x"]),
        },
    ),
    path=st.sampled_from([FEED, PAGE, "/pressroom-test.mp3"]),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_ways_say_the_same(direct: Direct, method: str, headers: dict[str, str], path: str) -> None:
    library = direct.site.app.extensions["pressroom.library"]
    sound = documents.make(b"sound and more", "audio/mpeg", Keep.FILE, last_modified=now() - timedelta(days=1))
    document, _ = library.get(path, None, lambda _: sound)
    headers = {name: value.replace("{tag}", document.etag) for name, value in headers.items()}
    found = direct.ask(path, *(f"{name}: {value}" for name, value in headers.items()), method=method)
    assert found is not None
    reply, with_body = found
    other = direct.site.client.open(path, method=method, headers=headers)
    assert reply.status == other.status
    assert (reply.body if with_body else b"") == other.data
    assert sorted(reply.headers) == sorted(other.headers.items())
    status, *lines = reply.head.decode("latin-1").removesuffix("\r\n").split("\r\n")
    assert status == f"HTTP/1.1 {reply.status}"
    assert [tuple(line.split(": ", 1)) for line in lines] == reply.headers


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET",
        request(FEED)[:-1],
        request(FEED)[:-2],
        request(FEED) + b"G",
        request(FEED) * 2,
        request(FEED).replace(b"\r\n", b"\n"),
        request(FEED).replace(b"HTTP/1.1", b"HTTP/1.0"),
        request(FEED).replace(b"Host: news.example.org\r\n", b""),
        request(FEED, "Host: other.example.org"),
        request(FEED, "Connection: close"),
        request(FEED, "Connection: Upgrade", "Upgrade: h2c"),
        request(FEED, "Content-Length: 0"),
        request(FEED, "Transfer-Encoding: chunked"),
        request(FEED, "Expect: 100-continue"),
        request(FEED, "If-None-Match: *", "if-none-match: *"),
        request(FEED, "Broken header"),
        request(FEED, " folded: yes"),
        request(FEED, "Null: \0"),
        request(FEED + "?page=2"),
        request(FEED + "#top"),
        request("//river/ckb/feed.atom"),
        request("http://news.example.org" + FEED),
        request(FEED.replace("river", "%72iver")),
        request("/nowhere"),
        request(FEED, method="POST"),
        request(FEED, method="get"),
        request(FEED, method="DELETE"),
    ],
)
def test_all_else_is_left_to_the_application(direct: Direct, data: bytes) -> None:
    for _ in range(2):
        assert direct.at_once.reply(data, "127.0.0.1") is None


def test_a_connection_that_is_to_stay_is_plain(direct: Direct) -> None:
    assert direct.ask(FEED, "Connection: keep-alive") is not None


def test_a_header_with_an_underscore_says_nothing(direct: Direct) -> None:
    reply, _ = direct.ask(FEED, "If_None_Match: *") or pytest.fail("it is plain")
    assert reply.status == "200 OK"


def test_bytes_that_are_known_are_not_answered_with_what_was(direct: Direct, database: Database) -> None:
    before, _ = direct.ask(FEED) or pytest.fail("it is in memory")
    make_release(database, make_newsroom(database, slug="other"))
    assert direct.ask(FEED) is not None, "nobody asked the database yet"
    direct.pulse._tried_at = float("-inf")
    assert direct.ask(FEED) is None, "whoever asks the database does so elsewhere"
    direct.pulse.look()
    still, _ = direct.ask(FEED) or pytest.fail("another newsroom's changes are none of this one")
    assert still.body == before.body
    with database.transaction() as tx:
        tx.connection().exec_driver_sql("UPDATE newsroom SET generation = generation + 1")
    direct.pulse._tried_at = float("-inf")
    direct.pulse.look()
    assert direct.ask(FEED) is None


def test_what_ends_with_an_instant_is_not_answered_after_it(direct: Direct) -> None:
    library = direct.site.app.extensions["pressroom.library"]
    ends = library.now() + timedelta(milliseconds=200)
    library.get("/brief", None, lambda _: documents.make(b"x", "text/plain", Keep.PAGE, valid_until=ends))
    assert direct.ask("/brief") is not None
    time.sleep(0.3)
    assert direct.ask("/brief") is None


def test_who_asks_too_often_is_told_so_by_their_address(
    make_config: MakeConfig, config: Config, database: Database
) -> None:
    make_release(database, make_newsroom(database))
    direct = Direct(make_config(database_url=config.database_url, feed_fetches=3), database)
    direct.site.get(FEED)
    said = [direct.ask(FEED, peer="192.0.2.7") for _ in range(5)]
    assert [found and found[0].status[:3] for found in said] == ["200", "200", "200", "429", "429"]
    assert direct.ask(FEED, peer="192.0.2.8") != said[-1]
    conditional = direct.ask(FEED, 'If-None-Match: "old"', peer="192.0.2.7")
    assert conditional is not None and conditional[0].status == "200 OK"
    direct.site.close()


def test_requests_are_forgotten_before_they_fill_the_memory(direct: Direct) -> None:
    for number in range(3000):
        assert direct.ask(FEED, f"User-Agent: reader/{number}") is not None
        assert direct.ask(FEED, f"User-Agent: {'x' * 4000}{number}") is not None
    assert sum(len(data) for data in direct.at_once._known) < 200_000


@pytest.mark.parametrize("line", ["Cookie: pressroom=secret", "Authorization: Bearer secret"])
def test_what_lets_somebody_in_is_not_kept(direct: Direct, line: str) -> None:
    assert direct.ask(FEED) is not None and direct.ask(FEED, line) is not None
    assert list(direct.at_once._known) == [request(FEED)]


def test_nothing_is_answered_before_the_database_ever_did(config: Config, database: Database) -> None:
    direct = Direct(config, database)
    assert direct.ask(FEED) is None
    direct.site.close()


def test_a_header_cannot_end_itself() -> None:
    with pytest.raises(ValueError, match="character"):
        Reply("200 OK", [("Location", "/a\r\nSet-Cookie: x")]).head  # noqa: B018 -- it is computed
