"""The simple selectors of presets: `.class`, `tag.class`, `#id`, `[attribute]`, `[attribute*="x"]`, and compounds."""

from __future__ import annotations

import re
from functools import lru_cache

from policies.frozen import Frozen
from proxy.transforms.html.grammar import any_case
from proxy.transforms.html.tag import Tag

_PART = re.compile(
    r"""(?P<name>[A-Za-z][\w-]*)|\.(?P<klass>[\w-]+)|\#(?P<id>[\w-]+)"""
    r"""|\[\s*(?P<attribute>[\w:-]+)\s*(?:(?P<operator>[*^$~]?=)\s*["']?(?P<value>[^"'\]]*)["']?\s*)?\]"""
)


class Condition(Frozen, frozen=True, kw_only=True):
    """One attribute's condition. operator: "" (is there), "=", "*=", "^=", "$=", "~=" (one of the words)."""

    attribute: bytes
    operator: str
    value: str

    def holds(self, tag: Tag) -> bool:
        if not tag.has(self.attribute):
            return False
        value = tag.value(self.attribute) if self.operator else ""
        match self.operator:
            case "~=":
                return self.value in value.split()
            case "*=":
                return self.value in value
            case "^=":
                return value.startswith(self.value)
            case "$=":
                return value.endswith(self.value)
            case "=":
                return value == self.value
        return True


class Selector(Frozen, frozen=True, kw_only=True):
    """A compound selector.

    name  the element's name, b"" for any
    hint  bytes without which no tag matches
    bar   a pattern for the attribute that makes a tag worth a look, b"" if its name does
    """

    name: bytes
    conditions: tuple[Condition, ...]
    hint: bytes
    bar: bytes

    def matches(self, tag: Tag) -> bool:
        return (not self.name or tag.name == self.name) and all(held.holds(tag) for held in self.conditions)


@lru_cache(maxsize=256)
def parse_selector(text: str) -> Selector | None:
    """The compiled selector, None for one that is not simple (combinators, pseudo-classes, lists)."""
    text, name, conditions, at = text.strip(), "", [], 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or (part["name"] and at):
            return None
        at = part.end()
        if part["name"]:
            name = part["name"].lower()
        else:
            conditions.append(_condition(part))
    if not name and not conditions:
        return None
    first = conditions[0] if conditions else None
    hint = (first.value.encode() or first.attribute) if first else name.encode()
    bar = any_case(first.attribute.decode()) + rb"(?![\w-])" if first else b""
    if bar and first and first.value:
        bar += (
            rb"""(?=[^>"']*+["'][^>"']*?"""
            + any_case(first.value.lower())
            + rb"|[^>]*?"
            + any_case(first.value.lower())
            + rb")"
        )
    return Selector(name=name.encode(), conditions=tuple(conditions), hint=hint, bar=bar)


def _condition(part: re.Match[str]) -> Condition:
    if part["klass"]:
        return Condition(attribute=b"class", operator="~=", value=part["klass"])
    if part["id"]:
        return Condition(attribute=b"id", operator="=", value=part["id"])
    return Condition(
        attribute=part["attribute"].lower().encode(), operator=part["operator"] or "", value=part["value"] or ""
    )
