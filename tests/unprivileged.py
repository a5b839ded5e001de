"""Becomes another user if asked to, then runs a command that dies with its parent. Run as a script, by root only.

PostgreSQL refuses to run as root, and the request to die with the parent is lost when the user changes, so both
happen here, in this order.
"""

import ctypes
import os
import signal
import sys


def main(uid: int, gid: int, parent: int, command: list[str]) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
