"""A folder of files that this program alone writes, and from which it removes what no longer belongs there."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from pressroom.errors import Conflict, Refused

_MARKER = ".pressroom-export"
_PART = ".part"
_SAID = "Made by `pressroom export`, which removes whatever else it finds here.\n"


def file_of(path: str) -> str:
    """The name, inside the folder, of what stands at a public address: readable text, as static servers look for it."""
    name = unquote(path).removeprefix("/")
    if not name or name.endswith("/"):
        return f"{name}index.html"
    return name if "." in name.rpartition("/")[2] else f"{name}.html"


class Folder:
    """Names are relative, with slashes. `written` and `removed` count files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.written = 0
        self.removed = 0

    @classmethod
    @contextmanager
    def open(cls, root: Path) -> Iterator[Folder]:
        """Makes it, or takes one that was made so, and holds it for this process.

        Raises Refused for a folder with other files in it or one that cannot be written, Conflict if another has it.
        """
        try:
            with _marker(root):
                yield cls(root)
        except OSError as error:
            raise Refused(
                f"{root} cannot be written ({error.strerror}): give this account the right, or choose another folder."
            ) from None

    def keep_only(self, names: Collection[str]) -> None:
        """Removes every other file, and the folders that are empty then."""
        for folder, folders, files in os.walk(self.root, topdown=False):
            here = Path(folder)
            for name in files:
                found = (here / name).relative_to(self.root).as_posix()
                if found not in names and found != _MARKER:
                    self.remove(found)
            for name in folders:
                if (here / name).is_symlink():
                    self.remove((here / name).relative_to(self.root).as_posix())
            if here != self.root and not any(here.iterdir()):
                here.rmdir()

    def remove(self, name: str) -> None:
        """Does nothing where there is no such file."""
        path = self.root / name
        if path.is_symlink() or path.exists():
            path.unlink()
            self.removed += name != _PART

    def write(self, name: str, content: bytes) -> None:
        """Whole or not at all; a file that says the same already stays as it is, with its time."""
        path = self.root / name
        if ".." in path.parts:
            raise Refused(f"“{name}” lies outside of {self.root} and was not written.")
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = self.root / _PART
        part.write_bytes(content)
        part.replace(path)
        self.written += 1


@contextmanager
def _marker(root: Path) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    marker = root / _MARKER
    if not marker.exists() and any(root.iterdir()):
        raise Refused(f"{root} has files in it that no export made: choose an empty folder, or one that is not there.")
    with marker.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"Another export is writing to {root}: wait until it has ended.") from None
        if not marker.stat().st_size:
            file.write(_SAID)
            file.flush()
        yield
