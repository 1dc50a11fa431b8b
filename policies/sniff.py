"""Which media kind a body's first bytes prove (a subset of the WHATWG MIME Sniffing tables, and video containers).

Laws of this file: a kind is named only where the bytes prove it; text proves nothing but a playlist's own head;
reading is bounded to the first kilobyte.
"""

from __future__ import annotations

from policies.values import MediaKind

SNIFF_BYTES = 1024
_HEADS: tuple[tuple[bytes, MediaKind], ...] = (
    (b"\x89PNG\r\n\x1a\n", MediaKind.IMAGE),
    (b"\xff\xd8\xff", MediaKind.IMAGE),
    (b"GIF87a", MediaKind.IMAGE),
    (b"GIF89a", MediaKind.IMAGE),
    (b"\x1aE\xdf\xa3", MediaKind.VIDEO),  # EBML: Matroska and WebM
    (b"FLV\x01", MediaKind.VIDEO),
    (b"0&\xb2u\x8ef\xcf\x11", MediaKind.VIDEO),  # ASF
    (b".RMF", MediaKind.VIDEO),
    (b"\x00\x00\x01\xba", MediaKind.VIDEO),  # MPEG program stream
    (b"\x00\x00\x01\xb3", MediaKind.VIDEO),
    (b"ID3", MediaKind.AUDIO),
    (b"fLaC", MediaKind.AUDIO),
    (b"#EXTM3U", MediaKind.STREAM),
    (b"%PDF-", MediaKind.DOCUMENT),
    (b"{\\rtf", MediaKind.DOCUMENT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", MediaKind.DOCUMENT),  # OLE: old office files
    (b"wOFF", MediaKind.FONT),
    (b"wOF2", MediaKind.FONT),
    (b"OTTO", MediaKind.FONT),
    (b"\x00\x01\x00\x00\x00", MediaKind.FONT),
    (b"Rar!\x1a\x07", MediaKind.ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", MediaKind.ARCHIVE),
)
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"F4A "})
_IMAGE_BRANDS = frozenset({b"avif", b"avis", b"mif1", b"heic", b"heix", b"msf1"})
_HTML_TAGS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<title")


def sniff(prefix: bytes) -> MediaKind | None:
    """The kind that these first bytes prove, None if they prove nothing."""
    if not prefix:
        return None
    for head, kind in _HEADS:
        if prefix.startswith(head):
            return kind
    return _container(prefix[:SNIFF_BYTES]) or _text(prefix[:SNIFF_BYTES])


def _container(head: bytes) -> MediaKind | None:
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in _IMAGE_BRANDS:
            return MediaKind.IMAGE
        return MediaKind.AUDIO if brand in _AUDIO_BRANDS else MediaKind.VIDEO
    if head[4:8] in (b"moov", b"moof", b"mdat", b"styp", b"sidx") and _plausible_box(head):
        return MediaKind.VIDEO
    if head.startswith(b"RIFF"):
        return {b"WEBP": MediaKind.IMAGE, b"AVI ": MediaKind.VIDEO, b"WAVE": MediaKind.AUDIO}.get(head[8:12])
    if head.startswith(b"OggS"):
        return MediaKind.VIDEO if b"theora" in head[:256] else MediaKind.AUDIO
    if head.startswith(b"PK\x03\x04"):
        return MediaKind.DOCUMENT if _is_office(head) else MediaKind.ARCHIVE
    if head[0] == 0x47 and len(head) > 188 and head[188] == 0x47:  # MPEG transport stream: sync bytes
        return MediaKind.VIDEO
    if (
        len(head) >= 4
        and head[0] == 0xFF
        and head[1] & 0xE0 == 0xE0
        and head[1] & 0x06
        and head[2] & 0xF0 not in (0, 0xF0)
    ):
        return MediaKind.AUDIO  # MPEG audio frame: sync, a layer, a bit rate
    return None


def _plausible_box(head: bytes) -> bool:
    return int.from_bytes(head[:4], "big") >= 8 or head[:4] == b"\0\0\0\1"


def _is_office(head: bytes) -> bool:
    return any(mark in head for mark in (b"[Content_Types].xml", b"mimetypeapplication/vnd.oasis", b"word/", b"ppt/"))


def _text(head: bytes) -> MediaKind | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\f").lower()
    if text.startswith(_HTML_TAGS):
        return MediaKind.PAGE
    if text.startswith((b"<?xml", b"<mpd")) and b"<mpd" in text:
        return MediaKind.STREAM
    if text.startswith(b"#extm3u"):
        return MediaKind.STREAM
    return None
