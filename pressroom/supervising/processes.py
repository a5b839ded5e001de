"""Starts processes, passes on what they say, starts again those that die, and ends all of them together."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from pressroom.errors import ConfigError
from pressroom.supervising.child import PARENT

_CHILD = Path(__file__).with_name("child.py")
_GRACE = (8.0, 1.0)  # seconds from TERM to KILL: for the first tier, for each later one
_STEADY = 60.0  # a process that lived this long starts again without delay from earlier deaths
_LONGEST_WAIT = 30.0


class Stopped(BaseException):
    """Somebody asked us to stop (SIGTERM, Ctrl-C, a closed terminal) before everything had started."""


@dataclass(frozen=True)
class Spec:
    """One process to keep. Those of a lower tier are ended first; `log` takes its output instead of stderr."""

    name: str
    command: tuple[str, ...]
    tier: int
    log: Path | None = None


@dataclass
class _Kept:
    spec: Spec
    process: subprocess.Popen[bytes]
    since: float
    deaths: int = 0
    due: float | None = None
    said: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None


def say(text: str) -> None:
    """One line of the supervisor's own, to stderr."""
    print(f"pressroom: {text}", file=sys.stderr, flush=True)


class Supervisor:
    """Keeps processes from the main thread of this process: the kernel ends them when that thread ends (Linux)."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {**environ, PARENT: str(os.getpid()), "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
        self._kept: dict[str, _Kept] = {}
        self._stop_asked = False
        self._interruptible = False
        self._wake_read, self._wake_write = os.pipe()
        self._listen()

    def _listen(self) -> None:
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._on_stop)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_asked = True
        if self._interruptible:
            raise Stopped

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """For work in this process that starts no process: a request to stop breaks it off with Stopped."""
        self._interruptible = True
        try:
            if self._stop_asked:
                raise Stopped
            yield
        finally:
            self._interruptible = False

    def set(self, environ: Mapping[str, str]) -> None:
        """Adds to the environment of the processes started from now on."""
        self._environ.update(environ)

    def start(self, spec: Spec, *, deaths: int = 0) -> None:
        command = [sys.executable, "-I", "-S", str(_CHILD), *spec.command]
        output = spec.log.open("wb") if spec.log else subprocess.PIPE
        try:
            # A session of its own keeps the terminal's Ctrl-C from it: we end all in order.
            process = subprocess.Popen(
                command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            if not isinstance(output, int):
                output.close()
        kept = _Kept(spec, process, since=time.monotonic(), deaths=deaths)
        self._kept[spec.name] = kept
        if process.stdout:
            kept.reader = threading.Thread(target=_pass_on, args=(kept,), daemon=True)
            kept.reader.start()

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Raises ConfigError if a process ends meanwhile or `seconds` pass, Stopped if asked to stop."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._stop_asked:
                raise Stopped
            for kept in self._kept.values():
                if kept.process.poll() is not None:
                    raise ConfigError(f"{kept.spec.name} could not start: {_last_words(kept).rstrip('.')}.")
            if time.monotonic() > deadline:
                raise ConfigError(f"{what} was not ready after {seconds:.0f} seconds: see the lines above.")
            self._pause(0.05)

    def run(self) -> None:
        """Keeps everything going until asked to stop."""
        while not self._stop_asked:
            for kept in list(self._kept.values()):
                self._keep(kept)
            dues = [kept.due for kept in self._kept.values() if kept.due is not None]
            self._pause(max(0.0, min(dues) - time.monotonic()) if dues else 5.0)

    def _keep(self, kept: _Kept) -> None:
        now = time.monotonic()
        if kept.due is not None:
            if now >= kept.due:
                self.start(kept.spec, deaths=kept.deaths)
            return
        code = kept.process.poll()
        if code is None:
            return
        _end_group(kept.process.pid)
        kept.deaths = 1 if now - kept.since > _STEADY else kept.deaths + 1
        wait = min(_LONGEST_WAIT, 0.25 * 2**kept.deaths)
        kept.due = now + wait
        say(f"{kept.spec.name} ended ({_how(code)}); it starts again in {wait:g} s.")

    def stop(self) -> None:
        """Ends every process: TERM, in order, then KILL for what has not ended about ten seconds later."""
        for place, tier in enumerate(sorted({kept.spec.tier for kept in self._kept.values()})):
            ending = [kept.process for kept in self._kept.values() if kept.spec.tier == tier]
            for process in ending:
                if process.poll() is None:
                    process.terminate()
            deadline = time.monotonic() + _GRACE[min(place, 1)]
            while any(process.poll() is None for process in ending) and time.monotonic() < deadline:
                self._pause(0.1)
            for process in ending:
                _end_group(process.pid)
                process.wait()
        for kept in self._kept.values():
            if kept.reader:
                kept.reader.join(timeout=1)
        self._kept.clear()

    def _pause(self, seconds: float) -> None:
        select.select([self._wake_read], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 512)


def _pass_on(kept: _Kept) -> None:
    assert kept.process.stdout is not None
    for raw in kept.process.stdout:
        line = raw.decode("utf-8", "replace").rstrip()
        if line:
            kept.said[:] = [line]
            print(f"{kept.spec.name}: {line}", file=sys.stderr, flush=True)


def _last_words(kept: _Kept) -> str:
    if kept.spec.log:
        said = kept.spec.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return said[-1].strip() if said else _how(kept.process.returncode)
    if kept.reader:
        kept.reader.join(timeout=1)
    return kept.said[-1] if kept.said else _how(kept.process.returncode)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _end_group(leader: int) -> None:
    # What the process itself started and left behind; each has a session, and so a group, of its own.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
