"""Pictures coming in: decoded, turned upright, made no larger than needed, and written anew without any metadata."""

from __future__ import annotations

import hashlib
import struct
import zlib
from io import BytesIO

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from pressroom.errors import Refused
from pressroom.releases.asset import Form, Kind, Size, Upload
from pressroom.releases.picture_header import pixel_size, without_notes

MAX_BYTES = 40 * 1024 * 1024
MAX_PIXELS = 50_000_000
WEB_SIDE = 1600
PRINT_SIDE = 6000

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_FEW_COLOURS = 256
_QUALITY = {Size.WEB: 85, Size.PRINT: 92}
_BLACK: dict[str, int | tuple[int, ...]] = {"L": 0, "RGB": (0, 0, 0), "RGBA": (0, 0, 0, 255)}

# What Pillow's decoders raise on damaged files.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)

Pixels = tuple[int, int, int, int]


def open_picture(data: bytes) -> Upload:
    """The picture in `data`, the first frame where it moves, in sRGB: at most 1600 pixels on its longer side for the
    web and, where it has more than those, at most 6000 for print. The forms hold pixels only: no EXIF, XMP, ICC
    profile, comment or thumbnail. The digest is that of the pixels. Same input, same bytes.

    Raises Refused for what is no picture, is damaged, or has more than 40 MB or 50 megapixels; the latter is read from
    the header, before anything is decoded.
    """
    if len(data) > MAX_BYTES:
        raise Refused(f"The picture is larger than {MAX_BYTES // 1024 // 1024} MB; make it smaller first.")
    try:
        width, height = pixel_size(data)
        _check(width, height)
        with Image.open(BytesIO(without_notes(data)), formats=_FORMATS) as image:
            # What the decoder found may differ from what the header says.
            _check(image.width, image.height)
            as_png, large = _decoded(image)
    except (UnidentifiedImageError, *_DAMAGED) as error:
        raise Refused("The picture is damaged and cannot be decoded; save it anew and try again.") from error
    except Image.DecompressionBombError:
        raise Refused(_TOO_MANY) from None
    digest = hashlib.sha256(f"{large.mode} {large.width}×{large.height} ".encode() + large.tobytes()).hexdigest()
    forms = [_form(_fitting(large, WEB_SIDE), Size.WEB, as_png=as_png)]
    if max(large.size) > WEB_SIDE:
        forms.append(_form(large, Size.PRINT, as_png=as_png))
    return Upload(Kind.PICTURE, digest, tuple(forms))


def covered(data: bytes, media_type: str, size: Size, boxes: list[Pixels]) -> bytes:
    """The stored bytes of one size with opaque black where the boxes (left, top, right, bottom) are."""
    with Image.open(BytesIO(data), formats=_FORMATS) as image:
        image.load()
        pixels = _bare(image)
    for box in boxes:
        pixels.paste(_BLACK[pixels.mode], box)
    return _encoded(pixels, size, as_png=media_type == "image/png")


_TOO_MANY = f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels; make it smaller first."


def _check(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise Refused(_TOO_MANY)


def _decoded(image: Image.Image) -> tuple[bool, Image.Image]:
    """Whether it is a drawing, and its upright pixels, no more than are printed."""
    # A JPEG can be decoded at a half, quarter or eighth where that still suffices.
    image.draft(None, (PRINT_SIDE, PRINT_SIDE))
    image.load()
    as_png = _is_graphic(image)
    ImageOps.exif_transpose(image, in_place=True)
    plain = _plain_mode(_in_srgb(image))
    return as_png or plain.mode == "RGBA", _fitting(plain, PRINT_SIDE)


def _is_graphic(image: Image.Image) -> bool:
    """Drawings keep their sharp edges as PNG; asked before conversion, where the palette still shows."""
    if image.mode in ("1", "P", "PA"):
        return True
    countable = image.format in ("PNG", "WEBP", "GIF") and image.mode in ("L", "LA", "RGB", "RGBA")
    return countable and image.getcolors(_FEW_COLOURS) is not None


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
    mode = "L" if image.mode in ("1", "L", "F") else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _fitting(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    if scale >= 1:
        return _bare(image)
    width, height = (max(1, round(length * scale)) for length in image.size)
    return _bare(image.resize((width, height), Image.Resampling.LANCZOS))


def _bare(image: Image.Image) -> Image.Image:
    """Its pixels in a picture of their own: whatever the decoder kept beside them stays behind."""
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    return bare


def _form(image: Image.Image, size: Size, *, as_png: bool) -> Form:
    media_type, extension = ("image/png", "png") if as_png else ("image/jpeg", "jpg")
    return Form(size, media_type, extension, _encoded(image, size, as_png=as_png), image.width, image.height)


def _encoded(image: Image.Image, size: Size, *, as_png: bool) -> bytes:
    out = BytesIO()
    if as_png:
        # Optimising millions of pixels takes half a minute, for a few per cent.
        image.save(out, "PNG", optimize=size is Size.WEB)
    else:
        image.save(out, "JPEG", quality=_QUALITY[size], optimize=True, progressive=True)
    return out.getvalue()
