"""What the benches share: pinned processes, their CPU seconds and memory, tables of medians."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")

# Servers under test on the first core, whoever loads or receives on the last.
OURS, THEIRS = 0, (os.cpu_count() or 1) - 1


def need(*programs: str) -> None:
    """Ends the bench with one sentence where a program is missing."""
    if missing := [one for one in programs if find(one) is None]:
        sys.exit(f"This bench needs {', '.join(missing)}: install Debian's packages postfix, nginx and wrk.")


def find(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/sbin")


def pinned(command: Sequence[str], core: int, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [find("taskset") or "taskset", "-c", str(core), *command],
        env={**os.environ, **(environ or {})},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if environ is None else None,
    )


def cpu_seconds(pid: int) -> float:
    """User and system time so far, of this process alone."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


@dataclass(frozen=True)
class Run:
    """One contender's one run."""

    messages: int
    cpu: float
    wall: float
    megabytes: float = 0.0

    @property
    def per_cpu_second(self) -> float:
        return self.messages / max(self.cpu, 1e-9)

    @property
    def per_second(self) -> float:
        return self.messages / self.wall


def finished(process: subprocess.Popen[bytes], messages: int, began: float) -> Run:
    """Waits for a process that does nothing but send, and counts all of its time."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{process.args} ended with {process.returncode}")
    return Run(messages, usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss / 1024)


def spread(values: Sequence[float]) -> str:
    """The median, with the least and the most where there are several."""
    middle = statistics.median(values)
    shown = f"{middle:,.3g}" if middle < 100 else f"{middle:,.0f}"
    return shown if len(values) == 1 else f"{shown} ({_short(min(values))}–{_short(max(values))})"


def _short(value: float) -> str:
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
