"""YAML in which every scalar stays the text that was written and every value knows its place.

Laws of this file: no scalar is guessed into a number, a date or a truth value (YAML 1.1 reads `20:00` as 1200, a region
`NO` as false and `010` as 8), so the schema alone gives types; a key written twice is a fault, never a silent winner;
nothing in a file may run code or grow without limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import yaml

from policies.faults import Fault, FaultList

MAX_DEPTH = 50
MAX_VALUES = 500_000  # aliases multiply; a real file of 1,000 regions has under 100,000 values

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_PLAIN_STYLES = (None, "")  # of the Python parser, of libyaml
_PLAIN_TAGS = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", None})
# YAML 1.1, section 5.1: the characters that may stand in a file.
_NON_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KEY_WITHOUT_SPACE = re.compile(r"\s*[\w-]+:[^\s/]")
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class FileName(NamedTuple):
    """A file as faults show it (the path that was given) and as reasons do (short, without the machine's folders)."""

    shown: str
    short: str


class Mark(NamedTuple):
    """The place of a value: line and column count from 1; key is its dotted path in that file."""

    file: FileName
    line: int
    column: int
    key: str

    @property
    def source(self) -> str:
        return f"{self.file.short}:{self.line}"

    def fault(self, problem: str, cure: str = "") -> Fault:
        return Fault(file=self.file.shown, line=self.line, column=self.column, key=self.key, problem=problem, cure=cure)


class MarkedMap(dict[str, Any]):
    """A mapping that knows where it, its keys and its values stand. Values: str, None, MarkedMap, MarkedList."""

    __slots__ = ("key_marks", "mark", "value_marks")

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.key_marks: dict[str, Mark] = {}
        self.value_marks: dict[str, Mark] = {}

    def put(self, key: str, value: object, key_mark: Mark, value_mark: Mark) -> None:
        self[key] = value
        self.key_marks[key] = key_mark
        self.value_marks[key] = value_mark

    def take(self, other: MarkedMap, key: str) -> None:
        """Copies one key of another mapping, with its marks."""
        self.put(key, other[key], other.key_marks[key], other.value_marks[key])

    def without(self, *keys: str) -> MarkedMap:
        result = MarkedMap(self.mark)
        for key in self:
            if key not in keys:
                result.take(self, key)
        return result

    def copied(self) -> MarkedMap:
        return self.without()


class MarkedList(list[Any]):
    """A sequence that knows where it and its items stand."""

    __slots__ = ("mark", "marks")

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.marks: list[Mark] = []


def mark_at(root: MarkedMap, path: Sequence[str | int], *, of_key: bool = False) -> Mark:
    """The mark of the value at a path, or of the deepest part of the path that was written."""
    here: object = root
    mark = root.mark
    for depth, step in enumerate(path):
        if isinstance(here, MarkedMap) and isinstance(step, str) and step in here:
            wanted = here.key_marks if of_key and depth == len(path) - 1 else here.value_marks
            mark, here = wanted[step], here[step]
        elif isinstance(here, MarkedList) and isinstance(step, int) and step < len(here):
            mark, here = here.marks[step], here[step]
        elif step != 0:  # a list of one may be written without its brackets
            break
    return mark


def read_marked(data: bytes, file: FileName, faults: FaultList, *, key: str = "") -> MarkedMap | None:
    """The mapping that a YAML file holds. None when it can't be read; the faults then say why."""
    text = _decode(data, file, faults)
    if text is None:
        return None
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        faults.add(_syntax_fault(error, text, file))
        return None
    whole = Mark(file, 1, 1, key)
    if node is None:
        faults.add(whole.fault("the file is empty", "write at least one section, or remove the file"))
        return None
    if not isinstance(node, yaml.MappingNode):
        faults.add(whole.fault("expected keys with values", "begin with a key such as regions: or title:"))
        return None
    return _Reader(file, faults).mapping(node, key)


class _Reader:
    def __init__(self, file: FileName, faults: FaultList) -> None:
        self._file = file
        self._faults = faults
        self._open: list[int] = []  # the ids of the nodes being read, so that an alias can't contain itself
        self._values = 0

    def mapping(self, node: yaml.MappingNode, path: str) -> MarkedMap:
        result = MarkedMap(self._mark(node, path))
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            name = self._key(key_node, path)
            if name is None:
                continue
            if name == "<<" and key_node.style in _PLAIN_STYLES:
                merged.append(value_node)
                continue
            self._put(result, name, key_node, value_node, f"{path}.{name}" if path else name)
        for value_node in merged:
            self._merge(result, value_node, path)
        return result

    def _put(self, result: MarkedMap, name: str, key_node: yaml.Node, value_node: yaml.Node, below: str) -> None:
        key_mark = self._mark(key_node, below)
        if name in result:
            first = result.key_marks[name].line
            self._faults.add(key_mark.fault(f"written twice (first in line {first})", "keep one of them"))
            return
        result.put(name, self._value(value_node, below), key_mark, self._mark(value_node, below))

    def _key(self, node: yaml.Node, path: str) -> str | None:
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self._faults.add(self._mark(node, path).fault("a key must be a word", "put the text in quotes"))
        return None

    def _merge(self, result: MarkedMap, node: yaml.Node, path: str) -> None:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                problem = "<< takes the keys of another mapping, this is none"
                self._faults.add(self._mark(source, path).fault(problem, "write <<: *name of an anchored mapping"))
                continue
            other = self._value(source, path)
            if isinstance(other, MarkedMap):
                for name in other:
                    if name not in result:  # what is written here wins over what is merged in
                        result.take(other, name)

    def _value(self, node: yaml.Node, path: str) -> object:
        self._values += 1
        mark = self._mark(node, path)
        if id(node) in self._open:
            self._faults.add(mark.fault("contains itself through an alias", "write the value out"))
            return None
        if len(self._open) >= MAX_DEPTH or self._values > MAX_VALUES:
            self._faults.add(mark.fault("too deep or too long", "use fewer aliases and levels"))
            return None
        if node.tag not in _PLAIN_TAGS:
            self._faults.add(mark.fault(f"the tag {node.tag} is not used here", "write the plain value"))
            return None
        self._open.append(id(node))
        try:
            return self._content(node, path, mark)
        finally:
            self._open.pop()

    def _content(self, node: yaml.Node, path: str, mark: Mark) -> object:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            result = MarkedList(mark)
            for index, item in enumerate(node.value):
                below = f"{path}[{index}]"
                result.append(self._value(item, below))
                result.marks.append(self._mark(item, below))
            return result
        text = str(node.value)
        is_null = isinstance(node, yaml.ScalarNode) and node.style in _PLAIN_STYLES and text in _NULLS
        return None if is_null else text

    def _mark(self, node: yaml.Node, path: str) -> Mark:
        start = node.start_mark
        return Mark(self._file, start.line + 1, start.column + 1, path)


# -- bytes to text, and what is wrong with the text ------------------------------------------------------------------


def _decode(data: bytes, file: FileName, faults: FaultList) -> str | None:
    cure = "save the file as UTF-8"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:200]:
        faults.add(Mark(file, 1, 1, "").fault("the file is in UTF-16, not UTF-8", cure))
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        guess = " (it looks like Windows-1251)" if _looks_like_cp1251(data) else ""
        faults.add(Mark(file, line, column, "").fault(f"the file is not UTF-8{guess}", cure))
        return None


