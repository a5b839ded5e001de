"""The web server: granian in front of the application, as processes that die with the supervisor.

Run as `python -m pressroom.supervising.web ADDRESS PORT`.
"""

from __future__ import annotations

import logging
import signal
import sys
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LOGGING_CONFIG, LogLevels

from pressroom.supervising import keeping
from pressroom.supervising.child import die_with_parent

_THREADS = 16  # per process; a slow client holds one while its answer is written
_CONNECTIONS = 512  # per process, idle ones included


class WorthSaying(logging.Filter):
    """Lets through errors and the news that a dead process was replaced."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR or record.getMessage().startswith("Respawning")


def load_application() -> Any:
    """The WSGI application, made in each web process."""
    die_with_parent()
    # Until granian sets its own, a forked process has its parent's handler, which would swallow the signal.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    from pressroom import create_app

    return create_app()


def _log_settings() -> dict[str, Any]:
    console = {**LOGGING_CONFIG["handlers"]["console"], "filters": ["worth_saying"]}  # type: ignore[index]
    return {
        "filters": {"worth_saying": {"()": WorthSaying}},
        "formatters": {"generic": {"format": "%(message)s"}, "access": {"format": "%(message)s"}},
        "handlers": {**LOGGING_CONFIG["handlers"], "console": console},  # type: ignore[dict-item]
    }


def main(address: str, port: int) -> None:
    """Serves until SIGTERM."""
    server = Granian(
        "pressroom:create_app",
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=keeping.load().web_workers,
        blocking_threads=_THREADS,
        backpressure=_CONNECTIONS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=15_000),
        websockets=False,
        log_level=LogLevels.info,
        log_dictconfig=_log_settings(),
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=5,
    )
    server.serve(target_loader=load_application, wrap_loader=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
