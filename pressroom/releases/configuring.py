"""Configuring a newsroom: its habits, but not its rule of approval, which takes two people (approving.py)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from pressroom.db import Database
from pressroom.errors import Refused
from pressroom.people import audit, granting
from pressroom.people.account import Act
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.newsroom import NoticeStyle

_LATEST = timedelta(days=7)


@dataclass(frozen=True)
class Habits:
    """What is None stays as it is. `late_after` is in seconds, `digest_minute` after midnight; Monday is weekday 1."""

    together: bool | None = None
    faces_checked: bool | None = None
    late_after: int | None = None
    notice_style: NoticeStyle | None = None
    digest_minute: int | None = None
    digest_weekday: int | None = None


def configure(database: Database, newsroom_slug: str, habits: Habits, *, now: datetime, by: int | None = None) -> bool:
    """False if that changes nothing. Raises NotFound, NotAllowed, and Refused for a limit nobody can mean."""
    if habits.late_after is not None and not 60 <= habits.late_after <= _LATEST.total_seconds():
        raise Refused("The late limit is at most a week; give whole minutes from 1 to 10080.")
    if habits.digest_minute is not None and not 0 <= habits.digest_minute < 24 * 60:
        raise Refused("Digests leave at a time of day; give one such as 07:00.")
    if habits.digest_weekday is not None and not 1 <= habits.digest_weekday <= 7:
        raise Refused("Weekly digests leave on a day of the week; give 1 for Monday to 7 for Sunday.")
    with database.transaction() as tx:
        newsroom_id = newsrooms.by_slug(tx, newsroom_slug).id
        newsroom = newsrooms.locked(tx, newsroom_id)
        granting.permit(tx, by, newsroom.id, Act.MANAGE)
        wanted = {one.name: getattr(habits, one.name) for one in fields(habits)}
        changed = {
            name: value for name, value in wanted.items() if value is not None and getattr(newsroom, name) != value
        }
        for name, value in changed.items():
            setattr(newsroom, name, value)
        if "notice_style" in changed:
            newsrooms.touch(tx, newsroom.id, now=now)
        if changed:
            audit.note(
                tx, "change newsroom", f"newsroom:{newsroom.slug}", now=now, newsroom_id=newsroom.id, account_id=by,
                **changed,
            )  # fmt: skip
        return bool(changed)
