"""The code map of ARCHITECTURE.md names what is there, and leaves no module out."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[3]
TREES = ("proxy", "policies", "scheduler", "tests", "bench")


def named() -> list[str]:
    """What stands in the map's first column: files and folders, by the end of their path."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    table = text[text.index("## Code map") : text.index("## Where one adds things")]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def paths() -> list[str]:
    found = [path for tree in TREES for path in (ROOT / tree).rglob("*") if "__pycache__" not in path.parts]
    return [f"/{path.relative_to(ROOT)}{'/' if path.is_dir() else ''}" for path in found] + [f"/{it}/" for it in TREES]


def means(name: str, path: str) -> bool:
    """Whether a path is what a name of the map stands for, or lies in it."""
    return f"/{name}" in path if name.endswith("/") else fnmatch(path, f"*/{name}") or fnmatch(path, f"*/{name}.py")


def test_what_the_map_names_is_there() -> None:
    there = paths()
    assert [name for name in named() if not any(means(name, path) for path in there)] == []


def test_every_module_is_on_the_map() -> None:
    names = named()
    modules = [path for path in paths() if path.endswith(".py") and not path.endswith("/__init__.py")]
    assert [path for path in modules if not any(means(name, path) for name in names)] == []
