"""Addresses and names sealed at rest (AES-256-GCM), with keyed hashes for look-up.

The keyring lives in a file outside the database. Each sealed value names its key, so that keys can rotate, and is
bound to its table, column and row: a value moved elsewhere does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pressroom.errors import ConfigError

_NONCE = 12


class SealBroken(Exception):
    """A sealed value was altered, moved, or sealed under a key that is gone."""


class Keyring:
    """Seals and opens. `lookup_key` never rotates alone: all look-up hashes depend on it."""

    def __init__(self, keys: dict[str, bytes], current: str, lookup_key: bytes) -> None:
        self._ciphers = {name.encode(): AESGCM(key) for name, key in keys.items()}
        self._current = current.encode()
        self._lookup_key = lookup_key

    @classmethod
    def load(cls, path: Path) -> Keyring:
        """Raises ConfigError if the file is absent or is not a keyring."""
        try:
            data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            keys = {name: base64.b64decode(value) for name, value in data["keys"].items()}
            ring = cls(keys, data["current"], base64.b64decode(data["lookup"]))
            if data["current"] not in keys:
                raise KeyError("current")
        except OSError as error:
            raise ConfigError(f"PRESSROOM_KEYRING_FILE: {path} cannot be read ({error.strerror}).") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(f"PRESSROOM_KEYRING_FILE: {path} is not a keyring; restore it from a backup.") from None
        return ring

    def seal(self, plain: str, table: str, column: str, row: int | str) -> bytes:
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._current].encrypt(nonce, plain.encode(), _place(table, column, row))
        return bytes([len(self._current)]) + self._current + nonce + sealed

    def open(self, sealed: bytes, table: str, column: str, row: int | str) -> str:
        """Raises SealBroken."""
        end = 1 + sealed[0]
        cipher = self._ciphers.get(sealed[1:end])
        if cipher is None:
            raise SealBroken(f"{table}.{column} of row {row}: its key is not on the keyring")
        try:
            nonce, body = sealed[end : end + _NONCE], sealed[end + _NONCE :]
            return cipher.decrypt(nonce, body, _place(table, column, row)).decode()
        except InvalidTag:
            raise SealBroken(f"{table}.{column} of row {row} does not open") from None

    def lookup(self, kind: str, value: str) -> bytes:
        """A keyed hash (32 bytes) of a value in its normal form; equal values of one kind hash alike."""
        return hmac.digest(self._lookup_key, f"{kind}\0{value}".encode(), hashlib.sha256)


def _place(table: str, column: str, row: int | str) -> bytes:
    return f"{table}\0{column}\0{row}".encode()


def create_keyring(path: Path) -> None:
    """Writes a new keyring, readable by its owner only. Raises FileExistsError: a keyring is never overwritten."""
    data = {
        "current": "k1",
        "keys": {"k1": base64.b64encode(secrets.token_bytes(32)).decode()},
        "lookup": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
