"""Which piece of media time a segment's address stands for, read from the playlist or manifest that names it.

Laws: pure; compact, since many learners' lectures are remembered at once (a two-hour lecture is 20 kB); where a list
has nothing to read ahead (a live window) there is no timeline.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from hashlib import blake2b
from typing import Protocol
from urllib.parse import urljoin

from lxml import etree

from policies.frozen import Frozen
from proxy.transforms.ladder.dash_addresses import (
    address_pattern,
    bases,
    is_template,
    template_of,
    with_identity,
)
from proxy.transforms.ladder.dash_sets import Element, children, number, part_of, periods
from proxy.transforms.ladder.limits import MAX_MANIFEST_BYTES
from proxy.transforms.ladder.spec import Part

_MOST_SEGMENTS = 20_000
_GUESSED_S = 6.0
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


class Span(Frozen, frozen=True):
    """Media time, in seconds from the beginning."""

    start_s: float
    duration_s: float


class Timeline(Protocol):
    """Finds the media time of a segment of one rendition. size: roughly how many entries it remembers."""

    @property
    def part(self) -> Part: ...

    @property
    def size(self) -> int: ...

    def find(self, url: str, first_byte: int) -> Span | None:
        """url: absolute. first_byte: of the range asked for, 0 without one. None: not of this rendition."""
        ...


def _name(url: str, first_byte: int) -> int:
    digest = blake2b(f"{first_byte}@{url}".encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


class ListedTimeline(Frozen, frozen=True, kw_only=True):
    """Segments that are listed one by one, kept as sorted digests of their addresses."""

    part: Part
    names: array[int]
    starts_s: array[float]
    durations_s: array[float]

    @property
    def size(self) -> int:
        return len(self.names)

    def find(self, url: str, first_byte: int) -> Span | None:
        name = _name(url, first_byte)
        at = bisect_left(self.names, name)
        if at == len(self.names) or self.names[at] != name:
            return None
        return Span(self.starts_s[at], self.durations_s[at])


def _listed(part: Part, entries: list[tuple[int, float, float]]) -> ListedTimeline:
    entries.sort()
    return ListedTimeline(
        part=part,
        names=array("Q", [name for name, _, _ in entries]),
        starts_s=array("f", [start_s for _, start_s, _ in entries]),
        durations_s=array("f", [duration_s for _, _, duration_s in entries]),
    )


# -- HLS ---------------------------------------------------------------------------------------------------------


def hls_timeline(source: bytes, url: str, part: Part = Part.PICTURE) -> ListedTimeline | None:
    """Of a media playlist that is whole or grows from its beginning. None: live, I-frames, or no such list.

    url: where the playlist came from, for relative addresses.
    """
    text = source.decode("utf-8", "surrogateescape")
    grows = "#EXT-X-ENDLIST" in text or re.search(r"#EXT-X-PLAYLIST-TYPE:\s*(?:EVENT|VOD)", text) is not None
    if not grows or "#EXT-X-I-FRAMES-ONLY" in text or len(source) > MAX_MANIFEST_BYTES:
        return None
    entries: list[tuple[int, float, float]] = []
    duration_s, at_s, byte_range, next_byte = 0.0, 0.0, "", 0
    for line in map(str.strip, text.split("\n")):
        if line.startswith("#EXTINF:"):
            duration_s = _seconds(line[8:].partition(",")[0])
        elif line.startswith("#EXT-X-BYTERANGE:"):
            byte_range = line[17:]
        elif line and not line.startswith("#"):
            first_byte, next_byte = listed_range(byte_range, next_byte)
            entries.append((_name(_absolute(url, line), first_byte), at_s, duration_s))
            at_s, duration_s, byte_range = at_s + duration_s, 0.0, ""
            if len(entries) >= _MOST_SEGMENTS:
                break
    return _listed(part, entries) if entries else None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < 86_400 else 0.0


def listed_range(text: str, next_byte: int) -> tuple[int, int]:
    """First byte of this segment, and of the next one if that goes on from here (RFC 8216bis section 4.4.4.2)."""
    length, _, offset = text.partition("@")
    if not length.strip().isdigit():
        return 0, 0
    first = int(offset) if offset.strip().isdigit() else next_byte
    return first, first + int(length)


def _absolute(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return url


# -- DASH --------------------------------------------------------------------------------------------------------


class NumberedTimeline(Frozen, frozen=True, kw_only=True):
    """Segments by SegmentTemplate. starts: of each listed one in ticks, empty where all are of one duration."""

    part: Part
    pattern: re.Pattern[str]
    first_number: int
    ticks_per_s: float
    duration_ticks: int
    offset_ticks: int
    period_s: float
    starts: array[int]

    @property
    def size(self) -> int:
        return len(self.starts) + 1

    def find(self, url: str, first_byte: int) -> Span | None:
        found = self.pattern.fullmatch(url)
        if found is None:
            return None
        named = found.groupdict()
        if named.get("time"):
            ticks = int(named["time"]) - self.offset_ticks
        elif named.get("number"):
            place = int(named["number"]) - self.first_number
            listed = 0 <= place < len(self.starts)
            ticks = self.starts[place] - self.offset_ticks if listed else place * self.duration_ticks
        else:
            return None  # its initialisation
        return Span(self.period_s + ticks / self.ticks_per_s, self.duration_ticks / self.ticks_per_s)


class RatedTimeline(Frozen, frozen=True, kw_only=True):
    """One file with an index that only the player reads: where a byte stands is guessed from the bit rate."""

    part: Part
    url: str
    bitrate_bps: int
    period_s: float

    @property
    def size(self) -> int:
        return 1

    def find(self, url: str, first_byte: int) -> Span | None:
        return Span(self.period_s + first_byte * 8 / self.bitrate_bps, _GUESSED_S) if url == self.url else None


def dash_timelines(source: bytes, url: str) -> tuple[Timeline, ...]:
    """Of every representation of a manifest that isn't live. () where it is, or can't be read."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(source, parser)
    except (etree.XMLSyntaxError, ValueError):
        return ()
    if root.get("type", "static") != "static":
        return ()
    found: list[Timeline] = []
    period_s = 0.0
    for period in periods(root):
        start_s = _iso_s(period.get("start"))
        period_s = period_s if start_s is None else start_s
        for adaptation in children(period, "AdaptationSet"):
            part = part_of(adaptation)
            if part in (Part.PICTURE, Part.SOUND):
                for one in children(adaptation, "Representation"):
                    found += _timelines((root, period, adaptation, one), part, url, period_s)
        period_s += _iso_s(period.get("duration")) or 0.0
    return tuple(found)


