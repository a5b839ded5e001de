"""An item: all that readers get of one public translation, on its page and in feeds."""

from __future__ import annotations

import html as entities
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.feeds import notice as notices
from pressroom.feeds import shown
from pressroom.feeds.notice import Notice, Row
from pressroom.feeds.shown import Shown, figure
from pressroom.feeds.staleness import Out, is_stale, out, sources
from pressroom.fragment import with_assets
from pressroom.languages import Direction, direction
from pressroom.releases.beat import Beat, ReleaseBeat
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.wrapping import first_strong

_RLM = "\u200f"
_SUMMARY = 300
# Everything XML 1.0 forbids; kept out on the way in too, but one such character would break a whole feed.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAG = re.compile(r"<[^>]*>")
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_OPENING_TAGS = re.compile(r"(?:\s*<[a-z][^>]*>)*")
_LONE_PICTURE = re.compile(r'<p><img src="asset:([^"]*)" alt="[^"]*"/></p>')
_ANY_PICTURE = re.compile(r'<img src="asset:([^"]*)"')


@dataclass(frozen=True)
class Sibling:
    """The same release in another language that is out."""

    language: str
    slug: str
    title: str
    urn: str

    def path(self, newsroom_slug: str) -> str:
        return addresses.release(newsroom_slug, self.language, self.slug)


@dataclass(frozen=True)
class Item:
    """`siblings` follow the newsroom's order; `is_stale` when its source has said something else since it was made.

    `corrections` are all of its release, the newest first; `notices` those that are more than spelling.
    """

    newsroom: Newsroom
    release: Release
    translation: Translation
    revision: Revision
    beats: Sequence[Beat]
    assets: Sequence[Shown]
    siblings: Sequence[Sibling]
    is_stale: bool
    corrections: Sequence[Notice]

    @property
    def pictures(self) -> list[Shown]:
        return [one for one in self.assets if one.is_picture]

    @property
    def files(self) -> list[Shown]:
        """Documents and recordings."""
        return [one for one in self.assets if not one.is_picture]

    @property
    def notices(self) -> list[Notice]:
        return [one for one in self.corrections if not one.minor]

    @property
    def is_missing_a_correction(self) -> bool:
        return any(one.is_missing for one in self.notices)

    @property
    def retraction(self) -> Notice | None:
        return notices.retraction(self.newsroom, self.release, self.language)

    @property
    def language(self) -> str:
        return self.translation.language

    @property
    def published(self) -> datetime:
        assert self.translation.public_from is not None
        return self.translation.public_from

    @property
    def updated(self) -> datetime:
        return self.translation.updated_at or self.published

    @property
    def title(self) -> str:
        return legal(self.revision.title)

    @property
    def path(self) -> str:
        return addresses.release(self.newsroom.slug, self.language, self.translation.slug)

    @property
    def summary(self) -> str:
        """The subtitle, or the beginning of the first paragraph, as plain text."""
        if self.revision.subtitle:
            return legal(self.revision.subtitle)
        paragraphs = (legal(plain(found[1])) for found in _PARAGRAPH.finditer(self.revision.html))
        return _shorten(next((text for text in paragraphs if text), ""))


def legal(text: str) -> str:
    """Without the characters XML 1.0 forbids."""
    return _ILLEGAL.sub("", text)


def plain(html: str) -> str:
    return " ".join(entities.unescape(_TAG.sub("", html)).split())


def directed(text: str, tag: str) -> str:
    """Text of a right-to-left language that begins with Latin letters gets a mark first, for readers that guess."""
    if direction(tag) is Direction.RTL and first_strong(text) is Direction.LTR:
        return _RLM + text
    return text


def body_html(item: Item, base_url: str, *, plays: bool = False) -> str:
    """The full text as safe HTML with its assets; addresses start with `base_url`. For `plays`: shown.py."""
    html = item.revision.html
    by_name = {one.said.name: one for one in item.assets}
    used, lone = ({_name(one) for one in pattern.findall(html)} for pattern in (_ANY_PICTURE, _LONE_PICTURE))

    def as_figure(one: Shown) -> str:
        return figure(one, base_url, item.language, plays=plays)

    def fill(match: re.Match[str]) -> str:
        one = by_name.get(_name(match[1]))
        return as_figure(one) if one else match[0]

    html = _LONE_PICTURE.sub(fill, html)
    urls = {one.said.name: base_url + one.web.path if one.is_picture else None for one in item.assets}
    html = with_assets(html, urls)
    first, *rest = [as_figure(one) for one in item.pictures if one.said.name not in used] or [""]
    files = [as_figure(one) for one in item.files if one.said.name not in lone]
    return legal("\n".join(part for part in (first, html, *rest, *files) if part))


def directed_html(html: str, tag: str) -> str:
    """As `directed`, for readers that drop the block's own direction."""
    if directed(plain(html), tag).startswith(_RLM):
        start = _OPENING_TAGS.match(html)
        at = start.end() if start else 0
        return html[:at] + _RLM + html[at:]
    return html


def load(tx: Session, rows: Sequence[Row], now: datetime) -> list[Item]:
    """The items of these rows, in their order, with one query for each kind of thing they carry."""
    if not rows:
        return []
    release_ids = {release.id for _, release, _, _ in rows}
    siblings = out(tx, release_ids, now)
    beats = _beats(tx, release_ids)
    assets = shown.of_revisions(tx, [revision.id for _, _, _, revision in rows], now)
    origins = sources(rows, siblings)
    told = notices.of_corrections(tx, rows, {release_id: one.translation for release_id, one in origins.items()})
    return [
        Item(
            newsroom=newsroom,
            release=release,
            translation=translation,
            revision=revision,
            beats=beats[release.id],
            assets=assets[revision.id],
            siblings=_in_order(newsroom, siblings[release.id], translation.language),
            is_stale=is_stale(revision, origins.get(release.id)),
            corrections=told[translation.id],
        )
        for newsroom, release, translation, revision in rows
    ]


def _name(quoted: str) -> str:
    return unquote(entities.unescape(quoted))


def _shorten(text: str) -> str:
    return text if len(text) <= _SUMMARY else text[:_SUMMARY].rsplit(" ", 1)[0] + " …"


def _in_order(newsroom: Newsroom, found: Sequence[Out], own: str) -> list[Sibling]:
    rank = {tag: number for number, tag in enumerate(newsroom.languages)}
    others = [
        Sibling(one.translation.language, one.translation.slug, legal(one.title), one.translation.urn)
        for one in found
        if one.translation.language != own
    ]
    return sorted(others, key=lambda one: rank.get(one.language, len(rank)))


def _beats(tx: Session, release_ids: set[str]) -> Mapping[str, list[Beat]]:
    query = (
        select(ReleaseBeat.release_id, Beat)
        .join(Beat, Beat.id == ReleaseBeat.beat_id)
        .where(ReleaseBeat.release_id.in_(release_ids))
        .order_by(Beat.slug)
    )
    found = defaultdict(list)
    for release_id, beat in tx.execute(query):
        found[release_id].append(beat)
    return found
