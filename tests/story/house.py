"""A running service with a newsroom of four languages, its people, and a sink that takes its mail."""

from __future__ import annotations

import html
import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlalchemy import func, select

from pressroom.db import Database
from pressroom.mailing.mailing import FINAL, Mailing
from pressroom.outbox import OutboxRow
from pressroom.releases.asset import Asset, Rendition
from pressroom.releases.log import LogRow
from pressroom.releases.translation import Translation
from tests.makers import LANGUAGES, NAMES
from tests.sink import Received, Sink
from tests.supervising.running import Running, clean_environment, command, until
from tests.wall.crawler import Answer, Crawler

NEWSROOM = "valley"
_DIRECTION_MARKS = str.maketrans("", "", "\u200e\u200f")
_PATIENCE = 10.0


@dataclass(frozen=True)
class Page:
    """What an address answers; `text` is all of it, however it is escaped and wherever its lines break."""

    status: int
    text: str
    answer: Answer

    @classmethod
    def of(cls, answer: Answer) -> Page:
        return cls(answer.status, readable(answer.content.decode("utf-8", "replace")), answer)


def readable(said: str) -> str:
    """In every reading: as it stands, as HTML in XML, as an address, as JSON."""
    readings = [said, html.unescape(html.unescape(said)), unquote(said)]
    readings.append(re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), said))
    return "\n".join(" ".join(one.translate(_DIRECTION_MARKS).split()) for one in readings).casefold()


def readable_one(words: str) -> str:
    return " ".join(words.split()).casefold()


class House:
    """The service, what is beside it, and where it stands."""

    def __init__(self, folder: Path, sink: Sink) -> None:
        self.folder, self.sink = folder, sink
        self._environ = {"MAIL_SERVER": sink.host, "MAIL_PORT": str(sink.port)}
        self.running = Running(folder / "data", self._environ, demo=False)
        self.heard = 0

    def open(self) -> House:
        self.running.ready()
        self.database = Database(f"sqlite:///{self.running.data_dir / 'pressroom.db'}")
        self.crawler = Crawler(int(self.running.address.rpartition(":")[2]))
        words = [f"newsroom add {NEWSROOM} --from press@valley.example.org --time-zone Asia/Baghdad".split(" ")]
        words[0] += [part for tag in LANGUAGES for part in ("--language", tag, "--name", f"{tag}={NAMES[tag]}")]
        self.press(*words[0])
        return self

    def close(self) -> None:
        """Stops it, and everything is on the disk."""
        self.database.dispose()
        assert self.running.stop() == 0

    # --- what is done

    def press(self, *words: str, typed: str = "") -> str:
        done = subprocess.run(
            command(*words),
            env=clean_environment(self.running.data_dir, **self._environ),
            cwd=self.running.directory,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str) -> dict[str, Any]:
        found = json.loads(self.press(*words, "--json"))
        assert isinstance(found, dict)
        return found

    def media_list(self, slug: str, people: Mapping[str, str]) -> None:
        """`people` are languages, in order of preference, by address."""
        path = self.folder / f"{slug}.csv"
        path.write_text("email,languages\n" + "".join(f"{email},{tags}\n" for email, tags in people.items()))
        self.press("list", "add", slug, "--newsroom", NEWSROOM, "--name", slug.title())
        added = f"subscribers import {path} --newsroom {NEWSROOM} --list {slug} --consent Asked"
        self.press(*added.split(" "))

    def leave(self, email: str) -> None:
        """By one click, as RFC 8058 has it."""
        letter = next(one for one in self.sink.received if one.recipient == email)
        address = str(letter.message["List-Unsubscribe"]).strip("<> ")
        body = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"}).encode()
        assert urllib.request.urlopen(address, body, timeout=20).status == 200

    # --- what is seen

    def page(self, path: str) -> Page:
        return Page.of(self.crawler.ask(path))

    def arrived(self) -> list[Received]:
        """What has come since this was last asked, once nothing more is on its way."""
        until(self._is_quiet, "all mail has gone")
        received = self.sink.received
        fresh, self.heard = received[self.heard :], len(received)
        return fresh

    def _is_quiet(self) -> bool:
        with self.database.reading() as tx:
            open_rows = select(func.count()).select_from(OutboxRow).where(OutboxRow.done_at.is_(None))
            open_mailings = select(func.count()).select_from(Mailing).where(Mailing.state.not_in(FINAL))
            return tx.execute(open_rows).scalar_one() + tx.execute(open_mailings).scalar_one() == 0

    def audit(self, release_id: str) -> list[str]:
        """The acts of a release's timeline."""
        entries = self.json("audit", NEWSROOM, "--release", release_id)["entries"]
        return [one["act"] for one in entries]

    def events(self, release_id: str) -> list[str]:
        """The release's rows in the log."""
        query = select(LogRow.event).where(LogRow.release_id == release_id).order_by(LogRow.number)
        with self.database.reading() as tx:
            return [one.value for one in tx.scalars(query)]

    def translations(self, release_id: str) -> dict[str, Translation]:
        with self.database.reading() as tx:
            found = tx.scalars(select(Translation).where(Translation.release_id == release_id))
            return {one.language: one for one in found}

    def renditions(self, release_id: str) -> list[tuple[str, bytes]]:
        """Addresses and stored bytes of the release's pictures."""
        query = select(Rendition).join(Asset, Asset.id == Rendition.asset_id).where(Asset.release_id == release_id)
        with self.database.reading() as tx:
            return [(one.path, one.data) for one in tx.scalars(query)]

    def exported(self) -> Path:
        folder = self.folder / "exported"
        self.press("export", str(folder))
        return folder


def settled(differences: Callable[[], Sequence[object]]) -> None:
    """A change shows everywhere within half a second, so this may be asked a few times."""
    deadline = time.monotonic() + _PATIENCE
    while (found := differences()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not found, "\n".join(map(str, found))
