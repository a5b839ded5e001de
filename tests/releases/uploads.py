"""Files as cameras, phones and office programs make them, full of what readers must never get: each word of SECRETS."""

from __future__ import annotations

import struct
import wave
import zlib
from io import BytesIO

import pikepdf
from mutagen.ogg import OggPage
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

# Each is long enough not to stand among coded pixels by chance.
SECRETS = (
    b"SECRET", b"Exif\0\0", b"MakerNote", b"Photoshop 3.0", b"ICC_PROFILE", b"history", b"Ferhad Kemal", b"35.5617",
    b"2026:11:22",
)  # fmt: skip

# Seconds since 1904.
MADE_ON = 3_846_000_000

XMP = (
    b'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><history>SECRET-XMP saved by Ferhad Kemal</history>'
    b"</x:xmpmeta><?xpacket end?>"
)


def scene(width: int = 2000, height: int = 1300) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((width, height))
    return Image.merge(
        "RGB", (ramp, ramp.transpose(Image.Transpose.FLIP_LEFT_RIGHT), Image.effect_noise((width, height), 40))
    )


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def photograph(image: Image.Image | None = None) -> bytes:
    """A JPEG with everything in it, segment by segment."""
    bare = saved(image or scene(), "JPEG", quality=90, icc_profile=_profile())
    thumbnail = saved(Image.new("RGB", (8, 8), "red"), "JPEG", comment=b"SECRET-THUMBNAIL")
    jfif = b"JFIF\0\1\2\1\0\x48\0\x48\x02\x01" + b"SECRET"
    jfxx = b"JFXX\0\x10" + thumbnail
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", 24) + b"\x1c\x02\x50\0\x13SECRET Ferhad Kemal"
    extended = b"http://ns.adobe.com/xmp/extension/\0" + b"SECRET-EXTENDED"
    segments = (
        _segment(0xE0, jfif), _segment(0xE0, jfxx), _segment(0xE1, _exif(thumbnail)),
        _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP), _segment(0xE1, extended), _segment(0xED, iptc),
        _segment(0xEB, b"SECRET-JUMBF"), _segment(0xFE, b"SECRET-COMMENT"),
    )  # fmt: skip
    start = 2 + 2 + struct.unpack(">H", bare[4:6])[0]
    return b"".join((bare[:2], *segments, bare[start:], b"SECRET-TRAILER"))


def drawing() -> bytes:
    """A PNG with text in every form it may have."""
    notes = PngInfo()
    notes.add_text("Author", "SECRET Ferhad Kemal")
    notes.add_text("Comment", "SECRET-ZTXT", zip=True)
    notes.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=False)
    exif = Image.Exif()
    exif[0x010E] = "SECRET-EXIF"
    flat = Image.new("RGB", (1700, 900), "navy")
    data = saved(flat, "PNG", pnginfo=notes, exif=exif, icc_profile=_profile())
    private = b"seCr" + b"SECRET-CHUNK"
    chunk = struct.pack(">I", len(private) - 4) + private + struct.pack(">I", zlib.crc32(private))
    return data[:33] + chunk + data[33:] + b"SECRET-TRAILER"


def webp() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "SECRET-EXIF"
    return saved(scene(), "WEBP", exif=exif, xmp=XMP, icc_profile=_profile())