def _looks_like_cp1251(data: bytes) -> bool:
    high = [byte for byte in data if byte >= 0x80]
    return sum(byte >= 0xC0 for byte in high) > len(high) * 0.8


def _syntax_fault(error: yaml.YAMLError, text: str, file: FileName) -> Fault:
    if not isinstance(error, yaml.MarkedYAMLError):
        return _unreadable_character(text, file)
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "not YAML"
    if "expected ':'" in problem and error.context_mark is not None:
        mark, problem = error.context_mark, "a line without a colon"  # the parser notices it on the line below
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    if error.context_mark is not None and error.context_mark.line != line:
        problem += f" ({error.context}, begun in line {error.context_mark.line + 1})"
    lines = text.splitlines() or [""]
    cure = _syntax_cure(lines[: line + 1], problem)
    return Mark(file, line + 1, column + 1, "").fault(f"not YAML: {problem}", cure)


def _syntax_cure(read: list[str], problem: str) -> str:
    """read: the lines down to the one where the parser stopped."""
    indent = "".join(line[: len(line) - len(line.lstrip())] for line in read[-2:])
    opened = next((number for number, line in enumerate(read, 1) if line.partition(" #")[0].count('"') % 2), 0)
    above = _KEY_WITHOUT_SPACE.match(read[-2]) if read[1:] else None
    cures = (
        ("\t" in indent, "indent with spaces, not with a tab"),
        ("\xa0" in indent, "indent with plain spaces: what stands here is a no-break space"),
        ("without a colon" in problem, "write a space after the colon (key: value) and after a dash (- item)"),
        ("quoted" in problem or "end of stream" in problem, "close the quotes"),
        (opened > 0, f"close the quotes that begin in line {opened}"),
        ("alphabetic or numeric" in problem, "put a text that begins with * or & in quotes"),
        ("expected key" in problem, "begin the line in the column of the keys beside it"),
        ("mapping values" in problem and above is not None, f"write a space after the colon in line {len(read) - 1}"),
        ("mapping values" in problem, "put a text with a colon in quotes, and check the indentation"),
        ("cannot start any token" in problem, "put a text that begins with @, `, % or a tab in quotes"),
        ("undefined alias" in problem, "a value that begins with * needs quotes, or its anchor &name above"),
        ("single document" in problem, "keep one document in a file: remove the line ---"),
    )
    return next((cure for holds, cure in cures if holds), "check the indentation, colons, quotes and brackets")


def _unreadable_character(text: str, file: FileName) -> Fault:
    position = next(_unprintable(text), 0)
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    problem = f"the character U+{ord(text[position]):04X} may not stand in YAML" if text else "not YAML"
    return Mark(file, line, column, "").fault(problem, "remove it")


def _unprintable(text: str) -> Iterator[int]:
    return (match.start() for match in _NON_PRINTABLE.finditer(text))
