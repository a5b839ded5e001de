"""A translation: a release in one language, its address and its permanent identifier."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base


def new_uuid() -> str:
    return str(uuid.uuid4())


class Translation(Base):
    """`id` is a UUID and, as `urn:uuid:…`, the item's identity in every feed for ever.

    `revision_id` is the revision that publication names, None before; it is no foreign key, for the two tables would
    name each other. `public_from` is its own instant, never before the release's. `updated_at` moves with significant
    changes only. `publish` is False for a source that is never shown.
    """

    __tablename__ = "translation"
    __table_args__ = (
        UniqueConstraint("release_id", "language"),
        UniqueConstraint("newsroom_id", "language", "slug"),
        Index("ix_translation_public", "newsroom_id", "language", "public_from"),
        Index("ix_translation_newsroom_public", "newsroom_id", "public_from"),
        Index("ix_translation_language_public", "language", "public_from"),
        Index("ix_translation_site_public", "public_from"),
        Index("ix_translation_revision", "revision_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_uuid)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"))
    newsroom_id: Mapped[int] = mapped_column(ForeignKey("newsroom.id"))
    language: Mapped[str]
    slug: Mapped[str]
    publish: Mapped[bool] = mapped_column(default=True)
    revision_id: Mapped[int | None]
    public_from: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]

    @property
    def urn(self) -> str:
        return f"urn:uuid:{self.id}"


def of_release(tx: Session, release_id: str) -> dict[str, Translation]:
    """By language."""
    query = select(Translation).where(Translation.release_id == release_id)
    return {translation.language: translation for translation in tx.scalars(query)}
