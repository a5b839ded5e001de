"""The coded parts of a PDF: which filters they stand under, and photographs among them (ISO 32000-1 §7.4, §8.9.7)."""

from __future__ import annotations

import re
from typing import Any

from pikepdf import Array, Name, Stream

from pressroom.errors import Refused
from pressroom.releases.boxes import blanked
from pressroom.releases.picture_header import bare_jpeg

# Meant for pictures inside drawing commands, understood by readers everywhere.
_LONG = {
    "/A85": "/ASCII85Decode", "/AHx": "/ASCIIHexDecode", "/CCF": "/CCITTFaxDecode", "/DCT": "/DCTDecode",
    "/Fl": "/FlateDecode", "/LZW": "/LZWDecode", "/RL": "/RunLengthDecode",
}  # fmt: skip
_COMPRESSORS = frozenset({"/FlateDecode", "/LZWDecode", "/RunLengthDecode"})
_WRITTEN_OUT = frozenset({"/ASCII85Decode", "/ASCIIHexDecode"})
_PHOTOGRAPHS = frozenset({"/DCTDecode", "/JPXDecode"})
_SCANS = frozenset({"/CCITTFaxDecode", "/JBIG2Decode"})
_KNOWN = _COMPRESSORS | _WRITTEN_OUT | _PHOTOGRAPHS | _SCANS | {"/Crypt"}

_NOTES_OF_JPX = frozenset({b"xml ", b"uuid", b"uinf"})

# Letters of a name may be written as #xx.
_D, _C, _T = rb"(?:D|#44)", rb"(?:C|#43)", rb"(?:T|#54)"
_PHOTOGRAPH_INSIDE = re.compile(rb"\bBI\b.{0,4096}?/" + _D + _C + _T + rb"(?:Decode|#|[\s\0/\[\]<>])", re.DOTALL)
_FILTERS = re.compile(rb"/F(?:ilter)?\s*\[([^\]]{0,300})\]")

_PACKED_TWICE = "The document has parts that are compressed more than once; print it to a new PDF instead."
_UNKNOWN_FILTER = "The document has parts that are coded in a way we do not know; print it to a new PDF instead."
_INSIDE = "The document has photographs among its drawing commands, where we cannot clean them; print it to a new PDF."


def check_filters(data: bytes) -> None:
    """As far as they can be told from the bytes of a whole document, before anything in it is opened.

    Raises Refused.
    """
    for found in _FILTERS.finditer(data):
        _check_chain([_LONG.get(name, name) for name in re.findall(r"/\w+", found[1].decode("latin-1"))])


def clean(pdf: Any, stream: Stream) -> None:
    """A photograph is left with nothing but its pixels: it is stored as the camera wrote it, with all its notes.

    Raises Refused for what is coded in a way nobody needs or knows.
    """
    chain = filters(stream)
    _check_chain(chain)
    if any(name not in _KNOWN for name in chain):
        raise Refused(_UNKNOWN_FILTER)
    if _PHOTOGRAPHS.isdisjoint(chain):
        _check_inside(stream, chain)
        return
    *wrapping, last = chain
    if last not in _PHOTOGRAPHS or not set(wrapping) <= _COMPRESSORS | _WRITTEN_OUT:
        raise Refused(_UNKNOWN_FILTER)
    parameters = _parameters(stream, len(chain))
    raw = _unwrapped(pdf, stream.read_raw_bytes(), wrapping, parameters)
    bare = bare_jpeg(raw) if last == "/DCTDecode" else blanked(raw, _NOTES_OF_JPX)
    stream.write(bare, filter=Name(last), decode_parms=parameters[-1])


def filters(stream: Stream) -> list[str]:
    """Their long names, in the order in which a reader undoes them."""
    found = stream.get("/Filter")
    if found is None:
        return []
    names = [str(one) for one in found] if isinstance(found, Array) else [str(found)]
    return [_LONG.get(name, name) for name in names]


def _check_chain(chain: list[str]) -> None:
    if sum(name in _COMPRESSORS for name in chain) > 1:
        raise Refused(_PACKED_TWICE)


def _parameters(stream: Stream, count: int) -> list[Any]:
    """One for each filter, None where it has none."""
    found = stream.get("/DecodeParms")
    given = list(found) if isinstance(found, Array) else [found]
    return [*given, *[None] * count][:count]


def _unwrapped(pdf: Any, raw: bytes, wrapping: list[str], parameters: list[Any]) -> bytes:
    if not wrapping:
        return raw
    # A stream that nothing refers to is not written.
    outer = Stream(pdf, b"")
    outer.write(raw, filter=Array([Name(name) for name in wrapping]), decode_parms=Array(parameters[: len(wrapping)]))
    return outer.read_bytes()


def _check_inside(stream: Stream, chain: list[str]) -> None:
    is_drawing = stream.get("/Subtype") != Name.Image and stream.get("/Type") not in (Name.ObjStm, Name.XRef)
    if is_drawing and not set(chain) & (_SCANS | {"/Crypt"}) and _PHOTOGRAPH_INSIDE.search(stream.read_bytes()):
        raise Refused(_INSIDE)
