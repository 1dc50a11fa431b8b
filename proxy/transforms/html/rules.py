"""Which tags a spec is interested in, and who handles them: compiled once per kind of spec."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from policies.treatments import Action
from proxy.transforms.html import diet, images, media, textfirst
from proxy.transforms.html.grammar import RAW_TEXT, any_case, skipping
from proxy.transforms.html.page import Handler
from proxy.transforms.html.selectors import Selector, parse_selector
from proxy.transforms.spec import HtmlSpec

# Always watched: they change what the bytes behind them mean.
_STRUCTURE: Final = frozenset(["base", "meta", "svg", "math", "frameset", *(name.decode() for name in RAW_TEXT)])
_STRUCTURE_ENDS: Final = frozenset(["svg", "math"])
_FRAME_ENDS: Final = frozenset(["body", "html"])


class Rules:
    """The compiled rules of one page.

    watched           names of the start tags that it stops at in any case
    skip              runs over what is of no interest
    skip_to_link_end  the same, but stops at `</a>`: while a size label waits for it
    skip_near_players the same, but stops at elements that scripts turn into players; used where `hint` is in sight
    """

    __slots__ = ("cleaner", "handlers", "hint", "selectors", "skip", "skip_near_players", "skip_to_link_end", "watched")

    def __init__(self, spec: HtmlSpec) -> None:
        self.handlers = _handlers(spec)
        self.cleaner = textfirst.cleaner(spec.keep_scripts, spec.keep_styles)
        self.selectors: tuple[Selector, ...] = ()
        if Action.CARD in (spec.video, spec.embed, spec.stream) or Action.DROP in (spec.video, spec.embed, spec.stream):
            self.selectors = tuple(filter(None, map(parse_selector, spec.script_players)))
        starts = frozenset(_STRUCTURE | {name.decode() for name in self.handlers} | _player_names(self.selectors))
        self.watched = frozenset(name.encode() for name in starts)
        ends = _STRUCTURE_ENDS | (_FRAME_ENDS if spec.foot else frozenset())
        if not spec.keep_scripts:
            ends |= {"noscript"}
        bar = self.cleaner.bar if self.cleaner else b""
        near = b"|".join(filter(None, [bar, *(selector.bar for selector in self.selectors)]))
        self.skip = _skipping(starts, ends, bar)
        self.skip_to_link_end = _skipping(starts, ends | {"a"}, near)
        self.skip_near_players = _skipping(starts, ends, near)
        self.hint = _hint(self.selectors)


@lru_cache(maxsize=64)
def _skipping(starts: frozenset[str], ends: frozenset[str], bar: bytes) -> re.Pattern[bytes]:
    return skipping(starts, ends, bar)


def _handlers(spec: HtmlSpec) -> dict[bytes, Handler]:
    """The order of the table is the order of the brief description: heavy things, pictures, diet, text-first."""
    found: dict[bytes, Handler] = {
        b"video": media.player,
        b"audio": media.player,
        b"iframe": media.frame,
        b"object": media.frame,
        b"embed": media.embed,
        b"script": diet.script,
        b"link": diet.link,
        b"style": diet.style,
    }
    if spec.show_sizes or Action.CARD in (spec.video, spec.stream) or spec.video_max_bytes is not None:
        found[b"a"] = media.link
    if spec.lazy_images or spec.diet or spec.image is not Action.KEEP or spec.max_image_width_px is not None:
        found[b"img"] = images.image
        found[b"source"] = images.picture_source
    if not spec.keep_scripts:
        found[b"noscript"] = textfirst.unwrap
    if not spec.keep_styles:
        found[b"svg"] = textfirst.drawing
    return found


def _player_names(selectors: tuple[Selector, ...]) -> set[str]:
    return {selector.name.decode() for selector in selectors if selector.name}


def _hint(selectors: tuple[Selector, ...]) -> re.Pattern[bytes] | None:
    words = [selector.hint for selector in selectors if not selector.name]
    return re.compile(b"|".join(map(_loose, words))) if words else None


def _loose(word: bytes) -> bytes:
    """Attribute names are written in any case; classes are compared as written, but a looser hint does no harm."""
    return any_case(word.decode("latin-1").lower())
