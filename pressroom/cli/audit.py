"""`pressroom audit`: who did what, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from pressroom.cli.output import json_option
from pressroom.cli.times import instant, time


@click.command()
@click.argument("newsroom")
@click.option("--release", "release_id", metavar="ID", help="The timeline of one release.")
@click.option("--since", type=time, metavar="TIME", help="Nothing before this.")
@click.option("--csv", "as_csv", is_flag=True, help="Print it as CSV.")
@json_option
def audit(newsroom: str, release_id: str | None, since: datetime | None, as_csv: bool, as_json: bool) -> None:
    """Show who did what in a newsroom, the oldest first. Addresses of accounts are shown; of subscribers, none."""
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    import json

    from pressroom.cli.opening import open_service
    from pressroom.mailing import record
    from pressroom.mailing.record import Who
    from pressroom.people import audit as log
    from pressroom.releases import newsroom as newsrooms
    from pressroom.releases import release as releases

    service = open_service()
    with service.database.reading() as tx:
        found = newsrooms.by_slug(tx, newsroom)
        after = instant(since, found)
        accounts = log.accounts(tx, found.id)
        who = Who(log.roles(tx, found.id, accounts), log.addresses(tx, service.keyring, accounts))
        if release_id is not None:
            releases.get(tx, release_id)
            entries = iter(record.of_release(tx, found.id, release_id, since=after))
        else:
            entries = record.of_newsroom(tx, found.id, since=after)
        if as_csv:
            for line in record.as_csv(entries, who):
                click.echo(line, nl=False)
        elif as_json:
            rows = [{**who.row(one), "detail": dict(one.detail)} for one in entries]
            click.echo(json.dumps({"newsroom": newsroom, "entries": rows}, ensure_ascii=False))
        else:
            for one in entries:
                click.echo(_line(who.row(one)))


def _line(row: dict[str, Any]) -> str:
    by = row["who"] or row["role"] or row["account"] or "command line or service"
    return f"{row['at']}  {row['act']}  {row['subject']}  by {by}{'  ' + row['detail'] if row['detail'] else ''}"
