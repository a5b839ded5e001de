from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from pressroom.errors import Refused
from pressroom.releases.picture import MAX_BYTES, open_picture, read_asset

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
    picture = open_picture(data)
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
    picture = open_picture(data)
    assert not [secret for secret in SECRETS if secret in picture.data]
    assert reopened(picture.data).info == {} or set(reopened(picture.data).info) <= {"progressive", "progression"}


def test_nothing_but_pixels_survives_from_webp_and_gif() -> None:
    webp = saved(gradient(), "WEBP", exif=camera_exif(), xmp=b"<?xpacket?>SECRET-XMP")
    gif = saved(gradient(mode="P"), "GIF", comment=b"SECRET-COMMENT")
    assert b"SECRET-XMP" in webp
    assert b"SECRET-COMMENT" in gif
    for data in (webp, gif):
        assert not [secret for secret in SECRETS if secret in open_picture(data).data]


def test_a_picture_taken_sideways_stands_upright() -> None:
    left_red = Image.new("RGB", (40, 20), "blue")
    left_red.paste("red", (0, 0, 20, 20))
    picture = open_picture(saved(left_red, "JPEG", exif=camera_exif(6), quality=95, subsampling=0))
    assert (picture.width, picture.height) == (20, 40)
    top = reopened(picture.data).convert("RGB").getpixel((10, 4))
    assert isinstance(top, tuple)
    assert top[0] > 200 > 60 > top[2]


def test_a_large_picture_is_made_2400_pixels_long() -> None:
    picture = open_picture(saved(gradient(6000, 3000), "JPEG"))
    assert (picture.width, picture.height) == (2400, 1200)
    assert reopened(picture.data).size == (2400, 1200)
    tall = open_picture(saved(gradient(30, 2500), "PNG"))
    assert tall.height == 2400


def test_photographs_become_jpeg_drawings_and_transparency_stay_png() -> None:
    photo = Image.effect_noise((80, 80), 90).convert("RGB")
    photo.putdata([(value % 256, value // 7 % 256, value // 3 % 256) for value in range(6400)])
    assert open_picture(saved(photo, "PNG")).media_type == "image/jpeg"
    assert open_picture(saved(photo, "WEBP", lossless=True)).media_type == "image/jpeg"
    assert open_picture(saved(Image.new("RGB", (9, 9), "red"), "PNG")).media_type == "image/png"
    glass = photo.convert("RGBA")
    glass.putpixel((0, 0), (1, 2, 3, 0))
    kept = open_picture(saved(glass, "PNG"))
    assert kept.media_type == "image/png"
    assert reopened(kept.data).getpixel((0, 0))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_png_mode_is_read(mode: str) -> None:
    image = Image.new("I;16", (8, 8), 32768) if mode == "I;16" else gradient(8, 8).convert(mode)
    picture = open_picture(saved(image, "PNG"))
    assert (picture.width, picture.height) == (8, 8)
    if mode == "I;16":
        assert reopened(picture.data).convert("L").getpixel((0, 0)) == 128


def test_cmyk_becomes_rgb() -> None:
    picture = open_picture(saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"))
    red = reopened(picture.data).getpixel((8, 8))
    assert isinstance(red, tuple)
    assert red[0] > 200
    assert red[1] < 60


def test_the_first_frame_of_a_moving_gif_is_taken() -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "green")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    picture = open_picture(data)
    assert picture.media_type == "image/png"
    assert getattr(reopened(picture.data), "n_frames", 1) == 1
    assert reopened(picture.data).convert("RGB").getpixel((5, 5)) == (255, 0, 0)


def test_the_same_picture_gives_the_same_bytes() -> None:
    data = saved(gradient(300, 200), "JPEG")
    assert open_picture(data) == open_picture(data)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"not even compressed") + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (10_000, 6_000)])
def test_too_many_pixels_are_refused_from_the_header_alone(width: int, height: int) -> None:
    # Decoding would say that the picture is damaged, which it is.
    with pytest.raises(Refused, match="more than 50 megapixels"):
        open_picture(bomb(width, height))


def test_damaged_and_foreign_files_are_refused() -> None:
    whole = saved(gradient(), "JPEG")
    with pytest.raises(Refused, match="damaged"):
        open_picture(whole[: len(whole) // 2])
    with pytest.raises(Refused, match="damaged"):
        open_picture(bomb(10, 10))
    for data in (b"", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", saved(gradient(), "TIFF")):
        with pytest.raises(Refused, match="not a JPEG, PNG, WebP or GIF"):
            open_picture(data)


def test_more_than_40_megabytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="40 MB"):
        open_picture(bytes(MAX_BYTES + 1))
    file = tmp_path / "big.jpg"
    with file.open("wb") as out:
        out.truncate(MAX_BYTES + 1)
    with pytest.raises(Refused, match=r"big\.jpg is larger than 40 MB"):
        read_asset(file)


def test_an_asset_is_read_from_its_file_and_refusals_name_it(tmp_path: Path) -> None:
    good, other = tmp_path / "a.png", tmp_path / "b.pdf"
    good.write_bytes(saved(gradient(), "PNG"))
    other.write_bytes(b"%PDF-1.7")
    assert read_asset(good).width == 64
    with pytest.raises(Refused, match=r"^b\.pdf: This is not a JPEG"):
        read_asset(other)
    with pytest.raises(Refused, match=r"gone\.png cannot be read"):
        read_asset(tmp_path / "gone.png")
