"""A release as plain text: all that its page says, for whoever copies and pastes."""

from __future__ import annotations

from collections.abc import Iterator

from pressroom import addresses, catalogues
from pressroom.feeds.item import Item, legal
from pressroom.phrases import translator
from pressroom.wrapping import directed, wrap


def text(item: Item, base_url: str) -> bytes:
    """Wrapped at 72 columns. Every line finds its own direction, so those that would turn the wrong way are marked;
    addresses and identifiers stand alone, to be copied as they are.
    """
    return legal("\n\n".join(part for part in _parts(item, base_url) if part) + "\n").encode()


def _parts(item: Item, base_url: str) -> Iterator[str]:
    tag, newsroom, revision = item.language, item.newsroom, item.revision
    say = translator(tag)
    yield from _notices(item)
    yield _lines(revision.title, tag)
    yield _lines(revision.subtitle, tag)
    yield _lines(_dateline(item), tag)
    yield revision.text
    for one in item.files:
        yield f"{_lines(one.said.caption or one.said.name, tag)}:\n{base_url}{one.web.path}"
    if revision.contacts:
        heading = say("Media contact") if len(revision.contacts) == 1 else say("Media contacts")
        yield "\n".join(_lines(line, tag) for line in (heading, *(f"- {one.line}" for one in revision.contacts)))
    if about := newsroom.about.get(tag):
        heading = say("About %(newsroom)s") % {"newsroom": newsroom.name(tag)}
        yield f"{_lines(heading, tag)}\n{_lines(about, tag)}"
    if newsroom.licence:
        yield _lines(f"{say('Licence')}: {newsroom.licence}", tag)
    short = addresses.short(newsroom.slug, item.release.id)
    yield f"{_lines(say('Read on the web'), tag)}:\n{base_url}{item.path}"
    yield f"{_lines(say('Short link'), tag)}:\n{base_url}{short}"
    yield item.translation.urn


def _notices(item: Item) -> Iterator[str]:
    tag, say = item.language, translator(item.language)
    for one in item.notices:
        day = catalogues.day(one.at.astimezone(item.newsroom.zone), tag)
        missing = say("The text in this language has not been corrected yet.") if one.is_missing else ""
        parts = (
            _lines(f"{say('Correction')} ({day})", tag),
            _lines(one.note.text, one.note.language),
            _lines(missing, tag),
        )
        yield "\n".join(part for part in parts if part)
    if item.is_stale and not item.is_missing_a_correction:
        yield _lines(say("This translation was made from an earlier version of the text."), tag)


def _dateline(item: Item) -> str:
    revision = item.revision
    day = catalogues.day(revision.dated, item.language) if revision.dated else ""
    return translator(item.language)(", ").join(part for part in (revision.dateline, day) if part)


def _lines(words: str, tag: str) -> str:
    return "\n".join(directed(wrap(words), tag)).strip("\n")
