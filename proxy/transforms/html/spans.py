"""Stretches without tags of their own that may be longer than any buffer: raw text, comments, oversized tags.

Each is asked with what is there and answers how far it reaches; what it has seen once it needn't see again.
"""

from __future__ import annotations

import re
from typing import Protocol

from proxy.transforms.html.grammar import RAW_TEXT
from proxy.transforms.html.scan import ScriptEnd, raw_text_close

_COMMENT_CLOSE = re.compile(rb"--!?>")
_CDATA_CLOSE = re.compile(rb"\]\]>")
_ANGLE = re.compile(rb">")


class Span(Protocol):
    """after: the raw text element that the span's end opens, b"" for none."""

    @property
    def after(self) -> bytes: ...

    def find(self, buf: bytes, pos: int) -> tuple[bool, int]:
        """(True, where the span ends) or (False, where to go on from when more has come)."""
        ...


class Until:
    """Up to a terminator, its bytes included or not."""

    __slots__ = ("_hold", "_including", "_terminator", "after")

    def __init__(self, terminator: re.Pattern[bytes], hold: int, *, including: bool) -> None:
        self._terminator = terminator
        self._hold = hold
        self._including = including
        self.after = b""

    def find(self, buf: bytes, pos: int) -> tuple[bool, int]:
        match = self._terminator.search(buf, pos)
        if match:
            return True, match.end() if self._including else match.start()
        return False, max(pos, len(buf) - self._hold)


class Endless:
    """`<plaintext>`: nothing ends it."""

    after = b""

    def find(self, buf: bytes, pos: int) -> tuple[bool, int]:
        return False, len(buf)


class Script:
    __slots__ = ("_end", "after")

    def __init__(self) -> None:
        self._end = ScriptEnd()
        self.after = b""

    def find(self, buf: bytes, pos: int) -> tuple[bool, int]:
        return self._end.find(buf, pos)


def raw_text(name: bytes) -> Span:
    """The content of a raw text element, up to its end tag."""
    if name == b"plaintext":
        return Endless()
    if name == b"script":
        return Script()
    return Until(raw_text_close(name), len(name) + 2, including=False)


def comment() -> Span:
    return Until(_COMMENT_CLOSE, 3, including=True)


def cdata() -> Span:
    return Until(_CDATA_CLOSE, 2, including=True)


def declaration() -> Span:
    return Until(_ANGLE, 0, including=True)


_STATES = {
    "attributes": re.compile(rb"[\t\n\f\r /]*+"),
    "name": re.compile(rb"[^\t\n\f\r />=]*+"),
    "equals": re.compile(rb"[\t\n\f\r ]*+"),
    "value": re.compile(rb"[\t\n\f\r ]*+"),
    '"': re.compile(rb'[^"]*+'),
    "'": re.compile(rb"[^']*+"),
    "bare": re.compile(rb"[^\t\n\f\r >]*+"),
}


class LongTag:
    """A tag too long to hold: passes as it is, walked through by the tokenizer's states (13.2.5.32 to 13.2.5.40)."""

    __slots__ = ("_state", "after")

    def __init__(self, name: bytes) -> None:
        self._state = "attributes"
        self.after = name if name in RAW_TEXT else b""

    def find(self, buf: bytes, pos: int) -> tuple[bool, int]:
        """pos of the first call: behind the tag's name."""
        while True:
            match = _STATES[self._state].match(buf, pos)
            assert match is not None  # every state's pattern matches the empty string
            pos = match.end()
            if pos == len(buf):
                return False, pos
            char = buf[pos : pos + 1]
            if self._state == "attributes" and char == b">":
                return True, pos + 1
            pos += self._step(char)

    def _step(self, char: bytes) -> int:
        """Go to the next state on the character that ended this one; how many bytes of it are consumed."""
        state = self._state
        if state == "attributes":
            self._state = "name"
            return 1  # a name may begin with "="
        if state == "name":
            self._state = "equals"
            return 0
        if state == "equals":
            self._state = "value" if char == b"=" else "attributes"
            return int(char == b"=")
        if state == "value" and char != b">":
            self._state = char.decode("latin-1") if char in (b'"', b"'") else "bare"
            return int(self._state != "bare")
        self._state = "attributes"
        return int(state in ('"', "'"))
