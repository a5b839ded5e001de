"""`pressroom init`: creates or upgrades the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pressroom.cli.output import json_option, show

if TYPE_CHECKING:
    from pressroom.db import Database


@click.command()
@json_option
def init(as_json: bool) -> None:
    """Create or upgrade the database; safe to repeat.

    With a new database it also makes the keyring that PRESSROOM_KEYRING_FILE names, if there is none.
    """
    from pressroom.errors import ConfigError
    from pressroom.seal import create_keyring
    from pressroom.service import Service
    from pressroom.supervising import keeping

    config = keeping.load()
    keeping.prepare(config.data_dir)
    service = Service(config)
    service.database.migrate()
    keyring = config.keyring_file
    if keyring is not None and not keyring.exists() and _is_unused(service.database):
        try:
            create_keyring(keyring)
        except OSError as error:
            raise ConfigError(f"PRESSROOM_KEYRING_FILE: {keyring} cannot be made ({error.strerror}).") from None
    schema = service.database.schema()
    show(as_json, {"schema": schema}, f"The database is ready (version {schema}).")


def _is_unused(database: Database) -> bool:
    """Nothing was ever sealed: only then does a new keyring lose nothing."""
    from pressroom.releases import newsroom as newsrooms

    with database.reading() as tx:
        return not newsrooms.everyone(tx)
