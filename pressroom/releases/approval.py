"""An approval: one account has read one revision and agrees that it is published."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base


class Approval(Base):
    """Never the account that made the revision; `release_id` spares a join."""

    __tablename__ = "approval"

    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), index=True)
    at: Mapped[datetime]


def of_revisions(tx: Session, revision_ids: Iterable[int]) -> dict[int, list[Approval]]:
    """By revision; those without one are not in it."""
    found: dict[int, list[Approval]] = {}
    for one in tx.scalars(select(Approval).where(Approval.revision_id.in_(list(revision_ids))).order_by(Approval.at)):
        found.setdefault(one.revision_id, []).append(one)
    return found
