"""A body: the source of a text, and how a picture or words come out of it without taking more along than they must."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import unescape
from typing import Any
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline import image as image_rule
from markdown_it.rules_inline import link as link_rule
from markdown_it.token import Token

from pressroom.markup import new_parser
from pressroom.releases.passage import GAP, Passage
from pressroom.releases.reading import render
from pressroom.releases.revision import BodyForm

Body = tuple[str, BodyForm]

_BLOCK_TAG = re.compile(
    r"</?(?:p|br|hr|h[1-6]|ul|ol|li|blockquote|pre|table|thead|tbody|tr|th|td)(?=[\s/>])(?:[^<>\"]|\"[^\"]*\")*>"
)
_TAG = re.compile(r"</?[a-z](?:[^<>\"]|\"[^\"]*\")*>")
_ATTRIBUTE = re.compile(r' (?:href|src|alt|title)="([^"]*)"')
_MARK = re.compile(r"([\\`*_\[\]<>#&|~!])|^(\s*)([-+=])|^(\s*\d+)([.)])", re.MULTILINE)
_MOST_ROUNDS = 10


@dataclass(frozen=True)
class _Use:
    """A picture or link in a Markdown text: `source` is how it is written, `label` its part in square brackets."""

    is_picture: bool
    target: str
    source: str
    label: str

    def names(self, names: Collection[str]) -> bool:
        return _names(self.target, names) and (self.is_picture or not re.match(r"[a-z][a-z0-9+.-]*:|//", self.target))

    @property
    def written(self) -> re.Pattern[str]:
        """Finds it in the text, where quotation marks may stand before each line, and backslashes before bars."""
        lines = [re.escape(line.strip()).replace(r"\|", r"\\?\|") for line in self.source.split("\n")]
        return re.compile(r"[ \t]*\n[ \t>]*".join(lines))


@dataclass(frozen=True)
class _Block:
    """Lines `first` to `last` (not included) of a text, whatever is nested in them."""

    first: int
    last: int
    tokens: Sequence[Token]
    html: str


def holds(passage: Passage, body: str, html: str, text: str) -> bool:
    """Whether the words stand in any form of a text: the source, what is read, or where a link leads."""
    return (
        passage.is_in(body, visible(html), text, *map(unescape, _ATTRIBUTE.findall(html)))
        or passage.is_in_source(body)
        or passage.is_in_source(text)
    )


def visible(html: str) -> str:
    """What is read of a fragment, without alternative texts; a block or a cell starts a new line."""
    return unescape(_TAG.sub("", _BLOCK_TAG.sub("\n", html)))


def without_passage(body: str, form: BodyForm, language: str, passage: Passage) -> Body:
    """Where markup hides the words, their block is kept as plain words; where nothing helps, only the gap stays."""

    def is_held(source: str, kind: BodyForm) -> bool:
        rendered = render(source, kind, language)
        return holds(passage, source, rendered.html, rendered.text)

    body = passage.without_source(body)
    if form is BodyForm.MARKDOWN and is_held(body, form):
        held = [one for one in _parse(body)[2] if holds(passage, "", one.html, "")]
        body = _flattened(body, held, passage.without)
    if is_held(body, form):
        words = re.sub(r"\n{2,}", "\n\n", visible(render(body, form, language).html)).strip()
        body, form = passage.without_source(passage.without(words)), BodyForm.PLAIN
    return (GAP, BodyForm.PLAIN) if is_held(body, form) else (body, form)


def without_pictures(body: str, form: BodyForm, names: Collection[str]) -> Body:
    """Without the pictures of these names and what is said of them; links to their files leave their words."""
    if form is BodyForm.PLAIN:
        return body, form
    for _ in range(_MOST_ROUNDS):
        tokens, env, blocks = _parse(body)
        uses = [one for one in _uses(tokens) if one.names(names)]
        defined = [one["map"] for one in _definitions(env) if _names(one["href"], names)]
        if not uses and not defined:
            return body, form
        lost = [one for one in uses if not one.written.search(body)]
        lines = body.split("\n")
        for first, last in defined:
            lines[first:last] = [""] * (last - first)
        around = [block for block in blocks if any(one in lost for one in _uses(block.tokens))]
        body = _flattened("\n".join(lines), around)
        for one in uses:
            body = one.written.sub("" if one.is_picture else one.label.replace("\\", "\\\\"), body)
    words = "\n\n".join(visible(block.html).strip() for block in _parse(body)[2])
    return words, BodyForm.PLAIN


def with_picture_renamed(body: str, form: BodyForm, name: str, fresh: str) -> str:
    """Shows the same picture under another name, which needs no encoding."""
    if form is BodyForm.PLAIN:
        return body
    for one in _uses(_parse(body)[0]):
        if one.names([name]):
            mark = "!" if one.is_picture else ""
            body = one.written.sub(f"{mark}[{one.label}]({fresh})".replace("\\", "\\\\"), body)
    return body


def without_name(body: str, name: str, kept: Collection[str]) -> str:
    """Without any mention of a file; the names of others that stay may contain it."""
    gone = "|".join(re.escape(one) for one in _spellings(name))
    stays = "|".join(re.escape(one) for known in sorted(kept, key=len, reverse=True) for one in _spellings(known))
    # Kurdish endings follow a name at once.
    end = "" if "." in name else r"(?!\w)"
    bounded = rf"(?<![^\W_]|[.%-])(?:{gone}){end}"
    body = re.sub(rf"!\[[^\]\n]*\]\(\s*<?(?:[^()\n]*/)?{bounded}>?(?:\s[^()\n]*)?\)", "", body, flags=re.IGNORECASE)
    either = re.compile(rf"(?P<stays>{stays})|{bounded}" if stays else bounded, re.IGNORECASE)
    return either.sub(lambda found: found[0] if stays and found["stays"] else GAP, body)


def _spellings(name: str) -> list[str]:
    return list(dict.fromkeys([name, quote(name), name.replace(" ", "%20")]))


def _names(target: str, names: Collection[str]) -> bool:
    whole = _folded(unquote(target).rsplit("/", 1)[-1])
    return bool({whole, re.split(r"[?#]", whole)[0]} & {_folded(name) for name in names})


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _flattened(body: str, blocks: Sequence[_Block], mend: Callable[[str], str] = str) -> str:
    """Each of these blocks as one paragraph of its words."""
    lines = body.split("\n")
    for block in blocks:
        words = mend(" ".join(visible(block.html).split()))
        blank = [""] * (block.last - block.first - 1)
        lines[block.first : block.last] = [_escaped(words), *blank]
    return "\n".join(lines)


def _escaped(words: str) -> str:
    def escape(mark: re.Match[str]) -> str:
        if mark[1]:
            return f"\\{mark[1]}"
        return f"{mark[2]}\\{mark[3]}" if mark[3] else f"{mark[4]}\\{mark[5]}"

    return _MARK.sub(escape, words)


def _uses(tokens: Sequence[Token]) -> Iterator[_Use]:
    """The outermost first."""
    for token in tokens:
        if token.type in ("image", "link_open") and "source" in token.meta:
            target = str(token.attrs.get("src" if token.type == "image" else "href", ""))
            yield _Use(token.type == "image", target, token.meta["source"], token.meta["label"])
        yield from _uses(token.children or [])


def _definitions(env: dict[str, Any]) -> list[dict[str, Any]]:
    return [*env.get("references", {}).values(), *env.get("duplicate_refs", [])]


def _parse(body: str) -> tuple[list[Token], dict[str, Any], list[_Block]]:
    parser = _parser()
    env: dict[str, Any] = {}
    tokens = parser.parse(body, env)
    blocks, start = [], 0
    for index, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            first = tokens[start]
            if first.map:
                own = tokens[start : index + 1]
                blocks.append(_Block(first.map[0], first.map[1], own, parser.renderer.render(own, parser.options, env)))
            start = index + 1
    return tokens, env, blocks


@cache
def _parser() -> MarkdownIt:
    """Of the same texts as `markup`, noting of pictures and links how they are written."""
    parser = new_parser()
    parser.inline.ruler.at("image", _noted_image)
    parser.inline.ruler.at("link", _noted_link)
    return parser


def _noted_image(state: StateInline, silent: bool) -> bool:
    start = state.pos
    if not image_rule(state, silent):
        return False
    if not silent:
        label = state.src[start + 2 : state.md.helpers.parseLinkLabel(state, start + 1, False)]
        state.tokens[-1].meta.update(source=state.src[start : state.pos], label=label)
    return True


def _noted_link(state: StateInline, silent: bool) -> bool:
    start, before = state.pos, len(state.tokens)
    if not link_rule(state, silent):
        return False
    if not silent:
        label = state.src[start + 1 : state.md.helpers.parseLinkLabel(state, start, True)]
        opening = next(token for token in state.tokens[before:] if token.type == "link_open")
        opening.meta.update(source=state.src[start : state.pos], label=label)
    return True
