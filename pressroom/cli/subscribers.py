"""`pressroom subscribers`: journalists in, out, and forgotten."""

from __future__ import annotations

from pathlib import Path

import click

from pressroom.cli.output import json_option, progress_bar, show


@click.group()
def subscribers() -> None:
    """Journalists in, out, and forgotten."""


@subscribers.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--newsroom", "newsroom_slug", required=True, metavar="SLUG")
@click.option("--list", "list_slug", required=True, metavar="SLUG")
@click.option("--consent", required=True, metavar="TEXT", help="How these people agreed to get mail; kept as proof.")
@click.option("--dry-run", is_flag=True, help="Count, and store nothing.")
@json_option
def import_(file: Path, newsroom_slug: str, list_slug: str, consent: str, dry_run: bool, as_json: bool) -> None:
    """Add people from a CSV file to a media list, or change them.

    Columns: email, name, outlet, languages (tags in order), beats (slugs), frequency. Whoever left or is suppressed is
    refused.
    """
    from pressroom.cli.opening import database_now, open_service
    from pressroom.mailing.importing import import_subscribers

    if not consent.strip():
        raise click.UsageError("--consent must say how these people agreed to get mail.")
    service = open_service()
    with progress_bar(f"Importing {file.name}") as progress:
        counts = import_subscribers(
            service.database, service.keyring, newsroom_slug, list_slug, file,
            consent=consent, now=database_now(service), dry_run=dry_run, progress=progress,
        )  # fmt: skip
    result = counts.as_dict()
    lines = [f"line {one['line']}: {one['reason']}" for one in result["refused"]]
    total = f"{counts.added} added, {counts.changed} changed, {counts.unchanged} unchanged, {len(lines)} refused"
    show(as_json, result, *lines, f"{total} (nothing was stored)" if dry_run else total)


@subscribers.command()
@click.option("--newsroom", "newsroom_slug", required=True, metavar="SLUG")
@click.option("--list", "list_slug", required=True, metavar="SLUG")
def export(newsroom_slug: str, list_slug: str) -> None:
    """Write the people of a media list who may be written to, as the CSV that import reads, to standard output."""
    import csv
    import sys

    from pressroom.cli.opening import open_service
    from pressroom.mailing.importing import listed_people
    from pressroom.mailing.subscriber_csv import COLUMNS

    service = open_service()
    people = listed_people(service.database, service.keyring, newsroom_slug, list_slug)
    # Found out before the header is written.
    first = next(people, None)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(COLUMNS)
    if first is not None:
        out.writerow(first)
        out.writerows(people)


@subscribers.command()
@click.argument("address")
@json_option
def erase(address: str, as_json: bool) -> None:
    """Erase a person everywhere; that they must not be written to, if so, stays known."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.mailing.erasing import erase as erase_address

    service = open_service()
    erased = erase_address(service.database, service.keyring, address, now=database_now(service))
    say = (
        f"Erased from {erased} newsroom{'' if erased == 1 else 's'}."
        if erased
        else "Nobody with this address was known."
    )
    show(as_json, {"erased": erased}, say)


@subscribers.command()
@click.argument("address")
@click.option("--newsroom", "newsroom_slug", required=True, metavar="SLUG")
@click.option("--revoke", is_flag=True, help="No longer; what is under way asks again.")
@json_option
def accredit(address: str, newsroom_slug: str, revoke: bool, as_json: bool) -> None:
    """Let a subscriber have releases under embargo."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.mailing.accrediting import accredit as accredit_address

    service = open_service()
    changed = accredit_address(
        service.database, service.keyring, newsroom_slug, address, not revoke, now=database_now(service)
    )
    say = f"{'is no longer' if revoke else 'is'} accredited"
    show(as_json, {"accredited": not revoke, "changed": changed}, f"{address} {say}{'' if changed else ', as before'}.")
