"""What the text of a setting is understood as. Each reader raises ValueError, which says what to write instead."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit


def flag(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("use 1 or 0")


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("use a whole number of at least 1")
    return number


def not_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("use a whole number, 0 or more")
    return number


def base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
        raise ValueError("use an address such as https://press.example.org, with no path")
    return f"{parts.scheme}://{parts.netloc}"


def hub(text: str) -> str:
    parts = urlsplit(text)
    if text != "none" and (parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s<>]", text)):
        raise ValueError("use the address of a hub, such as https://hub.example.org/, or none")
    return text


def proxies(text: str) -> tuple[str, ...]:
    return tuple(str(ip_network(part, strict=False)) for part in text.replace(",", " ").split())


def signer(text: str) -> str:
    if text not in ("process", "relay"):
        raise ValueError("use process or relay")
    return text


def text(text: str) -> str:
    return text


def login(text: str) -> str:
    name, colon, password = text.partition(":")
    if not name or not colon or len(password) < 16:
        raise ValueError("use NAME:PASSWORD, with a password of at least 16 characters")
    return text


def bounce_address(text: str) -> str:
    local, at, domain = text.rpartition("@")
    # A return path adds up to 36 characters to the local part, of which RFC 5321 allows 64.
    if not local or not at or "." not in domain or len(local.encode()) > 28 or "+" in local or " " in text:
        raise ValueError("use an address such as bounces@example.org, with at most 28 characters and no + before the @")
    return text


def dns_server(text: str) -> str:
    """Kept as it was written; `host_and_port` takes it apart."""
    host_and_port(text)
    return text


def host_and_port(text: str) -> tuple[str, int]:
    """Such as `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`. Raises ValueError."""
    host, port = text, "53"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or "53"
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        return str(ip_address(host)), _port(port)
    except ValueError:
        raise ValueError("use the address of a DNS server, such as 192.0.2.53 or 192.0.2.53:5353") from None


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise ValueError("no port")
    return number
