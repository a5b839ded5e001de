"""Reading an SPF record (RFC 7208)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from pressroom.doctor.tags import Unreadable, shown

Network = IPv4Network | IPv6Network

_TERM = re.compile(r"([+?~-]?)([A-Za-z0-9]+)(.*)")
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)")
_DOMAIN_AND_LENGTHS = re.compile(r"(?::([^/]+))?(?:/([0-9]{1,2}))?(?://([0-9]{1,3}))?")


@dataclass(frozen=True)
class Mechanism:
    """`target` is the domain that it names, if any; `lengths` are prefix lengths for IPv4 and IPv6."""

    qualifier: str
    name: str
    target: str = ""
    lengths: tuple[int, int] = (32, 128)
    network: Network | None = None


@dataclass(frozen=True)
class Spf:
    """What a record says, in its order; `redirect` counts only where no `all` stands."""

    mechanisms: tuple[Mechanism, ...]
    redirect: str = ""

    @property
    def rest(self) -> str | None:
        """The qualifier of `all`: what becomes of everybody else. None where nothing is said."""
        return next((one.qualifier for one in self.mechanisms if one.name == "all"), None)


def records(texts: Sequence[str]) -> list[str]:
    """Those of a domain's TXT records that are SPF."""
    return [one for one in texts if one.lower() == "v=spf1" or one.lower().startswith("v=spf1 ")]


def read(record: str) -> Spf:
    """Raises Unreadable, where receivers give up too."""
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in record.split(" ")[1:]:
        if not term:
            continue
        if modifier := _MODIFIER.fullmatch(term):
            name = modifier[1].lower()
            if name in modifiers and name in ("redirect", "exp"):
                raise Unreadable(f"“{name}=” stands in it twice")
            modifiers[name] = modifier[2]
        else:
            mechanisms.append(_mechanism(term))
    return Spf(tuple(mechanisms), modifiers.get("redirect", ""))


def _mechanism(term: str) -> Mechanism:
    known = _TERM.fullmatch(term)
    if known is None:
        raise _unknown(term)
    qualifier, name, rest = known[1] or "+", known[2].lower(), known[3]
    if name == "all" and not rest:
        return Mechanism(qualifier, name)
    if name in ("include", "exists") and rest.startswith(":") and len(rest) > 1:
        return Mechanism(qualifier, name, rest[1:])
    if name == "ptr" and (not rest or (rest.startswith(":") and len(rest) > 1)):
        return Mechanism(qualifier, name, rest[1:])
    if name in ("ip4", "ip6") and rest.startswith(":"):
        return Mechanism(qualifier, name, network=_network(term, name, rest[1:]))
    if name in ("a", "mx") and (parts := _DOMAIN_AND_LENGTHS.fullmatch(rest)):
        four, six = int(parts[2] or 32), int(parts[3] or 128)
        if four <= 32 and six <= 128:
            return Mechanism(qualifier, name, parts[1] or "", (four, six))
    raise _unknown(term)


def _network(term: str, name: str, text: str) -> Network:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise _unknown(term) from None
    # Python also reads 192.0.2.0/255.255.255.0 and fe80::1%eth0, receivers do not.
    length = text.partition("/")[2]
    if network.version != int(name[-1]) or "%" in text or (length and not length.isdigit()):
        raise _unknown(term)
    return network


def _unknown(term: str) -> Unreadable:
    return Unreadable(f"nobody can read “{shown(term)}” in it")
