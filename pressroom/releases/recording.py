"""Recordings coming in: MP3, Ogg (Opus, Vorbis), M4A and WAV, of which the sound stays as it is and nothing else."""

from __future__ import annotations

import hashlib
import re
import struct
from functools import cache
from io import BytesIO

import mutagen
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.ogg import OggPage
from mutagen.wave import WAVE

from pressroom.errors import Refused
from pressroom.releases.asset import Form, Kind, Size, Upload
from pressroom.releases.boxes import MOST, Box, blank, boxes

MAX_BYTES = 40 * 1024 * 1024

_DAMAGED = "The recording is damaged and cannot be read; save it anew and try again."
_SOUND_CHUNKS = frozenset({b"fmt ", b"fact", b"data"})
_SOUND_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"mvhd", b"trak", b"tkhd", b"edts", b"elst", b"mdia", b"mdhd"})
_SOUND_BOXES |= {b"hdlr", b"minf", b"smhd", b"dinf", b"stbl"}
_BRANDS = frozenset({b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"dash"})
_NESTED = frozenset({b"moov", b"trak", b"mdia", b"minf"})
_DATED = frozenset({b"mvhd", b"tkhd", b"mdhd"})

# Far more than sound needs; each costs time, and a file of 40 MB could hold millions of empty ones.
_DEEPEST_BOX, _MOST_CHUNKS, _MOST_PAGES, _MOST_TAGS, _MOST_LIKENESSES = 8, 4096, 250_000, 16, 50_000

# MPEG audio (ISO/IEC 11172-3 §2.4.2.3 and 13818-3): kbit/s by version and layer, samples per second by version.
_RATES = {
    (1, 1): "0 32 64 96 128 160 192 224 256 288 320 352 384 416 448",
    (1, 2): "0 32 48 56 64 80 96 112 128 160 192 224 256 320 384",
    (1, 3): "0 32 40 48 56 64 80 96 112 128 160 192 224 256 320",
    (2, 1): "0 32 48 56 64 80 96 112 128 144 160 176 192 224 256",
    (2, 2): "0 8 16 24 32 40 48 56 64 80 96 112 128 144 160",
    (2, 3): "0 8 16 24 32 40 48 56 64 80 96 112 128 144 160",
}
# Four bytes that may begin a frame, by what `_coded_length` asks of the second and third.
_FRAME = re.compile(
    rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x10-\x1b\x20-\x2b\x30-\x3b\x40-\x4b\x50-\x5b\x60-\x6b\x70-\x7b"
    rb"\x80-\x8b\x90-\x9b\xa0-\xab\xb0-\xbb\xc0-\xcb\xd0-\xdb\xe0-\xeb]"
)
_SAMPLES = {1: (44100, 48000, 32000), 2: (22050, 24000, 16000), 25: (11025, 12000, 8000)}


def is_recording(data: bytes) -> bool:
    return _kind(data) is not None


def open_recording(data: bytes) -> Upload:
    """Raises Refused for what is damaged, holds more than sound, or is larger than 40 MB."""
    kind = _kind(data)
    if kind is None:
        raise Refused("This is not a recording (MP3, Ogg, M4A, WAV).")
    if len(data) > MAX_BYTES:
        raise Refused(f"The recording is larger than {MAX_BYTES // 1024 // 1024} MB; make it smaller first.")
    bare, media_type = _BARE[kind], _MEDIA_TYPES[kind]
    try:
        sound = bare(data)
    except (mutagen.MutagenError, EOFError, ValueError, LookupError, TypeError, struct.error) as error:
        raise Refused(_DAMAGED) from error
    form = Form(Size.WEB, media_type, kind, sound)
    return Upload(Kind.RECORDING, hashlib.sha256(sound).hexdigest(), (form,))


def _kind(data: bytes) -> str | None:
    if data.startswith(b"OggS"):
        return "ogg"
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[4:8] == b"ftyp" and data[8:12] in _BRANDS:
        return "m4a"
    if data.startswith(b"ID3") or _frame_length(data, 0):
        return "mp3"
    return None


def _bare_mp3(data: bytes) -> bytes:
    """Its frames: tags stand before, after and, in damaged files, between them."""
    at, likenesses = _behind_id3(data), 0
    frames: list[bytes] = []
    while likenesses <= _MOST_LIKENESSES:
        length = _frame_length(data, at)
        # A chance likeness of a frame's beginning is not followed by another frame.
        if length and (frames or _frame_length(data, at + length)):
            frames.append(data[at : at + length])
            at += length
            continue
        found = _FRAME.search(data, at + 1)
        if found is None:
            break
        at, likenesses = found.start(), likenesses + 1
    else:
        raise ValueError("hardly any of it is sound")
    sound = b"".join(frames)
    if MP3(BytesIO(sound)).info.length <= 0:
        raise ValueError("no sound")
    return sound


def _behind_id3(data: bytes) -> int:
    """Where the leading tags end (ID3v2.4 §3.1: four bytes of seven bits)."""
    at = 0
    for _ in range(_MOST_TAGS):
        if data[at : at + 3] != b"ID3" or len(data) < at + 10:
            break
        size = 0
        for byte in data[at + 6 : at + 10]:
            size = size << 7 | byte & 0x7F
        at += 10 + size + (10 if data[at + 5] & 0x10 else 0)
    return at


