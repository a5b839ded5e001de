from __future__ import annotations

import base64
import subprocess
import sys
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

from pressroom.errors import Refused
from pressroom.releases import document, pdf
from pressroom.releases.document import open_document
from tests.releases import uploads

A85 = Name.ASCII85Decode


def page(contents: bytes = b"", **more: object) -> pikepdf.Pdf:
    made = pikepdf.new()
    made.add_blank_page(page_size=(100, 100))
    made.pages[0].obj.Contents = Stream(made, contents, **more)
    return made


def saved(made: pikepdf.Pdf) -> bytes:
    """With every stream as it is."""
    out = BytesIO()
    made.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return out.getvalue()


def showing(raw: bytes, filters: object, parameters: object = None) -> bytes:
    """A page with a picture that is coded in this way."""
    made = page(b"q 50 0 0 50 0 0 cm /Photo Do Q")
    image = Stream(made, b"", Type=Name.XObject, Subtype=Name.Image, Width=64, Height=48, BitsPerComponent=8)
    image.ColorSpace = Name.DeviceRGB
    image.write(raw, filter=filters, decode_parms=parameters)
    made.pages[0].obj.Resources = Dictionary(XObject=Dictionary(Photo=image))
    return saved(made)


@cache
def photograph() -> bytes:
    return uploads.photograph(uploads.scene(64, 48))


def a85(data: bytes) -> bytes:
    return base64.a85encode(data) + b"~>"


def predicted(data: bytes) -> bytes:
    """Compressed as PNG does it: rows of 16, each with a byte in front that says how they are told from the last."""
    rows = (data[at : at + 16].ljust(16, b"\0") for at in range(0, len(data), 16))
    return zlib.compress(b"".join(b"\0" + row for row in rows))


