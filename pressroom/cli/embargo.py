"""`pressroom embargo` and `pressroom unschedule`: a release goes out later, or not yet."""

from __future__ import annotations

from datetime import datetime

import click

from pressroom.cli.output import json_option, show
from pressroom.cli.times import instant, time


@click.command()
@click.argument("release")
@click.option("--until", type=time, metavar="TIME", help="Not to be seen before.")
@click.option("--lift", is_flag=True, help="No embargo any more; what waited for it alone is public at once.")
@json_option
def embargo(release: str, until: datetime | None, lift: bool, as_json: bool) -> None:
    """Move or lift the embargo of a release that is not public; accredited people who had it early are told."""
    if (until is None) is not lift:
        raise click.UsageError("Say either --until TIME or --lift.")
    from pressroom.cli.opening import database_now, newsroom_of, open_service, ring
    from pressroom.cli.waiting import needs_second
    from pressroom.mailing import accompanying
    from pressroom.releases.approving import NeedsSecondPerson

    service = open_service()
    moment = instant(until, newsroom_of(service, release))
    try:
        moved = accompanying.move_embargo(service.database, release, moment, now=database_now(service))
    except NeedsSecondPerson as needed:
        what = f"The embargo of release {release} is ended earlier by a second person only"
        raise needs_second(service, what, needed.approvers) from None
    ring(service)
    public = moved.public_from.isoformat(timespec="seconds") if moved.public_from else None
    result = {"id": release, "embargo": moment.isoformat(timespec="seconds") if moment else None}
    say = f"until {result['embargo']}" if moment else "lifted"
    after = f"; it is public from {public}" if public else ""
    show(
        as_json, {**result, "public_from": public, "changed": moved.changed},
        f"The embargo of release {release} is {say}{after}.",
    )  # fmt: skip


@click.command()
@click.argument("release")
@json_option
def unschedule(release: str, as_json: bool) -> None:
    """Take a schedule back: the release goes out when it is published anew."""
    from pressroom.cli.opening import database_now, open_service, ring
    from pressroom.mailing import accompanying

    service = open_service()
    changed = accompanying.unschedule(service.database, release, now=database_now(service))
    ring(service)
    say = f"Release {release} is held back." if changed else f"Release {release} was not scheduled."
    show(as_json, {"id": release, "changed": changed}, say)
