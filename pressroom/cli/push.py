"""`pressroom push`: statement files become a release."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pressroom.cli.options import ManyValues, split
from pressroom.cli.output import json_option, show
from pressroom.cli.times import SECONDS, hold, time

if TYPE_CHECKING:
    from pressroom.mailing.issuing import Issued, Order
    from pressroom.service import Service


@click.command(cls=ManyValues)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--newsroom", "newsroom_slug", required=True, metavar="SLUG")
@click.option("--release", "release_id", metavar="ID", help="The release these files belong to.")
@click.option("--new", is_flag=True, help="They are a new release, whatever they resemble.")
@click.option("--language", metavar="TAG", help="The language of the one file given, whatever it says.")
@click.option("--publish", is_flag=True, help="Make it public, now or at --at, never before its embargo.")
@click.option("--at", type=time, metavar="TIME", help="With --publish: from then on.")
@click.option("--without", multiple=True, metavar="TAG", help="With --publish: a language that stays behind.")
@click.option("--embargo", type=time, metavar="TIME", help="Not to be seen before.")
@click.option("--mail", "lists", multiple=True, metavar="LIST", help="With --publish: mail it to these lists.")
@click.option("--hold", "seconds", type=SECONDS, metavar="SECONDS", help="With --mail: wait before the first message.")
@json_option
def push(
    paths: tuple[Path, ...],
    newsroom_slug: str,
    release_id: str | None,
    new: bool,
    language: str | None,
    publish: bool,
    at: datetime | None,
    without: tuple[str, ...],
    embargo: datetime | None,
    lists: tuple[str, ...],
    seconds: int | None,
    as_json: bool,
) -> None:
    """Make one release of statement files, one per language, or of a folder of them.

    Times are ISO 8601; without an offset they are in the newsroom's zone. Repeating it with unchanged files changes
    nothing and mails nobody.
    """
    _check_usage(release_id, new=new, publish=publish, at=at, without=without, lists=lists, seconds=seconds)
    from pressroom import smtp
    from pressroom.cli.opening import database_now, open_service, ring
    from pressroom.mailing.issuing import Order, issue
    from pressroom.releases.reading import read_statements

    statements = read_statements(paths, language=language)
    service = open_service()
    if lists:
        smtp.server_of(service.config)
    order = Order(
        release_id=release_id, new=new, embargo=embargo, publish=publish, at=at, without=split(without),
        lists=split(lists), hold=hold(seconds, service.config.mail_hold),
    )  # fmt: skip
    issued = issue(service.database, service.keyring, newsroom_slug, statements, order, now=database_now(service))
    ring(service)
    _show(service, newsroom_slug, issued, as_json=as_json)
    _refuse_if_waiting(service, issued, order)


def _check_usage(
    release_id: str | None,
    *,
    new: bool,
    publish: bool,
    at: datetime | None,
    without: tuple[str, ...],
    lists: tuple[str, ...],
    seconds: int | None,
) -> None:
    if release_id and new:
        raise click.UsageError("--release and --new exclude each other.")
    given = (("--at", at), ("--without", without or None), ("--mail", lists or None), ("--hold", seconds))
    for option, value in given:
        if value is not None and not publish:
            raise click.UsageError(f"{option} needs --publish.")
    if seconds is not None and not lists:
        raise click.UsageError("--hold needs --mail.")


def _show(service: Service, newsroom_slug: str, issued: Issued, *, as_json: bool) -> None:
    from pressroom import addresses

    urls = {
        tag: service.config.base_url + addresses.release(newsroom_slug, tag, slug) for tag, slug in issued.slugs.items()
    }
    result: dict[str, Any] = {
        "id": issued.release_id,
        "status": issued.status.value,
        "changed": issued.changed,
        "urls": urls,
        "mailing": None if issued.mailing_id is None else str(issued.mailing_id),
    }
    lines = [f"Release {issued.release_id}: {issued.status.value}{'' if issued.changed else ', unchanged'}"]
    lines += [f"  {tag}: {url}" for tag, url in urls.items()]
    if issued.mailing_id is not None:
        lines.append(
            f"Mailing {issued.mailing_id}: follow it with `pressroom mailing status {issued.mailing_id} --follow`"
        )
    show(as_json, result, *lines)


def _refuse_if_waiting(service: Service, issued: Issued, order: Order) -> None:
    """Raises NotAllowed with the names of those who can publish it."""
    from pressroom.cli.waiting import needs_second

    if issued.approvers is None:
        return
    kept = " Its lists are kept; nothing was mailed." if order.lists else ""
    what = f"Release {issued.release_id} waits for a second person to publish it"
    raise needs_second(service, what, issued.approvers, kept)
