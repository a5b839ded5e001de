"""A document: what is public at one address, rendered once, as bytes in every encoding, and how it answers a request.

Conditional requests follow RFC 9110 §13, content negotiation §12.5.3, ranges of bytes §14.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from enum import Enum
from functools import cached_property, lru_cache
from http import HTTPStatus
from typing import Any

import brotli

from pressroom.web import byte_range

Headers = list[tuple[str, str]]
StartResponse = Callable[[str, Headers], Any]

_SMALLEST_COMPRESSED = 256
_COMPRESSED_ALREADY = (
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "application/pdf",
    "application/zip",
    "audio/",
)
# Few ways of writing Accept-Encoding are in use; whoever makes up more is answered all the same.
_MOST_PREPARED = 8
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_WEIGHT = re.compile(r"\s*([^\s;,]+)\s*(?:;\s*q\s*=\s*([0-9.]+))?\s*$", re.IGNORECASE)


class Keep(Enum):
    """How long others may keep a document, and whether they come for it again and again."""

    PAGE = "page"
    FILE = "file"
    FEED = "feed"
    ARCHIVE = "archive"
    FOREVER = "forever"


POLLED = frozenset((Keep.FEED, Keep.ARCHIVE))
_LONGEST_AGE = {Keep.FILE: 300, Keep.FEED: 300, Keep.ARCHIVE: 3600}


@dataclass(frozen=True)
class Reply:
    """What one request is told, as a WSGI application; the body goes to whoever does not ask with HEAD."""

    status: str
    headers: Headers
    body: bytes = b""

    @cached_property
    def head(self) -> bytes:
        """Status line and headers as they go over the wire, but for Date and the empty line (RFC 9112 §2.1)."""
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in self.headers)]
        if any(_CONTROL.search(line) for line in lines):
            raise ValueError("A header has a character that ends it.")
        return "".join(f"{line}\r\n" for line in lines).encode("latin-1")

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response(self.status, self.headers.copy())
        return () if environ["REQUEST_METHOD"] == "HEAD" or not self.body else (self.body,)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The replies to requests with one Accept-Encoding: a whole one, and what says that nothing was modified."""

    whole: Reply
    unmodified: Reply
    tags: frozenset[str]
    cache_control: str


@dataclass(frozen=True)
class Document:
    """`valid_until` is the instant at which the clock alone changes it; from then on it must not be served."""

    body: bytes
    content_type: str
    keep: Keep
    last_modified: datetime | None
    valid_until: datetime | None
    status: int
    gzip: bytes | None
    br: bytes | None
    etag: str
    headers: Headers = field(default_factory=list)
    prepared: dict[str, _Prepared] = field(default_factory=dict, compare=False, repr=False)

    @property
    def size(self) -> int:
        """Bytes of memory, all encodings together."""
        return len(self.body) + len(self.gzip or b"") + len(self.br or b"") + 1024

    def is_current(self, now: datetime) -> bool:
        return self.valid_until is None or now < self.valid_until

    def is_settled(self, now: datetime) -> bool:
        """Whether the clock changes neither it nor its headers after `now`."""
        return self.valid_until is None and (self.last_modified is None or self.last_modified <= now)

    def cache_control(self, now: datetime) -> str:
        if self.keep is Keep.FOREVER:
            return "public, max-age=31536000, immutable"
        if self.keep is Keep.PAGE:
            return "max-age=0, must-revalidate"
        longest = _LONGEST_AGE[self.keep]
        if self.valid_until is not None:
            longest = max(0, min(longest, int((self.valid_until - now).total_seconds())))
        return f"public, max-age={longest}"


def make(
    body: bytes,
    content_type: str,
    keep: Keep,
    *,
    last_modified: datetime | None = None,
    valid_until: datetime | None = None,
    status: int = 200,
    headers: Iterable[tuple[str, str]] = (),
) -> Document:
    """Compresses once. What does not shrink (pictures) is kept as it is."""
    shrinks = len(body) >= _SMALLEST_COMPRESSED and not content_type.startswith(_COMPRESSED_ALREADY)
    return Document(
        body=body,
        content_type=content_type,
        keep=keep,
        last_modified=_whole_second(last_modified) if last_modified else None,
        valid_until=valid_until,
        status=status,
        gzip=gzip.compress(body, 6, mtime=0) if shrinks else None,
        br=brotli.compress(body, quality=5) if shrinks else None,
        etag=hashlib.sha256(body).hexdigest()[:32],
        headers=list(headers),
    )


def _whole_second(moment: datetime) -> datetime:
    """The second after, so that what changes later in the same second has a later date (RFC 9110 §8.8.2.2)."""
    return moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)


def reply(document: Document, environ: dict[str, Any], now: datetime) -> Reply:
    """The whole, a part of it, or that it was not modified, to one GET or HEAD."""
    prepared = _prepare(document, environ.get("HTTP_ACCEPT_ENCODING", ""), now)
    if document.status == HTTPStatus.OK:
        if environ.get("HTTP_IF_NONE_MATCH") in prepared.tags or not_modified(document, environ, now):
            return prepared.unmodified
        if byte_range.is_ranged(document.content_type):
            return _ranged(document, prepared.unmodified.headers, environ)
    return prepared.whole


