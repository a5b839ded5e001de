"""An intent: what somebody asked the hub for and the callback has not confirmed yet (WebSub §5.3)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import UniqueConstraint, exists, func, select
from sqlalchemy.orm import Mapped, Session

from pressroom.db import Base
from pressroom.pushing.sealed_callback import SealedCallback
from pressroom.pushing.subscription import Subscription


class Mode(StrEnum):
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


class Intent(SealedCallback, Base):
    """At most one for each topic and callback: a newer request takes the place of an older one, under another id.

    `lease` is in seconds.
    """

    __tablename__ = "intent"
    __table_args__ = (UniqueConstraint("callback_lookup"),)

    mode: Mapped[Mode]
    lease: Mapped[int]
    created_at: Mapped[datetime]


def count(tx: Session) -> int:
    return tx.execute(select(func.count()).select_from(Intent)).scalar_one()


def count_new(tx: Session, *, host: bytes | None = None, network: bytes | None = None) -> int:
    """Those that would make one subscription more of this host, or network."""
    known = exists().where(Subscription.callback_lookup == Intent.callback_lookup)
    query = select(func.count()).select_from(Intent).where(Intent.mode == Mode.SUBSCRIBE, ~known)
    if host is not None:
        query = query.where(Intent.host_lookup == host)
    if network is not None:
        query = query.where(Intent.network_lookup == network)
    return tx.execute(query).scalar_one()
