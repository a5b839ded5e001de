"""Asks DNS, with a time limit: the server that PRESSROOM_DNS_SERVER names, else the system's."""

from __future__ import annotations

import socket
import time
from typing import Protocol

import dns.exception
import dns.name
import dns.nameserver
import dns.rdata
import dns.resolver
import dns.reversename
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from pressroom.doctor.tags import shown
from pressroom.readers import host_and_port

_SECONDS = 5.0
# A server that has not answered so many questions, and none yet, is not asked again.
_PATIENCE = 2
# Nor is one that was waited for so long: each domain that an SPF record includes may be slow.
_SECONDS_IN_ALL = 45.0


class NoAnswer(Exception):
    """DNS could not say whether there is a record. The text is the end of a sentence."""


class Ask(Protocol):
    """What DNS is asked. Each answer is empty where there is none, and raises NoAnswer where that is not known."""

    def texts(self, name: str) -> list[str]:
        """TXT records, their strings joined."""

    def exchanges(self, name: str) -> list[str]:
        """The hosts that take a domain's mail; an empty name is the null MX of RFC 7505."""

    def addresses(self, name: str) -> list[str]: ...

    def pointers(self, address: str) -> list[str]:
        """The names of an address (PTR)."""


class Dns:
    """Remembers what it was told, so that domains that share records ask once."""

    def __init__(self, server: str | None = None, *, seconds: float | None = None) -> None:
        self._server, self._seconds, self._left = server, seconds or _SECONDS, _SECONDS_IN_ALL
        self._resolver: dns.resolver.Resolver | None = None
        self._known: dict[tuple[str, str], list[dns.rdata.Rdata] | NoAnswer] = {}
        self._unanswered = 0
        self._has_answered = False

    def texts(self, name: str) -> list[str]:
        records = [one for one in self._ask(name, "TXT") if isinstance(one, TXT)]
        return [b"".join(one.strings).decode("utf-8", "replace") for one in records]

    def exchanges(self, name: str) -> list[str]:
        records = [one for one in self._ask(name, "MX") if isinstance(one, MX)]
        records.sort(key=lambda one: one.preference)
        return [one.exchange.to_text(omit_final_dot=True).removesuffix(".") for one in records]

    def addresses(self, name: str) -> list[str]:
        return [one.to_text() for kind in ("A", "AAAA") for one in self._ask(name, kind)]

    def pointers(self, address: str) -> list[str]:
        name = dns.reversename.from_address(address).to_text()
        return [one.to_text().removesuffix(".") for one in self._ask(name, "PTR")]

    def _ask(self, name: str, kind: str) -> list[dns.rdata.Rdata]:
        key = name.lower(), kind
        if key not in self._known:
            try:
                self._known[key] = self._answer(*key)
            except NoAnswer as error:
                self._known[key] = error
        known = self._known[key]
        if isinstance(known, NoAnswer):
            raise known
        return known

    def _answer(self, name: str, kind: str) -> list[dns.rdata.Rdata]:
        if self._left <= 0 or (self._unanswered >= _PATIENCE and not self._has_answered):
            raise NoAnswer("the DNS server does not answer in time")
        began = time.monotonic()
        try:
            found = self._resolved(name, kind)
            self._has_answered = True
        except dns.resolver.NoNameservers:
            self._has_answered = True
            raise NoAnswer(f"the DNS server failed when asked for {shown(name)}") from None
        except dns.resolver.NoResolverConfiguration:
            raise NoAnswer("this machine knows no DNS server") from None
        except (dns.exception.Timeout, OSError):
            self._unanswered += 1
            raise NoAnswer(f"the DNS server did not answer in time when asked for {shown(name)}") from None
        except (dns.exception.DNSException, UnicodeError, ValueError):
            raise NoAnswer(f"“{shown(name)}” is no name that DNS can be asked for") from None
        finally:
            self._left -= time.monotonic() - began
        return found

    def _resolved(self, name: str, kind: str) -> list[dns.rdata.Rdata]:
        if self._resolver is None:
            self._resolver = self._made()
        lifetime = min(self._seconds, self._left)
        try:
            answer = self._resolver.resolve(
                _absolute(name), kind, lifetime=lifetime, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return []
        # An alias that leads nowhere has a record set of another kind only.
        return [] if answer.rrset is None else list(answer.rrset)

    def _made(self) -> dns.resolver.Resolver:
        if self._server is None:
            return dns.resolver.Resolver()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*host_and_port(self._server))]
        return resolver


def _absolute(name: str) -> dns.name.Name:
    return dns.name.from_text(name.removesuffix("."), dns.name.root)


def own_addresses() -> list[str]:
    """The addresses that this machine sends from, as its routes have them: behind a NAT they are private.

    Nothing is sent to find out.
    """
    addresses = []
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((far, 9))
                addresses.append(str(probe.getsockname()[0]))
        except OSError:
            continue
    return addresses
