"""Runs a command that dies with the process that started it, however that one ends (Linux; elsewhere a plain exec).

Run as a script, by file name: it imports nothing of pressroom and needs no site-packages.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PARENT = "PRESSROOM_DIE_WITH_PARENT"
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Asks the kernel for SIGKILL when the parent *thread* dies; does nothing unless the parent asked for it.

    The variable PRESSROOM_DIE_WITH_PARENT holds the parent's process id. It then becomes our own, for our children:
    a fork clears the request, so each generation makes its own.
    """
    expected = os.environ.get(PARENT)
    if not expected or not expected.isdecimal():
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # The parent may have died before the request: then nothing will ever come.
    if os.getppid() != int(expected):
        os._exit(1)
    os.environ[PARENT] = str(os.getpid())


def main(command: list[str]) -> None:
    """Becomes `command`; exits 1 with a sentence if it cannot."""
    die_with_parent()
    try:
        os.execvp(command[0], command)  # noqa: S606 -- no shell is meant
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started ({error.strerror}).")


if __name__ == "__main__":
    main(sys.argv[1:])
