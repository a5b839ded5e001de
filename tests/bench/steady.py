"""A steady stream of requests, each sent when it is due whether or not others were answered, and how long each took."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

_CONNECTIONS = 16


def waits(url: str, *, per_second: int, seconds: int, accept: str) -> list[float]:
    """Milliseconds from when each request was due to its whole answer, in ascending order."""
    return asyncio.run(_waits(url, per_second, seconds, accept))


async def _waits(url: str, per_second: int, seconds: int, accept: str) -> list[float]:
    place = urlsplit(url)
    request = f"GET {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nAccept-Encoding: {accept}\r\n\r\n".encode()
    found: list[float] = []
    began = time.monotonic() + 0.2
    each = [
        _ask(place.hostname or "", place.port or 80, request, [number / per_second for number in mine], began, found)
        for mine in (range(first, per_second * seconds, _CONNECTIONS) for first in range(_CONNECTIONS))
    ]
    await asyncio.gather(*each)
    return sorted(found)


async def _ask(host: str, port: int, request: bytes, dues: list[float], began: float, found: list[float]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for due in dues:
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        found.append((time.monotonic() - began - due) * 1000)
    writer.close()
