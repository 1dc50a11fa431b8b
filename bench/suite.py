"""What a suite hands back: a table, the targets, and how it was measured in two lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import shown, verdict

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached. value None: not measured in this run."""

    name: str
    value: float | None
    limit: float
    at_least: bool = False

    @property
    def verdict(self) -> str:
        return verdict(self.value, self.limit, at_least=self.at_least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of figures under a head; the first cell of a row names it."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One suite's result. left_out says what could not be measured here, and why."""

    suite: str
    method: str
    tables: tuple[Table, ...] = ()
    targets: tuple[Target, ...] = ()
    left_out: tuple[str, ...] = ()
    raw: dict[str, object] = field(default_factory=dict)


def as_json(report: Report) -> dict[str, object]:
    """The report as plain values."""
    return {
        "suite": report.suite,
        "method": report.method,
        "tables": [{"title": t.title, "head": t.head, "rows": t.rows} for t in report.tables],
        "targets": [
            {"name": t.name, "value": t.value, "limit": t.limit, "at_least": t.at_least, "verdict": t.verdict}
            for t in report.targets
        ],
        "left_out": report.left_out,
        "raw": report.raw,
    }


def keep(report: Report, folder: Path = OUT) -> Path:
    """Write the report's JSON and say where."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report.suite}.json"
    path.write_text(json.dumps(as_json(report), indent=1, ensure_ascii=False) + "\n")
    return path


def as_text(report: Report) -> str:
    """The report for a terminal."""
    parts = [f"== {report.suite}"]
    for table in report.tables:
        parts += ["", table.title, *_lines(table.head, table.rows)]
    if report.targets:
        head = ("target", "measured", "to reach", "")
        rows = [(t.name, t.value, f"{'≥' if t.at_least else '≤'} {shown(t.limit)}", t.verdict) for t in report.targets]
        parts += ["", *_lines(head, rows)]
    parts += ["", report.method]
    parts += [f"left out: {what}" for what in report.left_out]
    return "\n".join(parts)


def _lines(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    cells = [list(head), *([shown(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return [
        "  " + "  ".join(_padded(cell, w, i) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in cells
    ]


def _padded(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)
