"""Documents coming in: PDF, written anew (pdf.py) by a process of its own, which gets no more than it is allowed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from pressroom.errors import Refused
from pressroom.releases.asset import Form, Kind, Size, Upload

MAX_BYTES = 25 * 1024 * 1024

_PROGRAM = "pressroom.releases.pdf"
# As in that program, which this process does not import.
_REFUSED = 3
# Of the clock on the wall: the processor may be busy with other things.
_PATIENCE = 60
_TOO_MUCH = "The document takes too much memory or time to read; print it to a new PDF instead."


def is_document(data: bytes) -> bool:
    return data.startswith(b"%PDF-")


def open_document(data: bytes) -> Upload:
    """Raises Refused for what is damaged, locked with a password, larger than 25 MB, or grows beyond reason."""
    if len(data) > MAX_BYTES:
        raise Refused(f"The document is larger than {MAX_BYTES // 1024 // 1024} MB; make it smaller first.")
    kept = _rewritten(data)
    form = Form(Size.WEB, "application/pdf", "pdf", kept)
    return Upload(Kind.DOCUMENT, hashlib.sha256(kept).hexdigest(), (form,))


def _rewritten(data: bytes) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-m", _PROGRAM],
            input=data, capture_output=True, timeout=_PATIENCE, check=False, cwd="/", env=_environment(),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Refused(_TOO_MUCH) from None
    if done.returncode == _REFUSED:
        raise Refused(done.stdout.decode())
    # Ended by a signal: by the kernel for its time, or by itself for want of memory.
    if done.returncode < 0:
        raise Refused(_TOO_MUCH)
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise RuntimeError(f"{_PROGRAM} ended with {done.returncode}: {last}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Where modules are found, and none of our secrets."""
    here = str(Path(__file__).parents[2])
    return {"PYTHONPATH": os.pathsep.join([here, *(str(Path(one).resolve()) for one in sys.path)])}
