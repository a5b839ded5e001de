from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pressroom.errors import ConfigError
from pressroom.seal import Keyring
from pressroom.supervising import keeping


def environ(data_dir: Path, **more: str) -> dict[str, str]:
    return {"PRESSROOM_DATA_DIR": str(data_dir), **more}


def test_keys_are_made_once_and_read_by_every_later_process(tmp_path: Path) -> None:
    keeping.create_missing_keys({}, tmp_path)
    first = keeping.load(environ(tmp_path))
    keeping.create_missing_keys({}, tmp_path)
    second = keeping.load(environ(tmp_path))
    assert first == second
    assert first.secret_key is not None
    assert len(bytes.fromhex(first.secret_key)) == 32
    assert first.keyring_file is not None
    Keyring.load(first.keyring_file)
    keeping.require_keys(first)


def test_keys_given_in_the_environment_win_and_none_are_made(tmp_path: Path) -> None:
    given = environ(tmp_path, PRESSROOM_SECRET_KEY="g" * 40, PRESSROOM_KEYRING_FILE=str(tmp_path / "elsewhere"))
    keeping.create_missing_keys(given, tmp_path)
    assert list(tmp_path.iterdir()) == []
    keeping.create_missing_keys({}, tmp_path)
    config = keeping.load(given)
    assert config.secret_key == "g" * 40
    assert config.keyring_file == tmp_path / "elsewhere"


def test_what_up_settled_fills_only_what_the_environment_leaves_open(tmp_path: Path) -> None:
    keeping.settle(tmp_path, {"PRESSROOM_BASE_URL": "http://127.0.0.1:9000", "PRESSROOM_REDIS_URL": "unix:///r.sock"})
    assert keeping.load(environ(tmp_path)).base_url == "http://127.0.0.1:9000"
    config = keeping.load(environ(tmp_path, PRESSROOM_BASE_URL="https://press.example.org"))
    assert config.base_url == "https://press.example.org"
    assert config.redis_url == "unix:///r.sock"


def test_a_secret_given_as_a_file_is_not_overridden(tmp_path: Path) -> None:
    (tmp_path / "redis").write_text("unix:///mine.sock\n")
    keeping.settle(tmp_path, {"PRESSROOM_REDIS_URL": "unix:///theirs.sock"})
    config = keeping.load(environ(tmp_path, PRESSROOM_REDIS_URL_FILE=str(tmp_path / "redis")))
    assert config.redis_url == "unix:///mine.sock"


def test_a_damaged_note_of_what_was_settled_is_as_none(tmp_path: Path) -> None:
    (tmp_path / "running.json").write_text("{")
    assert keeping.load(environ(tmp_path)).redis_url is None


def test_a_lock_is_held_until_its_process_ends_however_it_ends(tmp_path: Path) -> None:
    script = (
        f"import sys; from pathlib import Path; from pressroom.supervising import keeping\n"
        f"keeping.lock(Path({str(tmp_path)!r})); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(ConfigError, match="already runs"):
        keeping.lock(tmp_path)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    holder.stdin.close()
    os.close(keeping.lock(tmp_path))


def test_a_new_data_directory_is_private(tmp_path: Path) -> None:
    keeping.prepare(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_what_is_written_privately_is_whole_or_absent(tmp_path: Path) -> None:
    keeping.write_privately(tmp_path / "a", "one")
    keeping.write_privately(tmp_path / "a", "نوێ")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "نوێ"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
