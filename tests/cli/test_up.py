from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pressroom.cli import COMMANDS, run
from pressroom.errors import Refused
from tests.supervising.running import clean_environment, command


def call(tmp_path: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words),
        env=clean_environment(tmp_path, **environ),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type:
    """A command `fail` that raises what the class attribute `error` holds."""
    import click

    class Fail:
        error: BaseException

    @click.command()
    def fail() -> None:
        raise Fail.error

    monkeypatch.setattr("tests.cli.test_up.fail_command", fail, raising=False)
    monkeypatch.setattr("pressroom.cli.COMMANDS", {"fail": "tests.cli.test_up:fail_command"})
    return Fail


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: pressroom {name}")
    assert err == ""


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name}" in out


@pytest.mark.parametrize("words", [["up", "--port", "x"], ["up", "--port", "70000"], ["no-such"], ["up", "extra"]])
def test_wrong_usage_is_one_sentence_and_exit_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "--help" in err


def test_an_error_of_ours_is_its_sentence_and_exit_1(failing: type, capsys: pytest.CaptureFixture[str]) -> None:
    failing.error = Refused("The file is empty: write something into it.")
    assert run(["fail"]) == 1
    assert capsys.readouterr() == ("", "The file is empty: write something into it.\n")


def test_an_unexpected_error_is_one_sentence_without_its_text(
    failing: type, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRESSROOM_DEBUG", raising=False)
    failing.error = ValueError("journalist@example.net")
    assert run(["fail"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "ValueError" in err
    assert "journalist" not in err


def test_an_unexpected_error_is_raised_for_whoever_debugs(failing: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSROOM_DEBUG", "1")
    failing.error = ValueError("seen")
    with pytest.raises(ValueError, match="seen"):
        run(["fail"])


def test_ctrl_c_is_exit_130(failing: type, capsys: pytest.CaptureFixture[str]) -> None:
    failing.error = KeyboardInterrupt()
    assert run(["fail"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_has_gone_is_no_complaint(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            command("--help"), env=clean_environment(tmp_path), stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert done.stderr == b""
    assert done.returncode == 1


def test_the_command_runs_in_utf8_mode_whatever_the_locale(tmp_path: Path) -> None:
    script = (
        "import sys; from pressroom import cli; "
        "cli.run = lambda words: print(sys.flags.utf8_mode, *words) or 0; cli.main()"
    )
    environ = clean_environment(tmp_path, LC_ALL="C", PYTHONUTF8="0")
    done = subprocess.run(
        [__import__("sys").executable, "-c", script, "one", "two words"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "1 one two words\n"


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    done = call(tmp_path, "up", "--demo", "--port", "0", PRESSROOM_WEB_WORKERS="many")
    assert done.returncode == 1
    assert done.stderr.startswith("PRESSROOM_WEB_WORKERS: ")
    assert len(done.stderr.splitlines()) == 1
