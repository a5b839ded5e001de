"""Alembic, driven from code: there is no alembic.ini to find."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from pressroom import locks
from pressroom.locks import Lock


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Brings the tables to `revision` in one transaction; two machines may try at once."""
    config = alembic_config()
    with engine.begin() as connection:
        locks.take(connection, Lock.UPGRADE)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
