"""`pressroom retract`: takes a release back, with a public reason."""

from __future__ import annotations

import click

from pressroom.cli.options import ManyValues, texts
from pressroom.cli.output import json_option, show


@click.command(cls=ManyValues)
@click.argument("release")
@click.option(
    "--reason",
    "reasons",
    multiple=True,
    required=True,
    metavar="[TAG=]TEXT",
    help="What readers are told, by language.",
)
@json_option
def retract(release: str, reasons: tuple[str, ...], as_json: bool) -> None:
    """Retract a release: its pages say why, and what has not been mailed yet stays."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.mailing import steering
    from pressroom.releases import publishing
    from pressroom.releases import release as releases
    from pressroom.releases.newsroom import Newsroom

    service = open_service()
    now = database_now(service)
    with service.database.reading() as tx:
        found = releases.get(tx, release)
        first = tx.get_one(Newsroom, found.newsroom_id).languages[0]
    changed = publishing.retract(
        service.database, release, texts(reasons, first, "--reason"), now=now,
        within=lambda tx, one: steering.cancel_of_release(tx, one.id, now=now),
    )  # fmt: skip
    say = f"Release {release} is retracted." if changed else f"Release {release} was retracted before."
    show(as_json, {"id": release, "status": "retracted", "changed": changed}, say)
