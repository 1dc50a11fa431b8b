"""Code that weighs what an LMS's code weighs, does nothing and parses.

Laws: the same seed gives the same text; every line is valid JavaScript or CSS; nothing generated runs by
itself (functions are only registered); it compresses like real minified code, about 3.3 : 1 for scripts.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable

Piece = Callable[[], str]

_WORDS = (  # noqa: SIM905 - hundreds of quoted words read worse
    "action active activity add after align alert all animate append area aria array assign async attach attempt attr "
    "auto avatar badge bar before block blur body bold border bound box branch button cache calendar call cancel card "
    "cell chart check child choice class clear click client clone close code collapse color column comment commit "
    "completion config confirm content context control copy core count course create current cursor custom data date "
    "day debug decode default delay delete delta depth detach dialog disable discussion display dock document drag "
    "draft drawer drop dropdown edit editor element email empty enable encode end enrol entry error event exit expand "
    "export extend fetch field file filter find first fixed flag focus folder font footer form format forum forward "
    "frame full get glossary grade grid group guest handle hash has header height help hidden hide hint history home "
    "hover icon image import index info init inline input insert invalid is item join key label language last layout "
    "left length lesson level limit line link list load local lock log login loop map mark mask match max media menu "
    "merge message meta method min mobile modal mode module month move name nav next node normal note notice notify "
    "number observe offset open option order origin outline overlay owner page pane panel parent parse participant "
    "password paste path pause pending percent picker place player plugin point policy popover popup portfolio post "
    "prefix prepare prev preview print profile progress promise prompt property query question queue quick quiz range "
    "rate rating read ready recent record redirect reduce refresh region register reload remove render repeat replace "
    "reply report request require reset resize resolve resource response restore result resume return revert review "
    "right role rotate route row rule save scale schedule scope score screen script scroll search section select send "
    "separator sequence service session set setting shift show sidebar sign size skip slide sort source space split "
    "stack start state static status step sticky stop store stream string style submit summary survey switch sync tab "
    "table tag target task template term text theme thread tick time timer title toggle token tool tooltip top topic "
    "total touch track transition tree trigger type unit unread update upload url user valid value variant verify "
    "version video view visible wait warn week weight widget width wiki window wizard workshop wrap write year zone"
).split()


class Vocabulary:
    """Names and literals drawn the way programmers repeat themselves: few often, many seldom."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.members = [self._camel(1 + (rng.random() < 0.72)) for _ in range(5200)]
        self.classes = [self._kebab(rng.choice((1, 2, 2, 3))) for _ in range(900)]
        self.sentences = [" ".join(rng.choices(_WORDS, k=rng.randint(2, 7))) for _ in range(1200)]
        self.near: list[str] = []
        self.turn()

    def turn(self) -> None:
        """Begin another module: its author keeps to a few dozen names, which is what makes code compress."""
        self.near = [self._skewed(self.members) for _ in range(16)]

    def _camel(self, more: int) -> str:
        head, *rest = self.rng.choices(_WORDS, k=1 + more)
        return head + "".join(word.capitalize() for word in rest)

    def _kebab(self, count: int) -> str:
        return "-".join(self.rng.choices(_WORDS, k=count))

    def _skewed(self, items: list[str]) -> str:
        return items[int(len(items) * self.rng.random() ** 2.0)]

    def member(self) -> str:
        return self.rng.choice(self.near) if self.rng.random() < 0.82 else self._skewed(self.members)

    def css_class(self) -> str:
        return self._skewed(self.classes)

    def sentence(self) -> str:
        return self._skewed(self.sentences)

    def local(self) -> str:
        return self.rng.choice("abcdefghijklmnoprstuvwxyzABCDEFLMNOPRST")


