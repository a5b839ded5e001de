"""Whom an SPF record lets send, with all that it includes."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from pressroom.doctor import spf
from pressroom.doctor.dns import Ask
from pressroom.doctor.spf import Mechanism, Network, Spf
from pressroom.doctor.tags import Unreadable, shown

# RFC 7208 §4.6.4: receivers give up beyond it.
MOST_LOOKUPS = 10
# Of which so many may find nothing.
MOST_VOID = 2
# What becomes of everybody else, where only a receiver can tell.
UNKNOWN = ""


@dataclass
class Reach:
    """`rest` is what becomes of everybody else; `is_partial` where only a receiver can tell (macros, exists, ptr).

    `void` are the names that were looked up and have nothing of the kind.
    """

    networks: list[Network] = field(default_factory=list)
    lookups: int = 0
    void: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    rest: str | None = None
    asks_ptr: bool = False
    is_partial: bool = False

    @property
    def is_too_long(self) -> bool:
        return self.lookups > MOST_LOOKUPS

    def allows(self, address: str) -> bool:
        there = ip_address(address)
        return any(there in network for network in self.networks)


def follow(ask: Ask, domain: str, record: Spf) -> Reach:
    """Raises NoAnswer."""
    reach = Reach()
    reach.rest = _follow(ask, domain, record, reach)
    return reach


def _follow(ask: Ask, domain: str, record: Spf, reach: Reach) -> str | None:
    """What becomes of everybody else."""
    for one in record.mechanisms:
        if one.name == "all":
            break
        if one.network is not None:
            reach.networks += [one.network] if one.qualifier == "+" else []
        else:
            _look_up(ask, domain, one, reach)
    if record.rest is not None or not record.redirect:
        return record.rest
    if "%" in record.redirect:
        reach.lookups += 1
        reach.is_partial = True
        return UNKNOWN
    there = _record_of(ask, record.redirect, reach)
    return _follow(ask, record.redirect, there, reach) if there else None


def _look_up(ask: Ask, domain: str, one: Mechanism, reach: Reach) -> None:
    target = one.target or domain
    if one.name == "include":
        there = _record_of(ask, target, reach)
        before = list(reach.networks)
        if there is not None:
            _follow(ask, target, there, reach)
        if one.qualifier != "+":
            reach.networks = before
        return
    reach.lookups += 1
    reach.asks_ptr = reach.asks_ptr or one.name == "ptr"
    if "%" in target or one.name not in ("a", "mx"):
        reach.is_partial = True
    elif not reach.is_too_long:
        hosts = ask.exchanges(target) if one.name == "mx" else [target]
        addresses = [address for host in hosts[:MOST_LOOKUPS] if host for address in ask.addresses(host)]
        reach.void += [] if addresses else [target]
        reach.networks += [_around(address, one.lengths) for address in addresses if one.qualifier == "+"]


def _record_of(ask: Ask, domain: str, reach: Reach) -> Spf | None:
    """The record that an include or a redirect leads to."""
    reach.lookups += 1
    if reach.is_too_long:
        return None
    if "%" in domain:
        reach.is_partial = True
        return None
    there = spf.records(ask.texts(domain))
    if len(there) != 1:
        reach.faults.append(f"it leads to {shown(domain)}, which has {'several' if there else 'no'} SPF records")
        return None
    try:
        return spf.read(there[0])
    except Unreadable as error:
        reach.faults.append(f"it leads to {shown(domain)}, whose record is broken: {error}")
        return None


def _around(address: str, lengths: tuple[int, int]) -> Network:
    length = lengths[0] if ip_address(address).version == 4 else lengths[1]
    return ip_network(f"{address}/{length}", strict=False)
