"""What every door opens first: the settings, the database, and the keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy.exc import OperationalError

from pressroom import tables
from pressroom.config import Config
from pressroom.db import Database
from pressroom.errors import ConfigError
from pressroom.seal import Keyring
from pressroom.signing import Signer
from pressroom.supervising import keeping

# A flush follows foreign keys to tables whose nouns nothing else here imports.
_ = tables.metadata


@dataclass(frozen=True)
class Service:
    """One site. Opening it reads files but connects to nothing."""

    config: Config

    @classmethod
    def open(cls, config: Config | None = None) -> Service:
        """By default the service that the environment and its data directory describe. Raises ConfigError."""
        return cls(config or keeping.load())

    @cached_property
    def database(self) -> Database:
        return Database(self.config.sqlalchemy_url)

    @cached_property
    def keyring(self) -> Keyring:
        if self.config.keyring_file is None:
            raise ConfigError("PRESSROOM_KEYRING_FILE is not set: name the file that holds the master keys.")
        return Keyring.load(self.config.keyring_file)

    @cached_property
    def signer(self) -> Signer:
        if self.config.secret_key is None:
            raise ConfigError("PRESSROOM_SECRET_KEY is not set: give it at least 32 random characters.")
        return Signer(self.config.secret_key)

    def check(self) -> None:
        """Raises ConfigError for a secret that is missing, before anything is served."""
        _ = self.keyring, self.signer

    def check_database(self) -> None:
        """Raises ConfigError for a database that is away, empty or of another version."""
        database = self.database
        try:
            # Asking SQLite would make the file.
            schema = None if database.is_sqlite and not database.file.exists() else database.schema()
        except OperationalError:
            raise ConfigError(
                "The database cannot be reached: check that it runs, and PRESSROOM_DATABASE_URL."
            ) from None
        if schema is None:
            raise ConfigError("There is no database yet: run `pressroom init` first (or check PRESSROOM_DATA_DIR).")
        if schema < database.head():
            raise ConfigError("The database is older than this program: run `pressroom init` to upgrade it.")
        if schema > database.head():
            raise ConfigError("The database is newer than this program: upgrade pressroom on this machine.")
