"""An entry: what a feed says at one place: a release, corrected or taken back in place, or a notice of its own."""

from __future__ import annotations

import html as entities
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pressroom import catalogues
from pressroom.feeds.item import Item, body_html, directed, directed_html, legal
from pressroom.feeds.notice import Notice
from pressroom.fragment import in_block
from pressroom.phrases import translator
from pressroom.releases.newsroom import Said

# The entry that a notice is about changed at the same instant; validators and some readers want times to differ.
_BESIDE = timedelta(seconds=1)


class Standing(StrEnum):
    """CORRECTION and RETRACTION are entries that are nothing but a notice."""

    PUBLISHED = "published"
    CORRECTED = "corrected"
    RETRACTED = "retracted"
    CORRECTION = "correction"
    RETRACTION = "retraction"


@dataclass(frozen=True)
class Tombstone:
    """RFC 6721: the entry `ref` is gone, since `when`."""

    ref: str
    when: datetime


@dataclass(frozen=True)
class Entry:
    """`notice` is set where it is all that the entry says. `tells` is False where corrections have entries of their
    own only.
    """

    item: Item
    notice: Notice | None = None
    tells: bool = True

    @property
    def standing(self) -> Standing:
        if self.notice is not None:
            return Standing.RETRACTION if self.notice.number is None else Standing.CORRECTION
        if self.item.retraction is not None:
            return Standing.RETRACTED
        return Standing.CORRECTED if self.item.notices else Standing.PUBLISHED

    @property
    def is_text(self) -> bool:
        """Whether it may show anything of the release but its headline."""
        return self.standing in (Standing.PUBLISHED, Standing.CORRECTED)

    @property
    def id(self) -> str:
        if self.notice is None:
            return self.item.translation.urn
        return notice_urn(self.item.translation.id, self.notice.number)

    @property
    def about(self) -> str | None:
        """The id of the entry that a notice is about."""
        return self.item.translation.urn if self.notice else None

    @property
    def title(self) -> str:
        say, words = translator(self.item.language), {"title": self.item.title}
        if self.standing is Standing.CORRECTION:
            return directed(legal(say("Correction: %(title)s") % words), self.item.language)
        if not self.is_text:
            return directed(legal(say("Retracted: %(title)s") % words), self.item.language)
        return directed(self.item.title, self.item.language)

    @property
    def summary(self) -> str:
        if self.is_text:
            return directed(self.item.summary, self.item.language)
        told = self.told
        return directed(legal(" ".join(told.note.text.split())), told.note.language) if told else ""

    @property
    def told(self) -> Notice | None:
        """The notice that stands in place of the text."""
        return self.notice or self.item.retraction

    @property
    def published(self) -> datetime:
        return self.notice.at + _BESIDE if self.notice else self.item.published

    @property
    def updated(self) -> datetime:
        if self.notice:
            return self.published
        return self.item.retraction.at if self.item.retraction else self.item.updated


def notice_urn(translation_id: str, number: int | None) -> str:
    """The id of an entry that is nothing but a notice: of a correction, or without a number of a retraction."""
    name = "retraction" if number is None else f"correction:{number}"
    return uuid.uuid5(uuid.UUID(translation_id), name).urn


def content(entry: Entry, base_url: str) -> str:
    """Safe HTML in an element that says its language and direction. Of what was taken back, the reason only."""
    item, tag = entry.item, entry.item.language
    parts = [directed_html(legal(part), tag) for part in _notices(entry, base_url)]
    if entry.is_text:
        parts.append(directed_html(body_html(item, base_url), tag))
    return in_block("\n".join(parts), tag)


def _notices(entry: Entry, base_url: str) -> Iterator[str]:
    item, say = entry.item, translator(entry.item.language)
    if entry.standing is Standing.CORRECTION and entry.notice:
        yield _correction(item, entry.notice)
        words = entities.escape(say("Read the release"))
        yield f'<p><a href="{entities.escape(base_url + item.path)}">{words}</a></p>'
    elif entry.told:
        yield _heading(item, say("Retracted"), entry.told)
        yield _note(item, entry.told.note)
    elif entry.tells:
        yield from (_correction(item, one) for one in item.notices)
    if entry.is_text and item.is_stale and not (entry.tells and item.is_missing_a_correction):
        stale = say("This translation was made from an earlier version of the text.")
        yield f"<p><strong>{entities.escape(stale)}</strong></p>"


def _correction(item: Item, notice: Notice) -> str:
    say = translator(item.language)
    parts = [_heading(item, say("Correction"), notice), _note(item, notice.note)]
    if notice.is_missing:
        missing = say("The text in this language has not been corrected yet.")
        parts.append(f"<p><strong>{entities.escape(missing)}</strong></p>")
    return "\n".join(part for part in parts if part)


def _heading(item: Item, words: str, notice: Notice) -> str:
    day = catalogues.day(notice.at.astimezone(item.newsroom.zone), item.language)
    return f"<h2>{entities.escape(words)} ({entities.escape(day)})</h2>"


def _note(item: Item, note: Said) -> str:
    if not note.text:
        return ""
    lines = "<br/>".join(entities.escape(line) for line in note.text.splitlines())
    return in_block(f"<p>{lines}</p>", note.language) if note.language != item.language else f"<p>{lines}</p>"
