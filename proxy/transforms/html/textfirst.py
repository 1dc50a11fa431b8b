"""Pages without the origin's scripts and styles: reading, login, forms and uploads stay.

Laws of this file: no element that a form needs goes; `<noscript>` shows its content; an attribute goes only if nothing
but a script or a style sheet reads it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from proxy.transforms.html.grammar import ATTRIBUTE_NAME, NAME, TAG, VALUE, any_case
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
_ANY_ATTRIBUTE = ATTRIBUTE_NAME + rb"(?:" + _EQUALS + VALUE + rb")?+"
_TEXT = rb"(?:[^<]++|<(?![A-Za-z/!?]))*+"
_OPEN = rb"</?+" + NAME
_FIRST = re.compile(_TEXT + rb"(?:" + _OPEN + rb")?+")
# The attribute, as opposed to a class or a value of that name; it begins with a fixed text, which is found in C.
_MAYBE_HIDDEN = re.compile(rb"""hidden(?<=[\t\n\f\r "'/]hidden)[\t\n\f\r =/>]""")
_WITHOUT_HIDDEN = re.compile(
    _GAP
    + any_case("hidden")
    + rb"(?![\w-])(?:"
    + _EQUALS
    + VALUE
    + rb")?+|("
    + _GAP
    + _ANY_ATTRIBUTE
    + rb"|[\t\n\f\r /]++|.)",  # what is left of a gap goes in one piece
    re.DOTALL,
)


# Attributes and tags as most are written, and such as no cleaner takes out.
_PLAIN_ATTRIBUTE = rb''' (?!class|data-|style|on|href|action|form|xlink)[a-z-]++="[^"]*+"'''
_PLAIN_LINK = rb''' href="(?![\x00-\x20jJ])[^"]*+"'''
_PLAIN_CLOSE = rb">[^<]*+</?[a-z0-9]++(?=[ >])"


class Cleaner:
    """Takes out of tags the attributes that only scripts or styles read.

    Whole stretches of tags and text are cleaned at once: findall() with one group returns what stays, in C.
    """

    __slots__ = ("_pieces",)

    def __init__(self, names: list[bytes], plain: list[bytes]) -> None:
        """names: patterns of what is taken out. plain: how its names mostly look, lower case."""
        dropped = rb"(?:" + rb"|".join(names) + rb")"
        drop = _GAP + rb"(?=" + dropped + rb")" + _ANY_ATTRIBUTE
        keep = _GAP + rb"(?!" + dropped + rb")" + _ANY_ATTRIBUTE
        close = _GAP + rb">" + _TEXT + rb"(?:" + _OPEN + rb")?+"
        # What nearly everything looks like is tried first and in plain letters; the general forms say the same of the
        # rest. The last branch can't be reached on complete tags; it is there so that nothing can ever get lost.
        drops = rb"(?: (?:" + rb"|".join(plain) + rb""")="[^"]*+")++|""" + drop
        keeps = rb"|".join((_PLAIN_LINK, _PLAIN_ATTRIBUTE, _PLAIN_CLOSE, keep, close))
        self._pieces = re.compile(drops + rb"|((?:" + keeps + rb")++|.)", re.DOTALL)

    def clean(self, html: bytes) -> bytes:
        """Text and complete tags without those attributes; a panel that waits for a script to open it is opened."""
        if _MAYBE_HIDDEN.search(html):
            html = TAG.sub(_opened, html)
        first = _FIRST.match(html)
        assert first is not None  # it matches the empty string
        at = first.end()
        return html[:at] + b"".join(self._pieces.findall(html, at))


def _opened(tag: re.Match[bytes]) -> bytes:
    if not _HIDDEN_PANEL.search(tag[3]):
        return tag[0]
    return b"<" + tag[1] + tag[2] + b"".join(_WITHOUT_HIDDEN.findall(tag[3])) + b">"


@lru_cache(maxsize=4)
def cleaner(keep_scripts: bool, keep_styles: bool) -> Cleaner | None:
    """The cleaner for a page, None if both scripts and styles stay."""
    names, plain = [], []
    if not keep_scripts:
        names += [rb"[oO][nN][a-zA-Z]", _SCRIPT_URL]
        plain.append(rb"on[a-z]++")
    if not keep_styles:
        names.append(any_case("style") + rb"(?![\w-])")
        plain.append(rb"style")
    if not keep_scripts and not keep_styles:
        names += [any_case("class") + rb"(?![\w-])", any_case("data") + rb"-"]
        plain += [rb"class", rb"data-[a-z0-9-]++"]
    return Cleaner(names, plain[::-1]) if names else None


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
