"""What the wall test publishes: one public release, and releases under embargo whose every part names one bird."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import yaml
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.releases.asset import Asset, Rendition
from pressroom.releases.translation import Translation

NEWSROOM = "valley"
LANGUAGES = ("en", "ckb", "kmr", "ar")

HOOPOE = {"en": "hoopoe", "ckb": "پەپووسلێمانە", "kmr": "dîksilêman", "ar": "الهدهد"}
KINGFISHER = {"en": "kingfisher", "ckb": "ماسیگرە", "kmr": "masîgirk", "ar": "الرفراف"}

_TITLE = {
    "en": "The {} has forty nests this year",
    "ckb": "ئەمساڵ {} چل هێلانەی هەیە",
    "kmr": "Îsal çil hêlînên {} hene",
    "ar": "أربعون عشا يبنيها {} هذا العام",
}
_BODY = {
    "en": "Volunteers saw the {} above Choman at dawn.",
    "ckb": "خۆبەخشەکان بەرەبەیان لە چۆمان {} یان بینی.",
    "kmr": "Xwebexşan berbangê li Çomanê {} dît.",
    "ar": "شاهد المتطوعون {} فوق جومان عند الفجر.",
}
_ALT = {
    "en": "A {} on a walnut branch",
    "ckb": "{} لەسەر لقی دارگوێز",
    "kmr": "{} li ser şaxa gûzê",
    "ar": "{} على غصن جوز",
}
_CAPTION = {
    "en": "A {} near the river",
    "ckb": "{} لە نزیک ڕووبارەکە",
    "kmr": "{} li nêzîkî çem",
    "ar": "{} قرب النهر",
}


@dataclass
class Secret:
    """A release under embargo. What the database calls its parts is known once it is pushed."""

    bird: dict[str, str]
    release_id: str = ""
    slugs: dict[str, str] = field(default_factory=dict)
    asset_ids: list[str] = field(default_factory=list)
    asset_paths: list[str] = field(default_factory=list)
    identities: list[str] = field(default_factory=list)

    @property
    def beat(self) -> str:
        return f"{self.bird['en']}s"

    @property
    def file_name(self) -> str:
        return f"{self.bird['en']}-choman.png"

    def title(self, tag: str) -> str:
        return _TITLE[tag].format(self.bird[tag])

    def body(self, tag: str) -> str:
        return _BODY[tag].format(self.bird[tag])

    def alt(self, tag: str) -> str:
        return _ALT[tag].format(self.bird[tag])

    def caption(self, tag: str) -> str:
        return _CAPTION[tag].format(self.bird[tag])

    def words(self) -> Iterator[str]:
        """Whatever must stand nowhere."""
        yield from self.bird.values()
        yield from (self.release_id, *self.asset_ids, *self.identities)

    def write(self, folder: Path) -> list[Path]:
        """The files to push."""
        folder.mkdir()
        (folder / self.file_name).write_bytes(_picture(len(self.bird["en"])))
        return [self._write_one(folder, tag) for tag in LANGUAGES]

    def _write_one(self, folder: Path, tag: str) -> Path:
        asset = {"path": self.file_name, "alt": self.alt(tag), "caption": self.caption(tag), "credit": "Choman Archive"}
        front = {"title": self.title(tag), "language": tag, "beats": [self.beat], "assets": [asset]}
        path = folder / f"statement.{tag}.md"
        path.write_text(f"---\n{yaml.safe_dump(front, allow_unicode=True)}---\n\n{self.body(tag)}\n", encoding="utf-8")
        return path

    def learn(self, tx: Session, release_id: str) -> None:
        self.release_id = release_id
        for one in tx.scalars(select(Translation).where(Translation.release_id == release_id)):
            self.slugs[one.language] = one.slug
            self.identities.append(one.id)
        self.asset_ids = list(tx.scalars(select(Asset.id).where(Asset.release_id == release_id)))
        shown = select(Rendition).where(Rendition.asset_id.in_(self.asset_ids))
        self.asset_paths = sorted(one.path for one in tx.scalars(shown))


def write_public(folder: Path) -> list[Path]:
    folder.mkdir()
    texts = {
        "en": "New bridge opens to walkers\n\nThe bridge is open.\n",
        "ckb": "پردە نوێیەکە بۆ پیادەڕۆیان دەکرێتەوە\n\nپردەکە کراوەیە.\n",
        "kmr": "Pira nû ji bo peyayan vebû\n\nPir vekirî ye.\n",
        "ar": "افتتاح الجسر الجديد أمام المشاة\n\nالجسر مفتوح.\n",
    }
    for tag, text in texts.items():
        (folder / f"bridge.{tag}.txt").write_text(text, encoding="utf-8")
    return sorted(folder.iterdir())


def _picture(shade: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 48), (20 * shade, 90, 140)).save(buffer, "PNG")
    return buffer.getvalue()
