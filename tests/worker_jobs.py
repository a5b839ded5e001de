"""Jobs for the tests of the workers: what they do is seen in files."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pressroom import working


def note(path: str) -> None:
    Path(path).touch()


def say_what_is_loaded(path: str) -> None:
    Path(path).with_suffix(".part").write_text("\n".join(sys.modules))
    Path(path).with_suffix(".part").rename(path)


def hold(started: str, go: str, done: str) -> None:
    """Says that it started, waits for `go`, says that it is done."""
    Path(started).touch()
    while not Path(go).exists():
        time.sleep(0.01)
    Path(done).touch()


def until_asked_to_stop(started: str, done: str) -> None:
    Path(started).touch()
    if working.stopping.wait(60):
        Path(done).touch()


def fail(text: str) -> None:
    raise RuntimeError(text)
