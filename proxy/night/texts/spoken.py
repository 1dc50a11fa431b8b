"""One language of a text that a course wrote in several: pure.

Laws of this file:
- it works on what the site sent, before anything is cleaned: a mark may stand between tags, and what is cut out may
  leave an element open; nothing that comes out of here is safe to stand in a page;
- a reader gets her language where it is there, else what is meant for all others, else the first that stands there;
  a part that stands alone and is in another language is for other readers, and goes;
- what isn't marked stays byte for byte; the work grows with the text's length alone.
Source: filter/multilang of Moodle (`<span lang="ru" class="multilang">`), the filter_multilang2 plugin
(`{mlang ru}…{mlang}`); web services send both as they are written, for they don't filter unless they are asked to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from policies.frozen import Frozen

_MARK = re.compile(r"\{\s{0,8}mlang(?:\s{1,8}([a-z0-9_-][a-z0-9_,\s-]{0,120}))?\s{0,8}\}", re.IGNORECASE)
_TAG = re.compile(r"<(/?)(span|div)\b([^<>]{0,2000})>", re.IGNORECASE)
_LANG = re.compile(r"""(?<![\w:-])lang\s*=\s*["']([a-z0-9_-]{2,20})["']""", re.IGNORECASE)
_IS_MULTILANG = re.compile(r"""(?<![\w:-])class\s*=\s*["'][^"']*\bmultilang\b""", re.IGNORECASE)
_SHOWN = re.compile(r"<[^<>]*>|&nbsp;|\s")
_OTHERS = "other"


class _Block(Frozen, frozen=True, kw_only=True):
    """A part in one language or several: where it stands, where its words do."""

    start: int
    end: int
    first: int
    last: int
    languages: frozenset[str]


def is_marked(text: str) -> bool:
    """Whether it may be in several languages."""
    lower = text.lower()
    return "mlang" in lower or "multilang" in lower


def in_language(text: str, language: str) -> str:
    """The same text for a reader of this language ("ru")."""
    if not is_marked(text):
        return text
    unbraced = _chosen(text, _braces(text), language, least=1)
    return _chosen(unbraced, _elements(unbraced), language, least=2)


def _chosen(text: str, blocks: Iterable[_Block], language: str, *, least: int) -> str:
    """least: so many blocks that stand together are alternatives; fewer stay as they are."""
    out, at = [], 0
    for group in _groups(text, blocks):
        if len(group) < least:
            continue
        kept = {block.start for block in _fitting(group, language)}
        for block in group:
            out.append(text[at : block.start])
            out.append(text[block.first : block.last] if block.start in kept else "")
            at = block.end
    return "".join([*out, text[at:]])


def _groups(text: str, blocks: Iterable[_Block]) -> Iterator[list[_Block]]:
    """Blocks with no word between them."""
    group: list[_Block] = []
    for block in blocks:
        if group and _SHOWN.sub("", text[group[-1].end : block.start]):
            yield group
            group = []
        group.append(block)
    if group:
        yield group


def _fitting(group: list[_Block], language: str) -> list[_Block]:
    for wanted in (language, _OTHERS):
        found = [block for block in group if wanted in block.languages]
        if found:
            return found
    return group[:1] if len(group) > 1 else []


def _braces(text: str) -> Iterator[_Block]:
    """`{mlang ru,kk}` up to the next `{mlang}`; what begins and doesn't end is no block."""
    opened: re.Match[str] | None = None
    for mark in _MARK.finditer(text):
        if mark[1] is not None:
            opened = opened or mark
        elif opened is not None:
            languages = frozenset(_base(one) for one in opened[1].split(","))
            yield _Block(
                start=opened.start(), end=mark.end(), first=opened.end(), last=mark.start(), languages=languages
            )
            opened = None


def _elements(text: str) -> Iterator[_Block]:
    """Elements of the class `multilang` that lie in no other one."""
    opened: re.Match[str] | None = None
    depth = 0
    for tag in _TAG.finditer(text):
        if opened is None:
            opened, depth = (tag, 1) if not tag[1] and _language_of(tag[3]) else (None, 0)
        elif tag[2].lower() == opened[2].lower():
            depth += -1 if tag[1] else 1
            if depth == 0:
                languages = frozenset((_language_of(opened[3]),))
                yield _Block(
                    start=opened.start(), end=tag.end(), first=opened.end(), last=tag.start(), languages=languages
                )
                opened = None


def _language_of(attributes: str) -> str:
    """ "": it is no element of one language."""
    found = _LANG.search(attributes) if _IS_MULTILANG.search(attributes) else None
    return _base(found[1]) if found is not None else ""


def _base(name: str) -> str:
    """A language without its variant: Moodle's own variants ("ru_wp") stand under it."""
    return re.split("[_-]", name.strip().lower(), maxsplit=1)[0]