class Script:
    """Minified modules of the shape `define("area/name",["exports"],(function(e,t){...}))`."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - filler, not secrets
        self.words = Vocabulary(self.rng)

    def literal(self) -> str:
        w, rng = self.words, self.rng
        return rng.choice(
            (
                lambda: f'"{w.member()}"',
                lambda: f'".{w.css_class()}"',
                lambda: f'"[data-{w.css_class()}]"',
                lambda: f'"{w.sentence()}"',
                lambda: str(rng.randint(0, 40)),
                lambda: str(rng.randint(41, 65535)),
                lambda: rng.choice(("!0", "!1", "null", "void 0", "[]", "{}")),
            )
        )()

    def value(self, depth: int = 0) -> str:
        w, rng = self.words, self.rng
        pick = rng.random() if depth < 3 else rng.random() * 0.45
        if pick < 0.22:
            return w.local()
        if pick < 0.45:
            return self.literal() if rng.random() < 0.5 else f"{w.local()}.{w.member()}"
        if pick < 0.72:
            return f"{w.local()}.{w.member()}({self.arguments(depth)})"
        if pick < 0.80:
            operator = rng.choice(("+", "-", "&&", "||", "===", "!==", ">", "<", "*", "|"))
            return f"({self.value(depth + 1)}{operator}{self.value(depth + 1)})"
        if pick < 0.87:
            return f"(0,{w.local()}.{w.member()})({self.arguments(depth)})"
        if pick < 0.94:
            pairs = ",".join(f"{w.member()}:{self.value(depth + 1)}" for _ in range(rng.randint(1, 4)))
            return "{" + pairs + "}"
        return f"(function({w.local()}){{return {self.value(depth + 1)}}})"

    def arguments(self, depth: int) -> str:
        return ",".join(self.value(depth + 1) for _ in range(self.rng.choice((0, 1, 1, 2, 2, 3))))

    def statement(self, depth: int = 0) -> str:
        w, rng = self.words, self.rng
        pick = rng.random() if depth < 3 else 0.3 * rng.random()
        if pick < 0.18:
            return f"var {w.local()}={self.value()};"
        if pick < 0.36:
            return f"{w.local()}.{w.member()}={self.value()};"
        if pick < 0.58:
            return f"{w.local()}.{w.member()}({self.arguments(1)});"
        if pick < 0.74:
            return f"if({self.value(1)}){{{self.block(depth + 1)}}}"
        if pick < 0.82:
            return f"if({self.value(1)})return {self.value(1)};"
        if pick < 0.88:
            i = w.local()
            return f"for(var {i}=0;{i}<{w.local()}.length;{i}++){{{self.block(depth + 1)}}}"
        if pick < 0.94:
            return f"try{{{self.block(depth + 1)}}}catch({w.local()}){{{self.statement(3)}}}"
        return f"{w.local()}.prototype.{w.member()}=function({w.local()}){{{self.block(depth + 1)}}};"

    def block(self, depth: int) -> str:
        return "".join(self.statement(depth) for _ in range(self.rng.randint(1, 4)))

    def module(self) -> str:
        w, rng = self.words, self.rng
        w.turn()
        area = rng.choice(("core", "core_form", "core_message", "mod_forum", "mod_quiz", "tool_lp", "block_myoverview"))
        needs = ",".join(f'"{area}/{w.member()}"' for _ in range(rng.randint(0, 4)))
        functions = "".join(
            f"function {w.member()}_{i}({w.local()}){{{self.block(0)}{self.block(0)}}}"
            for i in range(rng.randint(3, 9))
        )
        name = f"{area}/{w.member()}_{rng.randint(0, 9999)}"
        return f'define("{name}",[{needs}],(function(e,t,n,i){{{functions}}}));\n'


class Styles:
    """Rules of the shape a theme's compiled SCSS has."""

    _PROPERTIES = (  # noqa: SIM905 - hundreds of quoted words read worse
        "margin padding top left right width height max-width min-height font-size line-height border-radius gap "
        "border-width margin-bottom padding-left flex-basis letter-spacing"
    ).split()
    _PLAIN = (  # noqa: SIM905 - hundreds of quoted words read worse
        "display:flex display:none display:block position:relative position:absolute float:left text-align:right "
        "overflow:hidden white-space:nowrap flex-wrap:wrap align-items:center justify-content:space-between "
        "cursor:pointer vertical-align:middle font-weight:700 border:0 opacity:.65 z-index:1030"
    ).split()

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - filler, not secrets
        self.words = Vocabulary(self.rng)

    def declaration(self) -> str:
        rng = self.rng
        pick = rng.random()
        if pick < 0.5:
            unit = rng.choice(("px", "rem", "%", "em"))
            return f"{rng.choice(self._PROPERTIES)}:{rng.choice(('', '.'))}{rng.randint(1, 99)}{unit}"
        if pick < 0.72:
            prop = rng.choice(("color", "background-color", "border-color", "fill"))
            return f"{prop}:#{rng.randint(0, 0xFFFFFF):06x}"
        return rng.choice(self._PLAIN)

    def selector(self) -> str:
        w, rng = self.words, self.rng
        head = rng.choice((".path-mod-", ".block_", ".theme-", ".x-", "#page-", "")) + w.css_class()
        head = head if head[0] in ".#" else "." + head
        tail = "".join(f"{rng.choice((' .', '>.', '.'))}{w.css_class()}" for _ in range(rng.randint(1, 2)))
        return f"{head}.is-{w.css_class()}{tail}{rng.choice(('', '', ':hover', ':focus', '::before', '[dir=rtl]'))}"

    def rule(self) -> str:
        selectors = ",".join(self.selector() for _ in range(self.rng.choice((1, 1, 2, 3))))
        return f"{selectors}{{{';'.join(self.declaration() for _ in range(self.rng.randint(1, 6)))}}}"

    def chunk(self) -> str:
        return "".join(self.rule() for _ in range(10)) + "\n"


def fill_to(head: bytes, piece: Piece, gzip_bytes: int) -> bytes:
    """`head` followed by as many pieces as bring the gzip -6 size to `gzip_bytes`, give or take one piece."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    parts, packed = [head], len(packer.compress(head))
    while packed + _pending_bytes(packer, packed, gzip_bytes) < gzip_bytes:
        batch = "".join(piece() for _ in range(4)).encode()
        parts.append(batch)
        packed += len(packer.compress(batch))
    return b"".join(parts)


def _pending_bytes(packer: zlib._Compress, packed: int, goal: int) -> int:
    """What the compressor still holds back; asked only near the goal, since the answer costs a copy of its state."""
    return len(packer.copy().flush()) if packed > goal - 60_000 else 0


def script(head: bytes, *, seed: int, gzip_bytes: int) -> bytes:
    """A script that starts with `head` (which works) and weighs `gzip_bytes` under gzip -6."""
    return fill_to(head, Script(seed).module, gzip_bytes)


def styles(head: bytes, *, seed: int, gzip_bytes: int) -> bytes:
    """A style sheet that starts with `head` and weighs `gzip_bytes` under gzip -6; the filler matches no element."""
    return fill_to(head, Styles(seed).chunk, gzip_bytes)
