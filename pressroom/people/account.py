"""An account: a person who works at the desk, and their role in each newsroom."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id


class Role(StrEnum):
    OWNER = "owner"
    EDITOR = "editor"
    AUTHOR = "author"
    VIEWER = "viewer"


class Act(StrEnum):
    """What a role may allow; the table of who may do what is GRANTS in granting.py."""

    READ = "read"
    WRITE = "write"
    PUBLISH = "publish"
    SEND = "send"
    STOP = "stop"
    MANAGE = "manage"


class Account(Base):
    __tablename__ = "account"

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    email_sealed: Mapped[bytes]
    email_lookup: Mapped[bytes] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class Membership(Base):
    """One account's role in one newsroom."""

    __tablename__ = "membership"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    newsroom_id: Mapped[int] = mapped_column(ForeignKey("newsroom.id"), primary_key=True)
    role: Mapped[Role]


def role_in(tx: Session, account_id: int, newsroom_id: int) -> Role | None:
    membership = tx.get(Membership, (account_id, newsroom_id))
    return membership.role if membership else None
