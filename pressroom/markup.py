"""A text's source, rendered once: as safe HTML and as plain text.

All HTML made here is well-formed XML too (void elements closed, no named entities beyond XML's five).
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, unquote

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from pressroom.clean_text import clean, clean_line, fit
from pressroom.errors import Refused
from pressroom.plain_text import Block, Bullets, Heading, Paragraph, lines_of_blocks, lines_of_tree
from pressroom.wrapping import directed

__all__ = [
    "Block",
    "Bullets",
    "Heading",
    "ImageUse",
    "Paragraph",
    "Rendered",
    "image_uses",
    "new_parser",
    "render_markdown",
    "render_plain",
    "take_title",
]

_TAGS = frozenset(
    {"p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "s"}
    | {"a", "img", "table", "thead", "tbody", "tr", "th", "td"}
)
_ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt"}, "ol": {"start"}}
_LINK_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_VOID = re.compile(r"<(br|hr|img)([^<>]*)>")
_UNLINKED = re.compile(r"<a>(.*?)</a>", re.DOTALL)

_ADDRESS = re.compile(
    r"(?P<url>https?://[^\s<>\"“”„«»]+)|(?P<mail>(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)",
    re.IGNORECASE,
)
_DEEPEST = 60
_AFTER_ADDRESS = ".,;:!?'’”»…،؛؟۔"


@dataclass(frozen=True)
class Rendered:
    """One text twice: `html` is a safe fragment; `text` is wrapped at 72 columns and has no final line feed."""

    html: str
    text: str


@dataclass(frozen=True)
class ImageUse:
    """A picture that a Markdown text shows. `line` counts from 1; `remote` where it is not a file beside the text."""

    target: str
    alt: str
    line: int
    remote: bool


def render_markdown(source: str, language: str) -> Rendered:
    """CommonMark with tables and ~~strikethrough~~; HTML in it is shown as typed.

    The topmost heading becomes h2, those below keep their distance. `![alt](name)` becomes `<img src="asset:name">`
    (see `fragment.with_assets`); pictures elsewhere leave their alt text, links without a scheme their words. Refused
    if quotes or lists are nested some 60 deep.
    """
    tokens = _parse(clean(source))
    _shift_headings(tokens)
    for token in tokens:
        if token.type == "inline":
            token.children = _tame(token.children or [])
    markdown = _markdown()
    html = markdown.renderer.render(tokens, markdown.options, {})
    return _rendered(html, lines_of_tree(SyntaxTreeNode(tokens)), language)


def render_plain(blocks: Sequence[Block], language: str) -> Rendered:
    """Blocks of plain text; nothing in them is markup, but bare web and mail addresses become links."""
    return _rendered("\n".join(map(_block_html, blocks)), lines_of_blocks(blocks), language)


def take_title(source: str) -> tuple[str, str] | None:
    """The first `# Heading` as one plain line, and `source` with blank lines in its place; None if there is none."""
    tokens = _parse(source)
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h1" and token.level == 0 and token.map:
            title = clean_line(_words(tokens[index + 1]))
            lines = source.split("\n")
            lines[token.map[0] : token.map[1]] = [""] * (token.map[1] - token.map[0])
            return (title, "\n".join(lines)) if title else None
    return None


def image_uses(source: str) -> list[ImageUse]:
    """Every picture of a Markdown text, in order; `line` is that of its paragraph's start."""
    return [
        ImageUse(unquote(src), clean_line(_words(child)), (token.map or [0])[0] + 1, _is_remote(src))
        for token in _parse(source)
        for child in token.children or []
        if child.type == "image" and (src := str(child.attrs.get("src", "")))
    ]


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        scheme = _SCHEME.match(url.strip())
        return scheme is None or scheme[1].lower() in _LINK_SCHEMES


def new_parser() -> MarkdownIt:
    """Of all Markdown here; its caller may change its rules."""
    markdown = _Markdown("commonmark", {"html": False, "maxNesting": _DEEPEST})
    markdown.enable(["table", "strikethrough"])
    return markdown


