"""Which addresses belong to everybody's Internet: the only ones to which a request goes on somebody else's word.

The others are special by the registries of IANA (RFC 6890): private, shared, loopback, link-local, multicast, for
documentation; and those in IPv6 that stand for an IPv4 address (mapped, 6to4, Teredo, NAT64), behind which any of them
may hide.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

_SPECIAL_4 = [
    IPv4Network(text)
    for text in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
    ).split()
]
# All that is routed in IPv6 lies in one block; NAT64, mapped, local and multicast addresses do not.
_ROUTED_6 = IPv6Network("2000::/3")
_SPECIAL_6 = [IPv6Network(text) for text in "2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20".split()]


def is_public(text: str) -> bool:
    """Of an address as it is connected to; False for what is none, such as one with a zone."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_4)
    if address.scope_id is not None:
        return False
    return address in _ROUTED_6 and not any(address in network for network in _SPECIAL_6)
