"""A reader without credentials who follows every link, tries every address, and looks for what is under embargo."""

from __future__ import annotations

import gzip
import html
import http.client
import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

import brotli
from werkzeug.routing import Map

from tests.wall.said import LANGUAGES, NEWSROOM, Secret

# The ways to ask for an address; whatever was under embargo, none of them may tell.
PLAIN: tuple[str, dict[str, str]] = ("GET", {})
VARIANTS: tuple[tuple[str, dict[str, str]], ...] = (
    PLAIN,
    ("HEAD", {}),
    ("GET", {"Accept-Encoding": "gzip"}),
    ("GET", {"Accept-Encoding": "br"}),
    ("GET", {"If-None-Match": "*"}),
    ("GET", {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
)
STARTS = (
    "/",
    "/robots.txt",
    "/sitemap.xml",
    "/news-sitemap.xml",
    "/feeds.opml",
    "/login",
    "/verify",
    "/hub",
    "/metrics",
)
FORMATS = ("txt", "md", "ninjs.json", "newsml.xml", "signed.json", "zip", "html", "json", "atom")

# Two answers to one request may differ in these.
_MOVING = {"date", "set-cookie"}
_TOKEN = re.compile(r'name="csrf_token"[^>]*>')
_UNDO: dict[str | None, Callable[[bytes], bytes]] = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}
_LINK = re.compile(r"""(?:href|src|action|url|Url|content)=["'](/[^"']*)["']|https?://[^/\s"'<>\\]+(/[^\s"'<>\\]*)""")


@dataclass(frozen=True)
class Answer:
    """`at` is the time, in seconds since 1970, when all of it had come."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: float

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def content(self) -> bytes:
        return _UNDO[self.header("content-encoding")](self.body) if self.body else b""

    @property
    def text(self) -> str:
        """Body and headers."""
        said = "\n".join(f"{name}: {value}" for name, value in self.headers)
        return f"{said}\n\n{self.content.decode('utf-8', 'replace')}"

    def says(self, words: Iterable[str]) -> list[str]:
        """Those of the words that stand in it, however they are escaped."""
        text = self.text
        escaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
        haystack = "\n".join((text, html.unescape(text), unquote(text), escaped)).casefold()
        return [word for word in words if word.casefold() in haystack]


@dataclass(frozen=True)
class Leak:
    path: str
    variant: str
    said: str
    at: float


@dataclass(frozen=True)
class Guess:
    """An address that holds something secret, and the same with something that never was."""

    path: str
    unknown: str
    secret: str

    @classmethod
    def of(cls, pattern: str, secret: str) -> Guess:
        """`{}` in the pattern is the place; backwards it has the same length and means nothing."""
        return cls(pattern.replace("{}", quote(secret)), pattern.replace("{}", quote(secret[::-1])), secret)


class Crawler:
    """Talks to one web server over one connection at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.visited: set[str] = set()

    def ask(self, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
        for attempt in itertools.count():
            try:
                self._connection.request(method, path, headers={"Accept-Encoding": "identity", **(headers or {})})
                answer = self._connection.getresponse()
                body = answer.read()
            except (http.client.RemoteDisconnected, ConnectionError):
                self._connection.close()
                if attempt > 1:
                    raise
            else:
                return Answer(answer.status, tuple(answer.getheaders()), body, time.time())
        raise AssertionError

    def walk(self, secrets: Sequence[Secret], variants: Iterable[tuple[str, dict[str, str]]]) -> Iterator[Leak]:
        """Everything that links lead to."""
        words = [word for secret in secrets for word in secret.words()]
        waiting, self.visited = list(STARTS), set(STARTS)
        while waiting:
            path = waiting.pop()
            for method, headers in variants:
                answer = self.ask(path, method, headers)
                for said in answer.says(words):
                    yield Leak(path, f"{method} {headers}", said, answer.at)
                for link in _links(answer.text) - self.visited:
                    self.visited.add(link)
                    waiting.append(link)

    def guess(
        self, guesses: Iterable[Guess], words: Sequence[str], variants: Iterable[tuple[str, dict[str, str]]]
    ) -> Iterator[Leak]:
        """An address that holds a secret must answer as one that holds nonsense."""
        variants = list(variants)
        for one in guesses:
            for method, headers in variants:
                there, nowhere = self.ask(one.path, method, headers), self.ask(one.unknown, method, headers)
                if there.status != nowhere.status or _bare(there, one.secret) != _bare(nowhere, one.secret[::-1]):
                    yield Leak(one.path, f"{method} {headers}", f"{there.status}, not {nowhere.status}", there.at)
                # A 404 repeats nothing; elsewhere the comparison has shown that it only repeats what was asked.
                asked = "" if there.status == 404 else unquote(one.path)
                said = [word for word in there.says(words) if word not in asked]
                for word in said:
                    yield Leak(one.path, f"{method} {headers}", word, there.at)

    def crawl(self, secrets: Sequence[Secret], urls: Map, *, thorough: bool) -> list[Leak]:
        """All of it, once."""
        variants = VARIANTS if thorough else (PLAIN,)
        words = [word for secret in secrets for word in secret.words()]
        leaks = list(self.walk(secrets, variants))
        for secret in secrets:
            leaks += self.guess(guesses(secret, urls), words, variants)
        return leaks


def guesses(secret: Secret, urls: Map) -> list[Guess]:
    """Every pattern that the service knows, and some it may know one day, filled with what the release is called."""
    found = [*_by_hand(secret)]
    for rule in urls.iter_rules():
        if "GET" in (rule.methods or ()):
            found += _filled(rule.rule, secret)
    return list(dict.fromkeys(found))


def _by_hand(secret: Secret) -> Iterator[Guess]:
    for tag, slug in secret.slugs.items():
        at = f"/{NEWSROOM}/{tag}/"
        yield from (Guess.of(f"{at}{{}}.{kind}", slug) for kind in FORMATS)
        yield from (Guess.of(f"{at}{{}}{rest}", slug) for rest in ("", "/", "/changes", "/log", "?x=1", "/archive/2"))
        yield from (Guess.of(f"{at}search?q={{}}", word) for word in (secret.bird[tag], slug, secret.title(tag)))
        yield from (Guess.of(f"{at}beats/{{}}/{rest}", secret.beat) for rest in ("", "feed.atom", "archive/2"))
        yield Guess.of(f"/subscribe/{NEWSROOM}?lang={tag}&beat={{}}", secret.beat)
    for name in (secret.release_id, *secret.identities):
        yield from (Guess.of(f"/{NEWSROOM}/{rest}{{}}", name) for rest in ("r/", "en/", "changes.json?after=", ""))
        yield Guess.of("/api/v1/releases/{}", name)
    for asset_id, extension in itertools.product(secret.asset_ids, ("png", "jpg", "webp")):
        yield from (Guess.of(f"/assets/{{}}{size}.{extension}", asset_id) for size in ("", "-print", "-web"))
    yield Guess.of("/assets/{}", secret.file_name)
    yield from (Guess.of(path, secret.beat) for path in ("/all/beats/{}/feed.atom", "/outlet/{}", "/verify?text={}"))


_HOLE = re.compile(r"<(?:(\w+)(?:\(([^)]*)\))?:)?(\w+)>")


def _filled(rule: str, secret: Secret) -> Iterator[Guess]:
    """Of a pattern with several holes one at a time is secret, but for the language, which goes with the slug."""
    for tag in LANGUAGES:
        secrets = {"release_slug": secret.slugs[tag], "beat_slug": secret.beat, "release_id": secret.release_id}
        secrets |= {"asset_id": secret.asset_ids[0], "id": secret.release_id, "filename": secret.file_name}
        holes = list(_HOLE.finditer(rule))
        for wanted in holes:
            value = secrets.get(wanted[3]) or (secret.bird[tag] if wanted[3] == "token" else None)
            if value is None:
                continue
            for kind in _choices(rule):
                filled = _HOLE.sub(lambda hole: _fill(hole, wanted[3], secrets, tag, kind), rule)  # noqa: B023
                yield Guess.of(filled, value)


def _choices(rule: str) -> list[str]:
    any_of = re.search(r"<any\(([^)]*)\):", rule)
    return [one.strip() for one in any_of[1].split(",")] if any_of else [""]


def _fill(hole: re.Match[str], wanted: str, secrets: dict[str, str], tag: str, kind: str) -> str:
    converter, _, name = hole.groups()
    if name == wanted:
        return "{}"
    if converter == "any":
        return kind
    if converter == "int":
        return "2"
    # Two secrets in one address: the other one stands there in both.
    return {"slug": NEWSROOM, "tag": tag, "extension": "png"}.get(name) or quote(secrets.get(name, "x"))


def _links(text: str) -> set[str]:
    found = set()
    for own, absolute in _LINK.findall(html.unescape(text)):
        path = (own or absolute).partition("#")[0]
        if path.startswith("/") and not path.startswith(("//", "/static/")):
            found.add(quote(unquote(path), safe="/?=&%:;,+~@!$'()*"))
    return found


def _bare(answer: Answer, asked: str) -> tuple[list[tuple[str, str]], str]:
    """Without what was asked for, wherever it is repeated, and without what differs from one second to the next."""
    again = sorted(
        {asked, quote(asked), quote(asked, safe=""), quote(quote(asked, safe=""), safe=""), html.escape(asked)}
    )

    def bare(text: str) -> str:
        text = _TOKEN.sub("", text)
        for one in sorted(again, key=len, reverse=True):
            text = text.replace(one, "…")
        return text

    headers = [(name, bare(value)) for name, value in answer.headers if name.lower() not in _MOVING]
    return headers, bare(answer.content.decode("utf-8", "replace"))
