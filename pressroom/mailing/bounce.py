"""A bounce: what one arrival says of one message. Complaints, delays and replies are kept alike, to be counted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, distinct, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.mailing.verdict import Verdict
from pressroom.seal import Keyring

_LONGEST = 2000


class Bounce(Base):
    """`delivery_id` is None where nobody's message was found. `diagnostic_sealed` holds the server's own words."""

    __tablename__ = "bounce"
    __table_args__ = (
        UniqueConstraint("arrival_id", "number"),
        Index("ix_bounce_mailing", "mailing_id", "verdict"),
        Index("ix_bounce_delivery", "delivery_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    arrival_id: Mapped[int] = mapped_column(ForeignKey("arrival.id"))
    number: Mapped[int]
    verdict: Mapped[Verdict]
    status: Mapped[str | None]
    delivery_id: Mapped[int | None]
    mailing_id: Mapped[int | None]
    diagnostic_sealed: Mapped[bytes | None]
    at: Mapped[datetime]


def seal(keyring: Keyring, bounce_id: int, diagnostic: str) -> bytes | None:
    return keyring.seal(diagnostic[:_LONGEST], "bounce", "diagnostic", bounce_id) if diagnostic else None


def diagnostic(keyring: Keyring, bounce: Bounce) -> str:
    """What the other server said; empty if it said nothing. Raises SealBroken."""
    sealed = bounce.diagnostic_sealed
    return keyring.open(sealed, "bounce", "diagnostic", bounce.id) if sealed else ""


def complaints(tx: Session, mailing_id: int) -> int:
    """How many people complained of a mailing, each once."""
    query = select(func.count(distinct(Bounce.delivery_id))).where(
        Bounce.mailing_id == mailing_id, Bounce.verdict == Verdict.COMPLAINT
    )
    return tx.execute(query).scalar_one()


def of_delivery(tx: Session, delivery_id: int, verdict: Verdict) -> Bounce | None:
    """The newest that says this of a delivery."""
    query = select(Bounce).where(Bounce.delivery_id == delivery_id, Bounce.verdict == verdict)
    return tx.scalars(query.order_by(Bounce.at.desc(), Bounce.id.desc()).limit(1)).one_or_none()
