"""An asset: a picture as readers get it, re-encoded and stripped, kept in the database (ADR 5)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, new_public_id


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
