"""The addresses of a host: asked for once, all of them checked, within the time that is left."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from ipaddress import ip_address

import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from pressroom.networks import is_public
from pressroom.pushing.call import Forbidden, Unreachable
from pressroom.readers import host_and_port

Resolve = Callable[[str, float], list[str]]

_MOST = 8


def resolver(server: str | None, *, private: bool) -> Resolve:
    """`server` is a DNS server, by default the system's; with `private` also the machine's own file of hosts counts."""

    def resolve(host: str, deadline: float) -> list[str]:
        """Raises Unreachable where there is none, and Forbidden if any of them is not everybody's."""
        try:
            found = [str(ip_address(host))]
        except ValueError:
            found = _of_system(host) if private and server is None else _of_dns(host, server, deadline)
        if not found:
            raise Unreachable("no address")
        # A name with one good and one bad address is a trick: neither is connected to.
        if not private and not all(is_public(one) for one in found):
            raise Forbidden("not a public address")
        return found[:_MOST]

    return resolve


def _of_dns(host: str, server: str | None, deadline: float) -> list[str]:
    asked = dns.resolver.Resolver(configure=server is None)
    if server is not None:
        asked.nameservers = [dns.nameserver.Do53Nameserver(*host_and_port(server))]
    found: list[str] = []
    try:
        name = dns.name.from_text(host.removesuffix("."), dns.name.root)
        for kind in ("A", "AAAA"):
            left = deadline - time.monotonic()
            if left <= 0:
                raise Unreachable("too slow")
            answer = asked.resolve(name, kind, lifetime=left, search=False, raise_on_no_answer=False)
            found += [one.to_text() for one in answer.rrset or ()]
    except (dns.exception.DNSException, OSError, UnicodeError, ValueError):
        if not found:
            raise Unreachable("no address") from None
    return found


def _of_system(host: str) -> list[str]:
    try:
        return [str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []
