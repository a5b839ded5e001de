"""The front matter of a statement: YAML between two lines of `---`, each key known and each value as it must be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn, TypeVar

import yaml

from pressroom.clean_text import clean_line
from pressroom.errors import Refused, StatementRefused
from pressroom.languages import parse_tag
from pressroom.releases.media_contact import MediaContact
from pressroom.releases.statement import AssetRef

KEYS = (
    "id title subtitle language dateline date beats contacts embargo urgency slug translation_of publish assets"
).split()
_CONTACT_KEYS = ["name", "email", "phone", "role"]
_ASSET_KEYS = ["path", "alt", "caption", "credit", "licence"]

_LARGEST = 64 * 1024
_FIRST_KEY = re.compile(rf"(?:{'|'.join(KEYS)})\s*:")
_MAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")
_SLUG_LENGTH = 80

Value = TypeVar("Value")


@dataclass(frozen=True)
class FrontMatter:
    """What is not given is None or empty. `embargo` is naive where it names no offset: then it is newsroom time."""

    id: str | None = None
    title: str = ""
    subtitle: str = ""
    language: str | None = None
    language_line: int | None = None
    dateline: str = ""
    date: date | None = None
    beats: tuple[str, ...] = ()
    contacts: tuple[MediaContact, ...] = ()
    embargo: datetime | None = None
    urgency: int | None = None
    slug: str | None = None
    translation_of: str | None = None
    publish: bool = True
    assets: tuple[AssetRef, ...] = ()


def split(text: str, path: Path, *, plain: bool) -> tuple[FrontMatter, str, int]:
    """The front matter, the text below it, and the number of lines above that text.

    In the plain form a first line `---` is an ornament unless a known key follows it.
    """
    lines = text.split("\n")
    if lines[0].rstrip() != "---" or (plain and not (len(lines) > 1 and _FIRST_KEY.match(lines[1]))):
        return FrontMatter(), text, 0
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() in ("---", "..."):
            return _read("\n".join(lines[1:number]), path), "\n".join(lines[number + 1 :]), number + 1
    raise StatementRefused(path, "the front matter has no end; put a line --- below it.", 1)


def asset(path: Path, written: str, line: int, **texts: str) -> AssetRef:
    """The asset that a statement at `path` calls `written`. Refused unless it is a file in the statement's folder."""
    folder = path.parent.resolve()
    try:
        file = (folder / written).resolve()
        inside = file.is_relative_to(folder) and not Path(written).is_absolute()
        found = inside and file.is_file()
    except (OSError, ValueError, RuntimeError):
        inside, found = True, False
    if not inside:
        raise StatementRefused(path, f"the asset {written} lies outside the statement's folder; copy it there.", line)
    if not found:
        raise StatementRefused(path, f"the asset {written} is missing; put the file there or take the line out.", line)
    known = {name: texts.get(name, "") for name in ("alt", "caption", "credit", "licence")}
    return AssetRef(path=file, name=Path(written).name, line=line, **known)


def _read(text: str, path: Path) -> FrontMatter:
    if len(text) > _LARGEST:
        raise StatementRefused(path, "the front matter is longer than 64 kB; put long texts below it.", 1)
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise StatementRefused(path, f"the front matter is not valid YAML: {error.problem}.", line) from None
    except (yaml.YAMLError, RecursionError):
        raise StatementRefused(
            path, "the front matter is not valid YAML; write it as lines of “key: value”.", 1
        ) from None
    return FrontMatter() if root is None else _front_matter(_Fields(path, root, KEYS, "the front matter"))


def _front_matter(fields: _Fields) -> FrontMatter:
    language = fields.one("language", parse_tag)
    return FrontMatter(
        id=fields.one("id", _identity),
        title=fields.text("title"),
        subtitle=fields.text("subtitle"),
        language=language,
        language_line=fields.line("language") if language else None,
        dateline=fields.text("dateline"),
        date=fields.one("date", _date),
        beats=fields.words("beats", _beat),
        contacts=tuple(_contact(item) for item in fields.parts("contacts", _CONTACT_KEYS, "a contact")),
        embargo=fields.one("embargo", _moment),
        urgency=fields.one("urgency", _urgency),
        slug=fields.one("slug", _slug),
        translation_of=fields.one("translation_of", _reference),
        publish=fields.one("publish", _flag) is not False,
        assets=_assets(fields),
    )


class _Fields:
    """A YAML mapping, asked key by key; every refusal names the line."""

    def __init__(self, path: Path, node: yaml.Node, keys: list[str], what: str) -> None:
        self.path, self.what = path, what
        self._nodes: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        self.first_line = _line(node)
        if not isinstance(node, yaml.MappingNode):
            self.refuse(f"{what} must be lines of “key: value”.", node)
        for key, value in node.value:
            name = str(key.value)
            if name not in keys:
                near = get_close_matches(name.lower(), keys, n=1)
                hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(keys)}."
                self.refuse(f"{what} has an unknown key {name}{hint}", key)
            if name in self._nodes:
                self.refuse(f"{what} has {name} twice; keep one.", key)
            self._nodes[name] = (key, value)

    def refuse(self, reason: str, node: yaml.Node) -> NoReturn:
        raise StatementRefused(self.path, reason, _line(node))

    def line(self, name: str) -> int:
        return _line(self._nodes[name][0])

    def text(self, name: str) -> str:
        """The value on one line; empty where the key is missing or has none."""
        _, node = self._nodes.get(name, (None, None))
        return "" if node is None else self._scalar(name, node)

    def one(self, name: str, read: Callable[[str], Value]) -> Value | None:
        text = self.text(name)
        return self._converted(text, read, self._nodes[name][1]) if text else None

    def words(self, name: str, read: Callable[[str], Value]) -> tuple[Value, ...]:
        """A list, or words separated by commas or spaces; each once."""
        _, node = self._nodes.get(name, (None, None))
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode):
            parts = [(part, node) for part in self._scalar(name, node).replace(",", " ").split()]
        else:
            parts = [(self._scalar(name, item), item) for item in node.value]
        return tuple(dict.fromkeys(self._converted(text, read, item) for text, item in parts if text))

    def parts(self, name: str, keys: list[str], what: str) -> list[_Fields]:
        _, node = self._nodes.get(name, (None, None))
        if node is None or (isinstance(node, yaml.ScalarNode) and not self._scalar(name, node)):
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.refuse(f"{name} must be a list, each entry starting with “- {keys[0]}:”.", self._nodes[name][0])
        return [_Fields(self.path, item, keys, what) for item in node.value]

    def _scalar(self, name: str, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self.refuse(f"{name} must be one text (in quotes if it contains a colon or a bracket).", node)
        if node.style is None and node.value in ("null", "~"):
            return ""
        return clean_line(node.value)

    def _converted(self, text: str, read: Callable[[str], Value], node: yaml.Node) -> Value:
        try:
            return read(text)
        except Refused as error:
            self.refuse(error.message, node)


def _line(node: yaml.Node) -> int:
    # YAML counts from 0, and the opening --- is a line of the file.
    return int(node.start_mark.line) + 2


def _identity(text: str) -> str:
    if len(text) > 100 or not re.fullmatch(r"[A-Za-z0-9:._-]+", text):
        raise Refused(f"“{text}” cannot be an id; use letters, digits, hyphens, dots and colons.")
    return text


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"“{text}” is not a date; write it as 2026-11-25.") from None


def _moment(text: str) -> datetime:
    try:
        if len(text) < len("2026-11-25T10"):
            raise ValueError
        return datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            f"“{text}” is not a time; write the embargo as 2026-11-25T10:00 or 2026-11-25T10:00+01:00."
        ) from None


def _urgency(text: str) -> int:
    if text not in "12345678" or len(text) != 1:
        raise Refused(f"“{text}” is no urgency; use a whole number from 1 (most urgent) to 8.")
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() in ("true", "yes", "on"):
        return True
    if text.lower() in ("false", "no", "off"):
        return False
    raise Refused(f"“{text}” is neither true nor false; write publish: false for a text that is only a source.")


def _slug(text: str) -> str:
    fit = all(char in "-_\u200c" or unicodedata.category(char)[0] in "LMN" for char in text)
    if not fit or len(text) > _SLUG_LENGTH:
        raise Refused(f"“{text}” cannot be a slug; use at most {_SLUG_LENGTH} letters, digits and hyphens.")
    return text


def _beat(text: str) -> str:
    return _slug(text.lower())


def _reference(text: str) -> str:
    """A language tag in its canonical case; another reference as it is."""
    try:
        return parse_tag(text)
    except Refused:
        return text


def _mail(text: str) -> str:
    if not _MAIL.fullmatch(text):
        raise Refused(f"“{text}” is not a mail address.")
    return text


def _contact(fields: _Fields) -> MediaContact:
    name, email = fields.text("name"), fields.one("email", _mail)
    if not name and not email:
        raise StatementRefused(fields.path, "a contact needs a name or an email.", fields.first_line)
    return MediaContact(name, email or "", fields.text("phone"), fields.text("role"))


def _assets(fields: _Fields) -> tuple[AssetRef, ...]:
    found: dict[str, AssetRef] = {}
    for item in fields.parts("assets", _ASSET_KEYS, "an asset"):
        written = item.text("path")
        if not written:
            raise StatementRefused(item.path, "an asset needs a path.", item.first_line)
        line = item.line("path")
        new = asset(item.path, written, line, **{name: item.text(name) for name in _ASSET_KEYS[1:]})
        if new.name in found:
            raise StatementRefused(item.path, f"two assets are called {new.name}; rename one of the files.", line)
        found[new.name] = new
    return tuple(found.values())
