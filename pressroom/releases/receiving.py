"""Receiving: a file comes in, is known by its content and not by its name, and is made fit for readers."""

from __future__ import annotations

from pathlib import Path

from pressroom.errors import Refused
from pressroom.releases import document, picture, picture_header, recording
from pressroom.releases.asset import Upload

LARGEST = max(picture.MAX_BYTES, document.MAX_BYTES, recording.MAX_BYTES)

_ACCEPTED = "a picture (JPEG, PNG, WebP, GIF), a PDF or a recording (MP3, Ogg, M4A, WAV)"


def read_asset(path: Path) -> Upload:
    """The asset in a file. Refused, naming it, if it is of no accepted kind, too large, or cannot be read."""
    try:
        if path.stat().st_size > LARGEST:
            raise Refused(f"{path.name} is larger than {LARGEST // 1024 // 1024} MB; make it smaller first.")
        data = path.read_bytes()
    except OSError as error:
        raise Refused(f"{path.name} cannot be read ({error.strerror}).") from None
    try:
        return open_asset(data)
    except Refused as error:
        raise Refused(f"{path.name}: {error.message}") from None


def open_asset(data: bytes) -> Upload:
    """Raises Refused with a sentence."""
    if picture_header.is_picture(data):
        return picture.open_picture(data)
    if document.is_document(data):
        return document.open_document(data)
    if recording.is_recording(data):
        return recording.open_recording(data)
    raise Refused(f"This is not {_ACCEPTED}; save it as one of these.")
