"""A release as a statement: the Markdown file with front matter that `push` reads back to the same content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from lxml import etree

from pressroom import catalogues, clean_text, markup
from pressroom.feeds.item import Item, legal
from pressroom.feeds.shown import Shown
from pressroom.phrases import translator
from pressroom.releases.revision import BodyForm

_SAID = ("alt", "caption", "credit", "licence")

# Whatever CommonMark, tables or strikethrough might take for markup, wherever it stands, and at the start of a line.
_ANYWHERE = re.compile(r"[\\`*_\[\]<~|#]|&(?=[#A-Za-z0-9])")
_AT_START = re.compile(r"[-+=:>]")
_NUMBER = re.compile(r"(\d+)([.)])")


def markdown(item: Item, base_url: str) -> bytes:
    """Pictures are named, as in the file that was pushed, and their addresses stand in comments: `push` wants them
    beside the file. So do corrections, which are nothing that it could read. A body that was pasted as plain text is
    escaped.
    """
    front = yaml.safe_dump(_front(item), allow_unicode=True, sort_keys=False, width=float("inf"))
    written = f"---\n{_notices(item)}{front}{_assets(item, base_url)}---\n\n{_body(item)}\n"
    return legal(written).encode()


def _notices(item: Item) -> str:
    tag, say = item.language, translator(item.language)
    said = []
    for one in item.notices:
        day = catalogues.day(one.at.astimezone(item.newsroom.zone), tag)
        said.append(f"{say('Correction')} ({day}): {one.note.text}")
        if one.is_missing:
            said.append(say("The text in this language has not been corrected yet."))
    if item.is_stale and not item.is_missing_a_correction:
        said.append(say("This translation was made from an earlier version of the text."))
    # A line break would end the comment.
    return "".join(f"# {clean_text.clean_line(one)}\n" for one in said)


def _front(item: Item) -> dict[str, Any]:
    revision, source = item.revision, item.release.source_language
    known = {
        "id": item.release.id,
        "title": revision.title,
        "subtitle": revision.subtitle,
        "language": item.language,
        # A source that is not public is nobody's business.
        "translation_of": source if any(one.language == source for one in item.siblings) else None,
        "dateline": revision.dateline,
        "date": revision.dated,
        "beats": [beat.slug for beat in item.beats],
        "contacts": [one.parts for one in revision.contacts],
        "urgency": item.release.urgency,
        "slug": item.translation.slug,
    }
    return {key: value for key, value in known.items() if value}


def _assets(item: Item, base_url: str) -> str:
    return "assets:\n" + "".join(_asset(one, base_url) for one in item.assets) if item.assets else ""


def _asset(shown: Shown, base_url: str) -> str:
    texts = {key: text for key in _SAID if (text := getattr(shown.said, key))}
    entry = [{"path": shown.said.name, **texts}]
    written: str = yaml.safe_dump(entry, allow_unicode=True, sort_keys=False, width=float("inf"))
    return f"# {base_url}{shown.web.path}\n{written}"


def _body(item: Item) -> str:
    revision = item.revision
    body = revision.body if revision.form is BodyForm.MARKDOWN else _from_plain(revision.html)
    taken = markup.take_title(body)
    if taken and taken[0] == revision.title:
        # Else the reader would take this heading for the headline and leave it out of the text.
        return f"# {_escaped(revision.title, at_start=True)}\n\n{body}"
    return body


def _from_plain(html: str) -> str:
    """Of the HTML that `markup.render_plain` makes."""
    return "\n\n".join(_block(block) for block in etree.fromstring(f"<div>{legal(html)}</div>"))


def _block(block: Any) -> str:
    if block.tag == "ul":
        return "\n".join(f"- {_inline(item)}" for item in block)
    return f"## {_inline(block)}" if block.tag == "h2" else _inline(block)


def _inline(element: Any) -> str:
    line = ""
    for span in _spans(element):
        # Brackets of the text are escaped by now: one that is not opens a link, which "!" would make a picture.
        if span.startswith("[") and line.endswith("!"):
            line = line[:-1] + "\\!"
        line += span
    return line


def _spans(element: Any) -> Iterator[str]:
    yield _escaped(element.text or "", at_start=True)
    for child in element:
        tail = child.tail or ""
        if child.tag == "br":
            yield "\\\n" + _escaped(tail, at_start=True)
        else:
            yield _link(child.text or "", child.get("href", ""), tail)
            yield _escaped(tail)


def _link(words: str, href: str, tail: str) -> str:
    """The plainest link that shows an address as it was written; the bare address where none does."""
    target = re.sub(r"([\\<>&])", r"\\\1", href)
    # NFC would fuse ">" with a following U+0338 into one character.
    short = [] if tail.startswith("\u0338") else [f"<{words}>"]
    for link in (*short, f"[{_escaped(words)}](<{target}>)"):
        if markup.render_markdown(link, "en").text == words:
            return link
    return _escaped(words)


def _escaped(text: str, *, at_start: bool = False) -> str:
    escaped = _ANYWHERE.sub(r"\\\g<0>", text)
    if not at_start:
        return escaped
    if found := _NUMBER.match(escaped):
        return f"{found[1]}\\{escaped[found.end(1) :]}"
    return f"\\{escaped}" if _AT_START.match(escaped) else escaped