@cache
def _markdown() -> MarkdownIt:
    return new_parser()


def _parse(source: str) -> list[Token]:
    tokens = _markdown().parse(source)
    if any(token.level >= _DEEPEST - 1 for token in tokens):
        # The parser drops what lies deeper, without a word.
        raise Refused("Quotes or lists are nested too deeply; keep it to a few levels.")
    return tokens


def _shift_headings(tokens: Sequence[Token]) -> None:
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    top = min((int(token.tag[1]) for token in headings), default=1)
    for token in headings:
        token.tag = f"h{min(6, int(token.tag[1]) - top + 2)}"


def _tame(children: Sequence[Token]) -> list[Token]:
    out: list[Token] = []
    unlinking = False
    for token in children:
        if token.type == "link_open" and not _SCHEME.match(str(token.attrs.get("href", ""))):
            unlinking = True
        elif token.type == "link_close" and unlinking:
            unlinking = False
        elif token.type == "image":
            out.append(_tame_image(token))
        else:
            out.append(token)
    return out


def _tame_image(token: Token) -> Token:
    src = str(token.attrs.get("src", ""))
    if _is_remote(src):
        return Token("text", "", 0, content=_words(token))
    token.attrs = {"src": "asset:" + quote(unquote(src).rsplit("/", 1)[-1]), "alt": ""}
    token.children = [Token("text", "", 0, content=_words(token))]
    return token


def _is_remote(src: str) -> bool:
    return not src or src.startswith("//") or _SCHEME.match(src) is not None


def _words(inline: Token) -> str:
    words = ""
    for child in inline.children or []:
        words += " " if child.type in ("softbreak", "hardbreak") else _words(child) if child.children else child.content
    return words


def _block_html(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{_linked(text)}</h2>"
        case Paragraph(lines):
            return f"<p>{'<br>'.join(map(_linked, lines))}</p>"
        case Bullets(items):
            return "<ul>" + "".join(f"<li>{_linked(item)}</li>" for item in items) + "</ul>"


def _linked(text: str) -> str:
    out, done = [], 0
    for match in _ADDRESS.finditer(text):
        address = _without_tail(match[0])
        href = f"mailto:{address}" if match["mail"] else address
        out.append(entities.escape(text[done : match.start()]))
        out.append(f'<a href="{entities.escape(href)}">{entities.escape(address)}</a>')
        done = match.start() + len(address)
    return "".join(out) + entities.escape(text[done:])


def _without_tail(address: str) -> str:
    """The address without punctuation of the sentence it stands in; a closing bracket goes unless it was opened."""
    while address[-1] in _AFTER_ADDRESS or (address[-1] == ")" and address.count(")") > address.count("(")):
        address = address[:-1]
    return address


def _rendered(html: str, lines: Sequence[str], language: str) -> Rendered:
    text = fit("\n".join(lines)).split("\n")
    return Rendered(_safe(html), "\n".join(directed(text, language)).strip("\n"))


def _safe(html: str) -> str:
    """The fragment within the allow-list. Entities are characters by now, so unfit ones are looked for once more."""
    kept = nh3.clean(
        html,
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=_allowed_attribute,
        url_schemes={*_LINK_SCHEMES, "asset"},
        link_rel=None,
    )
    shown = _UNLINKED.sub(r"\1", fit(kept)).replace("&nbsp;", "\u00a0")
    # NFC would fuse a tag's ">" with a following U+0338 into one character.
    return _VOID.sub(r"<\1\2/>", shown).replace(">\u0338", ">&#824;").strip("\n")


def _allowed_attribute(tag: str, name: str, value: str) -> str | None:
    if name not in ("href", "src"):
        return value
    scheme = _SCHEME.match(value)
    allowed = _LINK_SCHEMES if tag == "a" else {"asset"}
    return value if scheme and scheme[1].lower() in allowed else None