PREDICTED = Array([Dictionary(Predictor=15, Columns=16), None])
CODED = {
    "alone": (photograph, Name.DCTDecode, None),
    "by its short name": (photograph, Name.DCT, None),
    "in a list": (photograph, Array([Name.DCT]), None),
    "as letters": (lambda: a85(photograph()), Array([A85, Name.DCTDecode]), None),
    "as letters, by short names": (lambda: a85(photograph()), Array([Name.A85, Name.DCT]), None),
    "as numbers": (lambda: photograph().hex().encode() + b">", Array([Name.ASCIIHexDecode, Name.DCTDecode]), None),
    "compressed": (lambda: zlib.compress(photograph()), Array([Name.FlateDecode, Name.DCTDecode]), None),
    "compressed row by row": (lambda: predicted(photograph()), Array([Name.Fl, Name.DCT]), PREDICTED),
    "compressed, as letters": (
        lambda: a85(zlib.compress(photograph())), Array([A85, Name.FlateDecode, Name.DCTDecode]), None
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", CODED)
def test_a_photograph_is_left_with_its_pixels_however_it_is_coded(how: str) -> None:
    make, filters, parameters = CODED[how]
    kept = open_document(showing(make(), filters, parameters)).web.data
    with pikepdf.open(BytesIO(kept)) as found:
        image = found.pages[0].Resources.XObject.Photo
        raw = image.read_raw_bytes()
        assert str(image.Filter) == "/DCTDecode"
        assert [secret for secret in uploads.SECRETS if secret in raw] == []
        assert pikepdf.PdfImage(image).as_pil_image().tobytes() == Image.open(BytesIO(photograph())).tobytes()


TWICE, UNKNOWN = "compressed more than once", "coded in a way we do not know"


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        ([Name.FlateDecode, Name.FlateDecode, Name.DCTDecode], TWICE),
        ([Name.LZW, Name.RL], TWICE),
        ([Name.DCTDecode, Name.FlateDecode], UNKNOWN),
        ([Name.DCTDecode, Name.DCTDecode], UNKNOWN),
        ([Name.JBIG2Decode, Name.DCTDecode], UNKNOWN),
        ([Name("/OwnDecode")], UNKNOWN),
    ],
)
def test_what_is_coded_as_nobody_does_is_refused(filters: list[Name], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        open_document(showing(zlib.compress(zlib.compress(photograph())), Array(filters)))


def test_photographs_among_drawing_commands_are_refused() -> None:
    start = b"q BI /W 64 /H 48 /CS /RGB /BPC 8 "
    for contents in (
        start + b"/F /DCT ID " + photograph() + b" EI Q",
        start + b"/Filter[/A85/D#43TDecode]ID " + a85(photograph()) + b" EI Q",
    ):
        for made in (page(contents), page(zlib.compress(contents), Filter=Name.FlateDecode)):
            with pytest.raises(Refused, match="photographs among its drawing commands"):
                open_document(saved(made))
    small = page(b"q BI /W 1 /H 1 /CS /G /BPC 8 /F /AHx ID 00> EI Q")
    assert open_document(saved(small)).web.data


def spaces(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(b" " * (1 << 20)) for _ in range(megabytes)) + packer.flush()


def test_a_part_that_is_compressed_twice_is_refused_however_that_is_written() -> None:
    made = page()
    made.pages[0].obj.Contents.write(zlib.compress(spaces(1)), filter=Array([Name.FlateDecode] * 2))
    plain = saved(made)
    hidden = plain.replace(b"/FlateDecode /FlateDecode", b"/FlateDecode /Fl#61teDecode")
    assert hidden != plain
    for data in (plain, hidden):
        with pytest.raises(Refused, match=TWICE):
            open_document(data)


def test_what_unpacks_without_end_is_found_behind_blanks_and_letters() -> None:
    too_much = (pdf.MAX_UNPACKED >> 20) + 1
    blank = saved(page(spaces(too_much), Filter=Name.FlateDecode)).replace(b"\nstream\n", b"\nstream \n")
    letters = saved(page(a85(spaces(too_much)), Filter=Array([A85, Name.FlateDecode])))
    for data in (blank, letters):
        with pytest.raises(Refused, match="unpacks to more than a document can be"):
            open_document(data)


LIMITED = """
import sys
from pressroom.releases import pdf
pdf.MEMORY, pdf.SECONDS = int(sys.argv[1]) << 20, int(sys.argv[2])
sys.exit(pdf.main())
"""


def within(megabytes: int, seconds: int, data: bytes) -> tuple[int, bytes]:
    """How the program that rewrites ends within these limits, and what it says."""
    command = [sys.executable, "-c", LIMITED, str(megabytes), str(seconds)]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    return done.returncode, done.stdout


def test_the_program_takes_no_more_than_it_is_allowed() -> None:
    large = saved(page(a85(spaces(100)), Filter=Array([A85, Name.FlateDecode])))
    assert within(768, 60, large)[0] == 0
    status, said = within(160, 60, large)
    assert status < 0 or (status == pdf.REFUSED and b"PDF" not in said[:4])
    assert within(768, 0, large)[0] < 0


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (folder / "stands_in.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(document, "_PROGRAM", "stands_in")


def test_a_program_that_is_ended_for_what_it_takes_refuses_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, monkeypatch, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    with pytest.raises(Refused, match="too much memory or time"):
        open_document(b"%PDF-1.7")


def test_a_program_that_fails_is_our_fault_and_not_the_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, monkeypatch, "raise LookupError('nothing of the document')\n")
    with pytest.raises(RuntimeError, match="stands_in ended with 1: LookupError"):
        open_document(b"%PDF-1.7")


def test_the_program_is_told_none_of_our_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSROOM_SECRET_KEY", "a secret")
    program(tmp_path, monkeypatch, "import os\nprint(*sorted(os.environ))\n")
    assert b"SECRET" not in open_document(b"%PDF-1.7").web.data


def test_what_both_sides_of_the_program_say_is_the_same() -> None:
    assert (document._REFUSED, document._TOO_MUCH) == (pdf.REFUSED, pdf.TOO_MUCH)
