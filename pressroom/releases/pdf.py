"""A PDF written anew without what tells of its making, what it carries along and what it would do.

Objects that nothing refers to any more, such as earlier states of the file, are left behind by writing it anew.

Run as a program, it rewrites what stands in its input, within the memory and processor time it allows itself: what a
few bytes of PDF unpack to cannot be told before. It imports no more of this package than it needs, to start soon.
"""

from __future__ import annotations

import re
import resource
import sys
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream

from pressroom.errors import Refused
from pressroom.releases import pdf_stream

# Of one compressed part when it is opened, of all of them, and of what is kept.
MAX_UNPACKED, MAX_UNPACKED_TOGETHER = 128 * 1024 * 1024, 1024 * 1024 * 1024
MAX_KEPT = 40 * 1024 * 1024

# Bytes of address space and seconds of processor time. Press kits of 25 MB take some 100 MB and less than a second.
MEMORY, SECONDS = 768 * 1024 * 1024, 10

# How the program ends when it writes a sentence instead of a document.
REFUSED = 3

TOO_MUCH = "The document takes too much memory or time to read; print it to a new PDF instead."
_UNPACKS = "The document unpacks to more than a document can be; print it to a new PDF instead."

# Metadata, private data of the program that made it, thumbnails, attached files, scripts, forms of another kind.
_DROPPED = (
    "/Metadata /PieceInfo /LastModified /Thumb /AF /EF /AA /JS /JavaScript /EmbeddedFiles /XFA /OpenAction /Popup /IRT "
    "/RichMediaContent /RichMediaSettings /Movie /Collection /SpiderInfo /Perms /DSS /Legal"
).split()
_DROPPED_ACTIONS = frozenset(
    "/JavaScript /Launch /SubmitForm /ImportData /GoToE /GoToR /Rendition /RichMediaExecute /Sound /Movie".split()
)
# Of a note or mark on a page: who made it, and when.
_OF_NOTES = ("/T", "/M", "/CreationDate", "/NM", "/RC", "/Subj")
_DROPPED_NOTES = frozenset("/Text /Popup /FileAttachment /Sound /Movie /Screen /3D /RichMedia".split())

_DEEPEST = 60
# Readers take any blanks and any end of line behind the word.
_STREAM = re.compile(rb"stream[ \t\f\0]*(?:\r\n?|\n)(?=[\x08\x18\x28\x38\x48\x58\x68\x78])")
_STEP = 64 * 1024


def rewritten(data: bytes) -> bytes:
    """Raises Refused for what is damaged, locked with a password, or grows beyond reason."""
    pdf_stream.check_filters(data)
    _check_unpacked(data)
    out = BytesIO()
    try:
        with Pdf.open(BytesIO(data)) as pdf:
            pages = len(pdf.pages)
            _strip(pdf)
            pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    except pikepdf.PasswordError:
        raise Refused("The document is locked with a password; save it without one and try again.") from None
    except (pikepdf.PdfError, ValueError, TypeError, LookupError, RuntimeError, zlib.error) as error:
        raise Refused("The document is damaged and cannot be read; save it anew and try again.") from error
    if pages == 0:
        raise Refused("The document has no pages; save it anew and try again.")
    kept = out.getvalue()
    if len(kept) > MAX_KEPT:
        raise Refused(_UNPACKS)
    # Once more: by now every compressed part is where its bytes can be told.
    _check_unpacked(kept)
    return kept


def _check_unpacked(data: bytes) -> None:
    """Finds compressed parts by their bytes: a reader that looks them up would open some of them."""
    together = 0
    for found in _STREAM.finditer(data):
        size = 0
        for length in _unpacked(memoryview(data)[found.end() :]):
            size, together = size + length, together + length
            if size > MAX_UNPACKED or together > MAX_UNPACKED_TOGETHER:
                raise Refused(_UNPACKS)


def _unpacked(packed: memoryview) -> Iterator[int]:
    """How many bytes come out, step by step."""
    opened = zlib.decompressobj()
    try:
        for at in range(0, len(packed), _STEP):
            rest: bytes | memoryview = packed[at : at + _STEP]
            while rest and not opened.eof:
                yield len(opened.decompress(rest, _STEP))
                rest = opened.unconsumed_tail
            if opened.eof:
                return
    except zlib.error:
        return  # Not compressed in this way, or cut off: its reader will find out.


def _strip(pdf: Pdf) -> None:
    if "/Info" in pdf.trailer:
        del pdf.trailer["/Info"]
    for one in list(pdf.objects):
        if isinstance(one, Stream):
            pdf_stream.clean(pdf, one)
        _clean(one, 0)


def _clean(one: Any, depth: int) -> None:
    """An object and all that stands in it; what it refers to is an object of its own."""
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(one, Stream | Dictionary):
        _clean_entries(one, depth)
    elif isinstance(one, Array):
        for item in list(one):
            if isinstance(item, Dictionary | Array) and not item.is_indirect:
                _clean(item, depth + 1)


def _clean_entries(entries: Any, depth: int) -> None:
    if _is_unwanted(entries):
        for key in list(entries.keys()):
            del entries[key]
        return
    note = "/Rect" in entries and entries.get("/Subtype") != Name.Widget
    for key in (*_DROPPED, *(_OF_NOTES if note else ())):
        if key in entries:
            del entries[key]
    if isinstance(entries.get("/Annots"), Array):
        entries["/Annots"] = Array([one for one in entries["/Annots"] if "/Subtype" in one and not _is_unwanted(one)])
    for key in list(entries.keys()):
        value = entries[key]
        if isinstance(value, Dictionary | Array) and not value.is_indirect:
            _clean(value, depth + 1)


def _is_unwanted(entries: Any) -> bool:
    """An action that does more than lead to a page, a note beside the text, or a signature, which no longer holds."""
    action = "/Type" not in entries or entries["/Type"] == Name.Action
    return (
        (action and str(entries.get("/S")) in _DROPPED_ACTIONS)
        or ("/Rect" in entries and str(entries.get("/Subtype")) in _DROPPED_NOTES)
        or "/ByteRange" in entries
    )


def main() -> int:
    """From standard input to standard output: the document, or with REFUSED as its status a sentence."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        answer, status = rewritten(sys.stdin.buffer.read()), 0
    except Refused as error:
        answer, status = error.message.encode(), REFUSED
    except MemoryError:
        answer, status = TOO_MUCH.encode(), REFUSED
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
