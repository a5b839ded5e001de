"""A revision: a numbered, immutable snapshot of one translation, made at each push or submission."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id


class BodyForm(StrEnum):
    MARKDOWN = "markdown"
    PLAIN = "plain"


class Revision(Base):
    """`source_revision_id` is the revision this translation was made from; None for the source itself.

    `body` is the source text; `html` (safe, with `asset:` picture addresses) and `text` are rendered from it once.
    """

    __tablename__ = "revision"
    __table_args__ = (UniqueConstraint("translation_id", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    translation_id: Mapped[str] = mapped_column(ForeignKey("translation.id"))
    number: Mapped[int]
    source_revision_id: Mapped[int | None] = mapped_column(ForeignKey("revision.id"))
    title: Mapped[str]
    subtitle: Mapped[str]
    dateline: Mapped[str]
    dated: Mapped[date | None]
    form: Mapped[BodyForm]
    body: Mapped[str]
    html: Mapped[str]
    text: Mapped[str]
    contacts: Mapped[list[dict[str, str]]]
    content_hash: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))


def content_hash(content: dict[str, Any]) -> str:
    """A fingerprint of everything a revision says; equal content hashes alike whenever it is pushed."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def newest(tx: Session, translation_id: str) -> Revision | None:
    query = select(Revision).where(Revision.translation_id == translation_id).order_by(Revision.number.desc())
    return tx.scalars(query.limit(1)).one_or_none()


def next_number(tx: Session, translation_id: str) -> int:
    query = select(func.coalesce(func.max(Revision.number), 0)).where(Revision.translation_id == translation_id)
    return int(tx.execute(query).scalar_one()) + 1
