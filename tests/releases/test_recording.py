from __future__ import annotations

import struct
import sys
from types import FrameType

import pytest

from pressroom.errors import Refused
from pressroom.releases.recording import open_recording
from tests.releases import uploads
from tests.releases.uploads import box

ID3 = b"ID3\x04\0\0\0\0\0\0"
FTYP = box(b"ftyp", b"M4A \0\0\0\0")


def calls(data: bytes) -> int:
    """How many functions are called until it is refused, which is what reading it costs."""
    count = 0

    def called(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        with pytest.raises(Refused, match="damaged"):
            open_recording(data)
    finally:
        sys.setprofile(None)
    return count


def test_what_only_looks_like_sound_is_passed_over_at_once() -> None:
    assert calls(ID3 + b"\xff" * 200_000) < 1000
    assert calls(ID3 + b"\xff\xe3" * 100_000) < 1000
    assert calls(ID3 * 20_000) < 2000


def test_likenesses_of_sound_without_end_are_refused() -> None:
    # Each says that it is 417 bytes long, where no other begins.
    likeness = b"\xff\xfb\x90\0" + bytes(2)
    assert calls(ID3 + likeness * 1_000_000) < 1_000_000


def test_sound_behind_some_rubbish_is_found() -> None:
    frames = open_recording(uploads.mp3()).web.data
    assert open_recording(ID3 + b"\xff" * 5000 + b"\xff\xfb\x90\0" * 7 + bytes(417) + frames).web.data == frames


def test_boxes_in_boxes_without_end_are_refused() -> None:
    data = b""
    for _ in range(3000):
        data = box(b"moov", data)
    with pytest.raises(Refused, match="damaged"):
        open_recording(FTYP + data)


def test_parts_without_number_are_refused_before_they_are_read() -> None:
    wave = b"RIFF\0\0\0\0WAVE" + struct.pack("<4sI", b"note", 0) * 200_000
    assert calls(wave) < 50_000
    assert calls(FTYP + box(b"free") * 200_000) < 500_000
