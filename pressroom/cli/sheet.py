"""`pressroom sheet`: what publishing a release would do, before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from pressroom.cli.options import ManyValues, split
from pressroom.cli.output import json_option, show
from pressroom.cli.times import SECONDS, hold, instant, time

if TYPE_CHECKING:
    from pressroom.mailing.forecast import Forecast
    from pressroom.mailing.presend import PreSend
    from pressroom.releases.local_time import Reading

_LEFT_OUT = {
    "unconfirmed": "have not confirmed",
    "left": "have left",
    "suppressed": "must not be written to",
    "not_accredited": "are not accredited",
    "other_beats": "follow other beats",
    "heard": "have heard of it already",
    "no_language": "read none of its languages",
}
_FATES = {
    "goes_out": "goes out",
    "out": "out already",
    "newer": "out already; a newer text waits for a correction",
    "left_out": "left out this time",
    "never": "never published",
}


@click.command(cls=ManyValues)
@click.argument("release")
@click.option("--list", "lists", multiple=True, metavar="SLUG", help="A media list it would be mailed to.")
@click.option("--early", multiple=True, metavar="SLUG", help="A list whose accredited people would get it early.")
@click.option("--without", multiple=True, metavar="TAG", help="A language that stays behind.")
@click.option("--at", type=time, metavar="TIME", help="From when it would be public.")
@click.option("--hold", "seconds", type=SECONDS, metavar="SECONDS", help="The wait before the first message.")
@json_option
def sheet(
    release: str,
    lists: tuple[str, ...],
    early: tuple[str, ...],
    without: tuple[str, ...],
    at: datetime | None,
    seconds: int | None,
    as_json: bool,
) -> None:
    """Show what would go out, to whom and when, and what stands in its way. Changes nothing."""
    from pressroom.cli.opening import open_service
    from pressroom.mailing import media_list, presend
    from pressroom.mailing.presend import Terms
    from pressroom.mailing.quota import Quota
    from pressroom.people import inviting
    from pressroom.releases import release as releases
    from pressroom.releases.newsroom import Newsroom

    service = open_service()
    with service.database.reading() as tx:
        found = releases.get(tx, release)
        newsroom = tx.get_one(Newsroom, found.newsroom_id)
        list_ids, early_ids = (
            [one.id for one in media_list.by_slugs(tx, newsroom.id, split(slugs))] for slugs in (lists, early)
        )
        terms = Terms(
            instant(at, newsroom), split(without), list_ids, early_ids, hold(seconds, service.config.mail_hold)
        )
        quota = Quota(service.config.mail_per_hour, service.config.mail_per_day)
        seen = presend.look(tx, newsroom, found, terms, quota=quota, now=service.database.now(tx), by=None)
        names = inviting.addresses_of(tx, service.keyring, seen.approvers or [])
    show(as_json, {"id": release, **seen.as_dict(), "approvers": names}, *_lines(seen, names))


def _lines(seen: PreSend, approvers: list[str]) -> Iterator[str]:
    for page in seen.pages:
        stale = " (made from an older text of the source)" if page.is_stale else ""
        yield f"{page.language}: {_FATES[page.fate]}{stale}: {page.title}"
    if seen.missing:
        yield f"Missing: {', '.join(seen.missing)}"
    if seen.held_up_by:
        yield f"The languages go out together; held up by: {', '.join(seen.held_up_by)}"
    if seen.unchecked:
        yield f"Not checked for faces: {', '.join(one.id for one in seen.unchecked)}"
    yield f"Public from {_reading(seen.public_from)}"
    if seen.embargo:
        yield f"Embargo until {_reading(seen.embargo)}"
    yield from _told("Mail", seen.forecast)
    yield from _told("Mail under embargo", seen.early)
    if seen.approvers is not None:
        yield f"A second person has to agree: {', '.join(approvers) or 'there is nobody else yet'}"
    if seen.stopped_at:
        yield "Everything leaving this newsroom was stopped."


def _told(what: str, told: Forecast) -> Iterator[str]:
    if not told.total and not told.omitted:
        return
    by_language = ", ".join(f"{count} {tag}" for tag, count in told.recipients.items())
    yield f"{what}: {told.total} people{f' ({by_language})' if by_language else ''}"
    for reason, count in told.omitted.items():
        yield f"  left out: {count} {_LEFT_OUT[reason]}"
    if told.in_digests:
        yield f"  {told.in_digests} of them get it in their next digest"
    if told.waiting and told.wait_ends:
        yield f"  {told.waiting} of them wait for their own language until {told.wait_ends:%Y-%m-%d %H:%M} UTC"
    if told.first:
        yield f"  first mail {told.first:%Y-%m-%d %H:%M} UTC"
    if told.last:
        yield f"  last mail {told.last:%Y-%m-%d %H:%M} UTC, by the relay's quota"


def _reading(found: Reading) -> str:
    twice = ""
    if found.twin:
        which = "first" if found.is_first else "second"
        twice = f"; this time comes twice, the {which} is meant, and not {found.twin:%H:%M} UTC"
    return f"{found.local:%Y-%m-%d %H:%M} {found.zone} ({found.utc:%Y-%m-%d %H:%M} UTC{twice})"
