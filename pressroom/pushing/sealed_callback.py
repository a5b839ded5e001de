"""A sealed callback: which machine is to be told of which feed, as intents and subscriptions keep it."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from pressroom.db import Id, new_id
from pressroom.seal import Keyring


class SealedCallback:
    """Columns of both tables. `topic` is a path, so that the site may move. Hashes are keyed: `callback_lookup` of
    topic and callback, `host_lookup` of the callback's host, `network_lookup` of the network that asked.
    """

    __tablename__: str

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    topic: Mapped[str]
    newsroom_id: Mapped[int | None] = mapped_column(ForeignKey("newsroom.id"))
    callback_sealed: Mapped[bytes]
    callback_lookup: Mapped[bytes]
    host_lookup: Mapped[bytes]
    network_lookup: Mapped[bytes]
    secret_sealed: Mapped[bytes | None]

    def callback(self, keyring: Keyring) -> str:
        return keyring.open(self.callback_sealed, self.__tablename__, "callback", self.id)

    def secret(self, keyring: Keyring) -> str | None:
        return keyring.open(self.secret_sealed, self.__tablename__, "secret", self.id) if self.secret_sealed else None

    def keep(self, keyring: Keyring, callback: str, secret: str | None) -> None:
        self.callback_sealed = keyring.seal(callback, self.__tablename__, "callback", self.id)
        self.secret_sealed = keyring.seal(secret, self.__tablename__, "secret", self.id) if secret else None
