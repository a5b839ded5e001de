"""An arrival: what came back, as it came, sealed; kept before anybody deletes or acknowledges it, judged afterwards."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.seal import Keyring

LARGEST = 1 << 20


class Form(StrEnum):
    """How it is read. A `message` is anybody's; the others were signed by whom we trust with the address they name."""

    MESSAGE = "message"
    REPORT = "report"
    MAILGUN = "mailgun"
    POSTMARK = "postmark"
    SENDGRID = "sendgrid"
    SES = "ses"
    SPARKPOST = "sparkpost"


class Arrival(Base):
    """`digest` is keyed, and knows a second copy. `raw_sealed` is None once purged; what is beyond a MiB is cut off."""

    __tablename__ = "arrival"
    __table_args__ = (Index("ix_arrival_judged_at", "judged_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    digest: Mapped[bytes] = mapped_column(unique=True)
    form: Mapped[Form]
    raw_sealed: Mapped[bytes | None]
    received_at: Mapped[datetime] = mapped_column(index=True)
    judged_at: Mapped[datetime | None]


def digest(keyring: Keyring, form: Form, raw: bytes) -> bytes:
    return keyring.lookup("arrival", f"{form.value}:{hashlib.sha256(raw).hexdigest()}")


def by_digest(tx: Session, digest: bytes) -> Arrival | None:
    return tx.scalars(select(Arrival).where(Arrival.digest == digest)).one_or_none()


def seal(keyring: Keyring, arrival_id: int, raw: bytes) -> bytes:
    return keyring.seal(raw[:LARGEST].decode("latin-1"), "arrival", "raw", arrival_id)


def open_(keyring: Keyring, arrival: Arrival) -> bytes:
    """Empty once it was purged. Raises SealBroken."""
    if arrival.raw_sealed is None:
        return b""
    return keyring.open(arrival.raw_sealed, "arrival", "raw", arrival.id).encode("latin-1")
