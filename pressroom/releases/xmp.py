"""Who made a picture, what it shows and under which licence, written into the bytes that are served (ISO 16684-1).

Only what public texts say goes in, when it is served; the stored pixels carry nothing, and are not encoded again.
"""

from __future__ import annotations

import html as entities
import struct
import zlib
from collections.abc import Mapping, Sequence

from pressroom.clean_text import clean
from pressroom.releases.asset import RevisionAsset

# One JPEG segment holds 65,535 bytes with its length and this name.
_NAME = b"http://ns.adobe.com/xap/1.0/\0"
_LONGEST = 65_533 - len(_NAME)
_LONGEST_TEXT = 2000
_PNG_START = 8 + 25
_NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
}


Descriptions = Sequence[tuple[str, RevisionAsset]]


def with_credit(data: bytes, media_type: str, said: Descriptions) -> bytes:
    """The picture with a packet of what is said of it by language; other media types as they are."""
    added = addition(media_type, said)
    if not added:
        return data
    if media_type == "image/jpeg":
        # Behind the segment that calls it a JFIF file, which has to be the first.
        at = 2 + (2 + int(struct.unpack_from(">H", data, 4)[0]) if data[2:4] == b"\xff\xe0" else 0)
        return data[:at] + added + data[at:]
    return data[:_PNG_START] + added + data[_PNG_START:]


def addition(media_type: str, said: Descriptions) -> bytes:
    """What is put into the bytes of a picture, framed as its form wants it; empty where nothing is."""
    written = packet(said) if media_type in ("image/jpeg", "image/png") else b""
    if not written:
        return b""
    if media_type == "image/jpeg":
        content = _NAME + written
        return b"".join((b"\xff\xe1", struct.pack(">H", len(content) + 2), content))
    content = b"XML:com.adobe.xmp" + bytes(5) + written
    chunk = b"iTXt" + content
    return struct.pack(">I", len(content)) + chunk + struct.pack(">I", zlib.crc32(chunk))


def packet(said: Descriptions) -> bytes:
    """One XMP packet of at most 65,504 bytes, empty where nothing is said; the first language is the default."""
    for count in range(len(said), 0, -1):
        written = _packet(said[:count])
        if len(written) <= _LONGEST:
            return written
    return b""


def _packet(said: Descriptions) -> bytes:
    credit = next((text for _, one in said if (text := _fit(one.credit))), "")
    licences = {tag: _fit(one.licence) for tag, one in said}
    properties = [
        f"<photoshop:Credit>{entities.escape(credit)}</photoshop:Credit>" if credit else "",
        _by_language("dc:description", {tag: _fit(one.caption) for tag, one in said}),
        _by_language("dc:rights", licences),
        _by_language("xmpRights:UsageTerms", licences),
        _by_language("Iptc4xmpCore:AltTextAccessibility", {tag: _fit(one.alt) for tag, one in said}),
    ]
    if not any(properties):
        return b""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {spaces}><rdf:Description rdf:about="">'
        f'{"".join(properties)}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def _by_language(name: str, texts: Mapping[str, str]) -> str:
    given = {tag: text for tag, text in texts.items() if text}
    if not given:
        return ""
    every = {"x-default": next(iter(given.values())), **given}
    items = (f'<rdf:li xml:lang="{tag}">{entities.escape(text)}</rdf:li>' for tag, text in every.items())
    return f"<{name}><rdf:Alt>{''.join(items)}</rdf:Alt></{name}>"


def _fit(text: str) -> str:
    fit = clean(text).strip()
    return fit if len(fit) <= _LONGEST_TEXT else fit[: _LONGEST_TEXT - 1] + "…"
