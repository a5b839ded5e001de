from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.errors import ConfigError
from pressroom.seal import Keyring, SealBroken, create_keyring


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    path = tmp_path_factory.mktemp("keys") / "keyring.json"
    create_keyring(path)
    return Keyring.load(path)


@given(st.text(max_size=200), st.integers(0, 2**63 - 1))
def test_what_is_sealed_opens_in_its_own_place_only(keyring: Keyring, plain: str, row: int) -> None:
    sealed = keyring.seal(plain, "subscriber", "email", row)
    assert plain == keyring.open(sealed, "subscriber", "email", row)
    for place in (("subscriber", "email", row + 1), ("subscriber", "name", row), ("account", "email", row)):
        with pytest.raises(SealBroken):
            keyring.open(sealed, *place)


def test_a_changed_byte_does_not_open(keyring: Keyring) -> None:
    sealed = bytearray(keyring.seal("hawar@example.org", "subscriber", "email", 1))
    sealed[-1] ^= 1
    with pytest.raises(SealBroken):
        keyring.open(bytes(sealed), "subscriber", "email", 1)


def test_old_values_open_after_a_new_key_became_current(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    create_keyring(path)
    sealed = Keyring.load(path).seal("hawar@example.org", "t", "c", 1)
    data = json.loads(path.read_text())
    data["keys"]["k2"] = data["lookup"]
    data["current"] = "k2"
    path.write_text(json.dumps(data))
    rotated = Keyring.load(path)
    assert rotated.open(sealed, "t", "c", 1) == "hawar@example.org"
    del data["keys"]["k1"]
    path.write_text(json.dumps(data))
    with pytest.raises(SealBroken):
        Keyring.load(path).open(sealed, "t", "c", 1)


def test_lookups_agree_for_equal_values_and_differ_by_kind_and_keyring(keyring: Keyring, tmp_path: Path) -> None:
    assert keyring.lookup("email", "a@b") == keyring.lookup("email", "a@b")
    assert keyring.lookup("email", "a@b") != keyring.lookup("network", "a@b")
    create_keyring(tmp_path / "other.json")
    assert keyring.lookup("email", "a@b") != Keyring.load(tmp_path / "other.json").lookup("email", "a@b")


def test_a_keyring_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    create_keyring(path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        create_keyring(path)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"keys": {"k1": "x"}, "current": "k2", "lookup": ""}'])
def test_a_broken_keyring_stops_with_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keyring.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match="is not a keyring"):
        Keyring.load(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        Keyring.load(tmp_path / "absent.json")
