from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms
from PIL.PngImagePlugin import PngInfo

from pressroom.errors import Refused
from pressroom.releases import picture
from pressroom.releases.asset import Form, Size, Upload
from pressroom.releases.picture import MAX_BYTES

SECRETS = (
    b"SECRET-EXIF",
    b"SECRET-XMP",
    b"SECRET-COMMENT",
    b"SECRET-THUMB",
    b"SECRET-TEXT",
    b"Exif",
    b"xpacket",
    b"GPS",
)


def gradient(width: int = 64, height: int = 32, mode: str = "RGB") -> Image.Image:
    ramp = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (ramp, ramp.transpose(Image.Transpose.FLIP_TOP_BOTTOM), ramp)).convert(mode)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def camera_exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "SECRET-EXIF"
    exif[0x8825] = {1: "N", 2: (53.0, 33.0, 0.0), 3: "E", 4: (9.0, 59.0, 0.0), 29: "2026:11:22"}
    return exif


def open_web(data: bytes) -> Form:
    return picture.open_picture(data).web


def every(upload: Upload) -> bytes:
    return b"".join(form.data for form in upload.forms)


def reopened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def test_nothing_but_pixels_survives_from_a_camera_jpeg() -> None:
    data = saved(
        gradient(),
        "JPEG",
        exif=camera_exif(),
        comment=b"SECRET-COMMENT",
        xmp=b"<?xpacket?>SECRET-XMP",
        icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        extra=b"\xff\xed" + struct.pack(">H", 14) + b"SECRET-THUMB",
        dpi=(300, 300),
    )
    for secret in (b"SECRET-EXIF", b"SECRET-COMMENT", b"SECRET-XMP", b"SECRET-THUMB"):
        assert secret in data
    picture = open_web(data)
    assert not [secret for secret in SECRETS if secret in picture.data]
    image = reopened(picture.data)
    assert not set(image.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
    assert not image.getexif()
    assert (picture.media_type, picture.extension, picture.width, picture.height) == ("image/jpeg", "jpg", 64, 32)


def test_nothing_but_pixels_survives_from_a_png() -> None:
    notes = PngInfo()
    notes.add_text("Author", "SECRET-TEXT")
    notes.add_itxt("XML:com.adobe.xmp", "SECRET-XMP", zip=False)
    data = saved(gradient(mode="RGBA"), "PNG", pnginfo=notes, exif=camera_exif()) + b"SECRET-THUMB"
    assert b"SECRET-TEXT" in data
    assert b"SECRET-EXIF" in data
    picture = open_web(data)
    assert not [secret for secret in SECRETS if secret in picture.data]
    assert reopened(picture.data).info == {} or set(reopened(picture.data).info) <= {"progressive", "progression"}


def test_nothing_but_pixels_survives_from_webp_and_gif() -> None:
    webp = saved(gradient(), "WEBP", exif=camera_exif(), xmp=b"<?xpacket?>SECRET-XMP")
    gif = saved(gradient(mode="P"), "GIF", comment=b"SECRET-COMMENT")
    assert b"SECRET-XMP" in webp
    assert b"SECRET-COMMENT" in gif
    for data in (webp, gif):
        assert not [secret for secret in SECRETS if secret in open_web(data).data]


def test_a_picture_taken_sideways_stands_upright() -> None:
    left_red = Image.new("RGB", (40, 20), "blue")
    left_red.paste("red", (0, 0, 20, 20))
    picture = open_web(saved(left_red, "JPEG", exif=camera_exif(6), quality=95, subsampling=0))
    assert (picture.width, picture.height) == (20, 40)
    top = reopened(picture.data).convert("RGB").getpixel((10, 4))
    assert isinstance(top, tuple)
    assert top[0] > 200 > 60 > top[2]


def test_a_large_picture_is_there_for_the_web_and_for_print() -> None:
    web, large = picture.open_picture(saved(gradient(7000, 3500), "JPEG")).forms
    assert (web.size, web.width, web.height) == (Size.WEB, 1600, 800)
    assert (large.size, large.width, large.height) == (Size.PRINT, 6000, 3000)
    assert (reopened(web.data).size, reopened(large.data).size) == ((1600, 800), (6000, 3000))
    web, large = picture.open_picture(saved(gradient(30, 1601), "PNG")).forms
    assert (web.height, large.height) == (1600, 1601)


def test_one_that_is_no_larger_than_the_web_needs_is_there_once() -> None:
    upload = picture.open_picture(saved(gradient(1600, 900), "JPEG"))
    assert [(form.size, form.width) for form in upload.forms] == [(Size.WEB, 1600)]


def test_photographs_become_jpeg_drawings_and_transparency_stay_png() -> None:
    photo = Image.effect_noise((80, 80), 90).convert("RGB")
    photo.putdata([(value % 256, value // 7 % 256, value // 3 % 256) for value in range(6400)])
    assert open_web(saved(photo, "PNG")).media_type == "image/jpeg"
    assert open_web(saved(photo, "WEBP", lossless=True)).media_type == "image/jpeg"
    assert open_web(saved(Image.new("RGB", (9, 9), "red"), "PNG")).media_type == "image/png"
    glass = photo.convert("RGBA")
    glass.putpixel((0, 0), (1, 2, 3, 0))
    kept = open_web(saved(glass, "PNG"))
    assert kept.media_type == "image/png"
    assert reopened(kept.data).getpixel((0, 0))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_png_mode_is_read(mode: str) -> None:
    image = Image.new("I;16", (8, 8), 32768) if mode == "I;16" else gradient(8, 8).convert(mode)
    picture = open_web(saved(image, "PNG"))
    assert (picture.width, picture.height) == (8, 8)
    if mode == "I;16":
        assert reopened(picture.data).convert("L").getpixel((0, 0)) == 128


def test_cmyk_becomes_rgb() -> None:
    picture = open_web(saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"))
    red = reopened(picture.data).getpixel((8, 8))
    assert isinstance(red, tuple)
    assert red[0] > 200
    assert red[1] < 60


def test_the_first_frame_of_a_moving_gif_is_taken() -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "green")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    picture = open_web(data)
    assert picture.media_type == "image/png"
    assert getattr(reopened(picture.data), "n_frames", 1) == 1
    assert reopened(picture.data).convert("RGB").getpixel((5, 5)) == (255, 0, 0)


def test_the_same_picture_gives_the_same_bytes_and_digest() -> None:
    data = saved(gradient(300, 200), "JPEG")
    assert picture.open_picture(data) == picture.open_picture(data)
    noted = saved(gradient(300, 200), "JPEG", comment=b"other notes")
    assert picture.open_picture(noted).digest == picture.open_picture(data).digest
    assert picture.open_picture(saved(gradient(300, 201), "JPEG")).digest != picture.open_picture(data).digest


@cache
def erased() -> Image.Image:
    """A photograph in which somebody made a face clear, and a ring around it half clear; its colours are all there."""
    image = Image.effect_noise((1700, 900), 90).convert("RGBA")
    image.putalpha(Image.radial_gradient("L").resize(image.size).point(lambda value: max(0, value - 90)))
    return image


def colours_where_clear(image: Image.Image) -> list[tuple[int, int]]:
    """The least and the most of red, green and blue where alpha lets nothing be seen."""
    clear = image.getchannel("A").point(lambda value: 0 if value else 255)
    assert clear.getextrema() == (0, 255)
    shown = Image.composite(image.convert("RGB"), Image.new("RGB", image.size), clear)
    return list(shown.getextrema())  # type: ignore[arg-type]


@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("WEBP", {"lossless": True, "exact": True})])
def test_what_was_erased_by_making_it_clear_is_gone_in_every_size(form: str, options: dict[str, bool]) -> None:
    data = saved(erased(), form, **options)
    assert colours_where_clear(reopened(data))[0][1] > 200
    web, large = picture.open_picture(data).forms
    for one in (web, large):
        assert colours_where_clear(reopened(one.data)) == [(0, 0)] * 3


def test_colours_that_a_palette_makes_clear_are_gone_too() -> None:
    image = Image.new("P", (40, 40), 1)
    image.putpalette([200, 10, 10, 10, 200, 10])
    image.paste(0, (0, 0, 20, 40))
    assert colours_where_clear(reopened(open_web(saved(image, "PNG", transparency=0)).data)) == [(0, 0)] * 3


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_picture_made_smaller_has_no_seams(mode: str) -> None:
    image = Image.effect_noise((1100, 2001), 60).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size).point(lambda value: max(9, value)))
    web = reopened(picture.open_picture(saved(image, "PNG", compress_level=1)).web.data)
    assert web.size == (880, 1600)
    if mode == "RGBA":
        whole = image.resize(web.size, Image.Resampling.LANCZOS)
        # What hardly covers has colours that one step of rounding changes much.
        difference = ImageChops.difference(web.convert("RGBa"), whole.convert("RGBa")).getextrema()
        assert max(most for _, most in difference) <= 2  # type: ignore[misc]
    else:
        # What JPEG loses stands everywhere; a seam would be a line in it.
        seamed = picture._scaled(image, *web.size)
        whole = image.resize(web.size, Image.Resampling.LANCZOS)
        assert max(ImageChops.difference(seamed, whole).convert("L").histogram()[2:]) == 0


