"""The CSV file of subscribers: its columns, how they are written, and what a line must hold.

UTF-8 with or without a byte-order mark; comma, semicolon or tab; a header line in any order of columns.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pressroom.clean_text import clean_line
from pressroom.errors import Refused
from pressroom.languages import parse_tag
from pressroom.mailing import address
from pressroom.mailing.subscriber import Frequency

COLUMNS = ("email", "name", "outlet", "languages", "beats", "frequency")

_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")


@dataclass(frozen=True)
class Entry:
    """One line. Nothing given is an empty string or tuple, or None; `line` counts from 1, with the header."""

    line: int
    email: str
    name: str
    outlet: str
    languages: tuple[str, ...]
    beats: tuple[str, ...]
    frequency: Frequency | None


@dataclass(frozen=True)
class RefusedLine:
    line: int
    reason: str


def last_lines(path: Path, beats: frozenset[str]) -> tuple[int, frozenset[int]]:
    """How many lines there are, and those that a later line with the same address replaces. Raises Refused."""
    total, last, superseded = 0, dict[str, int](), set[int]()
    for one in read_entries(path, beats):
        total += 1
        if isinstance(one, Entry):
            key = address.normal(one.email)
            if key in last:
                superseded.add(last[key])
            last[key] = one.line
    return total, frozenset(superseded)


def read_entries(path: Path, beats: frozenset[str]) -> Iterator[Entry | RefusedLine]:
    """Each line that is not empty, in order. Raises Refused for a file that is not such a CSV at all."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            if not first.strip():
                raise Refused(
                    f"{path}: the file is empty; its first line must name the columns ({', '.join(COLUMNS)})."
                )
            delimiter = _delimiter(first)
            columns = _columns(path, next(csv.reader([first], delimiter=delimiter)))
            yield from _lines(csv.reader(file, delimiter=delimiter), columns, beats)
    except UnicodeDecodeError:
        raise Refused(f"{path}: the file is not UTF-8; save it with that encoding.") from None
    except OSError as error:
        raise Refused(f"{path}: the file cannot be read ({error.strerror}).") from None
    except csv.Error as error:
        raise Refused(f"{path}: the file is not CSV ({error}).") from None


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _columns(path: Path, header: Sequence[str]) -> list[str]:
    columns = [name.strip().casefold() for name in header]
    known = f"use {', '.join(COLUMNS)}"
    for name in columns:
        if name not in COLUMNS:
            raise Refused(f"{path}:1: the column “{name}” is not known; {known}.")
        if columns.count(name) > 1:
            raise Refused(f"{path}:1: the column “{name}” is there twice; keep one.")
    if "email" not in columns:
        raise Refused(f"{path}:1: there is no column “email”; {known}.")
    return columns


def _lines(reader: Iterator[list[str]], columns: Sequence[str], beats: frozenset[str]) -> Iterator[Entry | RefusedLine]:
    # The header was read apart; a quoted field may hold line ends, and such a record is named by its first line.
    began = 2
    for cells in reader:
        line, began = began, 2 + int(reader.line_num)  # type: ignore[attr-defined]
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(columns):
            yield RefusedLine(line, f"it has {len(cells)} fields, but the header names {len(columns)}.")
            continue
        given = dict(zip(columns, cells, strict=False))
        try:
            yield _entry(line, given, beats)
        except Refused as error:
            yield RefusedLine(line, error.message)


def _entry(line: int, given: dict[str, str], beats: frozenset[str]) -> Entry:
    followed = tuple(dict.fromkeys(given.get("beats", "").split()))
    for slug in followed:
        if slug not in beats:
            raise Refused(f"there is no beat “{slug}” in this newsroom; it has {', '.join(sorted(beats)) or 'none'}.")
    return Entry(
        line=line,
        email=_address(given.get("email", "").strip()),
        name=clean_line(given.get("name", "")),
        outlet=clean_line(given.get("outlet", "")),
        languages=_tags(given.get("languages", "")),
        beats=followed,
        frequency=_frequency(given.get("frequency", "").strip().casefold()),
    )


def _frequency(text: str) -> Frequency | None:
    if text and text not in list(Frequency):
        raise Refused(f"the frequency “{text}” is not known; use {', '.join(Frequency)}.")
    return Frequency(text) if text else None


def _address(text: str) -> str:
    """As `address.parse`; what it finds out about a domain is kept for the next address there."""
    local, at, domain = text.rpartition("@")
    if at and len(local) <= 64 and _PLAIN_LOCAL.fullmatch(local) and len(text) <= 254:
        return f"{local}@{_domain(domain)}"
    return address.parse(text)


@lru_cache(maxsize=4096)
def _domain(domain: str) -> str:
    return address.parse(f"a@{domain}").rpartition("@")[2]


@lru_cache(maxsize=1024)
def _tags(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parse_tag(tag) for tag in text.split()))
