"""What a release is supposed to say at one point of its life, and at which address what of it has to stand."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import feedparser
import yaml
from lxml import etree

from pressroom.cli.folder import file_of
from pressroom.phrases import translator
from tests.story.house import NEWSROOM, House, Page, readable_one

KINDS = ("atom", "rss", "json")
_TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
GAP = "(…)"
_MISSING = "The text in this language has not been corrected yet."


@dataclass
class Text:
    """One language. `says` is the text by its sentences, `former` what it said once, `missing` whether a correction
    of the source is still to be made here.
    """

    title: str
    says: list[str]
    urn: str = ""
    path: str = ""
    former: list[str] = field(default_factory=list)
    differences: list[tuple[str, str]] = field(default_factory=list)
    missing: bool = False

    def change(self, was: str, now: str) -> None:
        self.says[self.says.index(was)] = now
        self.former.append(was)
        self.differences.append((was, now))

    @property
    def slug(self) -> str:
        return self.path.rpartition("/")[2]

    def derived(self, name: str) -> str:
        """The identity of a notice, as docs/feeds.md has it."""
        return uuid.uuid5(uuid.UUID(self.urn), name).urn


@dataclass(frozen=True)
class Expected:
    path: str
    status: int = 200
    has: Sequence[str] = ()
    lacks: Sequence[str] = ()

    def differences(self, page: Page) -> list[str]:
        wrong = [] if page.status == self.status else [f"{self.path}: {page.status}, not {self.status}"]
        wrong += [f"{self.path} lacks “{one}”" for one in self.has if readable_one(one) not in page.text]
        return wrong + [f"{self.path} has “{one}”" for one in self.lacks if readable_one(one) in page.text]


@dataclass
class Telling:
    """A release. `notes` are those of its corrections but spelling; `retracted` are the reasons; both by language."""

    texts: dict[str, Text]
    beat: str
    assets: list[dict[str, str]] = field(default_factory=list)
    more: dict[str, object] = field(default_factory=dict)
    release_id: str = ""
    pictures: list[str] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    corrected: bool = False
    retracted: dict[str, str] | None = None
    removed: bool = False
    gone: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    addresses: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_public(self) -> bool:
        return self.retracted is None and not self.removed

    def learn(self, house: House, release_id: str) -> None:
        self.release_id = release_id
        for tag, one in house.translations(release_id).items():
            text, path = self.texts[tag], f"/{NEWSROOM}/{tag}/{quote(one.slug)}"
            if text.path not in ("", path):
                self.addresses.setdefault(tag, []).append(text.path)
            text.urn, text.path = f"urn:uuid:{one.id}", path
        shown = [path for path, _ in house.renditions(release_id)]
        self.gone += [path for path in self.pictures if path not in shown]
        self.pictures = shown

    def vanish(self, words: str) -> None:
        """The words are out of everything that is said, and nowhere else."""

        def without(said: str) -> str:
            return said.replace(words, GAP)

        for text in self.texts.values():
            text.title, text.says, text.former = (
                without(text.title),
                [*map(without, text.says)],
                [*map(without, text.former)],
            )
            text.differences = [(without(was), without(now)) for was, now in text.differences]
        self.notes = [{tag: without(note) for tag, note in one.items()} for one in self.notes]
        self.vanished.append(words)

    @property
    def out(self) -> dict[str, Text]:
        """The languages that are, or were, out; the newsroom's first language first."""
        return {tag: one for tag, one in self.texts.items() if one.path}

    def write(self, folder: Path, *tags: str) -> list[str]:
        """The statements to push or to correct with; `assets` are files in the folder."""
        paths = []
        for tag in tags:
            text = self.texts[tag]
            front = {"title": text.title, "language": tag, "beats": [self.beat], "assets": self.assets, **self.more}
            path = folder / f"statement.{tag}.md"
            said = yaml.safe_dump(front, allow_unicode=True)
            path.write_text(f"---\n{said}---\n\n" + "\n\n".join(text.says) + "\n", encoding="utf-8")
            paths.append(str(path))
        return paths

    # --- where it has to stand

    def expected(self) -> Iterator[Expected]:
        for tag, text in self.out.items():
            yield from self._of_release(tag, text)
            yield from self._of_lists(tag, text)
            yield from self._of_search(tag, text)
        words = [*(one.title for one in self.out.values()), *self._sentences()]
        slugs = [one.path for one in self.out.values()]
        first = next(iter(self.out.values()))
        status = 200 if self.is_public else 410
        seen = [one for one in slugs if not self.removed]
        yield Expected(f"/{NEWSROOM}/r/{self.release_id}", status, seen, words if self.removed else self._sentences())
        yield self._shown(f"/{NEWSROOM}/", [first.title], words)
        yield self._shown("/sitemap.xml", slugs, slugs)
        yield self._shown("/news-sitemap.xml", [one.title for one in self.out.values()], words)
        yield self._shown("/feeds.opml", [f"beats/{self.beat}/"], [f"beats/{self.beat}/"])
        yield from (Expected(one, 200 if self.is_public else 404) for one in self.pictures)
        yield from (Expected(one, 404) for one in self.gone)

    def _shown(self, path: str, has: Sequence[str], hidden: Sequence[str]) -> Expected:
        return Expected(path, 200, has if self.is_public else (), () if self.is_public else hidden)

    def _sentences(self) -> list[str]:
        return [said for one in self.out.values() for said in (*one.says, *one.former)]

    def _notes(self, tag: str, text: Text) -> list[str]:
        """What readers of one language are told: the note in it, or in the newsroom's first that has one."""
        notes = [one.get(tag) or next(iter(one.values())) for one in self.notes]
        return [*notes, *([translator(tag)(_MISSING)] if text.missing else [])]

    def _of_release(self, tag: str, text: Text) -> Iterator[Expected]:
        everything = [text.title, *text.says, *self._notes(tag, text)]
        if self.is_public:
            hidden = [*text.former, *([] if text.missing else [translator(tag)(_MISSING)])]
            yield from (Expected(text.path + kind, 200, everything, hidden) for kind in ("", ".txt", ".md"))
            changed = [part for pair in text.differences for part in pair]
            told = [*self._notes(tag, text), *changed] if self.corrected else []
            yield Expected(f"{text.path}/changes", 200 if self.corrected else 404, told)
            moved = self.addresses.get(tag, [])
            yield from (Expected(path + kind, 301) for path in moved for kind in ("", ".txt", ".md", "/changes"))
            return
        reasons = self.retracted or {}
        has = [text.title, reasons.get(tag) or next(iter(reasons.values()))] if not self.removed else []
        hidden = self._sentences() if not self.removed else [*self._sentences(), text.title, *self._notes(tag, text)]
        for kind in ("", ".txt", ".md", *(["/changes"] if self.corrected else [])):
            for path in (text.path, *self.addresses.get(tag, [])):
                yield Expected(path + kind, 410, has, hidden)

    def _of_lists(self, tag: str, text: Text) -> Iterator[Expected]:
        hidden = [text.title, *self._sentences(), text.slug]
        yield self._shown(f"/{NEWSROOM}/{tag}/", [text.title, text.path], hidden)
        if self.is_public:
            yield Expected(f"/{NEWSROOM}/{tag}/beats/{self.beat}/", 200, [text.title], text.former)

    def _of_search(self, tag: str, text: Text) -> Iterator[Expected]:
        for said in (text.title, *text.says):
            yield self._shown(f"/{NEWSROOM}/{tag}/search?q={quote(said[:150])}", [text.path], [text.path])
        for said in text.former:
            yield Expected(f"/{NEWSROOM}/{tag}/search?q={quote(said[:150])}", 200, (), [text.path])

    # --- feeds

    def feeds(self) -> Iterator[tuple[str, str]]:
        """The address of each feed of the newsroom without its ending, and the language in which it shows this."""
        yield f"/{NEWSROOM}/feed.", next(iter(self.out))
        for tag in self.out:
            yield f"/{NEWSROOM}/{tag}/feed.", tag
            if self.is_public:
                yield f"/{NEWSROOM}/{tag}/beats/{self.beat}/feed.", tag

    def entries(self, tag: str) -> set[str]:
        """The identities in a feed."""
        text = self.out[tag]
        if self.removed:
            return set()
        if self.retracted:
            return {text.urn, text.derived("retraction")}
        return {text.urn, *(text.derived(f"correction:{number}") for number in range(1, len(self.notes) + 1))}

    def tombstones(self, tag: str | None) -> set[str]:
        """Of the entries, and of the notices that stood beside them."""
        if self.is_public:
            return set()
        gone = [one for language, one in self.out.items() if tag in (None, language)]
        notices = {one.derived(f"correction:{number}") for one in gone for number in range(1, len(self.notes) + 1)}
        return notices | {one.urn for one in gone}

    def feed_differences(self, house: House) -> list[str]:
        wrong: list[str] = []
        for start, tag in self.feeds():
            pages = {kind: house.page(start + kind) for kind in KINDS}
            entries = {kind: entries_of(kind, page) for kind, page in pages.items()}
            if any(one != entries["json"] for one in entries.values()) or set(entries["json"]) != self.entries(tag):
                wrong.append(f"{start}: {entries}, not {self.entries(tag)}")
            wanted = self.tombstones(None if start == f"/{NEWSROOM}/feed." else tag)
            if tombstones_of(pages["atom"]) != wanted:
                wrong.append(f"{start}atom: other tombstones than {wanted}")
            for kind, page in pages.items():
                wrong += self._feed_text(start + kind, tag).differences(page)
                wrong += Expected(start + kind, 200, (), self.vanished).differences(page)
            wrong += self._status(start, tag, pages["json"])
        return wrong

    def _feed_text(self, path: str, tag: str) -> Expected:
        text = self.out[tag]
        if self.is_public:
            return Expected(path, 200, [text.title, *text.says, *self._notes(tag, text)], text.former)
        has = [] if self.removed or self.retracted is None else [self.retracted.get(tag) or self.retracted["en"]]
        return Expected(path, 200, has, [*self._sentences(), *([text.title, text.slug] if self.removed else [])])

    def _status(self, start: str, tag: str, page: Page) -> list[str]:
        by_id = {one["id"]: one["_pressroom"] for one in json.loads(page.answer.content)["items"]}
        found = by_id.get(self.out[tag].urn, {"status": "removed", "stale": False, "corrections": []})
        standing = "removed" if self.removed else "retracted" if self.retracted else "corrected" if self.notes else ""
        count = len(self.notes) if self.is_public else 0
        wanted = (standing or "published", self.out[tag].missing and self.is_public, count)
        told = (found["status"], found["stale"], len(found["corrections"]))
        return [] if told == wanted else [f"{start}json: {told}, not {wanted}"]

    # --- copies

    def differences(self, house: House) -> list[str]:
        wrong: list[str] = []
        for one in self.expected():
            page = house.page(one.path)
            # A search repeats what was asked for.
            never = Expected(one.path, page.status, (), () if "?" in one.path else self.vanished)
            wrong += one.differences(page) + never.differences(page)
        return wrong + self.feed_differences(house)

    def export_differences(self, house: House, folder: Path) -> list[str]:
        """An export says the same, byte for byte, and nothing that is no longer public anywhere."""
        gone, wrong = set(json.loads((folder / "gone.json").read_text())), []
        former = {path for paths in self.addresses.values() for path in paths}
        former |= {one.path for one in self.out.values() if self.removed}
        paths = [one.path for one in self.expected() if "?" not in one.path]
        paths += [start + kind for start, _ in self.feeds() for kind in KINDS]
        for path in paths:
            answer, file = house.crawler.ask(path), folder / file_of(path)
            copied = file.read_bytes() if file.is_file() else None
            # Of an address that was given up the service knows a hash only, which no file can stand for.
            known = answer.status in (200, 410) and not any(path.startswith(one) for one in former)
            if copied != (answer.body if known else None) or (path in gone) != (known and answer.status == 410):
                wrong.append(f"{path} in the export")
        return wrong


def entries_of(kind: str, page: Page) -> dict[str, str]:
    """Titles by identity."""
    if kind == "json":
        return {one["id"]: _bare(one["title"]) for one in json.loads(page.answer.content)["items"]}
    return {one.id: _bare(one.title) for one in feedparser.parse(page.answer.content).entries}


def _bare(title: str) -> str:
    return title.strip("\u200f ")


def tombstones_of(page: Page) -> set[str]:
    return {one.get("ref") for one in etree.fromstring(page.answer.content).iter(_TOMBSTONE)}
