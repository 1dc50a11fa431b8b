"""The grammar of HTML tokens as byte patterns: WHATWG HTML, section 13.2.5 (tokenization).

Laws of this file: every pattern is possessive, so matching time is linear in the input whatever it holds; a pattern
that stands for a whole tag matches only when the tag is complete, and never takes a quote for an opening one unless
it directly follows an attribute's "=". All patterns work on bytes of any ASCII-compatible encoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SPACE = rb"[\t\n\f\r ]"
NAME = rb"[A-Za-z][^\t\n\f\r />]*+"
VALUE = rb"""(?:"[^"]*+"|'[^']*+'|[^\t\n\f\r >"'][^\t\n\f\r >]*+|(?=>))"""
ATTRIBUTE_NAME = rb"[^\t\n\f\r />][^\t\n\f\r />=]*+"
ATTRIBUTE = (
    ATTRIBUTE_NAME + rb"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+" + VALUE + rb"|(?![\t\n\f\r ]*+=))"
)  # a name whose "=" has no complete value yet is no attribute: the tag is not complete
ATTRIBUTES = rb"(?:[\t\n\f\r /]++|" + ATTRIBUTE + rb")*+"
# The way nearly all attributes are written; the general form goes on where this one stops.
_PLAIN_ATTRIBUTES = rb"""(?:[\t\n\f\r ][a-zA-Z-]++="[^"]*+")*+"""

TAG = re.compile(rb"<(/?)(" + NAME + rb")(" + ATTRIBUTES + rb")>")
TAG_NAME = re.compile(rb"</?(" + NAME + rb")")
ATTRIBUTE_PARTS = re.compile(
    rb"(" + ATTRIBUTE_NAME + rb")(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+"
    rb"""(?:"([^"]*+)"|'([^']*+)'|([^\t\n\f\r >"'][^\t\n\f\r >]*+)|(?=>)))?+"""
)
WHITESPACE = re.compile(SPACE + rb"*+")

# Elements whose content is text to the tokenizer, so that no tag stands in it.
RAW_TEXT = frozenset(
    [b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes", b"plaintext"]
)
VOID = frozenset(
    b"area base br col embed hr img input link meta param source track wbr basefont bgsound frame keygen".split()
)


def any_case(name: str) -> bytes:
    """A pattern for a name in any mixture of cases; character classes are faster here than re.IGNORECASE."""
    return "".join(f"[{c}{c.upper()}]" if c.isalpha() else re.escape(c) for c in name).encode()


def one_of(names: Iterable[str]) -> bytes:
    """A pattern for any of the names, in any case, grouped by first letter so that most tags fail on one."""
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(name[0], set()).add(name[1:])
    branches = []
    for first, rests in sorted(groups.items()):
        longer = sorted(rest for rest in rests if rest)
        if len(longer) == 1 and "" not in rests:
            branches.append(any_case(first + longer[0]))
            continue
        tail = b"(?:" + one_of(longer) + b")" + (b"?" if "" in rests else b"") if longer else b""
        branches.append(any_case(first) + tail)
    return b"|".join(branches)


def skipping(start_names: Iterable[str], end_names: Iterable[str], attribute_bar: bytes = b"") -> re.Pattern[bytes]:
    """A pattern that runs over text and over complete tags of no interest, and stops before everything else.

    It stops at `<` of the named tags, of comments and declarations, and of a tag that is not complete.
    attribute_bar: names of attributes that make any start tag interesting, as a pattern; b"" for none.
    """
    starts, ends = one_of(start_names), one_of(end_names)
    if attribute_bar:
        attribute = rb"(?!" + attribute_bar + rb")" + ATTRIBUTE
        plain = rb"""(?:[\t\n\f\r ](?!""" + attribute_bar + rb""")[a-zA-Z-]++="[^"]*+")*+"""
    else:
        attribute, plain = ATTRIBUTE, _PLAIN_ATTRIBUTES
    start = rb"(?!(?:" + starts + rb")[\t\n\f\r />])" + NAME + plain + rb"(?:[\t\n\f\r /]++|" + attribute + rb")*+>"
    end = rb"/(?!(?:" + ends + rb")[\t\n\f\r />])" + NAME + rb"(?:>|" + ATTRIBUTES + rb">)"
    return re.compile(rb"(?:[^<]++|<(?:" + start + rb"|" + end + rb"|(?=[^A-Za-z/!?])))*+")
