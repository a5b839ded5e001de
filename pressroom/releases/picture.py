"""Pictures coming in: decoded, turned upright, made no larger than needed, and written anew without any metadata."""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from io import BytesIO

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from pressroom.errors import Refused
from pressroom.releases.asset import Form, Kind, Size, Upload
from pressroom.releases.picture_header import count_scans, pixel_size, without_notes

MAX_BYTES = 40 * 1024 * 1024
MAX_PIXELS = 50_000_000
# Cameras and programs make a dozen; each goes through all the pixels once more.
MAX_SCANS = 60
WEB_SIDE = 1600
PRINT_SIDE = 6000

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_FEW_COLOURS = 256
_QUALITY = {Size.WEB: 85, Size.PRINT: 92}
_BLACK: dict[str, int | tuple[int, ...]] = {"L": 0, "RGB": (0, 0, 0), "RGBA": (0, 0, 0, 255)}

# Which values of an alpha channel let nothing be seen.
_CLEAR = [255, *[0] * 255]
_STRIP = 256

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
        _check(*pixel_size(data))
        if count_scans(data) > MAX_SCANS:
            raise Refused(_TOO_MANY_SCANS)
        as_png, large = _decoded(data)
    except (UnidentifiedImageError, *_DAMAGED) as error:
        raise Refused("The picture is damaged and cannot be decoded; save it anew and try again.") from error
    except Image.DecompressionBombError:
        raise Refused(_TOO_MANY) from None
    forms = [_form(_fitting(large, WEB_SIDE), Size.WEB, as_png=as_png)]
    if max(large.size) > WEB_SIDE:
        forms.append(_form(large, Size.PRINT, as_png=as_png))
    return Upload(Kind.PICTURE, _digest(large), tuple(forms))


def covered(data: bytes, media_type: str, size: Size, boxes: list[Pixels]) -> bytes:
    """The stored bytes of one size with opaque black where the boxes (left, top, right, bottom) are."""
    with Image.open(BytesIO(data), formats=_FORMATS) as image:
        image.load()
        pixels = _bare(image)
    for box in boxes:
        pixels.paste(_BLACK[pixels.mode], box)
    return _encoded(pixels, size, as_png=media_type == "image/png")


_TOO_MANY_SCANS = f"The picture is coded in more than {MAX_SCANS} passes; save it anew and try again."
_TOO_MANY = f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels; make it smaller first."


def _check(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise Refused(_TOO_MANY)


def _decoded(data: bytes) -> tuple[bool, Image.Image]:
    """Whether it is a drawing, and its upright pixels, no more than are printed."""
    as_png, upright = _upright(data)
    return as_png, _fitting(upright, PRINT_SIDE)


def _upright(data: bytes) -> tuple[bool, Image.Image]:
    with Image.open(BytesIO(without_notes(data)), formats=_FORMATS) as image:
        # What the decoder found may differ from what the header says.
        _check(image.width, image.height)
        # A JPEG can be decoded at a half, quarter or eighth where that still suffices.
        image.draft(None, (PRINT_SIDE, PRINT_SIDE))
        image.load()
        as_png = _is_graphic(image)
        ImageOps.exif_transpose(image, in_place=True)
    plain = _plain_mode(_in_srgb(image))
    return as_png or plain.mode == "RGBA", plain


def _digest(image: Image.Image) -> str:
    """Of its pixels, strip by strip: a copy of all of them would be hundreds of megabytes."""
    digest = hashlib.sha256(f"{image.mode} {image.width}×{image.height} ".encode())
    for top in range(0, image.height, _STRIP):
        digest.update(image.crop((0, top, image.width, min(image.height, top + _STRIP))).tobytes())
    return digest.hexdigest()


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
        if image.mode in ("RGB", "RGBA"):
            ImageCms.profileToProfile(image, source, target, inPlace=True)
            return image
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # A broken profile says nothing about the colours; without one they count as sRGB.
    return converted or image


def _plain_mode(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        if rgba.getchannel("A").getextrema() == (255, 255):
            return rgba.convert("RGB")
        _empty_where_clear(rgba)
        return rgba
    if image.mode.startswith("I"):
        # 16 bits per sample; Pillow's own conversion would clip, not scale.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    mode = "L" if image.mode in ("1", "L", "F") else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _empty_where_clear(image: Image.Image) -> None:
    """What was erased in a picture is often only made clear: its colours are still there."""
    image.paste((0, 0, 0, 0), mask=image.getchannel("A").point(_CLEAR))


def _fitting(image: Image.Image, side: int) -> Image.Image:
    scale = max(image.size) / side
    if scale <= 1:
        return _bare(image)
    return _scaled(image, *(max(1, round(length / scale)) for length in image.size))


def _scaled(image: Image.Image, width: int, height: int) -> Image.Image:
    """Strip by strip: scaling the whole would take a second and third copy of all pixels."""
    scaled = Image.new(image.mode, (width, height))
    step = image.height / height
    # As far as the filter looks.
    margin = math.ceil(3 * max(1.0, step)) + 1
    for top in range(0, height, _STRIP):
        bottom = min(height, top + _STRIP)
        first, last = max(0, int(top * step) - margin), min(image.height, math.ceil(bottom * step) + margin)
        box = (0.0, top * step - first, float(image.width), min(bottom * step, image.height) - first)
        strip = image.crop((0, first, image.width, last))
        strip = strip.resize((width, bottom - top), Image.Resampling.LANCZOS, box)
        if strip.mode == "RGBA":
            # The filter overshoots at edges, into what is clear.
            _empty_where_clear(strip)
        scaled.paste(strip, (0, top))
    return scaled


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
        # Packing millions of pixels as well as can be takes half a minute, for a few per cent.
        image.save(out, "PNG", **({"optimize": True} if size is Size.WEB else {"compress_level": 3}))
    else:
        image.save(out, "JPEG", quality=_QUALITY[size], optimize=True, progressive=True)
    return out.getvalue()
