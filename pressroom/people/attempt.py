"""Attempts that are limited: log-ins, sign-ups. `subject` is a keyed hash, never an address or a person."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id


class Attempt(Base):
    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_subject", "kind", "subject", "at"), Index("ix_attempt_at", "at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str]
    subject: Mapped[bytes]
    at: Mapped[datetime]


def record(tx: Session, kind: str, subject: bytes, *, now: datetime) -> None:
    tx.add(Attempt(kind=kind, subject=subject, at=now))


def count_since(tx: Session, kind: str, subject: bytes, since: datetime) -> int:
    query = select(func.count()).where(Attempt.kind == kind, Attempt.subject == subject, Attempt.at > since)
    return tx.execute(query).scalar_one()


def forget(tx: Session, kind: str, subject: bytes) -> None:
    tx.execute(delete(Attempt).where(Attempt.kind == kind, Attempt.subject == subject))


def purge(tx: Session, *, now: datetime) -> None:
    """Nothing is kept beyond a day."""
    tx.execute(delete(Attempt).where(Attempt.at < now - timedelta(days=1)))
