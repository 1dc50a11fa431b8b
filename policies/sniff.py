"""Which media kind a body's first bytes prove.

Laws of this file: total; a kind is named only where the bytes prove it, so plain text proves nothing; at most the
first 16 KiB are looked at. The tables follow WHATWG MIME Sniffing (sections 6 and 7) and, for what browsers don't
play but learners download, the formats' own signatures.
"""

from __future__ import annotations

import re

from policies.values import MediaKind

SNIFF_BYTES = 16384  # a fragmented MP4's `moov` and an office document's first members lie within

_HEADS: tuple[tuple[bytes, MediaKind], ...] = (
    (b"\x89PNG\r\n\x1a\n", MediaKind.IMAGE),
    (b"\xff\xd8\xff", MediaKind.IMAGE),
    (b"GIF87a", MediaKind.IMAGE),
    (b"GIF89a", MediaKind.IMAGE),
    (b"\x00\x00\x01\x00", MediaKind.IMAGE),  # ICO
    (b"\x00\x00\x02\x00", MediaKind.IMAGE),  # CUR
    (b"II*\x00", MediaKind.IMAGE),  # TIFF
    (b"MM\x00*", MediaKind.IMAGE),
    (b"\xff\x0a", MediaKind.IMAGE),  # JPEG XL codestream
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", MediaKind.IMAGE),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", MediaKind.IMAGE),  # JPEG 2000
    (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel", MediaKind.VIDEO),  # ASF: WMV and WMA
    (b".RMF\x00", MediaKind.VIDEO),
    (b"\x00\x00\x01\xba", MediaKind.VIDEO),  # MPEG program stream
    (b"\x00\x00\x01\xb3", MediaKind.VIDEO),  # MPEG video sequence
    (b"ID3", MediaKind.AUDIO),
    (b"fLaC", MediaKind.AUDIO),
    (b".snd", MediaKind.AUDIO),
    (b"MThd\x00\x00\x00\x06", MediaKind.AUDIO),
    (b"#!AMR", MediaKind.AUDIO),
    (b"%PDF-", MediaKind.DOCUMENT),
    (b"%!PS-Adobe-", MediaKind.DOCUMENT),
    (b"{\\rtf", MediaKind.DOCUMENT),
    (b"AT&TFORM", MediaKind.DOCUMENT),  # DjVu
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", MediaKind.DOCUMENT),  # OLE: office files before 2007
    (b"wOFF", MediaKind.FONT),
    (b"wOF2", MediaKind.FONT),
    (b"OTTO", MediaKind.FONT),
    (b"ttcf", MediaKind.FONT),
    (b"\x00\x01\x00\x00\x00", MediaKind.FONT),  # TrueType
    (b"\x1f\x8b\x08", MediaKind.ARCHIVE),
    (b"Rar!\x1a\x07", MediaKind.ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", MediaKind.ARCHIVE),
    (b"\xfd7zXZ\x00", MediaKind.ARCHIVE),
    (b"\x28\xb5\x2f\xfd", MediaKind.ARCHIVE),  # Zstandard
)
_HEADS_BY_FIRST_BYTE = {
    first: tuple(pair for pair in _HEADS if pair[0][0] == first) for first in {signature[0] for signature, _ in _HEADS}
}
_IMAGE_BRANDS = frozenset({b"avif", b"avis", b"mif1", b"msf1", b"heic", b"heix", b"hevc", b"hevx"})
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "})
_VIDEO_BOXES = frozenset({b"moov", b"moof", b"styp", b"sidx"})
_OFFICE_MEMBERS = (b"[Content_Types].xml", b"_rels/.rels", b"word/", b"ppt/", b"xl/")
_OFFICE_TYPES = (b"mimetypeapplication/vnd.oasis.opendocument", b"mimetypeapplication/epub+zip")
_CONTAINER_STARTS = b"RF\x1aOP"  # of RIFF, FORM and FLV, Matroska, Ogg, ZIP
_TEXT_STARTS = b"<# \t\r\n\f\xef"  # of markup and playlists, white space and a byte order mark included
_HTML_TAGS = (
    *(b"<!doctype html", b"<html", b"<head", b"<script", b"<iframe", b"<h1", b"<div", b"<font", b"<table", b"<a"),
    *(b"<style", b"<title", b"<b", b"<body", b"<br", b"<p"),
)
# WHATWG's tag-terminating byte: the name ends there.
_HTML_TAG = re.compile(b"(?:" + b"|".join(map(re.escape, _HTML_TAGS)) + rb")[ >\t\r\n\f/]")
_XML_ROOTS = (
    (b"<mpd", MediaKind.STREAM),
    (b"<smoothstreamingmedia", MediaKind.STREAM),
    (b"<svg", MediaKind.IMAGE),
    (b"<html", MediaKind.PAGE),
)
_MPEG_TS_PACKETS = (188, 192, 204)  # plain, with time codes (M2TS), with error correction
# MPEG-1 layer III and MPEG-2 layer III, kbit/s by index (ISO 11172-3 table 2.4.2.3, ISO 13818-3).
_MP3_RATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_MP3_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def sniff(prefix: bytes) -> MediaKind | None:
    """The kind that these first bytes prove; None: they prove nothing."""
    head = prefix[:SNIFF_BYTES]
    if not head:
        return None
    for signature, kind in _HEADS_BY_FIRST_BYTE.get(head[0], ()):
        if head.startswith(signature):
            return kind
    if head[0] in _TEXT_STARTS:
        return _container(head) or _text(head) or _by_offset(head)
    return _container(head) or _by_offset(head) or (_audio_frames(head) if head[0] == 0xFF else None)


# -- containers ------------------------------------------------------------------------------------------------


def _container(head: bytes) -> MediaKind | None:
    if head[4:8] == b"ftyp":
        return _mp4(head)
    if head[4:8] in _VIDEO_BOXES and 8 <= int.from_bytes(head[:4], "big") < 1 << 28:
        return _mp4_tracks(head)
    if head[0] not in _CONTAINER_STARTS:
        return None
    if head.startswith(b"RIFF"):
        return {b"WEBP": MediaKind.IMAGE, b"AVI ": MediaKind.VIDEO, b"WAVE": MediaKind.AUDIO}.get(head[8:12])
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return MediaKind.AUDIO
    if head.startswith(b"\x1aE\xdf\xa3"):
        return _matroska(head)
    if head.startswith(b"OggS"):
        return MediaKind.VIDEO if b"\x80theora" in head or b"OVP80" in head else MediaKind.AUDIO
    if head.startswith(b"FLV\x01"):
        # The header's flags: 1 is video, 4 is sound (Adobe FLV 10.1, annex E.2).
        return MediaKind.AUDIO if len(head) > 4 and head[4] & 5 == 4 else MediaKind.VIDEO
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(head)
    return None


def _mp4(head: bytes) -> MediaKind:
    brand = head[8:12]
    if brand in _IMAGE_BRANDS:
        return MediaKind.IMAGE
    return MediaKind.AUDIO if brand in _AUDIO_BRANDS else _mp4_tracks(head)


def _mp4_tracks(head: bytes) -> MediaKind:
    """Sound only where the whole `moov` is seen and none of its handlers is video's (ISO 14496-12 section 8.4.3)."""
    at = head.find(b"moov")
    if at < 4 or at - 4 + int.from_bytes(head[at - 4 : at], "big") > len(head):
        return MediaKind.VIDEO
    movie = head[at : at - 4 + int.from_bytes(head[at - 4 : at], "big")]
    handlers = {part[8:12] for part in movie.split(b"hdlr")[1:]}
    return MediaKind.AUDIO if b"soun" in handlers and b"vide" not in handlers else MediaKind.VIDEO


def _matroska(head: bytes) -> MediaKind:
    """Codec ids are plain text ("V_VP9", "A_OPUS"); sound only where sound and no picture is named."""
    return MediaKind.AUDIO if b"\x86" in head and b"A_" in head and b"V_" not in head else MediaKind.VIDEO


def _zip(head: bytes) -> MediaKind:
    if head[30:74].startswith(_OFFICE_TYPES) or any(member in head[:4096] for member in _OFFICE_MEMBERS):
        return MediaKind.DOCUMENT
    return MediaKind.ARCHIVE


def _by_offset(head: bytes) -> MediaKind | None:
    if head[257:262] == b"ustar" or (head.startswith(b"BZh") and head[4:10] == b"1AY&SY"):
        return MediaKind.ARCHIVE
    if head[34:36] == b"LP" and head[8:12] in (b"\x01\x00\x02\x00", b"\x02\x00\x02\x00", b"\x00\x00\x01\x00"):
        return MediaKind.FONT  # Embedded OpenType
    if head.startswith(b"BM") and len(head) >= 26 and head[6:10] == bytes(4):
        return MediaKind.IMAGE  # the two reserved words of a bitmap are zero
    if head[0] != 0x47 and head[4:5] != b"\x47":
        return None
    for size in _MPEG_TS_PACKETS:
        start = size - 188 if size == 192 else 0
        packets = head[start : start + 2 * size + 1 : size]
        if len(packets) >= 2 and set(packets) == {0x47}:
            return MediaKind.VIDEO
    return None


# -- text ------------------------------------------------------------------------------------------------------


def _text(head: bytes) -> MediaKind | None:
    text = head.removeprefix(b"\xef\xbb\xbf")
    if text.startswith(b"#EXTM3U") and text[7:8] in (b"", b"\n", b"\r", b" "):
        return MediaKind.STREAM
    start = text.lstrip(b" \t\r\n\f")[:2048].lower()
    if not start.startswith(b"<"):
        return None
    start = _without_comments(start)
    if _HTML_TAG.match(start) is not None:
        return MediaKind.PAGE
    if start.startswith((b"<?xml", b"<!doctype svg")):
        start = start[start.find(b">") + 1 :]
    return _by_root(start)


def _by_root(text: bytes) -> MediaKind | None:
    """The kind of an XML document by its first element, past comments, declarations and a DOCTYPE."""
    text = _without_comments(text.lstrip(b" \t\r\n\f"))
    while text.startswith((b"<?", b"<!doctype")) and b">" in text:
        text = _without_comments(text[text.find(b">") + 1 :].lstrip(b" \t\r\n\f"))
    return next((kind for root, kind in _XML_ROOTS if _is_tag(text, root)), None)


def _without_comments(text: bytes) -> bytes:
    while text.startswith(b"<!--"):
        end = text.find(b"-->", 4)
        if end < 0:
            return b""
        text = text[end + 3 :].lstrip(b" \t\r\n\f")
    return text


def _is_tag(text: bytes, tag: bytes) -> bool:
    """WHATWG's tag-terminating byte: the name ends there."""
    return text.startswith(tag) and text[len(tag) : len(tag) + 1] in (b" ", b">", b"\t", b"\r", b"\n", b"\f", b"/")


# -- sound without a container ---------------------------------------------------------------------------------


def _audio_frames(head: bytes) -> MediaKind | None:
    """Two frames in a row, as WHATWG's "sniff for MP3 without ID3" asks: one sync word alone is chance."""
    if len(head) < 8 or head[0] != 0xFF:
        return None
    size = _mp3_frame_bytes(head) or _adts_frame_bytes(head)
    if not size:
        return None
    following = head[size : size + 2]
    if len(following) < 2:
        return None
    return MediaKind.AUDIO if following[0] == 0xFF and following[1] & 0xE0 == 0xE0 else None


def _mp3_frame_bytes(head: bytes) -> int:
    """The length of a layer III frame, 0 where it isn't one (ISO 11172-3 section 2.4.2.3)."""
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate_index, sample_index, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if head[1] & 0xE0 != 0xE0 or layer != 1 or version == 1 or rate_index in (0, 15) or sample_index == 3:
        return 0
    rate_kbps = _MP3_RATES[version != 3][rate_index]
    samples_factor = 144_000 if version == 3 else 72_000
    return samples_factor * rate_kbps // _MP3_SAMPLE_RATES[version][sample_index] + padding


def _adts_frame_bytes(head: bytes) -> int:
    """The length of an AAC frame in ADTS, 0 where it isn't one (ISO 14496-3 section 1.A.2.2)."""
    if head[1] & 0xF6 != 0xF0:
        return 0
    return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
