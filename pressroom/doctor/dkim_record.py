"""Reading a DKIM key record (RFC 6376 §3.6.1, RFC 8463) beside the one that should stand there."""

from __future__ import annotations

from collections.abc import Sequence

from pressroom.doctor import tags
from pressroom.doctor.finding import Remark, fine, warn, wrong
from pressroom.doctor.tags import Unreadable, shown

_PUBLISH = "Publish the record below in its place"


def compare(texts: Sequence[str], expected: str) -> list[Remark]:
    """What is to be said of the TXT records at the selector's name; a single remark that is fine if all is well."""
    if not texts:
        return [wrong("there is no record", "Publish the one below")]
    if len(texts) > 1:
        return [wrong(f"there are {len(texts)} records, and receivers may take any", "Leave the one below")]
    try:
        there = tags.read(texts[0])
    except Unreadable as error:
        return [wrong(f"its record cannot be read: {error}", _PUBLISH)]
    return _faults(there, tags.read(expected)) or [fine("the record is there, with the right key")]


def _faults(there: dict[str, str], expected: dict[str, str]) -> list[Remark]:
    if there.get("v", "DKIM1") != "DKIM1" or ("v" in there and next(iter(there)) != "v"):
        return [wrong("its record does not begin with v=DKIM1", _PUBLISH)]
    kind, wanted = there.get("k", "rsa").lower(), expected["k"]
    if kind != wanted:
        return [wrong(f"its record is for a key of type {shown(kind)}, not {wanted}", _PUBLISH)]
    if "p" not in there:
        return [wrong("its record holds no key (p)", _PUBLISH)]
    key = "".join(there["p"].split())
    if not key:
        return [wrong("its record says that the key was revoked (p is empty)", _PUBLISH)]
    if key != expected["p"]:
        return [wrong("its record has another key, so no signature holds", _PUBLISH)]
    return _limits(there)


def _limits(there: dict[str, str]) -> list[Remark]:
    """What the owner of the domain narrowed the key to."""
    faults = []
    if "h" in there and "sha256" not in _words(there["h"]):
        faults.append(wrong("its record does not allow sha256 (h)", _PUBLISH))
    if "s" in there and not {"*", "email"} & _words(there["s"]):
        faults.append(wrong("its record is not for mail (s)", _PUBLISH))
    if "y" in _words(there.get("t", "")):
        faults.append(warn("its record says that it is being tested (t=y)", "Take t=y out when it works"))
    return faults


def _words(value: str) -> set[str]:
    return {one.strip().lower() for one in value.split(":")}
