"""The part of a style sheet that a page needs to be read, so that the whole of it can come after the text.

Laws of this file: rules are left out whole, and what stays keeps its words and its order (only relative addresses
become absolute), so that the whole sheet, coming after it, ends in the same rendering as the whole sheet alone (CSS
Cascade 5, section 6: of two equal declarations the later one wins); every cascade layer keeps its place; a sheet that
browsers might read otherwise than we do has no such part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urljoin

from policies.frozen import Frozen
from proxy.transforms.css import COMMENT, SKIPPED, STRING

MAX_SHEET_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 8  # of @media in @supports in @layer …
_MAX_BRACKETS = 16  # within each other in a selector: `:not(:is(:has(…)))` is three
Names = frozenset[bytes]

# Elements that a parser makes without a tag, and the class names by which a site says that scripts work.
_ALWAYS: Final = frozenset([b"html", b"head", b"body", b"tbody", b"colgroup", b".js", b".jsenabled", b".js-enabled"])
_GROUPS = frozenset([b"@media", b"@supports", b"@container", b"@layer", b"@document", b"@-moz-document"])
_KEPT_BLOCKS = frozenset([b"@property", b"@counter-style"])

_PRELUDE = re.compile(rb"(?:[^{};\"'/uU\\]++|" + SKIPPED + rb"|\\.|[uU/])*+", re.DOTALL)
_INSIDE = re.compile(rb"(?:[^{}\"'/uU\\]++|" + SKIPPED + rb"|\\.|[uU/])*+", re.DOTALL)
_BLANK = re.compile(rb"(?:[\t\n\f\r ]|<!--|-->|" + COMMENT + rb")*+", re.DOTALL)
_COMMENTS = re.compile(COMMENT, re.DOTALL)
_SKIPPED = re.compile(SKIPPED, re.DOTALL)
_AT_NAME = re.compile(rb"@[A-Za-z-]++")
_PRINT_ONLY = re.compile(rb"@media\s+(?:only\s+)?print\s*\Z", re.IGNORECASE)
_URL = re.compile(rb"""([uU][rR][lL]\([\t\n\f\r ]*+)("[^"\\\n]*+"|'[^'\\\n]*+'|[^()"'\\\s]++)([\t\n\f\r ]*+\))""")
_ABSOLUTE = re.compile(rb"(?:[A-Za-z][A-Za-z0-9+.-]*:|//|#|\Z)")

# Selectors: what stands in brackets or strings says nothing about names that must be there.
_STRINGS = re.compile(STRING, re.DOTALL)
_INNERMOST = re.compile(rb"\([^()]*+\)|\[[^\[\]]*+\]")
_NAME = rb"(?:[\w-]|[^\x00-\x7f]|\\[0-9A-Fa-f]{1,6}+[\t\n\f\r ]?+|\\.)++"
_WANTED = re.compile(rb"::?" + _NAME + rb"|([.#]?" + _NAME + rb")", re.DOTALL)
_BY_POINTER = re.compile(rb":(?:hover|active)(?![\w-])", re.IGNORECASE)
_HEX_ESCAPE = re.compile(rb"\\[0-9A-Fa-f]")
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)

# Pages: names in tags, whatever the quoting.
_TAG_NAMES = re.compile(rb"<([A-Za-z][A-Za-z0-9-]*+)")
_CLASSES = re.compile(rb"""[\s"'/]class\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""", re.IGNORECASE)
_IDS = re.compile(rb"""[\s"'/]id\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""", re.IGNORECASE)


def names_in(html: bytes) -> Names:
    """What selectors can hang on in a piece of a page: tag names, `.class` and `#id`, in lower case."""
    tags = {name.lower() for name in set(_TAG_NAMES.findall(html))}
    classes = {b"." + name for name in b" ".join(_values(_CLASSES, html)).lower().split()}
    ids = {b"#" + value.strip().lower() for value in _values(_IDS, html)}
    return frozenset(tags | classes | ids)


def _values(pattern: re.Pattern[bytes], html: bytes) -> set[bytes]:
    return {double or single or bare for double, single, bare in set(pattern.findall(html))}


