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
    """Retract a release: its pages say why, what has not been mailed yet stays, and whoever had it is told."""
    from pressroom.cli.opening import database_now, newsroom_of, open_service, ring
    from pressroom.mailing import accompanying

    service = open_service()
    said = texts(reasons, newsroom_of(service, release).languages[0], "--reason")
    changed = accompanying.retract(service.database, release, said, now=database_now(service))
    ring(service)
    say = f"Release {release} is retracted." if changed else f"Release {release} was retracted before."
    show(as_json, {"id": release, "status": "retracted", "changed": changed}, say)
