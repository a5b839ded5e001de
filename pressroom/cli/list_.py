"""`pressroom list`: media lists."""

from __future__ import annotations

import click

from pressroom.cli.output import json_option, show


@click.group(name="list")
def list_() -> None:
    """Media lists: named lists of subscribers."""


@list_.command()
@click.argument("slug")
@click.option("--newsroom", "newsroom_slug", required=True, metavar="SLUG")
@click.option("--name", required=True, metavar="TEXT", help="What people call it.")
@json_option
def add(slug: str, newsroom_slug: str, name: str, as_json: bool) -> None:
    """Add a media list."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.mailing.listing import add_list

    service = open_service()
    list_id = add_list(service.database, newsroom_slug, slug, name, now=database_now(service))
    show(as_json, {"slug": slug, "id": str(list_id)}, f"The media list “{slug}” is there.")
