"""One start tag: its attributes as the page wrote them, and changes that touch nothing else of its bytes."""

from __future__ import annotations

import html
import re

from proxy.transforms.html.grammar import ATTRIBUTE_PARTS, TAG


class Attribute:
    """Where one attribute lies in its tag; `raw` is its value undecoded, b"" for none."""

    __slots__ = ("end", "raw", "start")

    def __init__(self, start: int, end: int, raw: bytes) -> None:
        self.start, self.end, self.raw = start, end, raw


class Tag:
    """A complete start tag `<name …>` at buf[start:end]. The first of two attributes of one name counts (13.2.5.33)."""

    __slots__ = ("_attributes", "_edits", "_match", "_repeats", "charset", "end", "name", "raw", "start")

    def __init__(self, match: re.Match[bytes], name: bytes, charset: str) -> None:
        self._match = match
        self._attributes: dict[bytes, Attribute] | None = None
        self._repeats: list[tuple[bytes, Attribute]] = []
        self._edits: list[tuple[int, int, bytes]] = []
        self.start, self.end = match.span()
        self.name = name
        self.raw = match[0]
        self.charset = charset

    @classmethod
    def at(cls, buf: bytes, pos: int, charset: str) -> Tag | None:
        """The start tag that begins at pos, None if none does or it isn't complete."""
        match = TAG.match(buf, pos)
        return cls(match, match[2].lower(), charset) if match and not match[1] else None

    @property
    def attributes(self) -> dict[bytes, Attribute]:
        if self._attributes is None:
            self._attributes = found = dict[bytes, Attribute]()
            first = self._match.start(3) - self.start
            for part in ATTRIBUTE_PARTS.finditer(self.raw, first, len(self.raw) - 1):
                name = part[1].lower()
                attribute = Attribute(part.start(), part.end(), part[2] or part[3] or part[4] or b"")
                if found.setdefault(name, attribute) is not attribute:
                    self._repeats.append((name, attribute))
        return self._attributes

    def has(self, name: bytes) -> bool:
        return name in self.attributes

    def raw_value(self, name: bytes) -> bytes:
        """The value as written, b"" if there is none."""
        attribute = self.attributes.get(name)
        return attribute.raw if attribute else b""

    def value(self, name: bytes) -> str:
        """The value decoded from the page's charset and freed of character references, "" if there is none."""
        raw = self.raw_value(name)
        text = raw.decode(self.charset, "replace")
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
