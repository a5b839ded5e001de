from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.wave import WAVE
from PIL import Image

from pressroom.errors import Refused
from pressroom.releases import document, pdf, receiving, recording
from pressroom.releases.asset import Kind, Size
from pressroom.releases.receiving import open_asset, read_asset
from tests.releases import uploads
from tests.releases.uploads import SECRETS

UPLOADS = {
    "jpeg": uploads.photograph, "png": uploads.drawing, "webp": uploads.webp, "pdf": uploads.document,
    "mp3": uploads.mp3, "wav": uploads.wav, "ogg": uploads.ogg, "m4a": uploads.m4a,
}  # fmt: skip


def opened(pdf: bytes) -> bytes:
    """All of a document's parts as a reader sees them, with no compression."""
    out = BytesIO()
    with pikepdf.open(BytesIO(pdf)) as found:
        found.save(
            out, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable,
            stream_decode_level=pikepdf.StreamDecodeLevel.generalized, deterministic_id=True,
        )  # fmt: skip
    return out.getvalue()


@pytest.mark.parametrize("kind", UPLOADS)
def test_nothing_that_tells_of_its_making_survives(kind: str) -> None:
    data = UPLOADS[kind]()
    given = opened(data) if kind == "pdf" else data
    assert b"SECRET" in given
    upload = open_asset(data)
    for form in upload.forms:
        kept = form.data + opened(form.data) if kind == "pdf" else form.data
        assert [secret for secret in SECRETS if secret in kept] == []
        assert [secret for secret in SECRETS if secret.decode().encode("utf-16-be") in kept] == []
    assert open_asset(data) == upload


def test_the_photograph_of_these_tests_has_all_that_it_should_lose() -> None:
    data = uploads.photograph()
    assert [secret for secret in SECRETS if secret not in data] == [b"35.5617"]
    exif = Image.open(BytesIO(data)).getexif()
    assert exif.get_ifd(0x8825)[2] == (35.0, 33.0, 42.0)
    assert exif.get_ifd(0x8769)[0x927C].startswith(b"MakerNote")
    assert data.count(b"SECRET-THUMBNAIL") == 2
    assert len(open_asset(data).forms) == 2


def test_each_kind_is_known_by_its_content() -> None:
    found = {kind: open_asset(make()) for kind, make in UPLOADS.items()}
    kinds = {kind: (upload.kind, upload.web.media_type, upload.web.extension) for kind, upload in found.items()}
    assert kinds == {
        "jpeg": (Kind.PICTURE, "image/jpeg", "jpg"),
        "png": (Kind.PICTURE, "image/png", "png"),
        "webp": (Kind.PICTURE, "image/jpeg", "jpg"),
        "pdf": (Kind.DOCUMENT, "application/pdf", "pdf"),
        "mp3": (Kind.RECORDING, "audio/mpeg", "mp3"),
        "wav": (Kind.RECORDING, "audio/wav", "wav"),
        "ogg": (Kind.RECORDING, "audio/ogg", "ogg"),
        "m4a": (Kind.RECORDING, "audio/mp4", "m4a"),
    }
    assert {form.size for upload in found.values() for form in upload.forms} == {Size.WEB, Size.PRINT}


def test_a_document_keeps_its_pages_and_links_and_nothing_that_acts() -> None:
    with pikepdf.open(BytesIO(open_asset(uploads.document()).web.data)) as found:
        (page,) = found.pages
        assert b"Visible text" in page.Contents.read_bytes()
        kept = [(str(one.Subtype), str(one.get("/A", {}).get("/URI", ""))) for one in page.Annots]
        assert kept == [("/Square", ""), ("/Link", "https://example.org/"), ("/Link", "")]
        photo = page.Resources.XObject.Photo
        assert pikepdf.PdfImage(photo).as_pil_image().size == (64, 48)
        assert "/OpenAction" not in found.Root
        assert not found.attachments


def test_an_earlier_state_of_a_document_is_left_behind() -> None:
    data = uploads.document()
    later = data + b"\n9999 0 obj\n(SECRET-EARLIER-STATE)\nendobj\n"
    assert b"SECRET-EARLIER-STATE" not in opened(open_asset(later).web.data)


