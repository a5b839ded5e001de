"""The newsroom's log: a hash chain of every publication, correction, retraction and removal.

A row holds a hash of a salt and the canonical content, never text, so that an embargoed release leaves no hole in
the chain and says nothing. Salt and content are shown once they are public.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id, to_micros
from pressroom.releases import newsroom as newsrooms


class Event(StrEnum):
    PUBLICATION = "publication"
    CORRECTION = "correction"
    RETRACTION = "retraction"
    REMOVAL = "removal"


class LogRow(Base):
    """`salt` is None once its content was removed for good. All hashes are SHA-256 in hexadecimal."""

    __tablename__ = "log_row"
    __table_args__ = (UniqueConstraint("newsroom_id", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    newsroom_id: Mapped[int] = mapped_column(ForeignKey("newsroom.id"))
    number: Mapped[int]
    at: Mapped[datetime]
    event: Mapped[Event]
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), index=True)
    salt: Mapped[bytes | None]
    content_hash: Mapped[str]
    previous_hash: Mapped[str]
    row_hash: Mapped[str]


def append(
    tx: Session, newsroom_id: int, event: Event, release_id: str, content: dict[str, Any], *, now: datetime
) -> LogRow:
    """Adds the next row. The newsroom's row is locked, so that two appends cannot take one number."""
    newsrooms.locked(tx, newsroom_id)
    query = select(LogRow).where(LogRow.newsroom_id == newsroom_id).order_by(LogRow.number.desc()).limit(1)
    last = tx.scalars(query).one_or_none()
    salt = secrets.token_bytes(16)
    row = LogRow(
        newsroom_id=newsroom_id,
        number=last.number + 1 if last else 1,
        at=now,
        event=event,
        release_id=release_id,
        salt=salt,
        content_hash=salted_hash(salt, content),
        previous_hash=last.row_hash if last else "0" * 64,
        row_hash="",
    )
    row.row_hash = hash_of(row)
    tx.add(row)
    return row


def salted_hash(salt: bytes, content: dict[str, Any]) -> str:
    return hmac.digest(salt, _canonical(content), hashlib.sha256).hex()


def hash_of(row: LogRow) -> str:
    """Over everything but the salt, which may be deleted."""
    said = {
        "number": row.number,
        "at": to_micros(row.at),
        "event": row.event.value,
        "content": row.content_hash,
        "previous": row.previous_hash,
    }
    return hashlib.sha256(_canonical(said)).hexdigest()


def _canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
