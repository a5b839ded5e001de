"""`pressroom publish`: makes a release public, or schedules it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from pressroom.cli.options import ManyValues, split
from pressroom.cli.output import json_option, show
from pressroom.cli.times import SECONDS, hold, instant, time

if TYPE_CHECKING:
    from pressroom.mailing.accompanying import Accompanied


@click.command(cls=ManyValues)
@click.argument("release")
@click.option("--at", type=time, metavar="TIME", help="From then on; never before its embargo.")
@click.option("--without", multiple=True, metavar="TAG", help="A language that stays behind.")
@click.option("--mail", "lists", multiple=True, metavar="LIST", help="Mail it to this list once it is public.")
@click.option("--early", multiple=True, metavar="LIST", help="Mail it now, under embargo, to those accredited on it.")
@click.option("--hold", "seconds", type=SECONDS, metavar="SECONDS", help="Wait before the first message.")
@click.option("--alone", metavar="REASON", help="Without the second person; all owners are told. Needs --owner.")
@click.option("--owner", metavar="EMAIL", help="With --alone: the owner who answers for it.")
@json_option
def publish(
    release: str,
    at: datetime | None,
    without: tuple[str, ...],
    lists: tuple[str, ...],
    early: tuple[str, ...],
    seconds: int | None,
    alone: str | None,
    owner: str | None,
    as_json: bool,
) -> None:
    """Make the newest texts of a release public, now or at a time, never before its embargo."""
    if (alone is None) != (owner is None):
        raise click.UsageError("--alone and --owner go together.")
    from pressroom import smtp
    from pressroom.cli.opening import account_of, database_now, newsroom_of, open_service, ring
    from pressroom.cli.waiting import needs_second
    from pressroom.mailing import accompanying
    from pressroom.mailing.accompanying import Plan
    from pressroom.releases.approving import NeedsSecondPerson

    service = open_service()
    if lists or early:
        smtp.server_of(service.config)
    plan = Plan(
        at=instant(at, newsroom_of(service, release)), without=split(without), lists=split(lists), early=split(early),
        hold=hold(seconds, service.config.mail_hold), alone=alone,
    )  # fmt: skip
    by = account_of(service, owner) if owner else None
    try:
        done = accompanying.publish(service.database, service.keyring, release, plan, now=database_now(service), by=by)
    except NeedsSecondPerson as needed:
        what = f"Release {release} waits for a second person to publish it"
        raise needs_second(service, what, needed.approvers, " The lists and the time are kept.") from None
    ring(service)
    _show(done, as_json=as_json)


def _show(done: Accompanied, *, as_json: bool) -> None:
    published = done.published
    result = {
        "id": published.release_id,
        "status": published.status.value,
        "changed": published.changed,
        "languages": sorted(published.languages),
        "public_from": published.public_from.isoformat(timespec="seconds"),
        "mailings": [str(one) for one in done.mailing_ids],
    }
    lines = [f"Release {published.release_id}: {published.status.value}{'' if published.changed else ', unchanged'}"]
    lines += [f"Mailing {one}: follow it with `pressroom mailing status {one} --follow`" for one in done.mailing_ids]
    show(as_json, result, *lines)
