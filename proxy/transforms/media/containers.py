"""What a file of media is, by its first bytes: never by its name, nor by what the origin calls it.

Laws of this file: it answers the name of one ffmpeg demuxer, which is then forced; what isn't known here isn't opened.
Formats that name other files (playlists, concat scripts, session descriptions, manifests) are not known here.

Sources: ISO/IEC 14496-12 section 4.3; RFC 8794 (EBML); RFC 3533 (Ogg); id3.org; ETSI TS 101 154; PNG (W3C).
"""

from __future__ import annotations

from pathlib import Path

PREFIX_BYTES = 4096
_ID3_BYTES = 10
_MAX_ID3_BYTES = 16 << 20

_BY_MAGIC = (
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"#!AMR", "amr"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"\x00\x00\x01\xb3", "mpegvideo"),
    (b"caff\x00\x01", "caf"),
    (b"\xff\xd8\xff", "jpeg_pipe"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
_IN_RIFF = {b"AVI ": "avi", b"WAVE": "wav", b"WEBP": "webp_pipe"}
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
_TS_PACKET_BYTES, _M2TS_PACKET_BYTES = 188, 192


def demuxer_of(head: bytes) -> str | None:
    """The demuxer's name for a file that begins so (PREFIX_BYTES are enough); None: not known."""
    for magic, name in _BY_MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] in (b"RIFF", b"RF64"):
        return _IN_RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "apng" if b"acTL" in head else "png_pipe"
    if head[4:8] in _FIRST_BOXES:
        return None if head[8:12] in _PICTURE_BRANDS else "mov"
    if _is_transport_stream(head):
        return "mpegts"
    return _elementary_sound(head)


def file_demuxer(path: Path) -> str | None:
    """The same for a file; a tag at its beginning is stepped over. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(PREFIX_BYTES)
        if (tag_bytes := id3_bytes(head)) is None:
            return demuxer_of(head)
        file.seek(tag_bytes)
        behind = file.read(PREFIX_BYTES)
        return demuxer_of(behind) or _elementary_sound(behind.lstrip(b"\0"))  # some writers leave zeros there


def id3_bytes(head: bytes) -> int | None:
    """How long the ID3v2 tag at the beginning is; None: there is none."""
    if not head.startswith(b"ID3") or len(head) < _ID3_BYTES:
        return None
    length = 0
    for byte in head[6:10]:
        length = length << 7 | (byte & 0x7F)
    return min(length + _ID3_BYTES, _MAX_ID3_BYTES)


def _is_transport_stream(head: bytes) -> bool:
    for first, step in ((0, _TS_PACKET_BYTES), (4, _M2TS_PACKET_BYTES)):
        marks = head[first : first + 5 * step : step]
        if len(marks) >= 3 and set(marks) == {0x47}:
            return True
    return False


def _elementary_sound(head: bytes) -> str | None:
    """MPEG audio frames, by two consecutive headers: one alone stands in many a file by chance."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5 if len(head) > 6 else 0
        return "aac" if length > 6 and _follows(head, length, 0xF6, 0xF0) else None
    length = _mp3_frame_bytes(head)
    return "mp3" if length and _follows(head, length, 0xE0, 0xE0) else None


def _follows(head: bytes, at: int, mask: int, wanted: int) -> bool:
    return len(head) < at + 2 or (head[at] == 0xFF and head[at + 1] & mask == wanted)


_MP3_KBPS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _mp3_frame_bytes(head: bytes) -> int:
    """Length of the MPEG audio frame that begins here, 0 if none does (ISO/IEC 11172-3 section 2.4.2.3)."""
    word = int.from_bytes(head[:4])
    version, layer = word >> 19 & 3, 4 - (word >> 17 & 3)
    index, rate_index, padding = word >> 12 & 15, word >> 10 & 3, word >> 9 & 1
    if word >> 21 != 0x7FF or version == 1 or layer == 4 or not 0 < index < 15 or rate_index == 3:
        return 0
    rate = _MP3_RATES[version][rate_index]
    family = 1 if version == 3 else 2
    kbps = _MP3_KBPS[family, layer if family == 1 or layer == 1 else 2][index - 1]
    if layer == 1:
        return (12_000 * kbps // rate + padding) * 4
    samples_by_eight = 72 if layer == 3 and family == 2 else 144
    return samples_by_eight * 1000 * kbps // rate + padding
