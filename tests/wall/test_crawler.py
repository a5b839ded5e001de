"""The wall: on a running service, nothing under embargo shows anywhere before its second, and all of it after."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import pytest
from werkzeug.routing import Map

from pressroom import create_app
from pressroom.config import Config
from pressroom.db import Database
from pressroom.releases.release import Release, Status
from pressroom.seal import create_keyring
from pressroom.supervising.ports import free_port
from tests.supervising.running import Running, clean_environment, command, until
from tests.wall.crawler import VARIANTS, Answer, Crawler, Leak, guesses
from tests.wall.said import HOOPOE, KINGFISHER, LANGUAGES, NEWSROOM, Secret, write_public

AHEAD = 3600


class Wall:
    """A running service with a public release and one whose embargo ends in half an hour."""

    def __init__(self, running: Running, folder: Path) -> None:
        self.running, self.folder = running, folder
        self.port = int(running.address.rpartition(":")[2])
        self.database = Database(f"sqlite:///{running.data_dir / 'pressroom.db'}")
        self.urls = _urls(folder)
        self.later = Secret(KINGFISHER)
        tags = " ".join(LANGUAGES)
        self.press(*f"newsroom add {NEWSROOM} --name Valley --language {tags} --from press@valley.example.org".split())
        self.push(write_public(folder / "public"))
        self.publish(self.later, datetime.now(UTC) + timedelta(minutes=30))

    def press(self, *words: str) -> str:
        done = subprocess.run(
            command(*words),
            env=clean_environment(self.running.data_dir),
            cwd=self.running.directory,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def push(self, paths: list[Path], *words: str) -> str:
        made = self.press("push", *map(str, paths), "--newsroom", NEWSROOM, "--new", "--publish", *words, "--json")
        return str(json.loads(made)["id"])

    def publish(self, secret: Secret, moment: datetime) -> None:
        paths = secret.write(self.folder / secret.bird["en"])
        made = self.push(paths, "--embargo", moment.isoformat())
        with self.database.reading() as tx:
            secret.learn(tx, made)

    def status(self, secret: Secret) -> Status:
        with self.database.reading() as tx:
            return tx.get_one(Release, secret.release_id).status

    @contextmanager
    def another_web(self, **environ: str) -> Iterator[Crawler]:
        """A second web server on the same database."""
        port = free_port()
        path = f"{environ.pop('PYTHONPATH', '')}:{clean_environment(self.running.data_dir)['PYTHONPATH']}".strip(":")
        process = subprocess.Popen(
            [sys.executable, "-m", "pressroom.supervising.web", "127.0.0.1", str(port)],
            env=clean_environment(self.running.data_dir, **environ) | {"PYTHONPATH": path},
            cwd=self.running.directory,
        )
        try:
            until(lambda: process.poll() is not None or _answers(port), "the second web server answers")
            assert process.poll() is None
            yield Crawler(port)
        finally:
            process.terminate()
            process.wait(20)


def _urls(folder: Path) -> Map:
    create_keyring(folder / "keyring.json")
    return create_app(Config(data_dir=folder, secret_key="k" * 64, keyring_file=folder / "keyring.json")).url_map


def _answers(port: int) -> bool:
    try:
        return Crawler(port).ask("/healthz").status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wall]:
    folder = tmp_path_factory.mktemp("wall")
    running = Running(folder / "data").ready()
    try:
        wall = Wall(running, folder)
        yield wall
        wall.database.dispose()
        running.stop()
    finally:
        running.end()


def test_nothing_shows_before_its_second_and_all_of_it_a_second_later_with_the_clock_stopped(wall: Wall) -> None:
    crawler, sooner = Crawler(wall.port), Secret(HOOPOE)
    began = time.monotonic()
    assert crawler.crawl([wall.later], wall.urls, thorough=True) == []
    assert {"/", f"/{NEWSROOM}/ckb/", f"/{NEWSROOM}/feed.atom", "/privacy"} <= crawler.visited
    clock = wall.running.child("working clock")
    os.kill(clock, signal.SIGSTOP)
    try:
        ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=12 + time.monotonic() - began)
        ends = ends.replace(microsecond=0)
        wall.publish(sooner, ends)
        early = _until(ends, wall, crawler, sooner)
        assert early == []
        time.sleep(max(0.0, ends.timestamp() + 1 - time.time()))
        _assert_everywhere(crawler, sooner)
        assert crawler.crawl([wall.later], wall.urls, thorough=False) == []
        exported = _exported(wall)
        assert _held(exported, sooner.words()) >= {*sooner.bird.values(), sooner.release_id, *sooner.asset_ids}
        assert _held(exported, wall.later.words()) == set()
        assert wall.status(sooner) is Status.SCHEDULED, "the clock has not run"
    finally:
        os.kill(clock, signal.SIGCONT)


def _until(ends: datetime, wall: Wall, crawler: Crawler, secret: Secret) -> list[Leak]:
    """What shows of a release before its time, asked for again and again until then."""
    early: list[Leak] = []
    assert _held(_exported(wall), secret.words()) == set()
    rounds = 0
    while datetime.now(UTC) < ends:
        words, rounds = list(secret.words()), rounds + 1
        for leaks in (
            crawler.guess(guesses(secret, wall.urls), words, VARIANTS[:1]),
            crawler.walk([secret], VARIANTS[:1]),
        ):
            for leak in leaks:
                early += [leak] if leak.at < ends.timestamp() else []
                if leak.at >= ends.timestamp():
                    break
    assert rounds
    return early


def _exported(wall: Wall) -> Path:
    folder = wall.folder / "exported"
    wall.press("export", str(folder))
    return folder


def _held(folder: Path, words: Iterator[str]) -> set[str]:
    """Those of the words that stand in a file, or in the name of one."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 50
    answers = [Answer(200, (("Name", path.relative_to(folder).as_posix()),), path.read_bytes(), 0.0) for path in files]
    wanted = list(words)
    return {word for answer in answers for word in answer.says(wanted)}


