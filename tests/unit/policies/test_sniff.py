from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image

from policies.sniff import SNIFF_BYTES, sniff
from policies.values import MediaKind


def box(kind: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def hdlr(handler: bytes) -> bytes:
    return box(b"hdlr", bytes(8) + handler + bytes(13))


def mp4(brand: bytes, *handlers: bytes) -> bytes:
    tracks = b"".join(box(b"trak", box(b"mdia", hdlr(handler))) for handler in handlers)
    movie = box(b"moov", box(b"mvhd", bytes(100)) + tracks) if handlers else b""
    return box(b"ftyp", brand + bytes(4) + b"isom") + movie


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "application/vnd.oasis.opendocument.text" if name == "mimetype" else "x" * 50)
    return out.getvalue()


def picture(form: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, form)
    return out.getvalue()


def ebml(*codecs: bytes) -> bytes:
    entries = b"".join(b"\x86" + bytes([0x80 | len(codec)]) + codec for codec in codecs)
    return b"\x1aE\xdf\xa3\x9f\x42\x82\x84webm" + entries


MP3_FRAME = b"\xff\xfb\x90\x00".ljust(417, b"\0")  # MPEG-1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes
AAC_FRAME = (b"\xff\xf1\x50\x80" + bytes([100 >> 3, (100 & 7) << 5, 0xFC])).ljust(100, b"\0")
TS_PACKET = b"\x47".ljust(188, b"\xff")
SMOOTH = b'<?xml version="1.0"?>\n<SmoothStreamingMedia MajorVersion="2">'

PROVEN = {
    MediaKind.VIDEO: {
        "mp4": mp4(b"isom", b"vide", b"soun"),
        "mp4 whose moov comes last": mp4(b"mp42") + box(b"mdat", b"x" * 50),
        "mov": mp4(b"qt  "),
        "segment": box(b"styp", b"msdh") + box(b"sidx", bytes(20)),
        "webm": ebml(b"V_VP9", b"A_OPUS"),
        "mkv with nothing named yet": ebml(),
        "avi": b"RIFF\x10\0\0\0AVI LIST",
        "flv": b"FLV\x01\x05\0\0\0\x09",
        "mpeg ts": TS_PACKET * 3,
        "m2ts": (b"\0\0\0\0" + TS_PACKET) * 3,
        "ogg theora": b"OggS\0\x02" + bytes(22) + b"\x80theora",
        "asf": b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel",
        "mpeg ps": b"\0\0\x01\xba\x44",
    },
    MediaKind.AUDIO: {
        "m4a": mp4(b"M4A "),
        "mp4 with sound only": mp4(b"isom", b"soun"),
        "webm with sound only": ebml(b"A_OPUS"),
        "mp3 with ID3": b"ID3\x04\0\0",
        "mp3": MP3_FRAME * 2,
        "aac": AAC_FRAME * 2,
        "ogg": b"OggS\0\x02" + bytes(22) + b"OpusHead",
        "wav": b"RIFF\x10\0\0\0WAVEfmt ",
        "flac": b"fLaC\0\0\0\x22",
        "flv with sound only": b"FLV\x01\x04\0\0\0\x09",
    },
    MediaKind.STREAM: {
        "m3u8": b"#EXTM3U\n#EXT-X-VERSION:3\n",
        "m3u8 with a mark": b"\xef\xbb\xbf#EXTM3U\r\n",
        "mpd": b'<?xml version="1.0"?>\n<!-- made by hand -->\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">',
        "bare mpd": b"<MPD >",
        "smooth": SMOOTH,
    },
    MediaKind.IMAGE: {
        "png": picture("PNG"),
        "jpeg": picture("JPEG"),
        "gif": picture("GIF"),
        "webp": picture("WEBP"),
        "avif": picture("AVIF"),
        "bmp": picture("BMP"),
        "tiff": picture("TIFF"),
        "svg": b'<?xml version="1.0"?><!DOCTYPE svg><svg xmlns="http://www.w3.org/2000/svg">',
        "bare svg": b"  <svg width='1'/>",
        "ico": b"\0\0\x01\0\x01\0",
    },
    MediaKind.DOCUMENT: {
        "pdf": b"%PDF-1.7\n",
        "docx": zipped("[Content_Types].xml", "word/document.xml"),
        "pptx": zipped("_rels/.rels", "ppt/presentation.xml"),
        "odt": zipped("mimetype", "content.xml"),
        "doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "rtf": b"{\\rtf1\\ansi",
        "djvu": b"AT&TFORM",
    },
    MediaKind.ARCHIVE: {
        "zip": zipped("photos/1.jpg"),
        "gzip": b"\x1f\x8b\x08\0",
        "rar": b"Rar!\x1a\x07\x01\0",
        "7z": b"7z\xbc\xaf\x27\x1c",
        "tar": b"photo.jpg".ljust(257, b"\0") + b"ustar\x0000",
        "bzip2": b"BZh91AY&SY",
    },
    MediaKind.FONT: {
        "woff": b"wOFF\0\x01\0\0",
        "woff2": b"wOF2\0\x01\0\0",
        "ttf": b"\0\x01\0\0\0\x0f",
        "otf": b"OTTO\0\x0b",
    },
    MediaKind.PAGE: {
        "html": b"<!DOCTYPE html><html>",
        "html after blanks": b"\n\t <HTML lang=ru>",
        "html after a comment": b"<!-- moodle --><html>",
        "xhtml": b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">\n<html xmlns="y">',
        "fragment": b"<div class=x>",
    },
}
UNPROVEN = {
    "nothing": b"",
    "text": "Уважаемые учителя!".encode(),
    "json": b'{"a": 1}',
    "script": b"!function(){}",
    "style": b"body { }",
    "a tag's beginning": b"<bodyguard>",
    "xml": b'<?xml version="1.0"?><rss version="2.0">',
    "a lone sync word": b"\xff\xfb\x90\x00 and then text",
    "a lone G": b"G".ljust(400, b"x"),
    "BZh in words": b"BZhukov and others",
    "BM in words": b"BMW is a car of that kind, they say",
    "EXTM3U in words": b"#EXTM3Using",
    "an unclosed comment": b"<!-- no end",
    "a small box": b"\0\0\0\x01moov",
}


@pytest.mark.parametrize(
    ("kind", "body"),
    [pytest.param(kind, body, id=name) for kind, bodies in PROVEN.items() for name, body in bodies.items()],
)
def test_first_bytes_prove_the_kind(kind: MediaKind, body: bytes) -> None:
    assert sniff(body) is kind
    assert sniff(body + b"\0" * SNIFF_BYTES) is kind


@pytest.mark.parametrize("body", UNPROVEN.values(), ids=UNPROVEN.keys())
def test_other_bytes_prove_nothing(body: bytes) -> None:
    assert sniff(body) is None


@pytest.mark.parametrize("body", [body for bodies in PROVEN.values() for body in bodies.values()])
def test_any_cut_of_a_body_is_sniffed_without_harm(body: bytes) -> None:
    for end in range(min(len(body), 64)):
        sniff(body[:end])
