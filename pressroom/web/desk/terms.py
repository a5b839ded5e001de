"""What a form of the desk asks for: when, to which lists, without which languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from pressroom import smtp
from pressroom.db import from_micros
from pressroom.errors import ConfigError, Refused
from pressroom.mailing import media_list
from pressroom.mailing.media_list import MediaList
from pressroom.mailing.presend import Terms
from pressroom.mailing.quota import Quota
from pressroom.releases import local_time
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.submitting import moment
from pressroom.web.desk.room import Room
from pressroom.web.publishing import the_service

LONGEST_HOLD = 24 * 3600

Given = MultiDict[str, str]


@dataclass(frozen=True)
class Choice:
    """A media list, and how many people on it would be written to."""

    media_list: MediaList
    people: int


def choices(entered: Room) -> list[Choice]:
    lists = media_list.of_newsroom(entered.tx, entered.newsroom.id)
    return [Choice(one, media_list.reachable(entered.tx, [one.id])) for one in lists]


def read(entered: Room, given: Given) -> Terms:
    """Raises Refused for what cannot be read and NotFound for an unknown list."""
    lists, early = (
        [one.id for one in media_list.by_slugs(entered.tx, entered.newsroom.id, given.getlist(name))]
        for name in ("lists", "early")
    )
    return Terms(
        at=instant(given.get("at", ""), entered.newsroom, second=given.get("fold") == "1"),
        without=tuple(dict.fromkeys(given.getlist("without"))),
        list_ids=lists,
        early_ids=early,
        hold=hold(given.get("hold", "")),
    )


def wished(entered: Room, release: Release) -> Given:
    """The form as it was asked for before a second person had to agree, or as it was scheduled; else empty."""
    wish: dict[str, Any] = release.wish
    lists = [one.slug for one in media_list.of_newsroom(entered.tx, entered.newsroom.id)]
    found: Given = MultiDict()
    for name in ("lists", "early"):
        found.setlist(name, [slug for slug in wish.get(name, []) if slug in lists])
    found.setlist("without", list(wish.get("without", [])))
    at = from_micros(wish["at"]) if wish.get("at") else release.publish_at
    if at is not None and at > entered.now:
        reading = local_time.read(at, entered.newsroom.zone)
        found["at"] = reading.local.strftime("%Y-%m-%dT%H:%M")
        found["fold"] = "0" if reading.is_first else "1"
    if wish.get("hold"):
        found["hold"] = str(int(wish["hold"]))
    return found


def local(value: str) -> datetime | None:
    """What a browser's field for date and time holds, without an offset; None for an empty one. Raises Refused."""
    if not value.strip():
        return None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        raise Refused(_("This is not a date and time; write it as 2026-11-20T09:30.")) from None


def instant(value: str, newsroom: Newsroom, *, second: bool = False) -> datetime | None:
    """In UTC; of a time that comes twice where clocks are set back, the first unless the second is asked for."""
    given = local(value)
    if given is not None and given.tzinfo is None:
        given = given.replace(fold=1 if second else 0)
    return moment(given, newsroom.zone)


def hold(value: str) -> timedelta:
    """Seconds before the first message; the service's own where nothing is given. Raises Refused."""
    given = value.strip() or str(the_service().config.mail_hold)
    if not (given.isascii() and given.isdigit() and len(given) < 8 and int(given) <= LONGEST_HOLD):
        raise Refused(_("The hold is a whole number of seconds, at most one day."))
    return timedelta(seconds=int(given))


def quota() -> Quota:
    config = the_service().config
    return Quota(config.mail_per_hour, config.mail_per_day)


def require_mail(lists: Sequence[str]) -> None:
    """Raises Refused where no mail can leave, so that no mailing waits for ever."""
    if not lists:
        return
    try:
        smtp.server_of(the_service().config)
    except ConfigError as error:
        raise Refused(error.message) from None


def seen(value: str) -> list[int]:
    """The ids of the revisions that a page showed, as its hidden field names them; none that is not a number."""
    return [int(part) for part in value.split(".") if part.isascii() and part.isdigit() and len(part) < 20]
