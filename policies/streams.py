"""Which part of a stream a response is: its manifest, and in which language, or one of its segments.

Laws of this file: tables, not guesses. A manifest is what may be rewritten; a segment is what a player fetches by
the manifest's word, so it is never made smaller by itself. A film that calls itself a segment is told by its size.
"""

from __future__ import annotations

from typing import Literal

from policies.facts import ResponseFacts
from policies.values import Audience

Manifest = Literal["", "hls", "dash"]

# RFC 8216 section 4 and the types that servers send; ISO/IEC 23009-1 annex C.
_MANIFEST_TYPES: dict[str, Manifest] = {
    "application/vnd.apple.mpegurl": "hls",
    "application/x-mpegurl": "hls",
    "audio/mpegurl": "hls",
    "audio/x-mpegurl": "hls",
    "application/dash+xml": "dash",
}
_MANIFEST_NAMES: dict[str, Manifest] = {"m3u8": "hls", "m3u": "hls", "mpd": "dash"}
_SEGMENT_TYPES = frozenset({"video/mp2t", "video/iso.segment", "audio/iso.segment"})
_SEGMENT_NAMES = frozenset({"ts", "m4s", "m4f", "cmfv", "cmfa"})
_SEGMENT_BYTES = 32_000_000  # ten seconds at 25 Mbit/s; what is larger is a film whatever its name
_UNNAMED_SEGMENT_BYTES = 4_000_000  # ten seconds at 3 Mbit/s, of what only a script's fetch makes likely


def manifest_of(response: ResponseFacts) -> Manifest:
    """The language of a manifest by its bytes, its type or its name; "" for others (Smooth Streaming has no reader)."""
    return (
        response.manifest
        or _MANIFEST_TYPES.get(response.content_type, "")
        or _MANIFEST_NAMES.get(extension_of(response.path), "")
    )


def manifest_of_bytes(prefix: bytes) -> Manifest:
    """The language of what begins so, once it is known to be a manifest."""
    if prefix.removeprefix(b"\xef\xbb\xbf").startswith(b"#EXTM3U"):
        return "hls"
    return "dash" if b"<mpd" in prefix[:4096].lower() else ""


def is_segment(response: ResponseFacts, size_bytes: int | None, audience: Audience) -> bool:
    """Whether a film's or sound's bytes are one piece of a stream. size_bytes: of the whole thing; None: unknown.

    By name or type; or because a script fetches a part of it: that is how players fetch single-file streams.
    """
    if response.content_type in _SEGMENT_TYPES or extension_of(response.path) in _SEGMENT_NAMES:
        return response.partial or size_bytes is None or size_bytes <= _SEGMENT_BYTES
    if audience is not Audience.API:
        return False
    return response.partial or (size_bytes is not None and size_bytes <= _UNNAMED_SEGMENT_BYTES)


def extension_of(path: str) -> str:
    """The lower-case file extension of a path, "" without one."""
    name = path.rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot and stem else ""
