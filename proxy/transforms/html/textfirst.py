"""Pages without the origin's scripts and styles: reading, login, forms and uploads stay.

Laws of this file: no element that a form needs goes; `<noscript>` shows its content; an attribute goes only if nothing
but a script or a style sheet reads it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from proxy.transforms.html.grammar import ATTRIBUTE_NAME, VALUE, any_case
from proxy.transforms.html.page import Page, Step
from proxy.transforms.html.scan import Lookahead, Waiting
from proxy.transforms.html.tag import Tag
from proxy.transforms.spec import HtmlSpec

MAX_COMMENT_BYTES: Final = 200
MAX_SVG_BYTES: Final = 2048
_GAP = rb"[\t\n\f\r /]*+"
_EQUALS = rb"[\t\n\f\r ]*+=[\t\n\f\r ]*+"
_LINKING = b"|".join(any_case(name) for name in ("href", "action", "formaction", "xlink:href"))
_SCRIPT_URL = rb"(?:" + _LINKING + rb")" + _EQUALS + rb"""["']?[\x00-\x20]*+""" + any_case("javascript") + rb":"
_HIDDEN_PANEL = re.compile(rb"(?:collapse|tab-pane|tabpanel|accordion|dropdown-menu|moreinfo)", re.IGNORECASE)


class Cleaner:
    """Takes out of a tag the attributes that only scripts or styles read. bar: a pattern for their names."""

    __slots__ = ("_drop", "_drop_hidden", "bar")

    def __init__(self, names: list[bytes]) -> None:
        hidden = any_case("hidden") + rb"(?![\w-])"
        self.bar = rb"(?:" + rb"|".join([*names, hidden]) + rb")"
        self._drop = _dropping(names)
        self._drop_hidden = _dropping([*names, hidden])

    def clean(self, tag: bytes, name: bytes) -> bytes:
        """A complete start tag without them; the same bytes if it has none.

        A panel that waits for a script to open it is opened.
        """
        head = 1 + len(name)
        drop = self._drop_hidden if _HIDDEN_PANEL.search(tag) else self._drop
        return tag[:head] + drop.sub(rb"\1", tag[head:])


def _dropping(names: list[bytes]) -> re.Pattern[bytes]:
    """A pattern that takes an attribute at a time: those of the names without a group, all others as group 1."""
    attribute = _GAP + ATTRIBUTE_NAME + rb"(?:" + _EQUALS + VALUE + rb")?+"
    return re.compile(rb"(?=" + _GAP + rb"(?:" + rb"|".join(names) + rb"))" + attribute + rb"|(" + attribute + rb")")


@lru_cache(maxsize=4)
def cleaner(keep_scripts: bool, keep_styles: bool) -> Cleaner | None:
    """The cleaner for a page, None if both scripts and styles stay."""
    names = []
    if not keep_scripts:
        names += [rb"[oO][nN][a-zA-Z]", _SCRIPT_URL]
    if not keep_styles:
        names.append(any_case("style") + rb"(?![\w-])")
    if not keep_scripts and not keep_styles:
        names += [any_case("class") + rb"(?![\w-])", any_case("data") + rb"-"]
    return Cleaner(names) if names else None


def unwrap(page: Page, tag: Tag, ahead: Lookahead) -> Step | None:
    """`<noscript>`: its tags go, so that its content shows also where the browser has scripts on."""
    return None if page.spec.keep_scripts else Step(tag.end, b"")


def drawing(page: Page, tag: Tag, ahead: Lookahead) -> Step | Waiting | None:
    """Inline `<svg>`: a big one (a sprite, a logo) goes with the styles; small icons stay."""
    if page.spec.keep_styles:
        return None
    end = ahead.element(b"svg", tag.end)
    if not isinstance(end, tuple):
        return end
    return page.dropped(end[1]) if end[1] - tag.start > MAX_SVG_BYTES else None


def drops_comment(spec: HtmlSpec, size_bytes: int, head: bytes) -> bool:
    """True for a long comment in a page without scripts; conditional comments are markup to some browsers."""
    if spec.keep_scripts or size_bytes <= MAX_COMMENT_BYTES:
        return False
    return not head[4:24].lstrip().lower().startswith((b"[if", b"<![endif", b"[endif"))
