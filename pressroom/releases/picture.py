"""Pictures coming in: decoded, turned upright, made no larger than needed, and written anew without any metadata."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from pressroom.errors import Refused

MAX_BYTES = 40 * 1024 * 1024
MAX_PIXELS = 50_000_000
LONGEST_SIDE = 2400

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_ACCEPTED = "a JPEG, PNG, WebP or GIF picture"
_FEW_COLOURS = 256

# What Pillow's decoders raise on damaged files.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class Picture:
    """`data` holds pixels only: no EXIF, XMP, ICC profile, comment or thumbnail. Same input, same bytes."""

    data: bytes
    media_type: str
    extension: str
    width: int
    height: int

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal; the same picture given again has the same."""
        return hashlib.sha256(self.data).hexdigest()


def read_asset(path: Path) -> Picture:
    """The asset in a file. Refused if it is not a picture, is too large, or cannot be read."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Refused(_too_large(path.name))
        data = path.read_bytes()
    except OSError as error:
        raise Refused(f"{path.name} cannot be read ({error.strerror}).") from None
    try:
        return open_picture(data)
    except Refused as error:
        raise Refused(f"{path.name}: {error.message}") from None


def open_picture(data: bytes) -> Picture:
    """The picture in `data`, the first frame where it moves; at most 2400 pixels on its longer side, in sRGB.

    Raises Refused for what is no picture, is damaged, or has more than 40 MB or 50 megapixels; the latter is read from
    the header, before anything is decoded.
    """
    if len(data) > MAX_BYTES:
        raise Refused(_too_large("The picture"))
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Refused(_too_many_pixels())
            return _encoded(_pixels(image), as_png=_is_graphic(image))
    except UnidentifiedImageError:
        raise Refused(f"This is not {_ACCEPTED}; other kinds of asset are not accepted yet.") from None
    except Image.DecompressionBombError:
        raise Refused(_too_many_pixels()) from None
    except _DAMAGED as error:
        raise Refused("The picture is damaged and cannot be decoded; save it anew and try again.") from error


def _too_large(name: str) -> str:
    return f"{name} is larger than {MAX_BYTES // 1024 // 1024} MB; make it smaller first."


def _too_many_pixels() -> str:
    return f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels; make it smaller first."


def _is_graphic(image: Image.Image) -> bool:
    """Drawings keep their sharp edges as PNG; asked before conversion, where the palette still shows."""
    if image.mode in ("1", "P", "PA"):
        return True
    countable = image.format in ("PNG", "WEBP", "GIF") and image.mode in ("L", "LA", "RGB", "RGBA")
    return countable and image.getcolors(_FEW_COLOURS) is not None


def _pixels(image: Image.Image) -> Image.Image:
    # A JPEG can be decoded at a half, quarter or eighth where that still suffices.
    image.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
    image.load()
    upright = ImageOps.exif_transpose(image)
    plain = _plain_mode(_in_srgb(upright))
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=None)
    # Whatever the decoder kept beside the pixels stays behind.
    return Image.frombytes(plain.mode, plain.size, plain.tobytes())


def _in_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        converted = ImageCms.profileToProfile(image, source, target, outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # A broken profile says nothing about the colours; without one they count as sRGB.
    return converted or image


def _plain_mode(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return rgba.convert("RGB") if rgba.getchannel("A").getextrema() == (255, 255) else rgba
    if image.mode.startswith("I"):
        # 16 bits per sample; Pillow's own conversion would clip, not scale.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image.convert("L" if image.mode in ("1", "L", "F") else "RGB")


def _encoded(image: Image.Image, *, as_png: bool) -> Picture:
    out = BytesIO()
    if as_png or image.mode == "RGBA":
        image.save(out, "PNG", optimize=True)
        return Picture(out.getvalue(), "image/png", "png", image.width, image.height)
    image.save(out, "JPEG", quality=85, optimize=True, progressive=True)
    return Picture(out.getvalue(), "image/jpeg", "jpg", image.width, image.height)
