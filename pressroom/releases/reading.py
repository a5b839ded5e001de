"""Statement files in: what `push` was given, read whole and checked, with nothing stored.

A folder stands for every `.md` and `.txt` file directly in it, by name, but for hidden files and READMEs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pressroom.clean_text import clean, clean_line
from pressroom.errors import Refused, StatementRefused
from pressroom.languages import direction, parse_tag
from pressroom.markup import Rendered, image_uses, render_markdown, render_plain, take_title
from pressroom.releases.front_matter import FrontMatter, asset, split
from pressroom.releases.pasted_text import blocks, read_pasted
from pressroom.releases.revision import BodyForm
from pressroom.releases.statement import AssetRef, Statement

MAX_BYTES = 2 * 1024 * 1024

_MARKDOWN = (".md", ".markdown")
_PLAIN = (".txt", ".text", "")
_LIKE_A_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")

Value = TypeVar("Value")


def read_statements(paths: Sequence[Path], *, language: str | None = None) -> list[Statement]:
    """The statements in the files and folders named, in that order. `language` overrides what the files say.

    Raises StatementRefused for the first file that cannot be read as it is, or does not go with the others, and Refused
    for an unknown `language`.
    """
    tag = parse_tag(language) if language is not None else None
    return _agreed([_read(path, tag) for path in _files(paths)])


def render(body: str, form: BodyForm, language: str) -> Rendered:
    """A statement's body for people to read; pictures as in `markup.render_markdown`."""
    return render_markdown(body, language) if form is BodyForm.MARKDOWN else render_plain(blocks(body), language)


def _files(paths: Sequence[Path]) -> list[Path]:
    found: dict[Path, Path] = {}
    for path in paths:
        for file in _in_folder(path) if path.is_dir() else [path]:
            found.setdefault(file.resolve(), file)
    if not found:
        raise Refused("No statement was named; give one file per language, or a folder of them.")
    return list(found.values())


def _in_folder(folder: Path) -> list[Path]:
    files = [
        file
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in (".md", ".txt") and not file.name.startswith(".") and file.is_file()
    ]
    files = [file for file in files if file.name.lower().split(".")[0] != "readme"]
    if not files:
        raise StatementRefused(folder, "this folder holds no statement; put .md or .txt files in it.")
    return files


def _read(path: Path, override: str | None) -> Statement:
    form = _form(path)
    source = _source(path)
    front, below, lines_above = split(source, path, plain=form is BodyForm.PLAIN)
    language = override or _language(path, front)
    try:
        if form is BodyForm.MARKDOWN:
            return _markdown_statement(path, language, front, below, lines_above)
        return _plain_statement(path, language, front, below)
    except StatementRefused:
        raise
    except Refused as error:
        raise StatementRefused(path, error.message) from None


def _form(path: Path) -> BodyForm:
    suffix = path.suffix.lower()
    if suffix in _MARKDOWN:
        return BodyForm.MARKDOWN
    if suffix in _PLAIN:
        return BodyForm.PLAIN
    raise StatementRefused(path, f"a {suffix} file cannot be read; save the text as .md or .txt (UTF-8).")


