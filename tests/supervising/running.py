"""A real `pressroom up` for tests, and what of it is alive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pressroom.supervising.service import _FIRST_LOGIN
from tests.servers import short_temporary_directory

_PATIENCE = 60.0
_ROOT = Path(__file__).parents[2]


def clean_environment(data_dir: Path, **more: str) -> dict[str, str]:
    """This process's environment without any setting of the service."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PRESSROOM_", "MAIL_"))}
    # The commands run elsewhere than here, where the package may be importable only from here.
    return {**kept, "PYTHONPATH": str(_ROOT), "PRESSROOM_DATA_DIR": str(data_dir), "PYTHONUTF8": "1", **more}


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", "from pressroom.cli import main; main()", *words]


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {_PATIENCE:g} s: {what}")
        time.sleep(0.02)


def alive(data_dir: Path) -> dict[int, str]:
    """The processes, by id, that run with this data directory, as their command lines; the dead unreaped are not."""
    mark = f"PRESSROOM_DATA_DIR={data_dir}\0".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            # Redis writes its title over its environment, but works in the data directory.
            inside = (entry / "cwd").readlink().is_relative_to(data_dir)
            if inside or mark in (entry / "environ").read_bytes():
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


class Running:
    """`pressroom up --demo` on a free port, without a repository's `.env`, in a directory of its own; without `demo`
    as if the demo newsroom had been loaded before, so that nobody but the test speaks. One web process, unless
    `environ` says otherwise: each costs a second of CPU.
    """

    def __init__(
        self, data_dir: Path, environ: Mapping[str, str] | None = None, *, port: int = 0, demo: bool = True
    ) -> None:
        self.data_dir = data_dir
        if not demo:
            data_dir.mkdir(mode=0o700)
            (data_dir / _FIRST_LOGIN).write_text("none\n", encoding="utf-8")
        self.directory = short_temporary_directory()
        self._out, self._err = self.directory / "out", self.directory / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command("up", "--demo", "--port", str(port)),
                env=clean_environment(data_dir, **{"PRESSROOM_WEB_WORKERS": "1", **(environ or {})}),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def ready(self) -> Running:
        until(lambda: "Ctrl-C" in self.out or self.process.poll() is not None, "the service is ready")
        assert self.process.poll() is None, self.err
        return self

    @property
    def out(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text(encoding="utf-8")

    @property
    def address(self) -> str:
        return self.out.splitlines()[0].removeprefix("Pressroom is at ")

    def child(self, part: str) -> int:
        """The id of the supervisor's child whose command line holds `part`."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return next(int(pid) for pid in children if part in alive(self.data_dir).get(int(pid), ""))

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def end(self) -> None:
        """Whatever happened, nothing is left but what it said, for whoever reads of a failure."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        sys.stderr.write(self.err)
