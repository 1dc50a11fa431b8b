"""Which tags a spec is interested in, and who handles them: compiled once per kind of spec."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from policies.treatments import Action
from proxy.transforms.html import diet, images, media, textfirst
from proxy.transforms.html.grammar import RAW_TEXT, skipping
from proxy.transforms.html.kinds import HEAVY_HREF
from proxy.transforms.html.late import WATCHED_ENDS, WATCHED_STARTS
from proxy.transforms.html.page import Handler
from proxy.transforms.html.selectors import Selector, parse_selector
from proxy.transforms.spec import HtmlSpec

# Always watched: they change what the bytes behind them mean.
_STRUCTURE: Final = frozenset(["base", "meta", "svg", "math", "frameset", *(name.decode() for name in RAW_TEXT)])
_STRUCTURE_ENDS: Final = frozenset(["svg", "math"])
_FRAME_ENDS: Final = frozenset(["body", "html"])


class Rules:
    """The compiled rules of one page.

    skip              runs over what is of no interest
    skip_to_link_end  the same, but stops at `</a>`: while a size label waits for it
    skip_near_players the same, but stops at elements that scripts turn into players; used where one may be near
    """

    __slots__ = ("_hints", "cleaner", "handlers", "selectors", "skip", "skip_near_players", "skip_to_link_end")

    def __init__(self, spec: HtmlSpec) -> None:
        self.handlers = _handlers(spec)
        self.cleaner = textfirst.cleaner(spec.keep_scripts, spec.keep_styles)
        self.selectors: tuple[Selector, ...] = ()
        withheld = {Action.CARD, Action.DROP} & {spec.video, spec.embed, spec.stream}
        if withheld or spec.video_stand_in:
            self.selectors = tuple(filter(None, map(parse_selector, spec.script_players)))
        # Links are stopped at only if their address is a heavy one's: pages are full of others.
        names = {name.decode() for name in self.handlers} - {"a"}
        starts = frozenset(_STRUCTURE | names | _player_names(self.selectors))
        ends = _STRUCTURE_ENDS | (_FRAME_ENDS if spec.foot else frozenset())
        if not spec.keep_scripts:
            ends |= {"noscript"}
        if spec.late_styles:
            starts |= WATCHED_STARTS
            ends |= WATCHED_ENDS
        bar = HEAVY_HREF if b"a" in self.handlers else b""
        near = b"|".join(filter(None, [bar, *(selector.bar for selector in self.selectors)]))
        self.skip = _skipping(starts, ends, bar)
        self.skip_to_link_end = _skipping(starts | {"a"}, ends | {"a"}, near)
        self.skip_near_players = _skipping(starts, ends, near)
        hints = {selector.hint.lower() for selector in self.selectors if selector.bar}
        self._hints = [word for word in hints if not any(other != word and other in word for other in hints)]

    def near_player(self, html: bytes) -> bool:
        """False only if no tag in these bytes can match a selector that asks for an attribute.

        Attribute names are written in any case, so the bytes are compared in lower case.
        """
        if not self._hints:
            return False
        lower = html.lower()
        for word in self._hints:  # noqa: SIM110  # any() over a generator is three times as slow
            if word in lower:
                return True
        return False


@lru_cache(maxsize=64)
def _skipping(starts: frozenset[str], ends: frozenset[str], bar: bytes) -> re.Pattern[bytes]:
    return skipping(starts, ends, bar)


def _handlers(spec: HtmlSpec) -> dict[bytes, Handler]:
    """Who handles which start tag; only tags that this spec can change are stopped at, beside players and scripts."""
    if spec.untouched:
        return {}
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
    cards = Action.CARD in (spec.video, spec.stream) or spec.video_stand_in or spec.video_max_bytes is not None
    if spec.show_sizes or cards:
        found[b"a"] = media.link
    of_pictures = spec.lazy_images or spec.diet or spec.image is not Action.KEEP or spec.film_of is not None
    if of_pictures or spec.max_image_width_px is not None:
        found[b"img"] = images.image
        found[b"source"] = images.picture_source
    if not spec.keep_scripts:
        found[b"noscript"] = textfirst.unwrap
    if not spec.keep_styles:
        found[b"svg"] = textfirst.drawing
    return found


def _player_names(selectors: tuple[Selector, ...]) -> set[str]:
    return {selector.name.decode() for selector in selectors if not selector.bar}
