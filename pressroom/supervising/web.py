"""One process of the web server: uvicorn in front of the application. As many as wanted share one port.

Run as `python -m pressroom.supervising.web ADDRESS PORT`.
"""

from __future__ import annotations

import contextlib
import logging
import resource
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from a2wsgi import WSGIMiddleware

from pressroom.web import connection
from pressroom.web.at_once import AtOnce
from pressroom.web.connection import Connection

if TYPE_CHECKING:
    from flask import Flask

    from pressroom.web.fastpath import FastPath

_THREADS = 16  # for what Flask answers, and for uploads while they come
_BACKLOG = 2048
_ENDS_WITHIN = 5  # seconds, for requests in progress
_FILES = 1024  # that the application may have open besides connections


def main(address: str, port: int) -> None:
    """Serves until SIGTERM."""
    from pressroom import create_app

    _allow_files(connection.MOST + _FILES)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    server(create_app()).run(sockets=[listen(address, port)])


def server(application: Flask) -> uvicorn.Server:
    """For one event loop; its settings are those that were measured."""
    at_once = AtOnce(cast("FastPath", application.wsgi_app))
    settings = uvicorn.Config(
        cast("Any", WSGIMiddleware(cast("Any", application), workers=_THREADS)),
        interface="asgi3",
        http=cast("Any", partial(Connection, at_once)),
        ws="none",
        loop="uvloop",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=connection.IDLE,
        timeout_graceful_shutdown=_ENDS_WITHIN,
    )
    return uvicorn.Server(settings)


def listen(address: str, port: int) -> socket.socket:
    """A socket of its own for each process: the kernel spreads connections over them."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((address, port))
    listener.listen(_BACKLOG)
    return listener


def _allow_files(wanted: int) -> None:
    """Each connection is an open file, and many systems begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