def document(**more: object) -> bytes:
    """A PDF with two authors, a script, an attachment, a note, and a photograph as the camera wrote it."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(300, 200))
    page = pdf.pages[0].obj
    photo = photograph(scene(64, 48))
    image = Stream(pdf, photo, Type=Name.XObject, Subtype=Name.Image, Width=64, Height=48, BitsPerComponent=8)
    image.ColorSpace, image.Filter = Name.DeviceRGB, Name.DCTDecode
    image.Metadata = pdf.make_stream(XMP)
    page.Resources = Dictionary(XObject=Dictionary(Photo=pdf.make_indirect(image)))
    page.Contents = pdf.make_stream(b"q 200 0 0 150 0 0 cm /Photo Do Q BT (Visible text) Tj ET")
    page.PieceInfo = Dictionary(Maker=Dictionary(Private=pikepdf.String("SECRET-PRIVATE")))
    page.Thumb = pdf.make_stream(b"SECRET-THUMBNAIL")
    page.AA = Dictionary(O=_script())
    notes = (
        Dictionary(Subtype=Name.Text, Contents="SECRET-NOTE", T="Ferhad Kemal"),
        Dictionary(Subtype=Name.Square, Contents="", T="Ferhad Kemal"),
        Dictionary(Subtype=Name.Link, A=_link()),
        Dictionary(Subtype=Name.Link, A=_script()),
    )
    for one in notes:
        one.Type, one.Rect = Name.Annot, Array([0, 0, 50, 50])
    page.Annots = Array([pdf.make_indirect(one) for one in notes])
    pdf.Root.OpenAction = _script()
    pdf.Root.Metadata = pdf.make_stream(XMP)
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array(["start", _script()])))
    pdf.attachments["list.txt"] = pikepdf.AttachedFileSpec(pdf, b"SECRET-ATTACHMENT", filename="SECRET-list.txt")
    pdf.docinfo["/Author"] = "SECRET Ferhad Kemal"
    pdf.docinfo["/Creator"] = "SECRET-PROGRAM"
    out = BytesIO()
    pdf.save(out, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable, **more)
    return out.getvalue()


def mp3(seconds: int = 2) -> bytes:
    """Frames of silence, 417 bytes each, between an ID3v2 tag with a picture and APEv2 and ID3v1 tags."""
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    apic = b"\0image/jpeg\0\x03SECRET-COVER\0" + saved(Image.new("RGB", (8, 8)), "JPEG")
    fields = b"".join(_id3(kind, content) for kind, content in ((b"TPE1", b"\0SECRET Ferhad Kemal"), (b"APIC", apic)))
    size = bytes(len(fields) >> shift & 0x7F for shift in (21, 14, 7, 0))
    item = struct.pack("<II", 10, 0) + b"Artist\0" + b"SECRET-APE"
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, len(item) + 32, 1, 0) + bytes(8)
    old = b"TAG" + b"SECRET Ferhad Kemal".ljust(125, b"\0")
    return b"ID3\x03\0\0" + size + fields + frame * (38 * seconds) + item + ape + old


def wav() -> bytes:
    out = BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16_000))
    data = out.getvalue()
    notes = b"LIST" + struct.pack("<I", 26) + b"INFOIART" + struct.pack("<I", 14) + b"SECRET-ARTIST\0"
    origin = b"bext" + struct.pack("<I", 20) + b"SECRET-ORIGINATOR-42"
    body = data[8:36] + notes + data[36:] + origin
    return b"RIFF" + struct.pack("<I", len(body)) + body


def ogg() -> bytes:
    """Opus: a head, comments with a picture, and one second in pages of silence."""
    comments = [b"ARTIST=SECRET Ferhad Kemal", b"METADATA_BLOCK_PICTURE=" + b"SECRET" * 2000]
    tags = b"OpusTags" + struct.pack("<I", 13) + b"SECRET-VENDOR" + struct.pack("<I", len(comments))
    tags += b"".join(struct.pack("<I", len(one)) + one for one in comments) + b"\x01SECRET-PADDING"
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48000, 0, 0)
    pages = OggPage.from_packets([head]) + OggPage.from_packets([tags], sequence=1)
    pages += OggPage.from_packets([b"\xf8\xff\xfe" * 10] * 50, sequence=len(pages))
    for page in pages:
        page.serial = 7
    pages[0].first, pages[-1].last, pages[-1].position = True, True, 48_000 + 312
    return b"".join(page.write() for page in pages)


def m4a(handler: bytes = b"soun") -> bytes:
    dated = struct.pack(">IIIII", 0, MADE_ON, MADE_ON, 1000, 2000)
    stbl = box(b"stbl", box(b"stsd", bytes(8)), box(b"stts", bytes(8)))
    minf = box(b"minf", box(b"smhd", bytes(8)), stbl)
    named = box(b"hdlr", bytes(8) + handler + bytes(12) + b"SECRET-PROGRAM\0")
    mdia = box(b"mdia", box(b"mdhd", dated + bytes(4)), named, minf)
    trak = box(b"trak", box(b"tkhd", dated + bytes(64)), mdia, box(b"udta", b"SECRET-TRACK"))
    place = box(b"\xa9xyz", b"\0\x15\0\0+35.5617+45.4329/SECRET")
    ilst = box(b"meta", bytes(4), box(b"ilst", box(b"\xa9ART", b"SECRET Ferhad Kemal")))
    moov = box(b"moov", box(b"mvhd", dated + bytes(80)), trak, box(b"udta", place, ilst), box(b"meta", b"SECRET"))
    return b"".join(
        (
            box(b"ftyp", b"M4A \0\0\0\0M4A "),
            moov,
            box(b"free", b"SECRET-LEFT-OVER"),
            box(b"uuid", b"SECRET"),
            box(b"mdat", b"sound" * 99),
        )
    )


def box(kind: bytes, *content: bytes) -> bytes:
    joined = b"".join(content)
    return struct.pack(">I", len(joined) + 8) + kind + joined


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _profile() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = profile.index(b"s\0R\0G\0B")
    profile[at : at + 6] = b"SECRET"
    return bytes(profile)


def _exif(thumbnail: bytes) -> bytes:
    """TIFF by hand: a description, a camera's own notes, a place, a date, and a thumbnail of what was there before."""
    exif = Image.Exif()
    exif[0x010E] = "SECRET-EXIF"
    exif[0x0132] = "2026:11:22 04:05:06"
    exif[0x013B] = "Ferhad Kemal"
    exif[0x8825] = {1: "N", 2: (35.0, 33.0, 42.0), 3: "E", 4: (45.0, 25.0, 58.0), 29: "2026:11:22", 27: b"GPS-SECRET"}
    exif[0x8769] = {0x927C: b"MakerNote SECRET serial 4711", 0x9003: "2026:11:22 04:05:06"}
    main = exif.tobytes().removeprefix(b"Exif\0\0")
    (count,) = struct.unpack_from(">H", main, 8)
    # The pointer to the second directory, which holds the thumbnail, follows the first one's entries.
    second = len(main)
    first = struct.pack(">HHHIHH", 3, 0x0103, 3, 1, 6, 0)
    entries = first + struct.pack(">HHIIHHIII", 0x0201, 4, 1, second + 42, 0x0202, 4, 1, len(thumbnail), 0)
    linked = main[: 10 + 12 * count] + struct.pack(">I", second) + main[14 + 12 * count :]
    return b"Exif\0\0" + linked + entries + thumbnail


def _script() -> Dictionary:
    return Dictionary(Type=Name.Action, S=Name.JavaScript, JS="SECRET-SCRIPT")


def _link() -> Dictionary:
    return Dictionary(Type=Name.Action, S=Name.URI, URI="https://example.org/")


def _id3(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack(">I", len(content)) + b"\0\0" + content
