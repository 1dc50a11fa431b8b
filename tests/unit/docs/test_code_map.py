"""The code map in ARCHITECTURE.md: what it names is there, and what is there it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("policies", "proxy", "scheduler")
_ROW = re.compile(r"^\| (`[^|]*) \| ([^|]*) \| [^|]* \|$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")
_MODULE = re.compile(r"(?!tropa$)[a-z][a-z_]*")  # `tropa` is the command


def rows() -> list[tuple[list[str], str]]:
    """(what a row is about, what it says) of the code map."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    part = text[text.index("## Code map") : text.index("## Where one adds things")]
    return [(_CODE.findall(where), what) for where, what in _ROW.findall(part)]


def found(name: str, beside: list[Path]) -> list[Path]:
    """The files or folders that a row means by a name: from the root, or beside what it named before."""
    roots = [ROOT] if name.partition("/")[0] in (*PACKAGES, "tests", "bench") else _near(beside)
    for root in roots:
        for pattern in (name.rstrip("/"), f"{name}.py"):
            if paths := sorted(path for path in root.glob(pattern) if path.exists()):
                return paths
    return []


def _near(beside: list[Path]) -> Iterator[Path]:
    for path in reversed(beside):
        folder = path if path.is_dir() else path.parent
        yield from (folder, folder.parent)
    yield from (ROOT / "proxy", ROOT / "proxy" / "pages")


def named(names: list[str]) -> list[Path]:
    paths: list[Path] = []
    for name in names:
        paths += found(name, paths)
    return paths


@pytest.mark.parametrize(("names", "what"), rows(), ids=lambda value: value[0] if isinstance(value, list) else "")
def test_a_row_names_what_is_there(names: list[str], what: str) -> None:
    paths: list[Path] = []
    missing = []
    for name in names:
        new = found(name, paths)
        missing += [] if new else [name]
        paths += new
    missing += [name for name in _CODE.findall(what) if _MODULE.fullmatch(name) and not found(name, paths)]
    assert missing == []


def test_every_package_and_every_module_beside_them_has_a_row() -> None:
    covered = {path for names, _ in rows() for path in named(names)}
    missing = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.name in ("__init__.py", "__main__.py"):
                continue
            if not any(part in covered for part in (path, *path.parents)):
                missing.append(str(path.relative_to(ROOT)))
    assert missing == []
