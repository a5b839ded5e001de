"""A release: what is said, in all its languages. Its status, and its times."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, or_, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, new_public_id
from pressroom.errors import Conflict, NotFound


class Status(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    RETRACTED = "retracted"


# What a status may turn into; whatever is not here is refused (docs/releases.md).
TURNS: dict[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.IN_REVIEW, Status.APPROVED, Status.SCHEDULED, Status.PUBLISHED}),
    Status.IN_REVIEW: frozenset({Status.DRAFT, Status.APPROVED, Status.SCHEDULED, Status.PUBLISHED}),
    Status.APPROVED: frozenset({Status.DRAFT, Status.IN_REVIEW, Status.SCHEDULED, Status.PUBLISHED}),
    Status.SCHEDULED: frozenset({Status.APPROVED, Status.PUBLISHED, Status.RETRACTED}),
    Status.PUBLISHED: frozenset({Status.RETRACTED}),
    Status.RETRACTED: frozenset(),
}


_TAKEN_BACK = text("retracted_at IS NOT NULL OR removed_at IS NOT NULL")


class Release(Base):
    """Who may see it is not its status but its times: visibility.py.

    `public_from` is None until it is published or scheduled. `given_id` is the organiser's own `id:`. `wish` is what
    was asked for (lists, times) while a second person has to agree. `review_note` is why it was sent back, for its
    authors only. `embargo_moves` counts the changes of an embargo that accredited subscribers had been told of.
    """

    __tablename__ = "release"
    __table_args__ = (
        UniqueConstraint("newsroom_id", "given_id"),
        Index("ix_release_newsroom_public", "newsroom_id", "public_from"),
        Index("ix_release_newsroom_created", "newsroom_id", "created_at"),
        Index("ix_release_public", "public_from"),
        Index("ix_release_taken_back", "newsroom_id", sqlite_where=_TAKEN_BACK, postgresql_where=_TAKEN_BACK),
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
    review_note: Mapped[str] = mapped_column(default="")
    embargo_moves: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))

    def become(self, status: Status) -> None:
        """Raises Conflict for a turn that is not in TURNS; staying as it is, is none."""
        if self.status is status:
            return
        if self.status is not None and status not in TURNS[self.status]:
            raise Conflict(f"Release {self.id} is {self.status.value} and cannot become {status.value}.")
        self.status = status


# As the index has it: written otherwise, a query would not find that index.
IS_TAKEN_BACK = or_(Release.retracted_at.is_not(None), Release.removed_at.is_not(None))


def get(tx: Session, release_id: str, *, lock: bool = False) -> Release:
    """Raises NotFound. With `lock`, as it is now and until the end of the transaction."""
    if lock:
        tx.flush()
    update = {"key_share": True} if lock else None
    release = tx.get(Release, release_id, with_for_update=update, populate_existing=lock)
    if release is None:
        raise NotFound(f"There is no release “{release_id}”.")
    return release
