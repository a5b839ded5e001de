"""A correction: a public note on a published release, and which revision took the place of which."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.errors import NotFound


class Correction(Base):
    """`notes` are by language. Until `at` it is a proposal that a second person has to publish, and has no `number`.

    A `minor` one (spelling) notifies nobody and is no notice on the page, but stands in the list of changes.
    """

    __tablename__ = "correction"
    __table_args__ = (UniqueConstraint("release_id", "number"), Index("ix_correction_at", "at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), index=True)
    number: Mapped[int | None]
    notes: Mapped[dict[str, str]]
    minor: Mapped[bool] = mapped_column(default=False)
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    at: Mapped[datetime | None]


class CorrectionChange(Base):
    """In one translation, what was said and what is said now: two revisions."""

    __tablename__ = "correction_change"

    correction_id: Mapped[int] = mapped_column(ForeignKey("correction.id"), primary_key=True)
    translation_id: Mapped[str] = mapped_column(ForeignKey("translation.id"), primary_key=True)
    before_id: Mapped[int] = mapped_column(ForeignKey("revision.id"))
    after_id: Mapped[int] = mapped_column(ForeignKey("revision.id"))


def of_release(tx: Session, release_id: str) -> list[Correction]:
    """Those that are public, the oldest first."""
    query = select(Correction).where(Correction.release_id == release_id, Correction.at.is_not(None))
    return list(tx.scalars(query.order_by(Correction.number)))


def of_releases(tx: Session, release_ids: Sequence[str]) -> dict[str, list[Correction]]:
    """As `of_release`, for many at once."""
    query = select(Correction).where(Correction.release_id.in_(release_ids), Correction.at.is_not(None))
    found: dict[str, list[Correction]] = {one: [] for one in release_ids}
    for one in tx.scalars(query.order_by(Correction.number)):
        found[one.release_id].append(one)
    return found


def changes(tx: Session, correction_id: int) -> dict[str, CorrectionChange]:
    """By translation."""
    query = select(CorrectionChange).where(CorrectionChange.correction_id == correction_id)
    return {one.translation_id: one for one in tx.scalars(query)}


def proposal(tx: Session, release_id: str, *, lock: bool = False) -> Correction | None:
    query = select(Correction).where(Correction.release_id == release_id, Correction.at.is_(None))
    return tx.scalars(query.with_for_update(key_share=True) if lock else query).one_or_none()


def waiting(tx: Session, release_id: str) -> Correction:
    """The proposal, locked. Raises NotFound."""
    found = proposal(tx, release_id, lock=True)
    if found is None:
        raise NotFound("No correction of this release waits for anybody.")
    return found


def next_number(tx: Session, release_id: str) -> int:
    query = select(func.coalesce(func.max(Correction.number), 0)).where(Correction.release_id == release_id)
    return (tx.execute(query).scalar_one() or 0) + 1
