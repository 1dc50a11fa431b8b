"""One start tag: its attributes as the page wrote them, and changes that touch nothing else of its bytes."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from proxy.transforms.html.grammar import ATTRIBUTE_PARTS


class Attribute:
    """Where one attribute lies in its tag; `raw` is its value undecoded, b"" for none."""

    __slots__ = ("end", "raw", "start")

    def __init__(self, start: int, end: int, raw: bytes) -> None:
        self.start, self.end, self.raw = start, end, raw


class Tag:
    """A complete start tag `<name …>` at buf[start:end]. The first of two attributes of one name counts (13.2.5.33).

    decode: how its bytes are read, in the page's charset.
    """

    __slots__ = ("_attributes", "_edits", "_repeats", "decode", "end", "name", "raw", "start")

    def __init__(self, match: re.Match[bytes], name: bytes, decode: Callable[[bytes], str]) -> None:
        self._edits: list[tuple[int, int, bytes]] = []
        self._repeats: list[tuple[bytes, Attribute]] = []
        self.start, self.end = match.span()
        self.name = name
        self.raw = match[0]
        self.decode = decode
        self._attributes: dict[bytes, Attribute] | None = None

    @property
    def attributes(self) -> dict[bytes, Attribute]:
        """By name in lower case; looked for when somebody asks, as a third of all tags go or stay unread."""
        found = self._attributes
        if found is None:
            raw = self.raw
            self._attributes = found = {}
            for part in ATTRIBUTE_PARTS.finditer(raw, 1 + len(self.name), len(raw) - 1):
                written = part[1].lower()
                attribute = Attribute(part.start(), part.end(), part[2] or part[3] or part[4] or b"")
                if found.setdefault(written, attribute) is not attribute:
                    self._repeats.append((written, attribute))
        return found

    def has(self, name: bytes) -> bool:
        return name in self.attributes

    def raw_value(self, name: bytes) -> bytes:
        """The value as written, b"" if there is none."""
        attribute = self.attributes.get(name)
        return attribute.raw if attribute else b""

    def value(self, name: bytes) -> str:
        """The value decoded from the page's charset and freed of character references, "" if there is none."""
        raw = self.raw_value(name)
        text = self.decode(raw)
        return html.unescape(text) if "&" in text else text

    @property
    def self_closing(self) -> bool:
        return self.raw.endswith(b"/>")

    def remove(self, *names: bytes) -> None:
        """Take attributes out, all of a name, so that none behind the first one comes to count."""
        written = list(self.attributes.items()) + self._repeats
        for name, attribute in written:
            if name in names:
                before = attribute.start - 1
                start = before if self.raw[before : before + 1].isspace() else attribute.start
                self._edits.append((start, attribute.end, b""))

    def set(self, name: bytes, value: bytes | None) -> None:
        """Write an attribute, its value already escaped for double quotes; None writes the bare name."""
        text = name if value is None else name + b'="' + value + b'"'
        attribute = self.attributes.get(name)
        if attribute:
            self._edits.append((attribute.start, attribute.end, text))
        else:
            at = 1 + len(self.name)
            self._edits.append((at, at, b" " + text))

    @property
    def changed(self) -> bool:
        return bool(self._edits)

    def spliced(self) -> bytes:
        """The tag's bytes with the changes in place."""
        out, at = [], 0
        for start, end, text in sorted(self._edits, key=lambda edit: edit[:2]):
            out += [self.raw[at:start], text]
            at = end
        out.append(self.raw[at:])
        return b"".join(out)


def escaped(value: str, charset: str) -> bytes:
    """A value for a double-quoted attribute in the page's charset."""
    return html.escape(value).encode(charset, "xmlcharrefreplace")
