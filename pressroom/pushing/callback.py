"""A callback: the address of a machine that wants to be told. What may be one is decided here, before DNS is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from pressroom.errors import Refused
from pressroom.networks import is_public

_LONGEST = 2048
# Printable ASCII without what a URI never holds (RFC 3986 §2): parsers disagree about the rest.
_URI = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
_PORTS = {"http": 80, "https": 443}
_LOWEST_OTHER_PORT = 1024


@dataclass(frozen=True)
class Callback:
    """`host` is a name in small letters, or an address without brackets; `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"


def parse(url: str, *, private: bool) -> Callback:
    """`private` allows this machine and private networks. Raises Refused with a sentence for the client's developer."""
    if len(url) > _LONGEST or not _URI.fullmatch(url):
        raise Refused(f"The callback must be a URI of at most {_LONGEST} characters: percent-encode what is none.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise Refused("The callback is no URI.") from None
    if parts.scheme not in _PORTS:
        raise Refused("The callback must begin with https:// or http://.")
    if "@" in parts.netloc:
        raise Refused("The callback must hold no user name or password: put a secret into its path or query.")
    if "#" in url:
        raise Refused("The callback must hold no fragment.")
    given = _PORTS[parts.scheme] if port is None else port
    if given not in _PORTS.values() and given < _LOWEST_OTHER_PORT:
        raise Refused("The callback's port must be 80, 443, or 1024 and above.")
    _check_host(host, parts.netloc, private=private)
    target = (parts.path or "/") + (f"?{parts.query}" if "?" in url else "")
    return Callback(parts.scheme, host, given, target)


def _check_host(host: str, netloc: str, *, private: bool) -> None:
    try:
        address = str(ip_address(host))
    except ValueError:
        address = ""
    is_name = "[" not in netloc and _NAME.fullmatch(host) and len(host) <= 253
    # Some resolvers take `127.1` or `0x7f000001` for an address.
    last = host.rstrip(".").rpartition(".")[2]
    is_number = not address and bool(re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last))
    if not address and (not is_name or is_number):
        raise Refused("The callback names no host: an international name is written as xn--….")
    if private:
        return
    if address and not is_public(address):
        raise Refused("The callback leads into a private network, where this service does not go.")
    if not address and (host.rstrip(".") == "localhost" or host.rstrip(".").endswith((".localhost", ".local"))):
        raise Refused("The callback leads into a private network, where this service does not go.")


def with_query(target: str, query: str) -> str:
    """More parameters at the end; those that are there stay as they are (WebSub §5.1)."""
    return f"{target}{'&' if '?' in target else '?'}{query}"
