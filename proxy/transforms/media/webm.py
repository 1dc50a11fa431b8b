"""What a WebM file that was made here says of itself, read without starting a tool.

Laws: bounded and total: of a file that isn't as ours are it says nothing, and whoever asks lets a tool look; lengths
that lead out of the file end there. Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from proxy.transforms.media.probe import MAX_CHAPTERS, MAX_DURATION_S, Chapter, MediaInfo, SoundStream

_READ_BYTES = 1 << 20  # everything but sound stands in front of it, chapters and all
_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_INFO, _SCALE, _DURATION = 0x1549A966, 0x2AD7B1, 0x4489
_TRACKS, _TRACK, _KIND, _CODEC, _AUDIO, _RATE, _CHANNELS = 0x1654AE6B, 0xAE, 0x83, 0x86, 0xE1, 0xB5, 0x9F
_CHAPTERS, _EDITION, _ATOM, _FROM, _TO = 0x1043A770, 0x45B9, 0xB6, 0x91, 0x92
_NAMES = {"A_OPUS": "opus"}
_AUDIO_KIND = 2
_NANO = 1e9

_Element = tuple[int, bytes]


def sound_in(path: Path) -> MediaInfo | None:
    """One track of sound and its chapters; None: something else, or not to be read."""
    try:
        length = path.stat().st_size
        with path.open("rb") as file:
            return _told(file.read(_READ_BYTES), length)
    except (OSError, ValueError, KeyError, IndexError, OverflowError, struct.error):
        return None


def _told(head: bytes, length: int) -> MediaInfo | None:
    top = list(_elements(head))
    if [kind for kind, _ in top[:2]] != [_EBML, _SEGMENT]:
        return None
    parts: dict[int, bytes] = {}
    for kind, body in _elements(top[1][1]):
        if kind == _CLUSTER:
            break
        parts.setdefault(kind, body)
    else:
        return None  # no sound in what was read
    about, tracks = dict(_elements(parts[_INFO])), [body for kind, body in _elements(parts[_TRACKS]) if kind == _TRACK]
    scale = _whole(about.get(_SCALE, b"")) or 1_000_000
    duration_s = _decimal(about.get(_DURATION, b"")) * scale / _NANO
    sound = _sound(tracks[0]) if len(tracks) == 1 else None
    if sound is None or not 0 < duration_s <= MAX_DURATION_S:
        return None
    return MediaInfo(
        container="matroska",
        length_bytes=length,
        duration_s=duration_s,
        bitrate_bps=round(length * 8 / duration_s),
        sound=sound,
        chapters=tuple(_chapters(parts.get(_CHAPTERS, b"")))[:MAX_CHAPTERS],
    )


def _sound(track: bytes) -> SoundStream | None:
    told = dict(_elements(track))
    codec = _NAMES.get(told.get(_CODEC, b"").decode("ascii", "replace"))
    if codec is None or _whole(told.get(_KIND, b"")) != _AUDIO_KIND:
        return None
    audio = dict(_elements(told.get(_AUDIO, b"")))
    return SoundStream(
        index=0, codec=codec, channels=_whole(audio.get(_CHANNELS, b"\1")), rate_hz=round(_decimal(audio[_RATE]))
    )


def _chapters(body: bytes) -> Iterator[Chapter]:
    for kind, edition in _elements(body):
        for inner, atom in _elements(edition) if kind == _EDITION else ():
            if inner == _ATOM:
                told = dict(_elements(atom))
                start, end = _whole(told.get(_FROM, b"")), _whole(told.get(_TO, b""))
                yield Chapter(start_s=start / _NANO, end_s=end / _NANO, title="")


def _elements(body: bytes) -> Iterator[_Element]:
    """Elements of one level (RFC 8794 section 5); one of unknown length reaches to the end."""
    at = 0
    while at < len(body):
        width = _width(body[at])
        kind = int.from_bytes(body[at : at + width])
        at += width
        width = _width(body[at])
        length = int.from_bytes(body[at : at + width]) & ((1 << (7 * width)) - 1)
        unknown = length == (1 << (7 * width)) - 1
        at += width
        end = len(body) if unknown else at + length
        yield kind, body[at:end]
        at = end


def _width(first: int) -> int:
    if not first:
        raise ValueError("no element")
    return 9 - first.bit_length()


def _whole(body: bytes) -> int:
    return int.from_bytes(body)


def _decimal(body: bytes) -> float:
    return float(struct.unpack(">d" if len(body) == 8 else ">f", body)[0])
