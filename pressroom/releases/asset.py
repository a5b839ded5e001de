"""An asset: a picture as readers get it, re-encoded and stripped, kept in the database (ADR 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, new_public_id
from pressroom.releases.picture import Picture
from pressroom.releases.reading import AssetRef


class Asset(Base):
    """`digest` is the SHA-256 of `data`; the file as uploaded is never kept."""

    __tablename__ = "asset"
    __table_args__ = (UniqueConstraint("release_id", "digest"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_public_id)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"))
    media_type: Mapped[str]
    extension: Mapped[str]
    width: Mapped[int | None]
    height: Mapped[int | None]
    size: Mapped[int]
    digest: Mapped[str]
    data: Mapped[bytes] = mapped_column(deferred=True)
    created_at: Mapped[datetime]

    @property
    def path(self) -> str:
        """Its address on the site."""
        return f"/assets/{self.id}.{self.extension}"


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


def of_revision(tx: Session, revision_id: int) -> list[tuple[RevisionAsset, Asset]]:
    """In their order."""
    query = (
        select(RevisionAsset, Asset)
        .join(Asset, Asset.id == RevisionAsset.asset_id)
        .where(RevisionAsset.revision_id == revision_id)
        .order_by(RevisionAsset.position)
    )
    return [(said, asset) for said, asset in tx.execute(query)]


def attach(
    tx: Session,
    release_id: str,
    revision_id: int,
    items: Sequence[AssetRef],
    pictures: Mapping[Path, Picture],
    *,
    now: datetime,
) -> None:
    """Ties a revision to its pictures, in their order; one that the release has already is not stored again."""
    for position, item in enumerate(items):
        asset = _known(tx, release_id, pictures[item.path].digest)
        if asset is None:
            asset = _new(release_id, pictures[item.path], now=now)
            tx.add(asset)
            tx.flush()
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


def _known(tx: Session, release_id: str, digest: str) -> Asset | None:
    return tx.scalars(select(Asset).where(Asset.release_id == release_id, Asset.digest == digest)).one_or_none()


def _new(release_id: str, picture: Picture, *, now: datetime) -> Asset:
    return Asset(
        id=new_public_id(),
        release_id=release_id,
        media_type=picture.media_type,
        extension=picture.extension,
        width=picture.width,
        height=picture.height,
        size=len(picture.data),
        digest=picture.digest,
        data=picture.data,
        created_at=now,
    )