def _frame_length(data: bytes, at: int) -> int:
    """In bytes; 0 where no frame begins, or its end is missing."""
    if not _FRAME.match(data, at):
        return 0
    length = _coded_length(data[at + 1], data[at + 2])
    return length if at + length <= len(data) else 0


@cache
def _coded_length(kind: int, rates: int) -> int:
    """By the second and third byte of a frame."""
    version, layer = {0: 25, 2: 2, 3: 1}[kind >> 3 & 3], 4 - (kind >> 1 & 3)
    rate, sampling, padding = rates >> 4, rates >> 2 & 3, rates >> 1 & 1
    bits = int(_RATES[min(version, 2), layer].split()[rate]) * 1000
    per_second = _SAMPLES[version][sampling]
    if layer == 1:
        return (12 * bits // per_second + padding) * 4
    return (72 if layer == 3 and version != 1 else 144) * bits // per_second + padding


def _bare_ogg(data: bytes) -> bytes:
    """With an empty list of comments. Raises ValueError for anything beside one stream of Opus or Vorbis."""
    file = BytesIO(data)
    pages: list[OggPage] = []
    while file.tell() < len(data):
        if len(pages) == _MOST_PAGES:
            raise ValueError("too many pages")
        pages.append(OggPage(file))
    first = pages[0].packets[0]
    if len({page.serial for page in pages}) != 1 or not first.startswith((b"OpusHead", b"\x01vorbis")):
        raise Refused("The file holds more than one stream of Opus or Vorbis; save the sound alone and try again.")
    comment = b"OpusTags" + bytes(8) if first.startswith(b"OpusHead") else b"\x03vorbis" + bytes(8) + b"\x01"
    old = [pages[1]]
    # Vorbis has its set-up in the same pages, behind the comments.
    for page in pages[2:]:
        if old[-1].complete:
            break
        old.append(page)
    packets = OggPage.to_packets(old, strict=False)
    if not packets[0].startswith(comment[:7]):
        raise ValueError("the comments are not where they belong")
    packets[0] = comment
    OggPage.replace(file, old, OggPage.from_packets(packets, sequence=old[0].sequence))
    return file.getvalue()


def _bare_m4a(data: bytes) -> bytes:
    out = bytearray(data)
    if _inside(out, b"moof"):
        raise Refused("The recording is in pieces, as for streaming; save it as an ordinary M4A file and try again.")
    _blank_notes(out)
    handlers = [bytes(out[box.start + 8 : box.start + 12]) for box in _inside(out, b"moov", b"trak", b"mdia", b"hdlr")]
    if handlers != [b"soun"]:
        raise Refused("The file holds more than one sound track; save the sound alone and try again.")
    for box in _inside(out, b"moov", b"trak", b"mdia", b"hdlr"):
        # Behind the kind of track: the name of the program that wrote it.
        out[box.start + 12 : box.end] = bytes(box.end - box.start - 12)
    sound = bytes(out)
    if MP4(BytesIO(sound)).info.length <= 0:
        raise ValueError("no sound")
    return sound


def _blank_notes(out: bytearray) -> None:
    to_read, count = [(0, len(out), 0)], 0
    while to_read:
        start, end, depth = to_read.pop()
        if depth > _DEEPEST_BOX:
            raise ValueError("boxes in boxes without end")
        for box in boxes(out, start, end):
            count += 1
            if count > MOST:
                raise ValueError("too many boxes")
            if box.kind not in _SOUND_BOXES:
                blank(out, box)
            elif box.kind in _NESTED:
                to_read.append((box.start, box.end, depth + 1))
            elif box.kind in _DATED:
                # When it was made and changed: 64 bits each in version 1, else 32.
                length = 16 if out[box.start] == 1 else 8
                out[box.start + 4 : box.start + 4 + length] = bytes(length)


def _inside(data: bytearray, *path: bytes) -> list[Box]:
    found = [Box(b"", 0, 0, len(data))]
    for kind in path:
        found = [one for outer in found for one in boxes(data, outer.start, outer.end) if one.kind == kind]
    return found


def _bare_wav(data: bytes) -> bytes:
    at, kept = 12, []
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind in _SOUND_CHUNKS:
            content = data[at + 8 : at + 8 + length]
            kept.append(struct.pack("<4sI", kind, len(content)) + content + bytes(len(content) % 2))
        at += 8 + length + length % 2
    body = b"WAVE" + b"".join(kept)
    sound = struct.pack("<4sI", b"RIFF", len(body)) + body
    if WAVE(BytesIO(sound)).info.length <= 0:
        raise ValueError("no sound")
    return sound


_BARE = {"mp3": _bare_mp3, "ogg": _bare_ogg, "m4a": _bare_m4a, "wav": _bare_wav}
_MEDIA_TYPES = {"mp3": "audio/mpeg", "ogg": "audio/ogg", "m4a": "audio/mp4", "wav": "audio/wav"}
