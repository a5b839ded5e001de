"""An asset: a picture, document or recording as readers get it, stripped of metadata, kept in the database (ADR 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, new_public_id
from pressroom.errors import NotFound
from pressroom.releases.release import Release
from pressroom.releases.statement import AssetRef
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import translation_is_public


class Kind(StrEnum):
    PICTURE = "picture"
    DOCUMENT = "document"
    RECORDING = "recording"


class Size(StrEnum):
    """WEB is what pages and feeds show, PRINT the large one; a document or recording has WEB only."""

    WEB = "web"
    PRINT = "print"


@dataclass(frozen=True)
class Form:
    """One size of an upload, ready to be served; `width` and `height` are in pixels, of pictures only."""

    size: Size
    media_type: str
    extension: str
    data: bytes
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Upload:
    """What is kept of a file that came in (receiving.py); the same file has the same `digest` whenever it comes."""

    kind: Kind
    digest: str
    forms: tuple[Form, ...]

    @property
    def web(self) -> Form:
        return next(form for form in self.forms if form.size is Size.WEB)


class Asset(Base):
    """`digest` (SHA-256) names what was given, stripped, before anything in it was covered: the same file given again
    is the same asset, covered as it is. The file as uploaded is never kept. `checked_at`: somebody looked at the faces
    in it and found that it may be shown.
    """

    __tablename__ = "asset"
    __table_args__ = (UniqueConstraint("release_id", "digest"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_public_id)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"))
    kind: Mapped[Kind] = mapped_column(default=Kind.PICTURE)
    digest: Mapped[str]
    covered_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    checked_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime]


class Rendition(Base):
    """One size of an asset: pixels (or pages, or sound) without any metadata; who made it is written in when served."""

    __tablename__ = "rendition"

    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id"), primary_key=True)
    size: Mapped[Size] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    extension: Mapped[str]
    width: Mapped[int | None]
    height: Mapped[int | None]
    length: Mapped[int]
    data: Mapped[bytes] = mapped_column(deferred=True)

    @property
    def path(self) -> str:
        """Its address on the site."""
        suffix = "" if self.size is Size.WEB else f"-{self.size.value}"
        return f"/assets/{self.asset_id}{suffix}.{self.extension}"


class RevisionAsset(Base):
    """What one revision says of an asset, in its language; `name` is how its text refers to it."""

    __tablename__ = "revision_asset"

    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id"), index=True)
    name: Mapped[str]
    alt: Mapped[str]
    caption: Mapped[str]
    credit: Mapped[str]
    licence: Mapped[str]


def get(tx: Session, asset_id: str, *, lock: bool = False) -> Asset:
    """Raises NotFound."""
    asset = tx.get(Asset, asset_id, with_for_update={"key_share": True} if lock else None)
    if asset is None:
        raise NotFound(f"There is no picture or file “{asset_id}”; `pressroom asset list` names those of a release.")
    return asset


def of_release(tx: Session, release_id: str) -> list[Asset]:
    """The oldest first."""
    return list(tx.scalars(select(Asset).where(Asset.release_id == release_id).order_by(Asset.created_at, Asset.id)))


def of_revision(tx: Session, revision_id: int) -> list[tuple[RevisionAsset, Asset]]:
    """In their order."""
    query = (
        select(RevisionAsset, Asset)
        .join(Asset, Asset.id == RevisionAsset.asset_id)
        .where(RevisionAsset.revision_id == revision_id)
        .order_by(RevisionAsset.position)
    )
    return [(said, asset) for said, asset in tx.execute(query)]


def renditions(tx: Session, asset_ids: Sequence[str]) -> dict[str, dict[Size, Rendition]]:
    """By asset and size, without their bytes."""
    found: dict[str, dict[Size, Rendition]] = {asset_id: {} for asset_id in asset_ids}
    for one in tx.scalars(select(Rendition).where(Rendition.asset_id.in_(list(found)))):
        found[one.asset_id][one.size] = one
    return found


def rendition(tx: Session, asset_id: str, size: Size, extension: str) -> Rendition:
    """Whatever may be seen of it; an address in the wrong form is none. Raises NotFound."""
    found = tx.get(Rendition, (asset_id, size))
    if found is None or found.extension != extension:
        raise NotFound("There is no such picture.")
    return found


def said_in_public(tx: Session, asset_id: str, now: datetime) -> Sequence[tuple[str, RevisionAsset]]:
    """What public texts say of it, by language, the source first; empty while none of them is public."""
    return all_said_in_public(tx, [asset_id], now)[asset_id]


def all_said_in_public(
    tx: Session, asset_ids: Sequence[str], now: datetime
) -> dict[str, list[tuple[str, RevisionAsset]]]:
    """As `said_in_public`, for many at once."""
    query = (
        select(Translation.language, Release.source_language, RevisionAsset)
        .join(Translation, Translation.revision_id == RevisionAsset.revision_id)
        .join(Release, Release.id == Translation.release_id)
        .where(RevisionAsset.asset_id.in_(asset_ids), translation_is_public(now))
        .order_by(Translation.language)
    )
    found: dict[str, list[tuple[str, RevisionAsset]]] = {asset_id: [] for asset_id in asset_ids}
    # Of none at all, a database would look through all texts.
    rows = tx.execute(query) if found else ()
    for language, _, said in sorted(rows, key=lambda row: row[0] != row[1]):
        found[said.asset_id].append((language, said))
    return found


def attach(
    tx: Session,
    release_id: str,
    revision_id: int,
    items: Sequence[AssetRef],
    uploads: Mapping[Path, Upload],
    *,
    now: datetime,
) -> None:
    """Ties a revision to its assets, in their order; one that the release has already is not stored again."""
    for position, item in enumerate(items):
        asset = ensure(tx, release_id, uploads[item.path], now=now)
        tx.add(
            RevisionAsset(
                revision_id=revision_id,
                position=position,
                asset_id=asset.id,
                name=item.name,
                alt=item.alt,
                caption=item.caption,
                credit=item.credit,
                licence=item.licence,
            )
        )


def ensure(tx: Session, release_id: str, upload: Upload, *, now: datetime) -> Asset:
    """The release's asset made of this upload, as it is by now; else a new one."""
    known = tx.scalars(select(Asset).where(Asset.release_id == release_id, Asset.digest == upload.digest)).one_or_none()
    if known is not None:
        return known
    asset = Asset(id=new_public_id(), release_id=release_id, kind=upload.kind, digest=upload.digest, created_at=now)
    tx.add(asset)
    tx.flush()
    for form in upload.forms:
        tx.add(
            Rendition(
                asset_id=asset.id,
                size=form.size,
                media_type=form.media_type,
                extension=form.extension,
                width=form.width,
                height=form.height,
                length=len(form.data),
                data=form.data,
            )
        )
    return asset
