from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pressroom.supervising import child
from tests.supervising.running import until

WRAPPER = child.__file__
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_a_child_and_its_own_child_die_with_the_parent() -> None:
    grandchild = (
        f"import sys, time; sys.path.insert(0, {str(Path(WRAPPER).parent)!r}); import child, os; "
        "pid = os.fork(); child.die_with_parent() if pid == 0 else None; "
        "os.write(1, b'%d\\n' % os.getpid()); time.sleep(600)"
    )
    parent = (
        "import os, subprocess, sys, time; os.environ['PRESSROOM_DIE_WITH_PARENT'] = str(os.getpid()); "
        f"subprocess.Popen([sys.executable, {WRAPPER!r}, sys.executable, '-c', {grandchild!r}]); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
    assert process.stdout is not None
    pids = [int(process.stdout.readline()) for _ in range(2)]
    assert all(is_alive(pid) for pid in pids)
    process.kill()
    process.wait()
    process.stdout.close()
    until(lambda: not any(is_alive(pid) for pid in pids), "both are gone")


def test_a_child_whose_parent_has_gone_before_does_not_start() -> None:
    environ = {**os.environ, child.PARENT: "1"}
    done = subprocess.run([sys.executable, WRAPPER, "echo", "started"], env=environ, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_command_that_does_not_exist_is_one_sentence() -> None:
    done = subprocess.run([sys.executable, WRAPPER, "/no/such/program"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "/no/such/program cannot be started (No such file or directory).\n"
