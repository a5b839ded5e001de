"""`pressroom mailing`: starts, shows and steers mailings."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from pressroom.cli.options import ManyValues, split
from pressroom.cli.output import json_option, progress_bar, show
from pressroom.cli.times import SECONDS, hold

if TYPE_CHECKING:
    from pressroom.mailing.mailing import Progress
    from pressroom.service import Service

_LOOK_SECONDS = 0.5
_SHOWN = 30
_COUNTS = "sent pending sending deferred bounced failed suppressed cancelled unknown".split()


@click.group()
def mailing() -> None:
    """Start, watch and stop mailings."""


@mailing.command(cls=ManyValues)
@click.argument("release")
@click.option("--list", "lists", multiple=True, metavar="SLUG", help="A media list to mail to.")
@click.option("--test", metavar="ADDRESS", help="Send one message there instead, marked as a test.")
@click.option("--hold", "seconds", type=SECONDS, metavar="SECONDS", help="Wait before the first message.")
@click.option("--under-embargo", is_flag=True, help="Now, before it is public, to accredited people only.")
@json_option
def start(
    release: str,
    lists: tuple[str, ...],
    test: str | None,
    seconds: int | None,
    under_embargo: bool,
    as_json: bool,
) -> None:
    """Mail a release to media lists; nobody gets a second copy."""
    from pressroom import smtp
    from pressroom.cli.opening import database_now, open_service, ring
    from pressroom.mailing import steering

    if not lists and not test:
        raise click.UsageError("Name a media list with --list, or an address with --test.")
    service = open_service()
    smtp.server_of(service.config)
    mailing_id = steering.start_mailing(
        service.database, service.keyring, release, split(lists),
        hold=hold(seconds, service.config.mail_hold), now=database_now(service), test=test, under_embargo=under_embargo,
    )  # fmt: skip
    ring(service)
    _show(look(service, mailing_id), as_json=as_json)


@mailing.command(name="send-again")
@click.argument("release")
@click.argument("address")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it stands in the record, so without the address.")
@json_option
def send_again(release: str, address: str, reason: str, as_json: bool) -> None:
    """Send a release once more, to one journalist who was mailed it and says that it never came."""
    from pressroom import smtp
    from pressroom.cli.opening import database_now, open_service, ring
    from pressroom.mailing import sending_again

    service = open_service()
    smtp.server_of(service.config)
    mailing_id = sending_again.send_again(
        service.database, service.keyring, release, address, reason, now=database_now(service)
    )
    ring(service)
    _show(look(service, mailing_id), as_json=as_json)


@mailing.command()
@click.option("--newsroom", "newsroom_slug", required=True, metavar="SLUG")
@json_option
def digests(newsroom_slug: str, as_json: bool) -> None:
    """List the newest mailings of digests, and what became of their messages."""
    from pressroom.cli.opening import open_service
    from pressroom.mailing import digest
    from pressroom.mailing import mailing as mailings
    from pressroom.releases import newsroom as newsrooms

    service = open_service()
    with service.database.reading() as tx:
        found = digest.of_newsroom(tx, newsrooms.by_slug(tx, newsroom_slug).id, _SHOWN)
        told = [(one.purpose.partition(":")[2], mailings.progress(tx, one.id)) for one in found]
    result = {"digests": [{**progress.as_dict(), "frequency": often} for often, progress in told]}
    show(as_json, result, *(f"{often}: {line(progress)}" for often, progress in told))


@mailing.command()
@click.argument("mailing_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@click.option("--follow", is_flag=True, help="Go on showing it until it has ended.")
@json_option
def status(mailing_id: int, follow: bool, as_json: bool) -> None:
    """Show what became of a mailing's messages."""
    from pressroom.cli.opening import open_service

    service = open_service()
    progress = look(service, mailing_id)
    if follow:
        with progress_bar(f"Mailing {mailing_id}") as bar:
            progress = _follow(service, progress, bar, quiet=as_json)
        if bar is None and not as_json:
            return
    _show(progress, as_json=as_json)


def _follow(service: Service, progress: Progress, bar: Callable[[int, int], None] | None, *, quiet: bool) -> Progress:
    """Until it has ended; without a terminal one line for each change."""
    from pressroom.mailing.mailing import FINAL

    shown = None
    while True:
        if bar is not None:
            bar(progress.settled, progress.total)
        elif progress != shown and not quiet:
            click.echo(line(progress))
        if progress.state in FINAL:
            return progress
        shown = progress
        time.sleep(_LOOK_SECONDS)
        progress = look(service, progress.id)


@mailing.command()
@click.argument("mailing_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@json_option
def pause(mailing_id: int, as_json: bool) -> None:
    """Stop a mailing for now; messages on the wire end as they may."""
    from pressroom.mailing import steering

    _steer(steering.pause, mailing_id, as_json=as_json)


@mailing.command()
@click.argument("mailing_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@json_option
def resume(mailing_id: int, as_json: bool) -> None:
    """Let a paused mailing go on."""
    from pressroom.mailing import steering

    _steer(steering.resume, mailing_id, as_json=as_json)


@mailing.command()
@click.argument("mailing_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@json_option
def cancel(mailing_id: int, as_json: bool) -> None:
    """End a mailing for good; what has not left stays."""
    from pressroom.mailing import steering

    _steer(steering.cancel, mailing_id, as_json=as_json)


def _steer(act: Callable[..., None], mailing_id: int, *, as_json: bool) -> None:
    from pressroom.cli.opening import database_now, open_service, ring

    service = open_service()
    act(service.database, mailing_id, now=database_now(service))
    ring(service)
    _show(look(service, mailing_id), as_json=as_json)


def look(service: Service, mailing_id: int) -> Progress:
    """Counted in the database now. Raises NotFound."""
    from pressroom.mailing import mailing as mailings

    with service.database.reading() as tx:
        return mailings.progress(tx, mailing_id)


def line(progress: Progress) -> str:
    """Such as “Mailing 7: sending, 12 of 30 done (11 sent, 18 pending, 1 bounced)”."""
    counts = ", ".join(f"{count} {name}" for name in _COUNTS if (count := getattr(progress, name)))
    done = f"{progress.settled} of {progress.total} done"
    doubled = f"; {progress.possible_duplicates} perhaps sent twice" if progress.possible_duplicates else ""
    why = f" ({progress.paused_reason})" if progress.paused_reason else ""
    told = f"; {progress.in_digests} told in digests" if progress.in_digests else ""
    begun = f"Mailing {progress.id}: {progress.state.value}{why}, {done}{f' ({counts})' if counts else ''}"
    return f"{begun}{doubled}{told}"


def _show(progress: Progress, *, as_json: bool) -> None:
    show(as_json, progress.as_dict(), line(progress))
