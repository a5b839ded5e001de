"""A dispatch: one thing that one machine is to be told. The ledger's row; what it holds is made when it leaves."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pressroom.db import Base, Id, new_id


class Kind(StrEnum):
    """Whom `target_id` names: an intent; a subscription; nobody, for there is one hub elsewhere."""

    VERIFICATION = "verification"
    CONTENT = "content"
    PING = "ping"


class DispatchState(StrEnum):
    """UNCHANGED: the feed turned out to be as it was when told last. CANCELLED: nobody waits for it any more."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEFERRED = "deferred"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    CANCELLED = "cancelled"


WAITING = (DispatchState.PENDING, DispatchState.DEFERRED)
OPEN = (*WAITING, DispatchState.SENDING)

_WAITS = text("state IN ('pending', 'deferred')")


class Dispatch(Base):
    """Claimed by compare-and-set: `epoch` rises with each claim, and only its holder may settle it.

    Of one kind, target and `subject` at most one waits; `subject` is what it tells of where a target is told of many
    things. `behind` is what may be slow, and must not keep the others waiting. `as_of` is the instant of the change, by
    the time of readers: told earlier, it would not show yet. `status` is the last HTTP status, None for no answer. All
    times but `as_of` are the database's.
    """

    __tablename__ = "dispatch"
    __table_args__ = (
        Index("ix_dispatch_due", "state", "behind", "next_at"),
        Index("ix_dispatch_settled", "settled_at"),
        Index("ix_dispatch_target", "kind", "target_id", "subject"),
        Index(
            "uq_dispatch_waiting", "kind", "target_id", "subject",
            unique=True, sqlite_where=_WAITS, postgresql_where=_WAITS,
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[Kind]
    target_id: Mapped[int]
    subject: Mapped[str] = mapped_column(default="")
    host_lookup: Mapped[bytes]
    behind: Mapped[bool] = mapped_column(default=False)
    state: Mapped[DispatchState] = mapped_column(default=DispatchState.PENDING)
    epoch: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    as_of: Mapped[datetime]
    next_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    status: Mapped[int | None]
    created_at: Mapped[datetime]
