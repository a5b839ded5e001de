"""`pressroom newsroom`: organisations that speak."""

from __future__ import annotations

import click

from pressroom.cli.options import ManyValues, split, texts
from pressroom.cli.output import json_option, show


@click.group()
def newsroom() -> None:
    """Organisations that speak."""


@newsroom.command(cls=ManyValues)
@click.argument("slug")
@click.option("--name", "names", multiple=True, required=True, metavar="[TAG=]TEXT", help="Its name, in each language.")
@click.option(
    "--language", "languages", multiple=True, required=True, metavar="TAG",
    help="A language it writes in, in the order of fallback; the first is the source by default.",
)  # fmt: skip
@click.option("--from", "from_address", required=True, metavar="ADDRESS", help="The sender of its mail.")
@click.option("--reply-to", metavar="ADDRESS", help="Where answers go, if not to the sender.")
@click.option("--time-zone", default="UTC", show_default=True, help="The zone of times given without an offset.")
@click.option("--licence", metavar="TEXT", help="The licence of its texts, such as CC BY 4.0.")
@click.option("--about", multiple=True, metavar="[TAG=]TEXT", help="The paragraph shown under each release.")
@click.option("--two-person", is_flag=True, help="Nobody publishes alone: a second person has to agree.")
@json_option
def add(
    slug: str,
    names: tuple[str, ...],
    languages: tuple[str, ...],
    from_address: str,
    reply_to: str | None,
    time_zone: str,
    licence: str | None,
    about: tuple[str, ...],
    two_person: bool,
    as_json: bool,
) -> None:
    """Add a newsroom, with SLUG as its address on the site."""
    from pressroom import addresses
    from pressroom.cli.opening import database_now, open_service
    from pressroom.languages import parse_tag
    from pressroom.mailing import address
    from pressroom.releases.founding import Charter, found

    tags = [parse_tag(tag) for tag in split(languages)]
    if not tags:
        raise click.UsageError("--language needs a language tag such as ckb.")
    charter = Charter(
        slug=slug,
        names=texts(names, tags[0], "--name"),
        languages=tags,
        from_address=address.parse(from_address),
        reply_to=address.parse(reply_to) if reply_to else None,
        time_zone=time_zone,
        licence=licence,
        about=texts(about, tags[0], "--about"),
        two_person=two_person,
    )
    service = open_service()
    found(service.database, charter, now=database_now(service))
    url = service.config.base_url + addresses.newsroom(slug)
    show(as_json, {"slug": slug, "url": url}, f"The newsroom “{slug}” is at {url}")