def _ranged(document: Document, headers: Headers, environ: dict[str, Any]) -> Reply:
    """Such a document has one encoding, that of its bytes."""
    total, status = len(document.body), HTTPStatus.OK
    told = [*headers, ("Content-Type", document.content_type), ("Accept-Ranges", "bytes")]
    try:
        part = byte_range.wanted(environ, f'"{document.etag}"', total)
    except byte_range.Unsatisfiable:
        told = [("Cache-Control", "no-store"), *document.headers, ("Content-Range", f"bytes */{total}")]
        status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        return Reply(_STATUS_LINES[status], [*told, ("Content-Length", "0")])
    body = document.body
    if part is not None:
        first, end = part
        status, body = HTTPStatus.PARTIAL_CONTENT, body[first:end]
        told.append(("Content-Range", f"bytes {first}-{end - 1}/{total}"))
    return Reply(_STATUS_LINES[status], [*told, ("Content-Length", str(len(body)))], body)


def is_conditional(environ: dict[str, Any]) -> bool:
    return "HTTP_IF_NONE_MATCH" in environ or "HTTP_IF_MODIFIED_SINCE" in environ


def too_often(wait: int) -> Reply:
    """To whoever fetches whole what they could have asked about; `wait` is in seconds."""
    told = f"Too many fetches: send If-None-Match or If-Modified-Since, or come back in {wait} seconds.\n".encode()
    headers = [("Retry-After", str(wait)), ("Cache-Control", "no-store"), ("Content-Length", str(len(told)))]
    kind = [("Content-Type", "text/plain; charset=utf-8"), ("Access-Control-Allow-Origin", "*")]
    return Reply(_STATUS_LINES[HTTPStatus.TOO_MANY_REQUESTS], [*headers, *kind], told)


def response(document: Document, now: datetime) -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """For a view to return: the answer to whatever request it is called with."""
    return lambda environ, start_response: reply(document, environ, now)(environ, start_response)


_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def _prepare(document: Document, accepted: str, now: datetime) -> _Prepared:
    found = document.prepared.get(accepted)
    if found is not None and (document.valid_until is None or found.cache_control == document.cache_control(now)):
        return found
    coding, body = _choose(document, accepted)
    tag = f'"{document.etag}-{coding}"' if coding else f'"{document.etag}"'
    cache_control, is_dated = document.cache_control(now), document.last_modified is None
    lasting = [("Cache-Control", cache_control), ("ETag", tag), ("Vary", "Accept-Encoding"), *document.headers]
    if document.last_modified is not None and document.last_modified <= now:
        lasting.append(("Last-Modified", http_date(document.last_modified)))
        is_dated = True
    whole = [*lasting, ("Content-Type", document.content_type), ("Content-Length", str(len(body)))]
    if coding:
        whole.append(("Content-Encoding", coding))
    made = _Prepared(
        Reply(_STATUS_LINES[document.status], whole, body),
        Reply(_STATUS_LINES[HTTPStatus.NOT_MODIFIED], lasting),
        frozenset((tag, f"W/{tag}")),
        cache_control,
    )
    if is_dated and len(document.prepared) < _MOST_PREPARED:
        document.prepared[accepted] = made
    return made


def http_date(moment: datetime) -> str:
    """RFC 9110 §5.6.7, whatever the process's locale."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _choose(document: Document, accepted: str) -> tuple[str, bytes]:
    if document.gzip is None or document.br is None or not accepted:
        return "", document.body
    weights = _weights(accepted)
    rest = weights.get("*", 0.0)
    br = weights.get("br", rest)
    zipped = weights.get("gzip", weights.get("x-gzip", rest))
    if br > 0 and br >= zipped:
        return "br", document.br
    if zipped > 0:
        return "gzip", document.gzip
    return "", document.body


@lru_cache(maxsize=256)
def _weights(accepted: str) -> dict[str, float]:
    weights = {}
    for part in accepted.split(","):
        found = _WEIGHT.match(part)
        if found:
            try:
                weights[found[1].lower()] = float(found[2]) if found[2] else 1.0
            except ValueError:
                continue
    return weights


def not_modified(document: Document, environ: dict[str, Any], now: datetime) -> bool:
    """If-None-Match wins; If-Modified-Since is looked at only without it (RFC 9110 §13.2.2)."""
    wanted = environ.get("HTTP_IF_NONE_MATCH")
    if wanted is not None:
        return wanted.strip() == "*" or any(_is_tag_of(document, part) for part in wanted.split(","))
    since = environ.get("HTTP_IF_MODIFIED_SINCE")
    if since is None or document.last_modified is None or document.last_modified > now:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except (ValueError, OverflowError, TypeError, IndexError):
        return False
    return document.last_modified <= (moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _is_tag_of(document: Document, given: str) -> bool:
    """Weak comparison; a tag of any encoding names the same content."""
    tag = given.strip().removeprefix("W/").strip('"')
    return tag.startswith(document.etag) and tag[len(document.etag) :] in ("", "-gzip", "-br")