def scans(count: int) -> bytes:
    """A JPEG whose last scan, which refines what came before, stands in it again and again."""
    data = saved(Image.new("L", (64, 64), 128), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]


def test_a_jpeg_that_goes_through_its_pixels_without_end_is_refused() -> None:
    before = scans(1).count(b"\xff\xda") - 1
    assert open_web(scans(picture.MAX_SCANS - before)).width == 64
    with pytest.raises(Refused, match="more than 60 passes"):
        open_web(scans(picture.MAX_SCANS - before + 1))


def test_a_jpeg_of_empty_parts_or_filling_is_refused_before_it_is_read() -> None:
    whole = saved(gradient(), "JPEG")
    assert open_web(whole[:2] + b"\xff" * 100 + whole[2:]).width == 64
    for many in (b"\xff" * 1_000_000, b"\xff\xfe\0\x02" * 10_000):
        with pytest.raises(Refused, match="damaged"):
            open_web(whole[:2] + many + whole[2:])


def test_a_large_picture_that_is_partly_clear_takes_no_more_than_two_copies_of_it(tmp_path: Path) -> None:
    data = saved(Image.new("RGBA", (7000, 7000), (10, 20, 200, 128)), "PNG", compress_level=1)
    said, memory = measured(data, tmp_path)
    assert (said, memory < 450) == ("", True)


