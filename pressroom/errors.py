"""One small family; each member answers a question its caller has."""

from __future__ import annotations

from pathlib import Path


class PressroomError(Exception):
    """Something a person must be told. Its text is one plain sentence that says what to do."""

    @property
    def message(self) -> str:
        return str(self)


class ConfigError(PressroomError):
    """The service cannot start as configured."""


class Refused(PressroomError):
    """What was given cannot be accepted as it is; nothing was stored."""


class NotFound(PressroomError):
    """No such thing, or none that the asker may know of."""


class NotAllowed(PressroomError):
    """The asker may not do this."""


class Conflict(PressroomError):
    """The thing has changed, or is not in a state that allows this."""


class TryLater(PressroomError):
    """Nothing is wrong with the request; the same one may succeed later."""


class StatementRefused(Refused):
    """A statement file cannot be read. `line` counts from 1; None where no single line is at fault."""

    def __init__(self, path: Path | str, reason: str, line: int | None = None) -> None:
        self.path = Path(path)
        self.line = line
        self.reason = reason
        where = f"{self.path}:{line}" if line else str(self.path)
        super().__init__(f"{where}: {reason}")