def test_a_document_that_is_locked_or_damaged_is_refused() -> None:
    locked = uploads.document(encryption=pikepdf.Encryption(user="word", owner="word"))
    with pytest.raises(Refused, match="password"):
        open_asset(locked)
    for damaged in (b"%PDF-1.7", b"%PDF-1.7\n" + bytes(1000), uploads.document()[:300]):
        with pytest.raises(Refused, match=r"damaged|no pages"):
            open_asset(damaged)


def test_a_document_that_unpacks_without_end_is_refused() -> None:
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1 + (pdf.MAX_UNPACKED >> 20)))
    with pytest.raises(Refused, match="unpacks"):
        open_asset(b"%PDF-1.7\n1 0 obj<</Type/ObjStm/Filter/FlateDecode>>stream\n" + packed + packer.flush())


def test_the_sound_of_a_recording_stays_as_it_was() -> None:
    length = {kind: open_asset(UPLOADS[kind]()).web.data for kind in ("mp3", "wav", "ogg", "m4a")}
    assert length["mp3"] == (b"\xff\xfb\x90\x00" + bytes(413)) * 76
    assert MP3(BytesIO(length["mp3"])).info.length == pytest.approx(2, abs=0.03)
    assert WAVE(BytesIO(length["wav"])).info.length == 1.0
    opus = OggOpus(BytesIO(length["ogg"]))
    assert (opus.info.length, list(opus.tags), b"\xf8\xff\xfe" * 10 in length["ogg"]) == (1.0, [], True)
    assert MP4(BytesIO(length["m4a"])).info.length == 2.0
    date = struct.pack(">I", uploads.MADE_ON)
    assert (uploads.m4a().count(date), length["m4a"].count(date)) == (6, 0)
    assert length["m4a"].index(b"sound") == uploads.m4a().index(b"sound"), "what tracks say of places still holds"


@pytest.mark.parametrize("kind", ["mp3", "wav", "ogg", "m4a"])
def test_a_recording_that_is_cut_off_or_no_sound_is_refused(kind: str) -> None:
    with pytest.raises(Refused, match=r"damaged|not a picture"):
        open_asset(UPLOADS[kind]()[:60])


def test_films_and_streams_of_several_kinds_are_refused() -> None:
    with pytest.raises(Refused, match="sound alone"):
        open_asset(uploads.m4a(b"vide"))
    with pytest.raises(Refused, match="ordinary M4A"):
        open_asset(uploads.m4a() + uploads.box(b"moof", bytes(8)))
    ogg = uploads.ogg()
    other = bytearray(ogg)
    other[14:18] = struct.pack("<I", 8)
    with pytest.raises(Refused, match=r"sound alone|damaged"):
        open_asset(ogg + bytes(other))


def test_all_else_is_refused_with_what_is_accepted() -> None:
    tiff = uploads.saved(uploads.scene(20, 20), "TIFF")
    heic = uploads.box(b"ftyp", b"heic\0\0\0\0mif1heic")
    page = b"<!doctype html><script>alert(1)</script>"
    for data in (b"", b"MZ", page, b"<svg xmlns='http://www.w3.org/2000/svg'/>", tiff, heic, b"PK\x03\x04"):
        with pytest.raises(Refused, match=r"not a picture \(JPEG, PNG, WebP, GIF\), a PDF or a recording"):
            open_asset(data)


def test_files_that_are_too_large_are_refused(tmp_path: Path) -> None:
    for start, limit in ((b"%PDF-1.7", document.MAX_BYTES), (b"OggS", recording.MAX_BYTES)):
        with pytest.raises(Refused, match=f"larger than {limit >> 20} MB"):
            open_asset(start + bytes(limit))
    file = tmp_path / "big.jpg"
    with file.open("wb") as out:
        out.truncate(receiving.LARGEST + 1)
    with pytest.raises(Refused, match=r"big\.jpg is larger than 40 MB"):
        read_asset(file)


def test_an_asset_is_read_from_its_file_and_refusals_name_it(tmp_path: Path) -> None:
    good, other = tmp_path / "a.png", tmp_path / "b.pdf"
    good.write_bytes(uploads.drawing())
    other.write_bytes(b"nothing")
    assert read_asset(good).web.width == 1600
    with pytest.raises(Refused, match=r"^b\.pdf: This is not a picture"):
        read_asset(other)
    with pytest.raises(Refused, match=r"gone\.png cannot be read"):
        read_asset(tmp_path / "gone.png")
