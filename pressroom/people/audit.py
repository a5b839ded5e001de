"""Who did what at the desk, by the command line, or by the service itself. Never an address, never a secret."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.people.account import Account, Membership, Role
from pressroom.seal import Keyring


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


def entries(
    newsroom_id: int, *, subjects: Collection[str] | None = None, since: datetime | None = None
) -> Select[AuditEntry]:
    """Those of a newsroom, or of some subjects in it, the oldest first. A query, for a caller who takes it in parts."""
    query = select(AuditEntry).where(AuditEntry.newsroom_id == newsroom_id)
    if subjects is not None:
        query = query.where(AuditEntry.subject.in_(list(subjects)))
    if since is not None:
        query = query.where(AuditEntry.at >= since)
    return query.order_by(AuditEntry.at, AuditEntry.id)


def addresses(tx: Session, keyring: Keyring, account_ids: Iterable[int]) -> dict[int, str]:
    """The open addresses of accounts, also of those disabled since: for owners and operators only."""
    found = tx.scalars(select(Account).where(Account.id.in_(set(account_ids))))
    return {one.id: keyring.open(one.email_sealed, "account", "email", one.id) for one in found}


def roles(tx: Session, newsroom_id: int, account_ids: Iterable[int]) -> dict[int, Role]:
    """What they are in the newsroom now; whoever is not of it any more is not among them."""
    query = select(Membership).where(Membership.newsroom_id == newsroom_id, Membership.account_id.in_(set(account_ids)))
    return {one.account_id: one.role for one in tx.scalars(query)}


def accounts(tx: Session, newsroom_id: int) -> list[int]:
    """All who ever did something in a newsroom."""
    query = select(AuditEntry.account_id).where(AuditEntry.newsroom_id == newsroom_id).distinct()
    return [one for one in tx.scalars(query) if one is not None]
