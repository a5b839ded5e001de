"""A notice: why a person hears from us. Unique per release, purpose and subscriber: this is what makes "once" true."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, UniqueConstraint, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.query_plan import partial

ANNOUNCEMENT = "announcement"
RETRACTION = "retraction"
REMOVAL = "removal"


def of_correction(number: int) -> str:
    return f"correction:{number}"


def of_embargo(move: int) -> str:
    return f"embargo:{move}"


_AT_ONCE = 500


class Notice(Base):
    """`purpose` is `announcement`, `correction:<number>`, `embargo:<move>`, `retraction` or `removal`; one delivery may
    cover many notices.

    Only that of somebody who gets digests has a `mailing_id`, through which it came, and a `language`. It waits for the
    next digest from `due_at` on: then `due_at` is set, and `delivery_id` is 0. `waits_for` is as in Delivery.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("release_id", "purpose", "subscriber_id"),
        Index("ix_notice_mailing", "mailing_id", "delivery_id", **partial("mailing_id IS NOT NULL")),
        Index("ix_notice_waiting", "subscriber_id", **partial("due_at IS NOT NULL")),
        Index("ix_notice_waiting_release", "release_id", **partial("due_at IS NOT NULL")),
        Index("ix_notice_due", "due_at", **partial("due_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"))
    purpose: Mapped[str]
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    delivery_id: Mapped[int] = mapped_column(index=True)
    mailing_id: Mapped[int | None]
    language: Mapped[str | None]
    waits_for: Mapped[str | None]
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


def waiting(which: ColumnElement[bool]) -> Select[int]:
    """The ids of notices that wait for a digest."""
    return select(Notice.id).where(which, Notice.due_at.is_not(None))


def drop_waiting(tx: Session, which: ColumnElement[bool], limit: int) -> int:
    """Notices that wait for a digest go, in one order of locks: these people have heard nothing. Returns how many."""
    ids = sorted(tx.scalars(waiting(which).limit(limit)))
    for start in range(0, len(ids), _AT_ONCE):
        some = Notice.id.in_(ids[start : start + _AT_ONCE])
        still = list(tx.scalars(waiting(some).order_by(Notice.id).with_for_update()))
        tx.execute(delete(Notice).where(Notice.id.in_(still)).execution_options(synchronize_session=False))
    return len(ids)


def in_digests(tx: Session, mailing_id: int) -> int:
    """How many people get what this mailing tells in a digest, or got it."""
    return tx.execute(select(func.count()).where(Notice.mailing_id == mailing_id)).scalar_one()
