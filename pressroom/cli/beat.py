"""`pressroom beat`: subjects that releases carry and journalists follow."""

from __future__ import annotations

import click

from pressroom.cli.options import ManyValues, texts
from pressroom.cli.output import json_option, show


@click.group()
def beat() -> None:
    """Subjects that releases carry and journalists follow."""


@beat.command(cls=ManyValues)
@click.argument("slug")
@click.option("--newsroom", "newsroom_slug", required=True, metavar="SLUG")
@click.option("--name", "names", multiple=True, metavar="[TAG=]TEXT", help="Its name, in each language.")
@click.option("--topic", metavar="medtop:NNNNNNNN|none", help="The IPTC Media Topic that machines file it under.")
@json_option
def add(slug: str, newsroom_slug: str, names: tuple[str, ...], topic: str | None, as_json: bool) -> None:
    """Add a beat, or give one that is there its names and its Media Topic."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.releases import newsroom as newsrooms
    from pressroom.releases.founding import add_beat

    service = open_service()
    with service.database.reading() as tx:
        first = newsrooms.by_slug(tx, newsroom_slug).languages[0]
    named = texts(names, first, "--name")
    topic = "" if topic == "none" else topic
    changed = add_beat(service.database, newsroom_slug, slug, named, topic=topic, now=database_now(service))
    say = f"The beat “{slug}” is there." if changed else f"The beat “{slug}” was there already, just so."
    show(as_json, {"slug": slug, "changed": changed}, say)
