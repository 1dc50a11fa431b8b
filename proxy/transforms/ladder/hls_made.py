"""HLS with a rung that is made here: its lines in the multivariant playlist, and what its list says of its segments.

Laws: a line of a made rung says what its segments are (RFC 8216bis section 4.4.6.2: BANDWIDTH is the peak); lists
themselves pass byte for byte, since a made segment stands under its source's address; lists of single pictures go,
since they point into segments that nobody gets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin

from policies.frozen import Frozen
from proxy.transforms.ladder.hls_lines import NotUnderstood, Variant, attributes_of, read_master
from proxy.transforms.ladder.limits import sound_codecs
from proxy.transforms.ladder.made import NotMade, Place, RungSpec, rung_spec
from proxy.transforms.ladder.timeline import listed_range
from proxy.transforms.media.spec import CappedSpec

_SIZE = re.compile(r"([0-9]{1,5})[xX]([0-9]{1,5})")
_KEY = re.compile(r"^#EXT-X-(?:SESSION-)?KEY:(?!\s*METHOD=NONE)", re.MULTILINE)
_MAP = "#EXT-X-MAP:"
# Of the rung that it was made from, and of no made one.
_NOT_OF_MADE = frozenset(
    (
        *("SCORE", "SUPPLEMENTAL-CODECS", "VIDEO-RANGE", "HDCP-LEVEL", "ALLOWED-CPC", "REQ-VIDEO-LAYOUT"),
        *("FRAME-RATE", "RESOLUTION"),
    )
)
_STREAM = "#EXT-X-STREAM-INF:"


class MadeMaster(Frozen, frozen=True, kw_only=True):
    """The playlist with its made rungs told as they will be. rungs: the address of each one's list, and what it is."""

    body: bytes
    rungs: tuple[tuple[str, RungSpec], ...]


def made_master(body: bytes, capped: CappedSpec, *, query: str = "") -> MadeMaster | NotMade:
    """A multivariant playlist of which every rung with pictures is to be made smaller."""
    try:
        master = read_master(body, query)
    except NotUnderstood:
        return NotMade(why="unreadable")
    if master is None or _KEY.search(body.decode("utf-8", "replace")):
        return NotMade(why="unreadable" if master is None else "encrypted")
    if any("VIDEO" in variant.attributes for variant in master.variants):
        return NotMade(why="angles")
    instead: dict[int, str] = {}
    rungs: list[tuple[str, RungSpec]] = []
    for variant in master.variants:
        if not variant.is_sound:
            spec = rung_spec(capped, _size(variant))
            rungs.append((variant.uri, spec))
            instead[variant.lines.start] = _line(variant, spec) + master.newline
    gone = {line for stills in master.stills for line in stills.lines}
    return MadeMaster(body=master.without(gone, instead), rungs=tuple(rungs))


def _size(variant: Variant) -> tuple[int, int] | None:
    found = _SIZE.fullmatch(variant.attributes.get("RESOLUTION", "").strip())
    return (int(found[1]), int(found[2])) if found and int(found[1]) and int(found[2]) else None


def _line(variant: Variant, spec: RungSpec) -> str:
    told = {"BANDWIDTH": str(spec.peak_bps(variant.peak_bps)), "AVERAGE-BANDWIDTH": str(spec.average_bps)}
    if spec.size_px is not None:
        told["RESOLUTION"] = f"{spec.size_px[0]}x{spec.size_px[1]}"
    if "CODECS" in variant.raw:
        sound = sound_codecs(variant.attributes["CODECS"])
        told["CODECS"] = f'"{spec.codec}{"," + sound if sound else ""}"'
    if variant.fps is not None:
        told["FRAME-RATE"] = f"{min(variant.fps, spec.fps):.3f}"
    kept = {name: value for name, value in variant.raw.items() if name not in told and name not in _NOT_OF_MADE}
    return _STREAM + ",".join(f"{name}={value}" for name, value in {**told, **kept}.items())


# -- a rung's own list ---------------------------------------------------------------------------------------------


class ListedSegment(Frozen, frozen=True, kw_only=True):
    """One segment. head: what it is decoded with, None for MPEG-TS, which brings everything along."""

    url: str
    first_byte: int | None
    head: Place | None


def listed_segments(text: bytes, url: str) -> tuple[ListedSegment, ...] | NotMade:
    """Of a media playlist, addresses absolute. url: where it came from."""
    plain = text.decode("utf-8", "replace")
    if not plain.lstrip("\ufeff").startswith("#EXTM3U"):
        return NotMade(why="unreadable")
    if _KEY.search(plain):
        return NotMade(why="encrypted")
    if "{$" in plain or "#EXT-X-PART:" in plain:  # variables of another list; parts of segments, too short to make
        return NotMade(why="unreadable")
    try:
        return tuple(_segments(plain, url))
    except ValueError:
        return NotMade(why="unreadable")


def _segments(plain: str, url: str) -> Iterator[ListedSegment]:
    head: Place | None = None
    byte_range, next_byte = "", 0
    for line in map(str.strip, plain.split("\n")):
        if line.startswith(_MAP):
            head = _head(line[len(_MAP) :], url)
        elif line.startswith("#EXT-X-BYTERANGE:"):
            byte_range = line[17:]
        elif line and not line.startswith("#"):
            first, next_byte = listed_range(byte_range, next_byte)
            yield ListedSegment(url=urljoin(url, line), first_byte=first if byte_range else None, head=head)
            byte_range = ""


def _head(text: str, url: str) -> Place:
    attributes = {name: value.strip('"') for name, value in attributes_of(text).items()}
    address = urljoin(url, attributes["URI"]) if "URI" in attributes else ""
    if not address:
        raise ValueError("a map without an address")
    length, _, first = attributes.get("BYTERANGE", "").partition("@")
    if not length:
        return Place(url=address)
    start = int(first or 0)
    return Place(url=address, first=start, last=start + int(length) - 1)
