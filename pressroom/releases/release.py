"""A release: what is said, in all its languages. Its status, and its times."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, new_public_id
from pressroom.errors import NotFound


class Status(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    RETRACTED = "retracted"


class Release(Base):
    """Who may see it is not its status but its times: visibility.py.

    `public_from` is None until it is published or scheduled. `given_id` is the organiser's own `id:`. `wish` is what
    was asked for at submission (lists, times) while a second person has to agree.
    """

    __tablename__ = "release"
    __table_args__ = (
        UniqueConstraint("newsroom_id", "given_id"),
        Index("ix_release_newsroom_public", "newsroom_id", "public_from"),
        Index("ix_release_newsroom_created", "newsroom_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_public_id)
    newsroom_id: Mapped[int] = mapped_column(ForeignKey("newsroom.id"))
    given_id: Mapped[str | None]
    status: Mapped[Status] = mapped_column(default=Status.DRAFT)
    source_language: Mapped[str]
    urgency: Mapped[int | None]
    embargo_until: Mapped[datetime | None]
    publish_at: Mapped[datetime | None]
    public_from: Mapped[datetime | None]
    retracted_at: Mapped[datetime | None]
    retraction_reasons: Mapped[dict[str, str]] = mapped_column(default=dict)
    removed_at: Mapped[datetime | None]
    wish: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))


def get(tx: Session, release_id: str, *, lock: bool = False) -> Release:
    """Raises NotFound."""
    release = tx.get(Release, release_id, with_for_update={"key_share": True} if lock else None)
    if release is None:
        raise NotFound(f"There is no release “{release_id}”.")
    return release
