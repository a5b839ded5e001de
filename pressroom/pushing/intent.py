"""An intent: what somebody asked the hub for and the callback has not confirmed yet (WebSub §5.3)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint, exists, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.pushing.subscription import Subscription
from pressroom.seal import Keyring


class Mode(StrEnum):
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


class Intent(Base):
    """At most one for each topic and callback: a newer request takes the place of an older one, under another id.

    `lease` is in seconds. The hashes are those of a subscription.
    """

    __tablename__ = "intent"
    __table_args__ = (UniqueConstraint("callback_lookup"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    mode: Mapped[Mode]
    topic: Mapped[str]
    newsroom_id: Mapped[int | None] = mapped_column(ForeignKey("newsroom.id"))
    callback_sealed: Mapped[bytes]
    callback_lookup: Mapped[bytes]
    host_lookup: Mapped[bytes]
    network_lookup: Mapped[bytes]
    secret_sealed: Mapped[bytes | None]
    lease: Mapped[int]
    created_at: Mapped[datetime]

    def callback(self, keyring: Keyring) -> str:
        return keyring.open(self.callback_sealed, "intent", "callback", self.id)

    def secret(self, keyring: Keyring) -> str | None:
        return keyring.open(self.secret_sealed, "intent", "secret", self.id) if self.secret_sealed else None

    def keep(self, keyring: Keyring, callback: str, secret: str | None) -> None:
        self.callback_sealed = keyring.seal(callback, "intent", "callback", self.id)
        self.secret_sealed = keyring.seal(secret, "intent", "secret", self.id) if secret else None


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
