"""TCP ports: which are free, and whether ours is."""

from __future__ import annotations

import errno
import socket

from pressroom.errors import ConfigError


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listened on a moment ago."""
    with socket.create_server((host, 0)) as listener:
        return int(listener.getsockname()[1])


def claim(host: str, port: int) -> tuple[str, int]:
    """The numeric address and port to listen on; port 0 picks one. Raises ConfigError where that cannot be had.

    Tried without SO_REUSEPORT, which would let us share a port with a stranger without notice; SO_REUSEADDR only
    ignores connections that are closing.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_ADDRCONFIG
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1)
            name = listener.getsockname()
    except OSError as error:
        raise ConfigError(_reason(host, port, error)) from None
    return str(name[0]), int(name[1])


def _reason(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use: stop what listens there, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs rights that this account lacks: choose one above 1023 with --port."
    return f"{host} port {port} cannot be listened on ({error.strerror}): choose another --host or --port."


def address(host: str, port: int) -> str:
    """The address a browser on this machine can use for a server on `host`, which may mean every interface."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
