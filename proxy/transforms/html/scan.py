"""Where an element ends, without a tree: balanced, bounded, and cautious where the page is broken.

Laws of this file: no answer depends on where the input was cut: while a longer input could change the answer, it is
`MORE`. An element is complete only if it closes within LOOKAHEAD bytes and no end tag of something outside it comes
first.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import Final, Literal

from proxy.transforms.html.grammar import RAW_TEXT, TAG, VOID, any_case

LOOKAHEAD: Final = 65536
# For a whole page: real ones need a few kilobytes; a page made of unclosed players would cost minutes without it.
LOOKAHEAD_IN_ALL: Final = 32 * LOOKAHEAD


class Waiting(Enum):
    MORE = "more"


MORE: Final = Waiting.MORE
End = tuple[int, int]  # the end tag's span
_COMMENT_CLOSE = re.compile(rb"--!?>")
# Formatting elements are closed out of order by careless authors; their stray end tags close nothing (13.2.6.4.7).
_STRAY_HARMLESS = frozenset(b"a b big br code em font i nobr s small strike strong tt u".split())


@lru_cache(maxsize=64)
def raw_text_close(name: bytes) -> re.Pattern[bytes]:
    """The pattern of a raw text element's end tag up to its name; the byte behind the name must be there."""
    return re.compile(rb"</" + any_case(name.decode("ascii", "replace")) + rb"(?=[\t\n\f\r />])")


def comment_end(buf: bytes, pos: int) -> int:
    """The end of the comment that begins at pos (`<!--`), -1 if it isn't there yet."""
    for short in (b"<!-->", b"<!--->"):
        if buf.startswith(short, pos):
            return pos + len(short)
    match = _COMMENT_CLOSE.search(buf, pos + 4)
    return match.end() if match else -1


class Lookahead:
    """What lies ahead of pos in the buffer.

    final: the input ends with the buffer. allowed: False answers that no element closes, without looking.
    spent: bytes looked at for the last final answer.
    """

    __slots__ = ("_start", "allowed", "buf", "final", "limit", "spent")

    def __init__(self, buf: bytes, start: int, final: bool, *, allowed: bool = True) -> None:
        self._start = start
        self.allowed = allowed
        self.spent = 0
        self.buf = buf
        self.limit = start + LOOKAHEAD
        self.final = final

    def lacking(self) -> Literal[Waiting.MORE] | None:
        """MORE while more input may come within the limit, None when there is no more to wait for."""
        return MORE if not self.final and len(self.buf) < self.limit else None

    def element(self, name: bytes, pos: int) -> End | Waiting | None:
        """The end tag of the element `name` whose start tag ended at pos; None: it doesn't close (in time)."""
        if not self.allowed:
            return None
        end = self._raw_end(name, pos) if name in RAW_TEXT else self._balanced(name, pos)
        if isinstance(end, tuple) and end[1] <= self.limit:
            self.spent = end[1] - self._start
            return end
        # Counted by what the page holds, not by how much of it happened to be there.
        self.spent = LOOKAHEAD
        return MORE if end is MORE else None

    def _raw_end(self, name: bytes, pos: int) -> End | Waiting | None:
        match = raw_text_close(name).search(self.buf, pos)
        if match is None:
            return self.lacking()
        tag = TAG.match(self.buf, match.start())
        return tag.span() if tag else self.lacking()

    def _balanced(self, name: bytes, pos: int) -> End | Waiting | None:
        open_names = [name]
        while True:
            pos = self.buf.find(b"<", pos)
            if pos < 0 or pos >= self.limit:
                return self.lacking() if pos < 0 else None
            step = self._token(pos)
            if step is MORE or step is None:
                return self.lacking()
            if isinstance(step, int):
                pos = step
                continue
            verdict = self._nest(open_names, step)
            if not verdict:
                return None
            if not open_names:
                return step.span()
            pos = step.end()
            raw = step[2].lower()
            if not step[1] and raw in RAW_TEXT:
                inner = self._raw_end(raw, pos)
                if not isinstance(inner, tuple):
                    return inner
                open_names.pop()
                pos = inner[1]

    def _token(self, pos: int) -> re.Match[bytes] | int | Waiting | None:
        """The tag at pos, or the position behind what isn't a tag, or MORE / None if it isn't complete."""
        tag = TAG.match(self.buf, pos)
        if tag:
            return tag
        following = self.buf[pos + 1 : pos + 2]
        if not following:
            return self.lacking()
        if following not in b"!/?" and not following.isalpha():
            return pos + 1
        if self.buf.startswith(b"<!--", pos):
            end = comment_end(self.buf, pos)
        elif following.isalpha() or (following == b"/" and self.buf[pos + 2 : pos + 3].isalpha()):
            return self.lacking()
        elif following == b"!" and len(self.buf) < pos + 4 and not self.final:
            return MORE
        else:
            end = self.buf.find(b">", pos) + 1 or -1
        return end if end > 0 else self.lacking()

    @staticmethod
    def _nest(open_names: list[bytes], tag: re.Match[bytes]) -> bool:
        """Open or close one level; False: the tag ends something outside, so the element is not closed."""
        name = tag[2].lower()
        if not tag[1]:
            if name not in VOID:
                open_names.append(name)
            return True
        if name in open_names:
            while open_names.pop() != name:
                pass
            return True
        return name in _STRAY_HARMLESS


class ScriptEnd:
    """Finds a script's end tag as browsers do: `<!--` and `<script` inside it shift where it ends (13.2.5.15 ff.)."""

    __slots__ = ("_state",)
    _HOLD = 9  # `</script` and the byte that ends the name

    def __init__(self) -> None:
        self._state = "plain"

    def find(self, buf: bytes, pos: int) -> tuple[bool, int]:
        """(True, start of the end tag), or (False, the place to go on from when more has come)."""
        while match := (_PLAIN_EVENT if self._state == "plain" else _ESCAPED_EVENT).search(buf, pos):
            text = match[0]
            pos = match.end()
            if text == b"<!--":
                if self._state == "plain":
                    self._state = "escaped"
                pos = match.start() + 2  # the dashes of `<!-->` close it at once
            elif text == b"-->":
                self._state = "plain"
            elif match[1]:
                if self._state != "double":
                    return True, match.start()
                self._state = "escaped"
            elif self._state == "escaped":
                self._state = "double"
        return False, max(pos, len(buf) - self._HOLD)


_ESCAPED_EVENT = re.compile(rb"<!--|-->|<(/?)" + any_case("script") + rb"(?=[\t\n\f\r />])")
_PLAIN_EVENT = re.compile(rb"<(?:!--|(/)" + any_case("script") + rb"(?=[\t\n\f\r />]))")
