"""`pressroom export`: the public site as static files, the same bytes as the service answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import Client

    from pressroom.cli.folder import Folder
    from pressroom.cli.static_servers import Rules
    from pressroom.service import Service


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def export(folder: Path) -> None:
    """Write all that is public into DIR, as files for any static server.

    Repeated, it rewrites what has changed and removes what is no longer public.
    """
    from pressroom.cli.folder import Folder
    from pressroom.cli.opening import open_service
    from pressroom.cli.output import progress_bar

    service = open_service()
    with Folder.open(folder) as target, progress_bar("Exporting") as progress:
        count = _export(service, target, progress)
    click.echo(f"{folder} holds {count} files: {target.written} written, {target.removed} removed.")


def _export(service: Service, folder: Folder, progress: Callable[[int, int], None] | None) -> int:
    from werkzeug.test import Client

    from pressroom import create_app
    from pressroom.cli.folder import file_of
    from pressroom.cli.static_servers import NAMES, Rules
    from pressroom.web.agreed_time import clock_of
    from pressroom.web.fastpath import Instant
    from pressroom.web.inventory import public_paths

    instant = Instant(service.database, clock=clock_of(service))
    with service.database.reading() as tx:
        paths = public_paths(tx, instant.now(instant.look()))
    # First of all, so that whatever breaks off later leaves nothing that should be gone.
    folder.keep_only({*NAMES, *map(file_of, paths)})
    client, rules = Client(create_app(service=service, pulse=instant)), Rules()
    for number, path in enumerate(paths, 1):
        _copy(client, path, folder, rules)
        if progress:
            progress(number, len(paths))
    _write(folder, rules)
    return len(paths) + len(NAMES)


def _write(folder: Folder, rules: Rules) -> None:
    from pressroom.cli import static_servers

    folder.write(static_servers.GONE, _json(rules.gone))
    folder.write(static_servers.REDIRECTS, _json(rules.redirects))
    folder.write(static_servers.NGINX_MAPS, static_servers.nginx_maps(rules).encode())
    folder.write(static_servers.NGINX_SERVER, static_servers.nginx_server(rules).encode())
    folder.write(static_servers.CADDY, static_servers.caddy(rules).encode())


def _copy(client: Client, path: str, folder: Folder, rules: Rules) -> None:
    """Raises TryLater if the service cannot answer; what has just been hidden is left out."""
    from pressroom.cli.folder import file_of
    from pressroom.errors import TryLater

    answer = client.get(path)
    if answer.status_code in (200, 410):
        folder.write(file_of(path), answer.data)
        rules.see(path, answer.headers["Content-Type"], answer.headers, gone=answer.status_code == 410)
    elif answer.location:
        folder.write(file_of(path), _leading_to(answer.location))
        rules.redirects[path] = answer.location
    elif answer.status_code == 404:
        folder.remove(file_of(path))
    else:
        raise TryLater(f"{path} could not be rendered ({answer.status_code}): look into it, then export again.")


def _leading_to(path: str) -> bytes:
    """For servers that know no redirects; a path is percent-encoded and so safe in HTML."""
    return (
        f'<!doctype html><meta charset="utf-8"><meta name="robots" content="noindex"><title>{path}</title>'
        f'<meta http-equiv="refresh" content="0; url={path}"><a href="{path}">{path}</a>\n'
    ).encode()


def _json(rules: object) -> bytes:
    return (json.dumps(rules, indent=1, sort_keys=True) + "\n").encode()