def _source(path: Path) -> str:
    try:
        if not path.is_file():
            raise StatementRefused(path, "there is no such file; check the path.")
        if path.stat().st_size > MAX_BYTES:
            raise StatementRefused(path, "the file is larger than 2 MB; a statement is text only.")
        data = path.read_bytes()
    except OSError as error:
        raise StatementRefused(path, f"the file cannot be read ({error.strerror}).") from None
    try:
        source = clean(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
        raise StatementRefused(path, "the file is not UTF-8; save it with that encoding.", line) from None
    if not source.strip():
        raise StatementRefused(path, "the file is empty; write the statement into it.")
    return source


def _language(path: Path, front: FrontMatter) -> str:
    part = path.stem.rpartition(".")[2] if "." in path.stem else ""
    named = part if _LIKE_A_TAG.fullmatch(part) else None
    if front.language is None and named is None:
        raise StatementRefused(
            path,
            "its language is not known; add “language: ckb” to the front matter, call the file name.ckb.md or "
            "name.ckb.txt, or say --language ckb.",
        )
    try:
        from_name = parse_tag(named) if named else None
    except Refused as error:
        if front.language is None:
            raise StatementRefused(path, error.message) from None
        from_name = None
    if front.language and from_name and not _alike(front.language, from_name):
        raise StatementRefused(
            path,
            f"the file name says {from_name}, but this line says {front.language}; correct one.",
            front.language_line,
        )
    return front.language or from_name or ""


def _alike(one: str, other: str) -> bool:
    return one.split("-")[0] == other.split("-")[0] and direction(one) == direction(other)


def _markdown_statement(path: Path, language: str, front: FrontMatter, below: str, lines_above: int) -> Statement:
    taken = take_title(below)
    body, title = below, front.title
    if taken and title in ("", taken[0]):
        title, body = taken
    if not title:
        raise StatementRefused(path, "it has no headline; add “title: …” to the front matter or a line “# …” on top.")
    assets = _with_shown(path, body, lines_above, front.assets)
    return _statement(replace(front, title=title, assets=assets), path, language, body.strip("\n"), BodyForm.MARKDOWN)


def _with_shown(path: Path, body: str, lines_above: int, listed: tuple[AssetRef, ...]) -> tuple[AssetRef, ...]:
    """The assets with those that the text shows but the front matter does not list."""
    found = {item.name: item for item in listed}
    for use in image_uses(body):
        line = lines_above + use.line
        if use.remote:
            raise StatementRefused(
                path, f"the picture {use.target} is elsewhere; put its file beside the statement.", line
            )
        name = use.target.rsplit("/", 1)[-1]
        if name not in found:
            found[name] = asset(path, use.target, line, alt=use.alt)
        elif not found[name].alt:
            found[name] = replace(found[name], alt=use.alt)
    return tuple(found.values())


def _plain_statement(path: Path, language: str, front: FrontMatter, below: str) -> Statement:
    pasted = read_pasted(below, title=front.title)
    front = replace(front, title=pasted.title, dateline=front.dateline or pasted.dateline)
    return replace(_statement(front, path, language, pasted.body, BodyForm.PLAIN), announces=pasted.announces)


def _statement(front: FrontMatter, path: Path, language: str, body: str, form: BodyForm) -> Statement:
    rendered = render(body, form, language)
    return Statement(
        path=path,
        language=language,
        title=clean_line(front.title),
        subtitle=front.subtitle,
        dateline=front.dateline,
        date=front.date,
        body=body,
        form=form,
        html=rendered.html,
        text=rendered.text,
        id=front.id,
        slug=front.slug,
        beats=front.beats,
        contacts=front.contacts,
        embargo=front.embargo,
        urgency=front.urgency,
        translation_of=front.translation_of,
        publish=front.publish,
        assets=front.assets,
        announces=(),
    )


def _agreed(statements: list[Statement]) -> list[Statement]:
    """The statements with what belongs to their release filled in on each; refused where they disagree."""
    by_language: dict[str, Statement] = {}
    for item in statements:
        other = by_language.setdefault(item.language, item)
        if other is not item:
            raise StatementRefused(item.path, f"its language is {item.language}, as is that of {other.path}; keep one.")
    release_id = _one([(item, item.id) for item in statements], "id")
    embargo = _one([(item, item.embargo) for item in statements], "embargo")
    urgency = _one([(item, item.urgency) for item in statements], "urgency")
    beats = tuple(dict.fromkeys(beat for item in statements for beat in item.beats))
    return [replace(item, id=release_id, embargo=embargo, urgency=urgency, beats=beats) for item in statements]


def _one(given: Sequence[tuple[Statement, Value | None]], name: str) -> Value | None:
    stated = [(item, value) for item, value in given if value is not None]
    for item, value in stated[1:]:
        first, agreed = stated[0]
        if value != agreed:
            raise StatementRefused(
                item.path, f"its {name} is {value}, but {agreed} in {first.path}; make them the same."
            )
    return stated[0][1] if stated else None
