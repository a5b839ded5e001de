"""A mailing: one release to some lists, or the digests of one day. Its state, and what became of its deliveries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, and_, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.errors import NotFound
from pressroom.mailing import notice
from pressroom.mailing.notice import ANNOUNCEMENT
from pressroom.mailing.subscriber import Frequency
from pressroom.releases.newsroom import Newsroom


class State(StrEnum):
    COUNTING = "counting"
    HELD = "held"
    SENDING = "sending"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


FINAL = (State.FINISHED, State.CANCELLED)


_DIGEST = "digest:"


def of_digest(frequency: Frequency) -> str:
    """The purpose of digests; `immediate` is for what waited when somebody chose to hear at once again."""
    return f"{_DIGEST}{frequency.value}"


class Mailing(Base):
    """`cursor` is the last subscriber expanded; `total` is exact once `counted_at` is set.

    `purpose` is that of its notices, or `test`: that goes to one sealed address and makes no notices. An announcement
    without lists goes to one person again. `under_embargo` is for one that goes to accredited subscribers before the
    release is public. `paused_reason` is for a person.

    Only of digests, with a purpose as `of_digest` names it, `release_id` is None, and `covers_until` says what they
    tell of: what waited by then. There is one such mailing for each instant.
    """

    __tablename__ = "mailing"
    __table_args__ = (
        Index("ix_mailing_state", "state"),
        Index("ix_mailing_digest", "newsroom_id", "purpose", "covers_until", unique=True),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    newsroom_id: Mapped[int] = mapped_column(ForeignKey("newsroom.id"))
    release_id: Mapped[str | None] = mapped_column(ForeignKey("release.id"), index=True)
    purpose: Mapped[str]
    under_embargo: Mapped[bool] = mapped_column(default=False)
    list_ids: Mapped[list[int]] = mapped_column()
    test_sealed: Mapped[bytes | None]
    state: Mapped[State] = mapped_column(default=State.COUNTING)
    paused_reason: Mapped[str | None]
    hold_until: Mapped[datetime]
    cursor: Mapped[int] = mapped_column(default=0)
    counted_at: Mapped[datetime | None]
    total: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    finished_at: Mapped[datetime | None]
    covers_until: Mapped[datetime | None]

    @property
    def is_digest(self) -> bool:
        return self.purpose.startswith(_DIGEST)

    @property
    def is_again(self) -> bool:
        return self.purpose == ANNOUNCEMENT and not self.list_ids


@dataclass(frozen=True)
class Progress:
    """The counts of deliveries add up to `total` in every state. `in_digests` are people who are not among them."""

    id: int
    state: State
    total: int
    pending: int
    sending: int
    sent: int
    deferred: int
    bounced: int
    failed: int
    suppressed: int
    cancelled: int
    unknown: int
    possible_duplicates: int
    in_digests: int = 0
    paused_reason: str | None = None

    @property
    def settled(self) -> int:
        return self.total - self.pending - self.sending - self.deferred

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "id": str(self.id), "state": self.state.value}


def get(tx: Session, mailing_id: int, *, lock: bool = False) -> Mailing:
    """Raises NotFound. With `lock`, as it is now and until the end of the transaction."""
    if lock:
        tx.flush()
    update = {"key_share": True} if lock else None
    mailing = tx.get(Mailing, mailing_id, with_for_update=update, populate_existing=lock)
    if mailing is None:
        raise NotFound(f"There is no mailing {mailing_id}.")
    return mailing


def get_shared(tx: Session, mailing_id: int) -> Mailing:
    """The row as it is now, share-locked (PostgreSQL): steering waits for this transaction, or it for steering."""
    query = select(Mailing).where(Mailing.id == mailing_id).with_for_update(read=True)
    return tx.scalars(query.execution_options(populate_existing=True)).one()


def begin(tx: Session, mailing: Mailing, now: datetime) -> None:
    """Held until its time, then sending; one that would begin much too late waits for a person instead.

    A retraction or correction is never too late.
    """
    late = now - mailing.hold_until
    if late.total_seconds() < 0:
        mailing.state = State.HELD
    elif mailing.purpose == ANNOUNCEMENT and late > tx.get_one(Newsroom, mailing.newsroom_id).patience:
        mailing.state = State.PAUSED
        mailing.paused_reason = (
            f"It should have begun at {mailing.hold_until:%Y-%m-%d %H:%M} UTC, which is long ago: resume it if it "
            "is still wanted."
        )
    else:
        mailing.state = State.SENDING


def progress(tx: Session, mailing_id: int) -> Progress:
    """Raises NotFound."""
    from pressroom.mailing.delivery import Delivery, DeliveryState

    mailing = get(tx, mailing_id)
    query = (
        select(Delivery.state, func.count(), func.sum(Delivery.doubled))
        .where(Delivery.mailing_id == mailing_id)
        .group_by(Delivery.state)
    )
    counts = {state.value: 0 for state in DeliveryState}
    doubled = 0
    for state, count, doubles in tx.execute(query):
        counts[state.value] = count
        doubled += int(doubles or 0)
    return Progress(
        id=mailing.id,
        state=mailing.state,
        total=sum(counts.values()),
        possible_duplicates=doubled,
        in_digests=notice.in_digests(tx, mailing_id),
        paused_reason=mailing.paused_reason,
        **counts,
    )


def of_release(tx: Session, release_id: str) -> list[Mailing]:
    return list(tx.scalars(select(Mailing).where(Mailing.release_id == release_id).order_by(Mailing.id.desc())))


def tells_of(newsroom_id: int, release_id: str) -> ColumnElement[bool]:
    """Mailings that may tell of a release: its own, and digests of its newsroom that are not over."""
    digests = and_(Mailing.newsroom_id == newsroom_id, Mailing.covers_until.is_not(None), Mailing.state.not_in(FINAL))
    return or_(Mailing.release_id == release_id, digests)


def lock_telling(tx: Session, newsroom_id: int, release_id: str) -> None:
    """Nothing more of the release is handed over, or gathered for a digest, until the end of the transaction."""
    query = select(Mailing.id).where(tells_of(newsroom_id, release_id)).order_by(Mailing.id)
    tx.execute(query.with_for_update(key_share=True)).all()
