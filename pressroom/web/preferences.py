"""What a preferences page offers and asks for: how often, and a pause of a week, a month, or until a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _

from pressroom import catalogues
from pressroom.errors import Refused
from pressroom.mailing.choosing import LONGEST_PAUSE, Choices
from pressroom.mailing.subscriber import Subscriber
from pressroom.releases.newsroom import Newsroom
from pressroom.web.locale import page_language

_SPANS = {"week": 7, "month": 30}


def pause(form: Mapping[str, str], row: Subscriber, newsroom: Newsroom, now: datetime) -> datetime | None:
    """When it ends, as the form says: on a day of the newsroom's zone, at its beginning. None for no pause.

    Raises Refused for a day that is none, is over, or more than a year away.
    """
    choice = form.get("pause", "")
    if choice == "keep":
        return row.paused_until if row.paused_until is not None and row.paused_until > now else None
    if choice in _SPANS:
        return _beginning(now.astimezone(newsroom.zone).date() + timedelta(days=_SPANS[choice]), newsroom)
    if choice != "until":
        return None
    try:
        until = _beginning(date.fromisoformat(form.get("pause_until", "").strip()), newsroom)
    except (ValueError, OverflowError):
        raise Refused("The end of a pause is a day such as 2026-12-24.") from None
    if not now < until <= now + LONGEST_PAUSE:
        raise Refused("A pause ends on a day to come, within a year; choose another.")
    return until


def frequencies(newsroom: Newsroom) -> dict[str, str]:
    at = f"{newsroom.digest_minute // 60:02d}:{newsroom.digest_minute % 60:02d}"
    weekday = catalogues.weekdays(page_language().tag)[newsroom.digest_weekday]
    return {
        "immediate": _("Each release at once"),
        "daily": _("One message a day, at %(time)s (%(zone)s)", time=at, zone=newsroom.time_zone),
        "weekly": _(
            "One message a week: %(weekday)s, %(time)s (%(zone)s)", weekday=weekday, time=at, zone=newsroom.time_zone
        ),
    }


def paused(newsroom: Newsroom, chosen: Choices, now: datetime) -> dict[str, Any]:
    """What the page says of a pause; days are those of the newsroom's zone."""
    today = now.astimezone(newsroom.zone).date()
    until = chosen.paused_until.astimezone(newsroom.zone) if chosen.paused_until else None
    return {
        "paused_until": catalogues.day(until, page_language().tag) if until else None,
        "first_day": (today + timedelta(days=1)).isoformat(),
        "last_day": (today + LONGEST_PAUSE - timedelta(days=1)).isoformat(),
    }


def _beginning(day: date, newsroom: Newsroom) -> datetime:
    return datetime.combine(day, time(), newsroom.zone).astimezone(UTC)
