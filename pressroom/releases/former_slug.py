"""A former slug: an address that was taken away because it named somebody. Only its hash is kept, to answer there."""

from __future__ import annotations

import hashlib
import unicodedata

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.releases.translation import Translation


class FormerSlug(Base):
    __tablename__ = "former_slug"
    __table_args__ = (UniqueConstraint("newsroom_id", "language", "slug_hash"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    newsroom_id: Mapped[int] = mapped_column(ForeignKey("newsroom.id"))
    language: Mapped[str]
    slug_hash: Mapped[str]
    translation_id: Mapped[str] = mapped_column(ForeignKey("translation.id"), index=True)


def hash_of(slug: str) -> str:
    return hashlib.sha256(unicodedata.normalize("NFC", slug).encode()).hexdigest()


def translation_at(tx: Session, newsroom_id: int, language: str, slug: str) -> str | None:
    """The id of the translation that once stood at this slug."""
    query = select(FormerSlug.translation_id).where(
        FormerSlug.newsroom_id == newsroom_id, FormerSlug.language == language, FormerSlug.slug_hash == hash_of(slug)
    )
    return tx.scalars(query).one_or_none()


def remember(tx: Session, translation: Translation) -> None:
    """Before a slug that was public is taken away; where several have stood there, the last one is remembered."""
    query = select(FormerSlug).where(
        FormerSlug.newsroom_id == translation.newsroom_id,
        FormerSlug.language == translation.language,
        FormerSlug.slug_hash == hash_of(translation.slug),
    )
    known = tx.scalars(query).one_or_none()
    if known is not None:
        known.translation_id = translation.id
        return
    tx.add(
        FormerSlug(
            newsroom_id=translation.newsroom_id,
            language=translation.language,
            slug_hash=hash_of(translation.slug),
            translation_id=translation.id,
        )
    )
