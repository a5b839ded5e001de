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

from pressroom import addresses, markup
from pressroom.languages import Direction, direction
from pressroom.releases.asset import Asset, RevisionAsset
from pressroom.releases.beat import Beat, ReleaseBeat
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import translation_is_public

Row = tuple[Newsroom, Release, Translation, Revision]

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

    def path(self, newsroom_slug: str) -> str:
        return addresses.release(newsroom_slug, self.language, self.slug)


@dataclass(frozen=True)
class Shown:
    """An asset and what this translation says of it."""

    said: RevisionAsset
    asset: Asset


@dataclass(frozen=True)
class Item:
    """`siblings` follow the newsroom's order; `is_stale` when its source has been published anew since."""

    newsroom: Newsroom
    release: Release
    translation: Translation
    revision: Revision
    beats: Sequence[Beat]
    pictures: Sequence[Shown]
    siblings: Sequence[Sibling]
    is_stale: bool

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
    if direction(tag) is Direction.RTL and markup.first_strong(text) is Direction.LTR:
        return _RLM + text
    return text


def body_html(item: Item, base_url: str) -> str:
    """The full text as safe HTML with its pictures; addresses start with `base_url`."""
    html = item.revision.html
    by_name = {shown.said.name: shown for shown in item.pictures}
    used = set(_ANY_PICTURE.findall(html))

    def fill(match: re.Match[str]) -> str:
        shown = by_name.get(_name(match[1]))
        return figure(shown, base_url) if shown else match[0]

    html = _LONE_PICTURE.sub(fill, html)
    html = markup.with_assets(html, {name: base_url + shown.asset.path for name, shown in by_name.items()})
    rest = [figure(shown, base_url) for name, shown in by_name.items() if name not in {_name(one) for one in used}]
    return legal("\n".join(part for part in (*rest[:1], html, *rest[1:]) if part))


def directed_html(html: str, tag: str) -> str:
    """As `directed`, for readers that drop the block's own direction."""
    if directed(plain(html), tag).startswith(_RLM):
        start = _OPENING_TAGS.match(html)
        at = start.end() if start else 0
        return html[:at] + _RLM + html[at:]
    return html


def figure(shown: Shown, base_url: str) -> str:
    said, asset = shown.said, shown.asset
    size = f' width="{asset.width}" height="{asset.height}"' if asset.width and asset.height else ""
    alt = entities.escape(said.alt)
    caption = " ".join(
        f"<span>{entities.escape(text)}</span>" for text in (said.caption, said.credit, said.licence) if text
    )
    shown_caption = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure><img src="{base_url}{asset.path}" alt="{alt}"{size}/>{shown_caption}</figure>'


def load(tx: Session, rows: Sequence[Row], now: datetime) -> list[Item]:
    """The items of these rows, in their order, with one query for each kind of thing they carry."""
    if not rows:
        return []
    release_ids = {release.id for _, release, _, _ in rows}
    siblings = _siblings(tx, release_ids, now)
    beats = _beats(tx, release_ids)
    pictures = _pictures(tx, [revision.id for _, _, _, revision in rows])
    return [
        Item(
            newsroom=newsroom,
            release=release,
            translation=translation,
            revision=revision,
            beats=beats[release.id],
            pictures=pictures[revision.id],
            siblings=_in_order(newsroom, siblings[release.id], translation.language),
            is_stale=_is_stale(release, revision, siblings[release.id]),
        )
        for newsroom, release, translation, revision in rows
    ]


def _name(quoted: str) -> str:
    return unquote(entities.unescape(quoted))


def _shorten(text: str) -> str:
    return text if len(text) <= _SUMMARY else text[:_SUMMARY].rsplit(" ", 1)[0] + " …"


def _siblings(tx: Session, release_ids: set[str], now: datetime) -> Mapping[str, list[tuple[Translation, str]]]:
    query = (
        select(Translation, Revision.title)
        .join(Release, Release.id == Translation.release_id)
        .join(Revision, Revision.id == Translation.revision_id)
        .where(Translation.release_id.in_(release_ids), translation_is_public(now))
        .order_by(Translation.language)
    )
    found = defaultdict(list)
    for translation, title in tx.execute(query):
        found[translation.release_id].append((translation, title))
    return found


def _in_order(newsroom: Newsroom, found: Sequence[tuple[Translation, str]], own: str) -> list[Sibling]:
    rank = {tag: number for number, tag in enumerate(newsroom.languages)}
    others = [Sibling(one.language, one.slug, legal(title)) for one, title in found if one.language != own]
    return sorted(others, key=lambda one: rank.get(one.language, len(rank)))


def _is_stale(release: Release, revision: Revision, found: Sequence[tuple[Translation, str]]) -> bool:
    source = next((one for one, _ in found if one.language == release.source_language), None)
    made_from = revision.source_revision_id
    return source is not None and made_from is not None and made_from != source.revision_id


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


def _pictures(tx: Session, revision_ids: Sequence[int]) -> Mapping[int, list[Shown]]:
    query = (
        select(RevisionAsset, Asset)
        .join(Asset, Asset.id == RevisionAsset.asset_id)
        .where(RevisionAsset.revision_id.in_(revision_ids))
        .order_by(RevisionAsset.revision_id, RevisionAsset.position)
    )
    found = defaultdict(list)
    for said, asset in tx.execute(query):
        found[said.revision_id].append(Shown(said, asset))
    return found
