"""An asset as one translation shows it: a figure with a picture, a link to a document, a recording to listen to."""

from __future__ import annotations

import html as entities
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.phrases import translator
from pressroom.releases import asset as assets
from pressroom.releases import xmp
from pressroom.releases.asset import Asset, Kind, Rendition, RevisionAsset, Size
from pressroom.releases.xmp import Descriptions

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Shown:
    """An asset and what this translation says of it; what all public ones say is written into it (xmp.py)."""

    said: RevisionAsset
    asset: Asset
    renditions: Mapping[Size, Rendition]
    said_in_public: Descriptions = ()

    @property
    def web(self) -> Rendition:
        return self.renditions[Size.WEB]

    @property
    def is_picture(self) -> bool:
        return self.asset.kind is Kind.PICTURE

    def length(self, rendition: Rendition) -> int:
        """Bytes of one of its renditions as it is served."""
        return rendition.length + len(xmp.addition(rendition.media_type, self.said_in_public))


def of_revisions(tx: Session, revision_ids: Sequence[int], now: datetime) -> Mapping[int, list[Shown]]:
    """In their order; what has vanished is not among them."""
    query = (
        select(RevisionAsset, Asset)
        .join(Asset, Asset.id == RevisionAsset.asset_id)
        .where(RevisionAsset.revision_id.in_(revision_ids))
        .order_by(RevisionAsset.revision_id, RevisionAsset.position)
    )
    rows = [(said, asset) for said, asset in tx.execute(query)]
    asset_ids = list({asset.id for _, asset in rows})
    renditions, public = assets.renditions(tx, asset_ids), assets.all_said_in_public(tx, asset_ids, now)
    found = defaultdict(list)
    for said, asset in rows:
        if renditions[asset.id]:
            found[said.revision_id].append(Shown(said, asset, renditions[asset.id], public[asset.id]))
    return found


def figure(shown: Shown, base_url: str, tag: str, *, plays: bool) -> str:
    """As HTML; a recording has a player only where it `plays`, for readers of feeds drop those."""
    said, web = shown.said, shown.web
    parts = [f"<span>{entities.escape(text)}</span>" for text in (said.caption, said.credit, said.licence) if text]
    if shown.is_picture:
        size = f' width="{web.width}" height="{web.height}"' if web.width and web.height else ""
        content = f'<img src="{base_url}{web.path}" alt="{entities.escape(said.alt)}"{size}/>'
        large = shown.renditions.get(Size.PRINT)
        if large:
            parts.append(f"<span>{_link(large, base_url, translator(tag)('For print'))}</span>")
    else:
        content = _player(shown, base_url) if plays and shown.asset.kind is Kind.RECORDING else ""
        content += _link(web, base_url, said.name)
    caption = f"<figcaption>{' '.join(parts)}</figcaption>" if parts else ""
    return f"<figure>{content}{caption}</figure>"


def facts(rendition: Rendition) -> str:
    """Such as “PDF, 1.2 MB” and “JPG, 6000 × 4000, 4.1 MB”."""
    pixels = [f"{rendition.width} × {rendition.height}"] if rendition.width else []
    if rendition.length >= _MEGABYTE:
        length = f"{rendition.length / _MEGABYTE:.1f} MB"
    else:
        length = f"{max(1, round(rendition.length / 1000))} kB"
    return ", ".join([rendition.extension.upper(), *pixels, length])


def _link(rendition: Rendition, base_url: str, words: str) -> str:
    return (
        f'<a href="{base_url}{rendition.path}" type="{rendition.media_type}"><bdi>{entities.escape(words)}</bdi></a>'
        f' (<bdi dir="ltr">{facts(rendition)}</bdi>)'
    )


def _player(shown: Shown, base_url: str) -> str:
    label = entities.escape(shown.said.alt or shown.said.caption or shown.said.name)
    return f'<audio controls="controls" preload="none" src="{base_url}{shown.web.path}" aria-label="{label}"></audio> '