class _Rule(Frozen, frozen=True):
    """needs: for each selector the names that must be there; an empty tuple: it stays in any case."""

    text: bytes
    needs: tuple[Names, ...] = ()


class _Group(Frozen, frozen=True):
    prelude: bytes
    items: tuple[_Rule | _Group | _Frames, ...]
    layer: bool = False  # its first mention gives the layer its place, so it stays even where nothing in it does


class _Frames(Frozen, frozen=True):
    """@keyframes: stay where a rule that stays speaks of them."""

    text: bytes
    name: bytes


_Item = _Rule | _Group | _Frames


class Unreadable(ValueError):
    """The sheet has no part of its own that could stand for it."""


class Sheet(Frozen, frozen=True):
    """A style sheet read once. names: all that its selectors ask for."""

    items: tuple[_Item, ...]
    names: Names
    size_bytes: int

    def critical(self, names: Names) -> bytes:
        """The rules that may match in a page with these names, as a sheet of its own."""
        present = (names & self.names) | _ALWAYS
        rules = b"".join(_kept(self.items, present, frozenset()))
        frames = [frame.name for frame in _frames(self.items) if frame.name in rules]
        return b"".join(_kept(self.items, present, frozenset(frames))) if frames else rules


def read_sheet(css: bytes, url: str) -> Sheet:
    """Read a sheet; addresses in it become absolute paths, as it will stand elsewhere.

    css  any ASCII-compatible encoding;  url  where it is

    Raises Unreadable: too long, broken, UTF-16, or with imported layers.
    """
    if len(css) > MAX_SHEET_BYTES or css.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("too long, or no ASCII in it")
    css = css.removeprefix(b"\xef\xbb\xbf")
    if re.search(rb"@import", css, re.IGNORECASE) and re.search(rb"@layer", css, re.IGNORECASE):
        raise Unreadable("imports before layers")
    reader = _Reader(_settled(css, url))
    items = tuple(reader.items(0))
    return Sheet(items=items, names=frozenset(_asked_for(items)), size_bytes=len(css))


def _settled(css: bytes, url: str) -> bytes:
    """The sheet with addresses that hold wherever it is read from."""

    def absolute(match: re.Match[bytes]) -> bytes:
        written: bytes = match[2]
        quote = written[:1] if written[:1] in (b'"', b"'") else b""
        target = written.strip(b"\"'")
        if target.startswith(b"/") or _ABSOLUTE.match(target):
            return bytes(match[0])
        try:
            joined = urljoin(url, target.decode("ascii")).encode("ascii")
        except ValueError:  # UnicodeError is one: not an address that we can read
            return bytes(match[0])
        return b"".join((match[1], quote, joined, quote, match[3]))

    return _URL.sub(absolute, css)


class _Reader:
    """Walks through a sheet from its start to its end."""

    def __init__(self, css: bytes) -> None:
        self._css = css
        self._pos = 0

    def items(self, depth: int) -> Iterator[_Item]:
        """Rules up to the end of the block (of the sheet, at depth 0)."""
        if depth > MAX_DEPTH:
            raise Unreadable("too deep")
        css = self._css
        while True:
            self._pos = _end(_BLANK, css, self._pos)
            start = self._pos
            if start >= len(css):
                if depth:
                    raise Unreadable("a block that doesn't close")
                return
            if css[start : start + 1] == b"}":
                if not depth:
                    raise Unreadable("a block that doesn't open")
                self._pos += 1
                return
            if item := self._item(start, depth):
                yield item

    def _item(self, start: int, depth: int) -> _Item | None:
        css = self._css
        at = _end(_PRELUDE, css, start)
        prelude, stop = css[start:at], css[at : at + 1]
        self._pos = at + 1
        if stop == b"{":
            return self._block(prelude, start, depth)
        if prelude[:1] != b"@" or stop == b"}":
            raise Unreadable("a rule without a block")
        kept = prelude[:7].lower() == b"@layer " or prelude[:10].lower() in (b"@namespace", b'@charset "')
        return _Rule(prelude + b";") if kept else None

    def _block(self, prelude: bytes, start: int, depth: int) -> _Item | None:
        css = self._css
        if prelude[:1] != b"@":
            text = css[start : self._skip_block()]
            _check_brackets(text)
            return _Rule(text, tuple(_needs(prelude)))
        match = _AT_NAME.match(prelude)
        name = match[0].lower() if match else b""
        if name in _GROUPS:
            if name == b"@layer" and not prelude[6:].strip():
                raise Unreadable("a layer without a name")  # mentioned twice it would be two
            items = tuple(self.items(depth + 1))
            printed = name == b"@media" and _PRINT_ONLY.match(_COMMENTS.sub(b"", prelude))
            return None if printed else _Group(prelude, items, name == b"@layer")
        text = css[start : self._skip_block()]
        _check_brackets(text)
        if name.endswith(b"keyframes"):
            words = prelude.split()
            return _Frames(text, words[1].strip(b"\"'") if len(words) > 1 else b"")
        return _Rule(text) if name in _KEPT_BLOCKS else None

    def _skip_block(self) -> int:
        """Behind the block whose `{` has been read."""
        css, pos, depth = self._css, self._pos, 1
        while depth:
            pos = _end(_INSIDE, css, pos)
            if pos >= len(css):
                raise Unreadable("a block that doesn't close")
            depth += 1 if css[pos : pos + 1] == b"{" else -1
            pos += 1
        self._pos = pos
        return pos


