"""A newsroom: an organisation speaking, its languages in order of fallback, its name and sender."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.errors import Conflict, NotFound, Refused
from pressroom.languages import direction

RESERVED = frozenset(
    "all api desk outlet subscribe unsubscribe preferences hub hooks static assets verify login search privacy "
    "about media feeds healthz readyz metrics".split()
)


class ApprovalRule(StrEnum):
    """AUTO wants a second person as soon as two or more accounts may publish (approving.py)."""

    AUTO = "auto"
    ALWAYS = "always"
    OFF = "off"


class NoticeStyle(StrEnum):
    """How feeds tell of corrections and retractions: on the item itself, as an item of their own, or both."""

    IN_PLACE = "in_place"
    NOTICE = "notice"
    BOTH = "both"


class Newsroom(Base):
    """`names` and `about` (the boilerplate) are by language tag; `generation` rises with each public change, and
    `last_change` is the number of the last that is recorded (change.py).

    `approval_wish` is a milder rule that one person asked for and a second has not agreed to yet; `approval_wish_by`
    None is the command line. `late_after` is in seconds: a mailing that would begin later than that after its time
    asks a person. Digests leave `digest_minute` minutes after midnight in its zone, weekly ones on `digest_weekday`:
    Monday is 1. While `stopped_at` is set nothing new may leave (mailing/stopping.py).
    """

    __tablename__ = "newsroom"

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(unique=True)
    names: Mapped[dict[str, str]]
    about: Mapped[dict[str, str]]
    languages: Mapped[list[str]]
    from_address: Mapped[str]
    reply_to: Mapped[str | None]
    time_zone: Mapped[str]
    licence: Mapped[str | None]
    approval: Mapped[ApprovalRule] = mapped_column(default=ApprovalRule.AUTO)
    approval_wish: Mapped[ApprovalRule | None]
    approval_wish_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    together: Mapped[bool] = mapped_column(default=False)
    faces_checked: Mapped[bool] = mapped_column(default=False)
    late_after: Mapped[int] = mapped_column(default=1800)
    digest_minute: Mapped[int] = mapped_column(default=420)
    digest_weekday: Mapped[int] = mapped_column(default=1)
    notice_style: Mapped[NoticeStyle] = mapped_column(default=NoticeStyle.BOTH)
    stopped_at: Mapped[datetime | None]
    generation: Mapped[int] = mapped_column(default=1)
    last_change: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]
    created_at: Mapped[datetime]

    def name(self, language: str) -> str:
        return in_language(self.names, language, self.languages)

    @property
    def patience(self) -> timedelta:
        """How late a mailing may begin by itself."""
        return timedelta(seconds=self.late_after)

    def in_turn(self, now: datetime) -> datetime:
        """`now`, but never before the last act: one that had to wait for the lock began earlier than what it undoes."""
        return max(now, self.changed_at)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True)
class Said:
    """A text and the language it is in, which need not be the page's or letter's."""

    text: str
    language: str

    @property
    def dir(self) -> str:
        return direction(self.language).value


def said(texts: Mapping[str, str], tag: str, order: Sequence[str]) -> Said:
    """The text in a language, else in the first of `order` that has one, else in any; empty if there is none."""
    found = next((one for one in (tag, *order, *texts) if texts.get(one)), tag)
    return Said(texts.get(found, ""), found)


def in_language(texts: Mapping[str, str], language: str, fallback: Sequence[str]) -> str:
    """Only the text that `said` finds."""
    return said(texts, language, fallback).text


def check_slug(slug: str) -> str:
    """Raises Refused for a newsroom slug that cannot be an address."""
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?", slug):
        raise Refused(f"“{slug}” cannot be a newsroom's address: use small letters, digits and hyphens, at most 80.")
    if slug in RESERVED:
        raise Refused(f"“{slug}” is reserved; choose another slug.")
    return slug


def by_slug(tx: Session, slug: str) -> Newsroom:
    """Raises NotFound."""
    newsroom = tx.scalars(select(Newsroom).where(Newsroom.slug == slug)).one_or_none()
    if newsroom is None:
        raise NotFound(f"There is no newsroom “{slug}”; add it with `pressroom newsroom add {slug}`.")
    return newsroom


def locked(tx: Session, newsroom_id: int) -> Newsroom:
    """As it is now, until the end of the transaction."""
    tx.flush()
    return tx.get_one(Newsroom, newsroom_id, with_for_update={"key_share": True}, populate_existing=True)


def require_leaving(newsroom: Newsroom) -> None:
    """Raises Conflict while everything that leaves is stopped (mailing/stopping.py)."""
    if newsroom.stopped_at is not None:
        raise Conflict("Everything leaving this newsroom was stopped: allow it again first.")


def everyone(tx: Session) -> list[Newsroom]:
    return list(tx.scalars(select(Newsroom).order_by(Newsroom.slug)))


def touch(tx: Session, newsroom_id: int, *, now: datetime) -> None:
    """Tells every process that what is public has changed."""
    tx.execute(
        update(Newsroom)
        .where(Newsroom.id == newsroom_id)
        .values(generation=Newsroom.generation + 1, changed_at=now)
        .execution_options(synchronize_session=False)
    )
