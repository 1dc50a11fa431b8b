"""What a transform is told: plain values and pure functions. No socket, policy, region or clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from policies.frozen import Frozen
from policies.model import DietItem, EmbedHost
from policies.treatments import Action, Animation
from policies.values import MediaKind


class Heavy(Frozen, frozen=True, kw_only=True):
    """One thing in a page that a card will stand for.

    url        absolute, entities decoded; "" for a player that only a script knows
    kind       VIDEO, STREAM, AUDIO, DOCUMENT …
    host_name  the video host's name ("youtube"), "" for a file
    title      what the page calls it (link text, title, aria-label), "" if it doesn't
    poster     absolute URL of its still picture, "" if none
    size_bytes known size, None if unknown
    block      stands as a block of its own (a card), or inside a line of text (a link)
    """

    url: str
    kind: MediaKind
    host_name: str = ""
    title: str = ""
    poster: str = ""
    size_bytes: int | None = None
    block: bool = True


class PictureFilm(Frozen, frozen=True, kw_only=True):
    """A film for a moving picture's place. src: its address; width_px: the picture's own; loops: else it plays once."""

    src: str
    width_px: int
    loops: bool


class HtmlSpec(Frozen, frozen=True, kw_only=True):
    """How to rewrite one page, streaming.

    page_url         absolute URL of the page (a <base href> in it is followed)
    head             HTML put first in <head>: stylesheet link and nothing else (no inline style or script)
    foot             HTML put last in <body> (the page's bar), "" for none
    render_card      Heavy -> HTML of at most 4 kB; pure
    size_of          absolute URL -> bytes, None if unknown; pure look-up
    size_label       bytes -> short text put behind heavy links ("18 МБ"); pure
    granted          absolute URLs that this learner took as original: left alone
    video, stream, embed, audio: KEEP, ADAPT (a player stays, its file is adapted), CARD or DROP
    video_stand_in   with ADAPT: a card takes a film's place, since its recommended version is no film
    render_versions  what stands behind a player that stays: its other versions, b"" for none; pure
    render_light     what stands behind a link to a document: its light copies, b"" for none; pure
    keep_scripts     False: script elements, event handlers and javascript: links go, noscript content shows
    keep_styles, keep_fonts  False: they go
    film_of          absolute URL of a picture -> the film in its place, None for none; pure look-up
    late_styles      absolute URL of a sheet -> URL of the part of it that stands in its place until the text is there
    untouched        but for head and foot the page stays to the byte, whatever else this says
    """

    page_url: str
    charset: str = "utf-8"
    head: bytes = b""
    foot: bytes = b""
    render_card: Callable[[Heavy], bytes]
    size_of: Callable[[str], int | None]
    size_label: Callable[[int], str]
    granted: frozenset[str] = frozenset()
    video: Action = Action.KEEP
    video_max_bytes: int | None = None
    video_stand_in: bool = False
    render_versions: Callable[[Heavy], bytes] | None = None
    render_light: Callable[[Heavy], bytes] | None = None
    stream: Action = Action.KEEP
    embed: Action = Action.KEEP
    audio: Action = Action.KEEP
    audio_max_bytes: int | None = None
    image: Action = Action.KEEP
    embed_hosts: tuple[EmbedHost, ...] = ()
    script_players: tuple[str, ...] = ()
    diet: tuple[DietItem, ...] = ()
    keep_scripts: bool = True
    keep_styles: bool = True
    keep_fonts: bool = True
    lazy_images: bool = False
    show_sizes: bool = False
    max_image_width_px: int | None = None
    film_of: Callable[[str], PictureFilm | None] | None = None
    late_styles: Mapping[str, str] = msgspec.field(default_factory=dict)
    untouched: bool = False


@dataclass(slots=True)
class PageChanges:
    """What the rewriting of one page did; counted while it streams."""

    cards: int = 0
    dropped: int = 0
    films: int = 0  # that stand in moving pictures' places
    withheld_bytes: int = 0
    bailed_out: str = ""  # why the rest of the page passed untouched, "" if it didn't
    heavy_urls: list[str] = field(default_factory=list)
    shell_urls: list[str] = field(default_factory=list)  # scripts and style sheets that the page still asks for


class ImageSpec(Frozen, frozen=True, kw_only=True):
    """How an image's variant is to be.

    accepts   subset of {"image/avif", "image/webp"}: beyond JPEG, PNG and GIF, which everybody reads
    quality   on WebP's scale; other formats are matched to it by measurement
    effort    "live" (on the request path) or "background"
    drawing   the origin says that it is an SVG, and only as such it is read: nothing else may become one
    """

    max_width_px: int | None
    max_bytes: int | None
    photo_quality: int
    text_quality: int
    accepts: frozenset[str]
    animation: Animation = Animation.KEEP
    max_pixels: int = 80_000_000
    effort: str = "live"
    drawing: bool = False

    def fingerprint(self) -> str:
        """A short stable text: equal specs, and only they, have equal fingerprints."""
        formats = "+".join(sorted(kind.removeprefix("image/") for kind in self.accepts)) or "base"
        return (
            f"w{self.max_width_px or 0}-b{self.max_bytes or 0}-p{self.photo_quality}-t{self.text_quality}"
            f"-{self.animation}-{formats}-{self.effort}{'-svg' if self.drawing else ''}"
        )
