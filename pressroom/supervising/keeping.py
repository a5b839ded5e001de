"""What the service keeps in its data directory besides the database: its lock, its keys, its resolved settings."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from pressroom import config as settings
from pressroom.config import Config
from pressroom.errors import ConfigError
from pressroom.seal import create_keyring

_SECRET_KEY = "secret_key"  # noqa: S105 -- a file name
_KEYRING = "keyring.json"
_RUNNING = "running.json"


def prepare(data_dir: Path) -> None:
    """Makes the data directory, readable by its owner only where it is new. Raises ConfigError if it cannot be used."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir):
            pass
    except OSError as error:
        raise ConfigError(
            f"The data directory {data_dir} cannot be written ({error.strerror}): "
            "give this account the right, or choose another with PRESSROOM_DATA_DIR."
        ) from None


def lock(data_dir: Path) -> int:
    """Holds the data directory for this process until it ends, however it ends. Raises ConfigError if it is held."""
    descriptor = os.open(data_dir / "pressroom.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigError(
            f"Another pressroom already runs on {data_dir}: stop it, or choose another PRESSROOM_DATA_DIR."
        ) from None
    return descriptor


def create_missing_keys(environ: Mapping[str, str], data_dir: Path) -> None:
    """Makes, in the data directory, the secret key and the keyring that neither it nor the environment has."""
    given = environ.get("PRESSROOM_SECRET_KEY") or environ.get("PRESSROOM_SECRET_KEY_FILE")
    if not given and not (data_dir / _SECRET_KEY).exists():
        write_privately(data_dir / _SECRET_KEY, secrets.token_hex(32) + "\n")
    if not environ.get("PRESSROOM_KEYRING_FILE") and not (data_dir / _KEYRING).exists():
        create_keyring(data_dir / _KEYRING)


def kept_keys(data_dir: Path) -> dict[str, str]:
    """The settings that name the keys kept in the data directory; empty where there are none."""
    files = {"PRESSROOM_SECRET_KEY_FILE": data_dir / _SECRET_KEY, "PRESSROOM_KEYRING_FILE": data_dir / _KEYRING}
    return {name: str(path) for name, path in files.items() if path.exists()}


def require_keys(config: Config) -> None:
    """Raises ConfigError unless both keys are set."""
    missing = "PRESSROOM_SECRET_KEY" if config.secret_key is None else "PRESSROOM_KEYRING_FILE"
    if config.secret_key is None or config.keyring_file is None:
        raise ConfigError(f"{missing} is not set: set it, or try pressroom out with `pressroom up --demo`.")


def environment() -> dict[str, str]:
    """The process environment over the `.env` file beneath it."""
    from_file = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return {**from_file, **os.environ}


def load(environ: Mapping[str, str] | None = None) -> Config:
    """The settings for a process of this data directory that `pressroom up` did not start itself.

    What the environment leaves open comes from the keys kept there and from what `up` last settled (its address,
    its Redis, its mailbox), so that `pressroom push` beside a running demo needs only PRESSROOM_DATA_DIR.
    Raises ConfigError.
    """
    environ = environment() if environ is None else environ
    data_dir = settings.load(environ).data_dir
    return settings.load(with_defaults(environ, {**_settled(data_dir), **kept_keys(data_dir)}))


def with_defaults(environ: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """`environ` with what it leaves open; a secret and its NAME_FILE are one setting."""
    chosen = dict(environ)
    for name, value in defaults.items():
        plain = name.removesuffix("_FILE") if name == "PRESSROOM_SECRET_KEY_FILE" else name
        if not environ.get(plain) and not environ.get(f"{plain}_FILE"):
            chosen[name] = value
    return chosen


def settle(data_dir: Path, chosen: Mapping[str, str]) -> None:
    """Notes what `up` settled, for load()."""
    write_privately(data_dir / _RUNNING, json.dumps(dict(chosen), indent=1) + "\n")


def _settled(data_dir: Path) -> dict[str, str]:
    try:
        found = json.loads((data_dir / _RUNNING).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def write_privately(path: Path, text: str) -> None:
    """Writes durably and whole, readable by the owner only."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
