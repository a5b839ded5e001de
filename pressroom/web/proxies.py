"""The real client behind reverse proxies, believed only from PRESSROOM_TRUSTED_PROXIES."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from pressroom.web.documents import StartResponse

Address = IPv4Address | IPv6Address


class Proxies:
    """WSGI: sets REMOTE_ADDR and the scheme from X-Forwarded-For and -Proto when the peer is a trusted proxy.

    X-Forwarded-For is read from the right, past every trusted proxy; what stands left of the first stranger may be
    forged and is ignored. An IPv4 address mapped into IPv6 counts as IPv4.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], trusted: Sequence[str]) -> None:
        self._application = application
        self._trusted = [ip_network(network) for network in trusted]

    def client_of(self, given: str, forwarded: str) -> str:
        """The client's address by the peer's and X-Forwarded-For, or the peer's as `given` if that is no address.

        Empty where a proxy of one's own stands between that no setting names: all who come through it look alike.
        """
        peer = _parse(given) if forwarded else None
        if peer is None:
            return given
        if self._trusts(peer):
            return str(self._client(peer, forwarded))
        return "" if peer.is_private else given

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        peer = _parse(environ.get("REMOTE_ADDR", ""))
        if peer is not None and self._trusts(peer):
            environ["REMOTE_ADDR"] = str(self._client(peer, environ.get("HTTP_X_FORWARDED_FOR", "")))
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip().lower()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        return self._application(environ, start_response)

    def _client(self, peer: Address, forwarded: str) -> Address:
        client = peer
        for part in reversed(forwarded.split(",")):
            address = _parse(part)
            if address is None:
                return client
            client = address
            if not self._trusts(address):
                return client
        return client

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _parse(text: str) -> Address | None:
    given = text.strip()
    if given.startswith("["):
        given = given[1:].partition("]")[0]
    elif given.count(":") == 1:
        given = given.partition(":")[0]
    try:
        address = ip_address(given)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def network_of(client: str) -> str:
    """The client's own network, as far as one household or office has one: /24, or /64 in IPv6; empty if unknown."""
    address = _parse(client)
    if address is None:
        return ""
    return str(ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))
