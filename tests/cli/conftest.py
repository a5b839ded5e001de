from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pressroom.cli import run
from pressroom.db import Database
from pressroom.seal import create_keyring


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


Press = Callable[..., Result]


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with keys, which the environment names; no database yet."""
    folder = tmp_path / "data"
    folder.mkdir()
    create_keyring(folder / "keyring.json")
    (folder / "secret_key").write_text("s" * 64)
    for name, value in {
        "PRESSROOM_DATA_DIR": str(folder),
        "PRESSROOM_BASE_URL": "https://press.example.org",
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": "9",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("PRESSROOM_DATABASE_URL", "PRESSROOM_REDIS_URL", "PRESSROOM_KEYRING_FILE", "PRESSROOM_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def press(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> Press:
    """Runs one command as the console script does."""

    def call(*arguments: str) -> Result:
        capsys.readouterr()
        code = run([str(one) for one in arguments])
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return call


@pytest.fixture
def newsroom(press: Press) -> Press:
    """The same, with a newsroom “river” that writes in en, ckb and kmr and has a list “press”."""
    must(press("init"))
    must(
        press(
            "newsroom", "add", "river", "--name", "en=River Valley", "--name", "ckb=دۆڵی ڕووبار",
            "--language", "en", "--language", "ckb", "--language", "kmr",
            "--from", "press@example.org", "--time-zone", "Asia/Baghdad",
        )
    )  # fmt: skip
    must(press("list", "add", "press", "--newsroom", "river", "--name", "Press"))
    return press


@pytest.fixture
def database(data_dir: Path) -> Database:
    return Database(f"sqlite:///{data_dir / 'pressroom.db'}")


def must(result: Result) -> Result:
    assert result.code == 0, result.err
    return result


def refused(result: Result, code: int = 1) -> str:
    """One plain sentence on stderr, and nothing on stdout; returns it."""
    assert result.code == code, (result.out, result.err)
    assert result.out == ""
    assert len(result.err.strip().splitlines()) == 1 and "Traceback" not in result.err
    return result.err


def write(folder: Path, texts: dict[str, str | bytes]) -> list[str]:
    paths: Sequence[Path] = [folder / name for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [str(path) for path in paths]