def _end(pattern: re.Pattern[bytes], css: bytes, pos: int) -> int:
    match = pattern.match(css, pos)
    assert match is not None  # each of them matches the empty string
    return match.end()


def _check_brackets(rule: bytes) -> None:
    """Raises Unreadable where a bracket doesn't close: browsers go on with the rule up to where it does."""
    for opening, closing in ((b"(", b")"), (b"[", b"]")):
        if rule.count(opening) != rule.count(closing):
            bare = _SKIPPED.sub(b"", rule)
            if bare.count(opening) != bare.count(closing):
                raise Unreadable("a bracket that doesn't close")


# -- selectors -------------------------------------------------------------------------------------------------


def _needs(selectors: bytes) -> Iterator[Names]:
    """For each selector of a list what it can't match without."""
    bare = _STRINGS.sub(b"", _COMMENTS.sub(b"", selectors))
    for _ in range(_MAX_BRACKETS):
        if b"(" not in bare and b"[" not in bare:
            break
        bare = _INNERMOST.sub(b"", bare)
    else:
        yield frozenset()  # brackets that don't close, or too many of them: let the browser judge
        return
    for selector in bare.split(b","):
        if not _BY_POINTER.search(selector):
            yield frozenset(_wanted(selector))
    if b":hover" in bare or b":active" in bare:
        yield _NEVER


# No page holds it: a rule for the pointer alone can wait, and still counts as one that has needs.
_NEVER = frozenset([b"\0"])


def _wanted(selector: bytes) -> Iterator[bytes]:
    for match in _WANTED.finditer(selector):
        name = match[1]
        if not name or _HEX_ESCAPE.search(name) or name[:1].isdigit():
            continue
        yield _ESCAPE.sub(rb"\1", name).lower() if b"\\" in name else name.lower()


def _asked_for(items: Iterable[_Item]) -> Iterator[bytes]:
    for item in items:
        if isinstance(item, _Group):
            yield from _asked_for(item.items)
        elif isinstance(item, _Rule):
            for needs in item.needs:
                yield from needs


# -- what stays ------------------------------------------------------------------------------------------------


def _kept(items: Iterable[_Item], present: Names, frames: Names) -> Iterator[bytes]:
    for item in items:
        if isinstance(item, _Rule):
            if not item.needs or any(needs <= present for needs in item.needs):
                yield item.text
        elif isinstance(item, _Frames):
            if item.name in frames:
                yield item.text
        else:
            inner = b"".join(_kept(item.items, present, frames))
            if inner or item.layer:
                yield item.prelude + b"{" + inner + b"}"


def _frames(items: Iterable[_Item]) -> Iterator[_Frames]:
    for item in items:
        if isinstance(item, _Group):
            yield from _frames(item.items)
        elif isinstance(item, _Frames) and item.name:
            yield item
