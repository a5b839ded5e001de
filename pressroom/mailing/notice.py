"""A notice: why a person hears from us. Unique per release, purpose and subscriber: this is what makes "once" true."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pressroom.db import Base, Id, new_id

ANNOUNCEMENT = "announcement"
RETRACTION = "retraction"
REMOVAL = "removal"


def of_correction(number: int) -> str:
    return f"correction:{number}"


def of_embargo(move: int) -> str:
    return f"embargo:{move}"


class Notice(Base):
    """`purpose` is `announcement`, `correction:<number>`, `embargo:<move>`, `retraction` or `removal`; one delivery may
    cover many notices.
    """

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("release_id", "purpose", "subscriber_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"))
    purpose: Mapped[str]
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    delivery_id: Mapped[int] = mapped_column(index=True)
    created_at: Mapped[datetime]
