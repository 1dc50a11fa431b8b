"""A multivariant playlist as the lines it is made of (RFC 8216bis section 4).

Law: every line is kept as it was, ending and all; what is read from it is only what tells which lines belong together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from policies.frozen import Frozen
from proxy.transforms.ladder.limits import is_sound_alone, rate_bps
from proxy.transforms.ladder.spec import Part, Rendition

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_ATTRIBUTE = re.compile(r'(?<![A-Za-z0-9-])([A-Za-z0-9-]++)\s*+=\s*+("[^"]*+"|[^,]*+)(?:,|$)')
_VARIABLE = re.compile(r"\{\$([A-Za-z0-9_-]+)\}")
_HEIGHT = re.compile(r"[0-9]{1,5}[xX]([0-9]{1,5})")
_DECIMAL = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,9})?")
_STREAM, _IFRAMES, _MEDIA, _DEFINE = (
    "#EXT-X-STREAM-INF:",
    "#EXT-X-I-FRAME-STREAM-INF:",
    "#EXT-X-MEDIA:",
    "#EXT-X-DEFINE:",
)
_OF_MEDIA_PLAYLISTS = ("#EXTINF", "#EXT-X-TARGETDURATION", "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-ENDLIST", "#EXT-X-PART")
GROUPS = ("AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS")
_PARTS = {"AUDIO": Part.SOUND, "SUBTITLES": Part.TEXT, "CLOSED-CAPTIONS": Part.TEXT}


class NotUnderstood(ValueError):
    """The playlist says things that players read in different ways."""


class Variant(Frozen, frozen=True, kw_only=True):
    """A rung: STREAM-INF with its URI line, or an I-frame list. `lines`: which lines are its own.

    attributes  unquoted, variables filled in;  raw  as written, quotes and all
    """

    lines: range
    attributes: Mapping[str, str]
    raw: Mapping[str, str]
    uri: str
    stills: bool = False

    @property
    def height_px(self) -> int | None:
        found = _HEIGHT.fullmatch(self.attributes.get("RESOLUTION", "").strip())
        return int(found[1]) if found and int(found[1]) else None

    @property
    def peak_bps(self) -> int | None:
        return _number(self.attributes, "BANDWIDTH")

    @property
    def bitrate_bps(self) -> int | None:
        return rate_bps(self.peak_bps, _number(self.attributes, "AVERAGE-BANDWIDTH"))

    @property
    def fps(self) -> float | None:
        text = self.attributes.get("FRAME-RATE", "").strip()
        return float(text) if _DECIMAL.fullmatch(text) else None

    @property
    def is_sound(self) -> bool:
        named = "RESOLUTION" in self.attributes or "VIDEO" in self.attributes
        return not named and is_sound_alone(self.attributes.get("CODECS", ""))

    @property
    def rendition(self) -> Rendition:
        part = Part.STILLS if self.stills else Part.SOUND if self.is_sound else Part.PICTURE
        return Rendition(addresses=(self.uri,), part=part, height_px=self.height_px, bitrate_bps=self.bitrate_bps)


class Media(Frozen, frozen=True, kw_only=True):
    """An EXT-X-MEDIA line: one alternative of a group. uri "": it is inside the variants themselves."""

    line: int
    attributes: Mapping[str, str]
    raw: Mapping[str, str]

    @property
    def uri(self) -> str:
        return self.attributes.get("URI", "")

    @property
    def group(self) -> tuple[str, str]:
        return self.attributes.get("TYPE", "").upper(), self.attributes.get("GROUP-ID", "")

    @property
    def rendition(self) -> Rendition:
        part = _PARTS.get(self.group[0], Part.PICTURE)
        return Rendition(addresses=(self.uri,), part=part, language=self.attributes.get("LANGUAGE", ""))


@dataclass(slots=True)
class Master:
    """variants have pictures, sound or both; stills are I-frame lists."""

    lines: list[str]
    variants: list[Variant] = field(default_factory=list)
    stills: list[Variant] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)

    @property
    def newline(self) -> str:
        return "\r\n" if self.lines[0].endswith("\r\n") else "\n"

    def without(self, gone: set[int], instead: Mapping[int, str]) -> bytes:
        """The text without some lines, others replaced."""
        text = "".join(instead.get(i, "" if i in gone else line) for i, line in enumerate(self.lines))
        return text.encode("utf-8", "surrogateescape")


def read_master(source: bytes, query: str) -> Master | None:
    """The playlist's lines with what belongs together; None: not a multivariant playlist.

    query: of the playlist's own address, for EXT-X-DEFINE:QUERYPARAM. Raises NotUnderstood.
    """
    lines = _LINE.findall(source.decode("utf-8", "surrogateescape"))
    if not lines or lines[0].lstrip("\ufeff").rstrip() != "#EXTM3U":
        raise NotUnderstood("it doesn't begin with #EXTM3U")
    master, variables = Master(lines), _variables(lines, query)
    pending: tuple[int, str] | None = None
    for number, line in enumerate(lines):
        text = line.strip()
        if text.startswith(_STREAM):
            if pending is not None:
                raise NotUnderstood("two EXT-X-STREAM-INF share an address")
            pending = number, text[len(_STREAM) :]
        elif text.startswith(_IFRAMES):
            master.stills.append(_stills(number, text[len(_IFRAMES) :], variables))
        elif text.startswith(_MEDIA):
            raw = attributes_of(text[len(_MEDIA) :])
            master.media.append(Media(line=number, attributes=_filled(raw, variables), raw=raw))
        elif pending is not None and text and not text.startswith("#"):
            raw, lines_of = attributes_of(pending[1]), range(pending[0], number + 1)
            uri = _fill(text, variables)
            master.variants.append(Variant(lines=lines_of, attributes=_filled(raw, variables), raw=raw, uri=uri))
            pending = None
    if pending is not None:
        raise NotUnderstood("an EXT-X-STREAM-INF has no address")
    if not master.variants:
        return None
    if any(line.startswith(_OF_MEDIA_PLAYLISTS) for line in lines):
        raise NotUnderstood("it is a multivariant and a media playlist at once")
    return master


def _stills(number: int, text: str, variables: Mapping[str, str]) -> Variant:
    raw = attributes_of(text)
    attributes = _filled(raw, variables)
    lines = range(number, number + 1)
    return Variant(lines=lines, attributes=attributes, raw=raw, uri=attributes.get("URI", ""), stills=True)


def attributes_of(text: str) -> dict[str, str]:
    """An attribute list (section 4.2): names in capitals, values as written. The first of a name counts."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(text):
        found.setdefault(name.upper(), value.strip())
    return found


def _filled(raw: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    return {name: _fill(value.strip('"'), variables) for name, value in raw.items()}


def _fill(text: str, variables: Mapping[str, str]) -> str:
    """Variable substitution (section 4.3); a name that nobody defined stays."""
    return _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), text) if "{$" in text else text


def _variables(lines: list[str], query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    told = dict(parse_qsl(query, keep_blank_values=True))
    for line in lines:
        if line.startswith(_DEFINE):
            raw = attributes_of(line[len(_DEFINE) :].strip())
            if "NAME" in raw:
                found[raw["NAME"].strip('"')] = raw.get("VALUE", "").strip('"')
            elif (name := raw.get("QUERYPARAM", "").strip('"')) in told:
                found[name] = told[name]
    return found


def _number(attributes: Mapping[str, str], name: str) -> int | None:
    text = attributes.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 and int(text) else None