PNG = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(width: int, height: int, *extra: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join((PNG, chunk(b"IHDR", header), *extra, chunk(b"IDAT", b"not even compressed"), chunk(b"IEND", b"")))


def jpeg_bomb(width: int, height: int) -> bytes:
    data = bytearray(saved(gradient(), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def gif_bomb(width: int, height: int) -> bytes:
    data = bytearray(saved(gradient(mode="P"), "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def webp_bomb(width: int, height: int) -> bytes:
    """Both an animation with that canvas, and a still picture with a first chunk that says so."""
    canvas = b"\x02\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + saved(gradient(), "WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def lossless_webp_bomb() -> bytes:
    data = bytearray(saved(gradient(), "WEBP", lossless=True))
    data[21:25] = (16_382 | 16_382 << 14).to_bytes(4, "little")
    return bytes(data)


BOMBS = {
    "png": bomb(60_000, 60_000),
    "jpeg": jpeg_bomb(60_000, 60_000),
    "gif": gif_bomb(60_000, 60_000),
    "webp": webp_bomb(60_000, 60_000),
    "lossless webp": lossless_webp_bomb(),
    "webp cut off behind its canvas": webp_bomb(60_000, 60_000)[:40],
    "png cut off behind its header": bomb(60_000, 60_000)[:30],
    "just too large": bomb(10_000, 6_000),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_too_many_pixels_are_refused_from_the_header_alone(kind: str) -> None:
    # Decoding would say that the picture is damaged, which it is.
    with pytest.raises(Refused, match="more than 50 megapixels"):
        open_web(BOMBS[kind])


MEASURED = """
import sys
from pathlib import Path
from pressroom.errors import Refused
from pressroom.releases.receiving import open_asset
from PIL import Image, ImageCms
def peak():
    # Of this program alone: what getrusage() says goes back to the process that started it.
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])
data = Path(sys.argv[1]).read_bytes()
before = peak()
try:
    open_asset(data)
except Refused as error:
    print(error.message)
print((peak() - before) // 1024)
"""


def measured(data: bytes, folder: Path) -> tuple[str, int]:
    """What a process of its own says of a file, and how many megabytes of memory it took for that."""
    file = folder / "upload"
    file.write_bytes(data)
    done = subprocess.run([sys.executable, "-c", MEASURED, str(file)], capture_output=True, text=True, check=True)
    *said, memory = done.stdout.splitlines()
    return "".join(said), int(memory)


@pytest.mark.parametrize("kind", BOMBS)
def test_a_pixel_bomb_takes_no_memory(kind: str, tmp_path: Path) -> None:
    said, memory = measured(BOMBS[kind], tmp_path)
    assert "50 megapixels" in said
    assert memory < 100


def unpacking(to: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(to >> 20)) + packer.flush()


def test_compressed_notes_of_a_png_are_never_opened(tmp_path: Path) -> None:
    packed = unpacking(256 << 20)
    notes = [chunk(b"zTXt", b"note\0\0" + packed)] * 4 + [chunk(b"iCCP", b"profile\0\0" + packed)]
    notes.append(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed))
    picture_of = saved(gradient(), "PNG")
    data = picture_of[:33] + b"".join(notes[:4] + notes[5:]) + picture_of[33:]
    said, memory = measured(data, tmp_path)
    assert (said, memory < 100) == ("", True)
    _, memory = measured(picture_of[:33] + notes[4] + picture_of[33:], tmp_path)
    assert memory < 100


def test_of_a_gif_with_many_frames_one_is_decoded(tmp_path: Path) -> None:
    one = saved(Image.linear_gradient("L").resize((2000, 2000)), "GIF")
    start = one.index(b"\x2c", 13 + 768)
    data = one[:start] + one[start:-1] * 100 + b";"
    said, memory = measured(data, tmp_path)
    assert (said, memory < 100) == ("", True)


def test_damaged_and_foreign_files_are_refused() -> None:
    whole = saved(gradient(), "JPEG")
    with pytest.raises(Refused, match="damaged"):
        open_web(whole[: len(whole) // 2])
    with pytest.raises(Refused, match="damaged"):
        open_web(bomb(10, 10))
    for form in ("PNG", "GIF", "WEBP"):
        cut = saved(gradient(), form)
        for length in (9, 20, 30, len(cut) // 2):
            with pytest.raises(Refused, match="damaged"):
                open_web(cut[:length])


def test_more_than_40_megabytes_are_refused() -> None:
    with pytest.raises(Refused, match="40 MB"):
        open_web(bytes(MAX_BYTES + 1))