def _assert_everywhere(crawler: Crawler, secret: Secret) -> None:
    missing = []
    for path, words in _belongs(secret):
        answer = crawler.ask(path)
        if answer.status != 200 or (absent := set(words) - set(answer.says(words))):
            missing.append((path, answer.status, "" if answer.status != 200 else absent))
    assert missing == []


def _belongs(secret: Secret) -> Iterator[tuple[str, list[str]]]:
    """Each address that tells of a public release, and what stands there."""
    title, body, at = secret.title, secret.body, f"/{NEWSROOM}/"
    slugs = list(secret.slugs.values())
    yield from (("/sitemap.xml", slugs), ("/news-sitemap.xml", [title(tag) for tag in LANGUAGES]))
    yield from (("/feeds.opml", [f"beats/{secret.beat}"]), (at, [title("en")]), (f"{at}r/{secret.release_id}", slugs))
    yield from ((path, []) for path in secret.asset_paths)
    for kind in ("atom", "rss", "json"):
        yield from ((f"{start}feed.{kind}", [title("en"), body("en")]) for start in (at, "/all/"))
    for tag, slug in secret.slugs.items():
        page, beat = at + f"{tag}/{quote(slug)}", f"{at}{tag}/beats/{secret.beat}/"
        yield page, [title(tag), body(tag), secret.alt(tag), secret.caption(tag), slug, *secret.asset_ids]
        yield f"{page}.txt", [title(tag), body(tag)]
        yield f"{page}.md", [title(tag), body(tag), secret.file_name, secret.alt(tag), *secret.asset_ids]
        yield from ((path, [title(tag), slug]) for path in (f"{at}{tag}/", beat))
        yield f"{at}{tag}/search?q={quote(secret.bird[tag])}", [title(tag), slug]
        yield f"/subscribe/{NEWSROOM}?lang={tag}", [secret.beat]
        for kind in ("atom", "rss", "json"):
            starts = (f"{at}{tag}/", beat, f"/all/{tag}/")
            yield from ((f"{start}feed.{kind}", [title(tag), body(tag), slug]) for start in starts)


def _libfaketime() -> Path | None:
    spec = find_spec("libfaketime")
    folders = list(spec.submodule_search_locations or []) if spec else []
    places = [Path(folder) / "vendor" / "libfaketime" / "src" / "libfaketime.so.1" for folder in folders]
    places += sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return next((place for place in places if place.exists() and _loads(place)), None)


def _loads(library: Path) -> bool:
    """Whether it works here: its wheel brings it for one kind of machine only."""
    said = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"],
        env={**os.environ, "LD_PRELOAD": str(library), "FAKETIME": "+1h"},
        capture_output=True,
        text=True,
    )
    return said.returncode == 0 and not said.stderr and float(said.stdout) > time.time() + AHEAD / 2


def test_a_web_server_whose_clock_jumps_an_hour_ahead_shows_nothing_early(wall: Wall, tmp_path: Path) -> None:
    library = _libfaketime()
    if library is None:
        pytest.skip("libfaketime works only on Linux x86-64, or where the package faketime is installed")
    offset = tmp_path / "offset"
    offset.write_text("+0")
    faked = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with wall.another_web(**faked) as crawler:
        assert crawler.crawl([wall.later], wall.urls, thorough=False) == []
        offset.write_text(f"+{AHEAD}")
        until(lambda: _date(crawler.ask("/healthz")) > time.time() + AHEAD / 2, "the clock has jumped")
        # The database is asked twice a second.
        time.sleep(0.6)
        assert crawler.crawl([wall.later], wall.urls, thorough=False) == []
        assert _date(crawler.ask("/healthz")) > time.time() + AHEAD / 2
        now_public = Secret({"en": "bulbul", "ckb": "بولبول", "kmr": "bilbil", "ar": "البلبل"})
        wall.publish(now_public, datetime.now(UTC))
        until(lambda: crawler.ask(now_public.asset_paths[0]).status == 200, "what is public shows")
        _assert_everywhere(crawler, now_public)


def _date(answer: Answer) -> float:
    said = answer.header("date")
    assert said
    return parsedate_to_datetime(said).timestamp()


BROKEN = """
from sqlalchemy import true

from pressroom.releases import visibility

visibility.of_release = lambda release, now: visibility.Visibility.PUBLIC
visibility.of_translation = lambda release, translation, now: visibility.Visibility.PUBLIC
visibility.release_is_public = visibility.translation_is_public = lambda now: true()
"""


def test_the_crawler_finds_what_a_broken_check_lets_through(wall: Wall, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    with wall.another_web(PYTHONPATH=str(tmp_path)) as crawler:
        leaks = crawler.crawl([wall.later], wall.urls, thorough=False)
    said = {leak.said for leak in leaks}
    assert {*wall.later.words()} <= said
    told = {leak.path for leak in leaks}
    assert {f"/{NEWSROOM}/ckb/", f"/{NEWSROOM}/en/feed.atom", "/sitemap.xml", "/feeds.opml"} <= told
    assert {f"/{NEWSROOM}/r/{wall.later.release_id}", *wall.later.asset_paths} <= told
