"""Times and spans on the command line."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pressroom.releases.newsroom import Newsroom

SECONDS = click.IntRange(0, 30 * 86_400)


def time(text: str) -> datetime:
    """ISO 8601; without an offset it stays naive, and is then meant in the newsroom's zone."""
    given = text.strip()
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or not ("T" in given.upper() or " " in given):
        raise click.BadParameter(f"“{text}” is not a time; use one such as 2026-11-30T09:00 or 2026-11-30T09:00+03:00.")
    return moment


def hold(seconds: int | None, default: int) -> timedelta:
    return timedelta(seconds=default if seconds is None else seconds)


def instant(moment: datetime | None, newsroom: Newsroom) -> datetime | None:
    """In UTC; without an offset it is in the newsroom's zone. Raises Refused for a time that clocks skip."""
    from pressroom.releases.submitting import moment as in_zone

    return in_zone(moment, newsroom.zone)


def minute_of_day(text: str | None, option: str) -> int | None:
    """Minutes after midnight, of a time such as 07:00."""
    if text is None:
        return None
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text.strip())
    if found is None:
        raise click.BadParameter(f"“{text}” is not a time of day; use one such as 07:00.", param_hint=option)
    return int(found[1]) * 60 + int(found[2])
