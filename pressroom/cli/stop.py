"""`pressroom stop` and `pressroom allow`: the switch for everything that leaves a newsroom."""

from __future__ import annotations

import click

from pressroom.cli.output import json_option, show


@click.command()
@click.argument("newsroom")
@json_option
def stop(newsroom: str, as_json: bool) -> None:
    """Stop everything leaving a newsroom, at once: mailings are paused, schedules taken back."""
    from pressroom.cli.opening import database_now, open_service, ring
    from pressroom.mailing.stopping import stop_everything

    service = open_service()
    stopped = stop_everything(service.database, newsroom, now=database_now(service))
    ring(service)
    show(
        as_json, {"newsroom": newsroom, "mailings": stopped.mailings, "releases": stopped.releases},
        f"Nothing leaves “{newsroom}” any more: {stopped.mailings} mailings paused, {stopped.releases} releases held "
        f"back. What is on the wire ends as it may. Allow it again with `pressroom allow {newsroom}`.",
    )  # fmt: skip


@click.command()
@click.argument("newsroom")
@json_option
def allow(newsroom: str, as_json: bool) -> None:
    """Allow things to leave a newsroom again; mailings are resumed and releases published one by one, by people."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.mailing.stopping import allow as allow_leaving

    service = open_service()
    allow_leaving(service.database, newsroom, now=database_now(service))
    say = f"Things may leave “{newsroom}” again; nothing was started by this."
    show(as_json, {"newsroom": newsroom, "stopped": False}, say)
