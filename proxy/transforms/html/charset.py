"""Which character encodings can be spliced as bytes, and how inserted text is written into them."""

from __future__ import annotations

import codecs
import re

from proxy.transforms.html.tag import Tag

_ASCII = bytes(range(0x20, 0x7F)) + b"\t\n\r"
# Seven-bit or shifted encodings in which an ASCII byte may be a part of another character.
_SHIFTED = ("iso2022", "utf_7", "utf-7", "hz")
_META_CHARSET = re.compile(rb"""charset\s*+=\s*+["']?\s*+([A-Za-z0-9_:.-]+)""", re.IGNORECASE)


def codec_name(charset: str) -> str | None:
    """Python's name of the encoding, None if it knows none by that name."""
    try:
        return codecs.lookup(charset.strip().strip("\"'")).name
    except (LookupError, ValueError):
        return None


def is_byte_transparent(charset: str) -> bool:
    """True if every byte below 0x80 is its ASCII character: then markup can be found without decoding.

    A name that nobody knows is taken for transparent, as browsers take it for windows-1252.
    """
    name = codec_name(charset)
    if name is None:
        return True
    if name.startswith(_SHIFTED):
        return False
    try:
        return _ASCII.decode(name) == _ASCII.decode("ascii")
    except (UnicodeError, LookupError):
        return False


def looks_wide(head: bytes) -> bool:
    """True for the first bytes of UTF-16 or UTF-32 text."""
    return head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in head[:4]


def declared(tag: Tag) -> str | None:
    """The codec that a <meta> names, None if it names none or an unknown one. WHATWG HTML, 4.2.5.4."""
    match = _META_CHARSET.search(tag.raw)
    if match is None or not (tag.has(b"charset") or tag.value(b"http-equiv").lower() == "content-type"):
        return None
    return codec_name(match[1].decode("ascii"))
