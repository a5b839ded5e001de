"""An approval: one account has read one revision and agrees that it is published."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from pressroom.db import Base


class Approval(Base):
    """Never the account that made the revision; `release_id` spares a join."""

    __tablename__ = "approval"

    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), index=True)
    at: Mapped[datetime]
