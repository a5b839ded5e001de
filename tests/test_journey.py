"""The whole way, on a running service: a statement becomes a release, its pages and feeds, and one mail per person."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import feedparser
import pytest

from pressroom.demo import _FOLDER
from tests.servers import RedisServer, redis_contents
from tests.sink import Sink
from tests.supervising.running import Running, clean_environment, command, until

STATEMENTS = sorted((_FOLDER / "statements" / "dam-hearing").glob("*.md"))
PEOPLE = """email;name;outlet;languages;beats
canary-one@example.net;هاوار;ڕۆژنامە;ckb en;
canary-two@example.net;Rojda;;kmr;
canary-three@example.net;Jane;;en;
canary-four@example.net;Nobody;;en;labour
"""


class Press:
    """The command line beside a running service."""

    def __init__(self, running: Running, environ: dict[str, str]) -> None:
        self._running, self._environ = running, environ

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*words),
            env=clean_environment(self._running.data_dir, **self._environ),
            cwd=self._running.directory,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def json(self, *words: str) -> dict[str, Any]:
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return found

    def set_up(self, tmp_path: Path) -> None:
        (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
        for words in (
            "newsroom add valley --name Valley --language en ckb kmr --from press@valley.example.org",
            "beat add labour --newsroom valley --name Labour",
            "list add press --newsroom valley --name Press",
            f"subscribers import {tmp_path / 'people.csv'} --newsroom valley --list press --consent Asked",
        ):
            done = self.run(*words.split(" "))
            assert done.returncode == 0, done.stderr


@pytest.fixture
def away_redis() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


Start = Callable[..., tuple[Running, Press]]


@pytest.fixture
def start(tmp_path: Path, smtp_sink: Sink) -> Iterator[Start]:
    started: list[Running] = []

    def act(**settings: str) -> tuple[Running, Press]:
        environ = {"MAIL_SERVER": smtp_sink.host, "MAIL_PORT": str(smtp_sink.port), **settings}
        running = Running(tmp_path / "data", environ, demo=False).ready()
        started.append(running)
        return running, Press(running, environ)

    yield act
    for running in started:
        running.end()


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_pushed_statement_is_read_followed_and_mailed_once_each(
    start: Start, smtp_sink: Sink, tmp_path: Path
) -> None:
    running, press = start()
    press.set_up(tmp_path)
    push = ["push", *map(str, STATEMENTS), "--newsroom", "valley", "--publish", "--mail", "press", "--hold", "0"]
    made = press.json(*push)
    assert ("published", True, {"en", "ckb"}) == (made["status"], made["changed"], set(made["urls"]))
    for tag, url in made["urls"].items():
        status, page = _get(url)
        assert status == 200 and f'lang="{tag}"' in page
    feed = feedparser.parse(_get(f"{running.address}/valley/ckb/feed.atom")[1])
    assert [made["urls"]["ckb"]] == [entry.link for entry in feed.entries]

    followed = press.run("mailing", "status", made["mailing"], "--follow")
    assert followed.returncode == 0 and "finished" in followed.stdout
    languages = {one.recipient: _language(one.data) for one in smtp_sink.received if "canary" in one.recipient}
    assert languages == {
        "canary-one@example.net": "ckb",
        "canary-two@example.net": "en",
        "canary-three@example.net": "en",
    }
    progress = press.json("mailing", "status", made["mailing"])
    assert progress["total"] == progress["sent"] == len(languages)

    again = press.json(*push)
    assert (made["id"], False) == (again["id"], again["changed"])
    assert {1} == {count for (_, to), count in smtp_sink.counts().items() if "canary" in to}

    leave = _header(smtp_sink, "canary-one@example.net", "List-Unsubscribe")
    body = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"}).encode()
    assert urllib.request.urlopen(leave.strip("<>"), body, timeout=20).status == 200

    gone = press.run("retract", made["id"], "--reason", "en=The date was wrong.")
    assert gone.returncode == 0, gone.stderr
    until(lambda: _get(made["urls"]["en"])[0] == 410, "the page says it was retracted")
    assert "The date was wrong." in _get(made["urls"]["en"])[1]
    running.stop()
    _assert_nowhere(running.data_dir, running.err + running.out, b"canary-")


def _language(data: bytes) -> str:
    return next(line[18:] for line in data.decode().split("\r\n") if line.startswith("Content-Language: "))


def _header(sink: Sink, recipient: str, name: str) -> str:
    data = next(one.data for one in sink.received if one.recipient == recipient).decode()
    return data.partition(f"{name}:")[2].replace("\r\n ", " ").partition("\r\n")[0].strip()


def _assert_nowhere(data_dir: Path, said: str, canary: bytes) -> None:
    """No address lies open in the database, in Redis' own files, or in a log."""
    searched = [path for path in data_dir.rglob("*") if path.is_file() and "mailbox" not in path.parts]
    assert any(path.name == "pressroom.db" for path in searched)
    assert [path for path in searched if canary in path.read_bytes()] == []
    assert canary.decode() not in said


def test_with_redis_away_a_release_is_public_at_once_and_its_mail_goes_when_redis_is_back(
    start: Start, away_redis: RedisServer, smtp_sink: Sink, tmp_path: Path
) -> None:
    running, press = start(PRESSROOM_REDIS_URL=away_redis.url)
    press.set_up(tmp_path)
    away_redis.stop(remove=False)
    made = press.json(
        "push", *map(str, STATEMENTS), "--newsroom", "valley", "--publish", "--mail", "press", "--hold", "0"
    )
    assert _get(made["urls"]["ckb"])[0] == 200
    assert made["urls"]["en"] in _get(f"{running.address}/valley/en/feed.rss")[1]
    status, ready = _get(f"{running.address}/readyz")
    assert status == 200 and "degraded" in ready
    assert not [one for one in smtp_sink.received if "canary" in one.recipient]
    away_redis.start()
    until(lambda: press.json("mailing", "status", made["mailing"])["state"] == "finished", "the mail has gone")
    assert b"canary-" not in redis_contents(away_redis.url)
    assert {1} == {count for (_, to), count in smtp_sink.counts().items() if "canary" in to}


@pytest.mark.parametrize("given", [["--at", "2027-01-01T10:00"], ["--embargo", "2027-01-01T10:00+03:00"]])
def test_what_is_under_embargo_is_nowhere_to_be_seen(
    start: Start, tmp_path: Path, smtp_sink: Sink, given: list[str]
) -> None:
    running, press = start()
    press.set_up(tmp_path)
    (tmp_path / "secret.en.md").write_text("---\ntitle: Hoopoe census\n---\n\nForty nests.\n")
    push = [
        "push",
        str(tmp_path / "secret.en.md"),
        "--newsroom",
        "valley",
        "--publish",
        "--mail",
        "press",
        "--hold",
        "0",
    ]
    made = press.json(*push, *given)
    assert made["status"] == "scheduled"
    seen = [_get(url)[0] for url in made["urls"].values()] + [_get(f"{running.address}/valley/r/{made['id']}")[0]]
    assert {404} == set(seen)
    for path in ("/", "/valley/", "/valley/en/", "/valley/feed.atom", "/valley/en/feed.json", "/all/feed.rss"):
        page = _get(running.address + path)[1]
        assert not [word for word in (made["id"], "oopoe", "Forty") if word in page]
    assert press.json("mailing", "status", made["mailing"])["state"] == "held"
    assert not [one for one in smtp_sink.received if "canary" in one.recipient]
