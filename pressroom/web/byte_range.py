"""Which bytes a request asks for (RFC 9110 §14): players seek in recordings, readers open long documents in parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_RANGED = ("audio/", "application/pdf")
_ONE = re.compile(r"bytes=[ \t]*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))[ \t]*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(Exception):
    """Nothing of what is asked for is there."""


def is_ranged(content_type: str) -> bool:
    """Whether parts of it are given out."""
    return content_type.startswith(_RANGED)


def wanted(environ: Mapping[str, Any], etag: str, length: int) -> tuple[int, int] | None:
    """The first byte and the one after the last; None where all of it is to be sent.

    That is also so for several ranges at once, for what is no range, and with If-Range unless it is `etag`, quotes and
    all: a date may be that of two states. Raises Unsatisfiable.
    """
    given = environ.get("HTTP_RANGE")
    if given is None or environ["REQUEST_METHOD"] != "GET" or environ.get("HTTP_IF_RANGE", etag).strip() != etag:
        return None
    found = _ONE.fullmatch(given.strip())
    if found is None:
        return None
    if found[3]:
        first, end = max(0, length - int(found[3])), length
    else:
        first, end = int(found[1]), min(length, int(found[2]) + 1) if found[2] else length
        if found[2] and int(found[2]) < first:
            return None
    if first >= end:
        raise Unsatisfiable
    return first, end
