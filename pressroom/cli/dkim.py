"""`pressroom newsroom dkim`: the keys that sign a newsroom's mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pressroom.cli.output import json_option, show

if TYPE_CHECKING:
    from pressroom.mailing.dkim_pair import DkimPair


@click.group()
def dkim() -> None:
    """Keys that sign a newsroom's mail: make a pair, publish its records, then enable it."""


@dkim.command()
@click.argument("slug")
@json_option
def make(slug: str, as_json: bool) -> None:
    """Make a pair of keys, and print the DNS records to publish. A pair that waits already is shown instead."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.mailing.rotating import make_pair

    service = open_service()
    pair, new = make_pair(service.database, service.keyring, slug, now=database_now(service))
    say = "Made" if new else "There is, and waits already,"
    show(
        as_json, {"newsroom": slug, "made": new, **_facts(pair)},
        f"{say} the DKIM pair {pair.selector} for {pair.domain}. Publish both records, then run "
        f"`pressroom newsroom dkim enable {slug}`:",
        *_lines(pair),
    )  # fmt: skip


@dkim.command(name="show")
@click.argument("slug")
@json_option
def show_(slug: str, as_json: bool) -> None:
    """Show a newsroom's pairs, and their DNS records."""
    from pressroom.cli.opening import open_service
    from pressroom.mailing import dkim_pair
    from pressroom.releases import newsroom as newsrooms

    service = open_service()
    with service.database.reading() as tx:
        pairs = dkim_pair.of_newsroom(tx, newsrooms.by_slug(tx, slug).id)
    lines = [line for pair in pairs for line in (f"{pair.selector} for {pair.domain}: {pair.state}", *_lines(pair))]
    here = service.config.dkim == "process"
    result = {"newsroom": slug, "signs": here and any(pair.signs for pair in pairs), "pairs": [*map(_facts, pairs)]}
    if not here:
        lines.append("PRESSROOM_DKIM=relay: nothing is signed here, the relay has to do it.")
    show(as_json, result, *(lines or [f"No pair yet: make one with `pressroom newsroom dkim make {slug}`."]))


@dkim.command()
@click.argument("slug")
@click.option("--selector", metavar="SELECTOR", help="Another pair than the newest, such as the one before.")
@json_option
def enable(slug: str, selector: str | None, as_json: bool) -> None:
    """Sign with the newest pair from now on. Leave the records of the one before in DNS for another week."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.mailing.rotating import switch

    service = open_service()
    pair = switch(service.database, slug, selector, now=database_now(service))
    show(as_json, {"newsroom": slug, **_facts(pair)}, f"Mail of “{slug}” is signed with {pair.selector} from now on.")


@dkim.command()
@click.argument("slug")
@json_option
def disable(slug: str, as_json: bool) -> None:
    """Leave the signing to the mail relay from now on."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.mailing.rotating import leave_to_relay

    service = open_service()
    changed = leave_to_relay(service.database, slug, now=database_now(service))
    show(
        as_json, {"newsroom": slug, "changed": changed},
        f"Mail of “{slug}” leaves unsigned from now on: the mail relay has to sign it.",
    )  # fmt: skip


def _facts(pair: DkimPair) -> dict[str, Any]:
    from pressroom.mailing.dkim_pair import records

    return {
        "selector": pair.selector,
        "domain": pair.domain,
        "state": pair.state,
        "records": [{"name": one.name, "type": "TXT", "value": one.value} for one in records(pair)],
    }


def _lines(pair: DkimPair) -> list[str]:
    from pressroom.mailing.dkim_pair import records

    return [one.zone_line for one in records(pair)]
