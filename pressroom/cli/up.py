"""`pressroom up`: all of the service on one machine, in the foreground."""

from __future__ import annotations

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free one.")
@click.option("--demo", is_flag=True, help="Make keys, load a demo newsroom, and catch mail unless MAIL_SERVER is set.")
def up(host: str, port: int, demo: bool) -> None:
    """Run all of the service in the foreground; Ctrl-C ends it."""
    from pressroom.supervising import service

    service.up(host, port, demo=demo)
