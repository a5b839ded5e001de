"""A revision: a numbered, immutable snapshot of one translation, made at each push or submission."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, event, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.folded import fold
from pressroom.releases.media_contact import MediaContact, MediaContacts


class BodyForm(StrEnum):
    MARKDOWN = "markdown"
    PLAIN = "plain"


class Revision(Base):
    """`source_revision_id` is the revision this translation was made from; None for the source itself.

    `minor_of` is the last revision before it that changed what is said, where this one only mends the spelling: a
    translation of that one is not stale.

    `body` is the source text; `html` (safe, with `asset:` picture addresses) and `text` are rendered from it once.
    `folded` is headline, subtitle and text as search reads them: a flush fills it, a bulk update would not.
    """

    __tablename__ = "revision"
    __table_args__ = (UniqueConstraint("translation_id", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    translation_id: Mapped[str] = mapped_column(ForeignKey("translation.id"))
    number: Mapped[int]
    source_revision_id: Mapped[int | None] = mapped_column(ForeignKey("revision.id"))
    minor_of: Mapped[int | None]
    title: Mapped[str]
    subtitle: Mapped[str]
    dateline: Mapped[str]
    dated: Mapped[date | None]
    form: Mapped[BodyForm]
    body: Mapped[str]
    html: Mapped[str]
    text: Mapped[str]
    folded: Mapped[str] = mapped_column(default="", deferred=True)
    contacts: Mapped[tuple[MediaContact, ...]] = mapped_column(MediaContacts)
    content_hash: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))

    @property
    def said_since(self) -> int:
        """The revision that first said what this one says, spelling aside."""
        return self.minor_of or self.id


@event.listens_for(Revision, "before_insert")
@event.listens_for(Revision, "before_update")
def _fold(_mapper: object, _connection: object, revision: Revision) -> None:
    revision.folded = fold(f"{revision.title}\n{revision.subtitle}\n{revision.text}")


def content_hash(content: dict[str, Any]) -> str:
    """A fingerprint of everything a revision says; equal content hashes alike whenever it is pushed."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def fingerprint(revision: Revision, language: str, assets: Sequence[Sequence[str]]) -> str:
    """The `content_hash` of a revision. Each asset is its digest, name, alt, caption, credit and licence, in order."""
    return content_hash(
        {
            "language": language,
            "title": revision.title,
            "subtitle": revision.subtitle,
            "dateline": revision.dateline,
            "date": revision.dated,
            "form": revision.form.value,
            "body": revision.body,
            "contacts": [one.parts for one in revision.contacts],
            "assets": [list(one) for one in assets],
        }
    )


def newest(tx: Session, translation_id: str) -> Revision | None:
    query = select(Revision).where(Revision.translation_id == translation_id).order_by(Revision.number.desc())
    return tx.scalars(query.limit(1)).one_or_none()


def next_number(tx: Session, translation_id: str) -> int:
    query = select(func.coalesce(func.max(Revision.number), 0)).where(Revision.translation_id == translation_id)
    return int(tx.execute(query).scalar_one()) + 1
