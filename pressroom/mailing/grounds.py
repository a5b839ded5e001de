"""Grounds: why an address is suppressed, as a person may read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from pressroom.mailing import bounce
from pressroom.mailing.bounce import Bounce
from pressroom.mailing.delivery import Delivery
from pressroom.mailing.subscriber import Subscriber
from pressroom.mailing.suppression import Reason, Suppression
from pressroom.seal import Keyring


@dataclass(frozen=True)
class Grounds:
    """`diagnostic` is the other server's words, and may name the address: for owners and the command line only."""

    reason: Reason
    at: datetime
    status: str
    diagnostic: str
    delivery_id: int | None
    mailing_id: int | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "reason": self.reason.value,
            "at": self.at.isoformat(),
            "status": self.status,
            "diagnostic": self.diagnostic,
            "delivery": str(self.delivery_id) if self.delivery_id else None,
            "mailing": str(self.mailing_id) if self.mailing_id else None,
        }


def of(tx: Session, keyring: Keyring, found: Suppression) -> Grounds:
    """From what came back, or else from what the mail server answered at once. Raises SealBroken."""
    delivery = tx.get(Delivery, found.delivery_id) if found.delivery_id else None
    told = tx.get(Bounce, found.bounce_id) if found.bounce_id else None
    status = diagnostic = ""
    if told is not None:
        status, diagnostic = told.status or "", bounce.diagnostic(keyring, told)
    elif delivery is not None and found.reason is Reason.BOUNCE:
        status = delivery.reply_code or ""
        sealed = delivery.reply_sealed
        diagnostic = keyring.open(sealed, "delivery", "reply", delivery.id) if sealed else ""
    mailing_id = delivery.mailing_id if delivery else None
    return Grounds(found.reason, found.at, status, diagnostic, found.delivery_id, mailing_id)


def suppressed(newsroom_id: int) -> Select[Suppression, Subscriber]:
    """The suppressions of a newsroom's people whose address is still known, the newest first."""
    query = select(Suppression, Subscriber).join(Subscriber, Subscriber.email_lookup == Suppression.email_lookup)
    marked = query.where(Subscriber.newsroom_id == newsroom_id, Subscriber.suppressed_at.is_not(None))
    return marked.order_by(Suppression.at.desc(), Subscriber.id)
