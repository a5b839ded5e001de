"""`pressroom suppression`: whose address is never written to, why, and how that ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pressroom.cli.output import json_option, show

if TYPE_CHECKING:
    from pressroom.mailing.grounds import Grounds


@click.group()
def suppression() -> None:
    """Whose address is never written to, and why."""


@suppression.command(name="list")
@click.option("--newsroom", "newsroom_slug", required=True, metavar="SLUG")
@json_option
def list_(newsroom_slug: str, as_json: bool) -> None:
    """List the suppressed subscribers of a newsroom, the newest first."""
    from pressroom.cli.opening import open_service
    from pressroom.mailing import grounds, subscriber
    from pressroom.releases import newsroom as newsrooms

    service = open_service()
    rows = []
    with service.database.reading() as tx:
        newsroom = newsrooms.by_slug(tx, newsroom_slug)
        for found, person in tx.execute(grounds.suppressed(newsroom.id)):
            address = subscriber.open_(service.keyring, person).email
            rows.append((address, grounds.of(tx, service.keyring, found)))
    result = {"suppressions": [{"address": address, **why.as_dict()} for address, why in rows]}
    lines = [f"{address}  {_line(why)}" for address, why in rows] or ["Nobody is suppressed here."]
    show(as_json, result, *lines)


@suppression.command(name="show")
@click.argument("address")
@json_option
def show_(address: str, as_json: bool) -> None:
    """Show why an address is never written to."""
    from pressroom.cli.opening import open_service
    from pressroom.errors import NotFound
    from pressroom.mailing import address as addresses
    from pressroom.mailing import grounds, subscriber
    from pressroom.mailing import suppression as suppressions

    service = open_service()
    lookup = subscriber.lookup(service.keyring, addresses.parse(address))
    with service.database.reading() as tx:
        found = suppressions.find(tx, lookup)
        if found is None:
            raise NotFound("This address is not suppressed.")
        why = grounds.of(tx, service.keyring, found)
    said = [why.diagnostic] if why.diagnostic else []
    show(as_json, {"address": address, **why.as_dict()}, _line(why), *said)


@suppression.command()
@click.argument("address")
@click.option("--reason", required=True, metavar="TEXT", help="Why it may be written to again; kept in the record.")
@click.option("--owner", metavar="EMAIL", help="Who answers for it; needed after a complaint or “never again”.")
@json_option
def lift(address: str, reason: str, owner: str | None, as_json: bool) -> None:
    """Let an address be written to again, in every newsroom that it has not left."""
    from pressroom.cli.opening import account_of, database_now, open_service
    from pressroom.mailing.lifting import lift_address

    service = open_service()
    by = account_of(service, owner) if owner else None
    was = lift_address(service.database, service.keyring, address, reason, now=database_now(service), by=by)
    show(as_json, {"lifted": was.value}, f"Lifted; it was suppressed because of a {was.value}.")


def _line(why: Grounds) -> str:
    status = f" {why.status}" if why.status else ""
    mailing = f", mailing {why.mailing_id}" if why.mailing_id else ""
    return f"{why.reason.value}{status} on {why.at:%Y-%m-%d %H:%M} UTC{mailing}"