def _timelines(levels: tuple[Element, ...], part: Part, url: str, period_s: float) -> list[Timeline]:
    representation = levels[-1]
    roots = [_absolute(url, base) for base in bases(levels)]
    template = template_of(levels[1:])
    bitrate_bps = number(representation, "bandwidth")
    if "media" not in template:
        if bitrate_bps is None or not children(representation, "BaseURL"):
            return []
        return [RatedTimeline(part=part, url=root, bitrate_bps=bitrate_bps, period_s=period_s) for root in roots]
    media = with_identity(template["media"], representation)
    starts, usual = _expanded(levels[1:])
    duration_ticks = _whole(template.get("duration")) or usual
    if not is_template(media) or not duration_ticks:
        return []
    return [
        NumberedTimeline(
            part=part,
            pattern=address_pattern(_absolute(root, media)),
            first_number=_whole(template.get("startNumber"), 1),
            ticks_per_s=_whole(template.get("timescale")) or 1,
            duration_ticks=duration_ticks,
            offset_ticks=_whole(template.get("presentationTimeOffset")),
            period_s=period_s,
            starts=starts,
        )
        for root in roots
    ]


def _expanded(levels: tuple[Element, ...]) -> tuple[array[int], int]:
    """The starts that the innermost SegmentTimeline lists, and its usual duration; an open end isn't expanded."""
    starts, usual, at = array("q"), 0, 0
    lists = [line for level in levels for one in children(level, "SegmentTemplate") for line in one.iter("{*}S")]
    for line in lists:
        at = _whole(line.get("t"), at)
        duration = _whole(line.get("d"))
        usual = max(usual, duration)
        repeats = line.get("r") or "0"
        for _ in range(min(_whole(repeats) + 1, _MOST_SEGMENTS - len(starts))):
            starts.append(at)
            at += duration
    return starts, usual


def _whole(text: str | None, otherwise: int = 0) -> int:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else otherwise


def _iso_s(text: str | None) -> float | None:
    found = _DURATION.fullmatch((text or "").strip())
    if found is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
