"""Who did what at the desk, by the command line, or by the service itself. Never an address, never a secret."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id


class AuditEntry(Base):
    """`account_id` is None for the command line and the service itself; `subject` is such as `release:4k2…`."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    at: Mapped[datetime]
    newsroom_id: Mapped[int | None] = mapped_column(ForeignKey("newsroom.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    act: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]


def note(
    tx: Session,
    act: str,
    subject: str,
    *,
    now: datetime,
    newsroom_id: int | None = None,
    account_id: int | None = None,
    **detail: Any,
) -> None:
    tx.add(AuditEntry(at=now, newsroom_id=newsroom_id, account_id=account_id, act=act, subject=subject, detail=detail))
