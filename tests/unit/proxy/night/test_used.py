"""How much of what nights brought was opened since."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proxy.night.used import Use, lines_in, use_of
from proxy.night.wishes import Wanted
from scheduler.requests import RequestState
from tests.unit.proxy.night.test_hours import OPENS
from tests.unit.proxy.night.test_wishes import wanted


def here(name: str, size: int = 1000) -> Wanted:
    one = wanted(url=f"https://lms.example.org/pluginfile.php/1/{name}")
    return replace(one, id=name, state=RequestState.READY, changed=OPENS, size_bytes=size)


def line(name: str, at: datetime = OPENS + timedelta(hours=9), **more: Any) -> dict[str, Any]:
    url = f"https://lms.example.org/pluginfile.php/1/{name}?forcedownload=1"
    return {"url": url, "at": at.isoformat(), "status": 200, "treatment": "pass"} | more


def test_a_file_counts_once_however_many_opened_it() -> None:
    wishes = [here("a.pdf", 700), here("b.pdf", 300)]
    assert use_of(wishes, [line("a.pdf"), line("a.pdf", status=304)]) == Use(
        files=2, bytes=1000, opened_files=1, opened_bytes=700
    )


@pytest.mark.parametrize(
    "other",
    [
        line("a.pdf", treatment="night"),
        line("a.pdf", OPENS - timedelta(seconds=1)),
        line("a.pdf", status=403),
        line("c.pdf"),
        {"url": "https://[", "at": "never", "status": 200},
        {},
    ],
)
def test_what_is_no_opening_of_it_does_not_count(other: dict[str, Any]) -> None:
    assert use_of([here("a.pdf")], [other]).opened_files == 0


def test_films_and_what_is_not_here_are_left_out() -> None:
    assert use_of([here("a.mp4"), replace(here("b.pdf"), state=RequestState.WAITING)], [line("a.mp4")]) == Use()


def test_torn_lines_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "access-2026-11-24.jsonl").write_bytes(b'{"url": "x"}\n[1]\n{"url": ')
    assert list(lines_in(tmp_path)) == [{"url": "x"}]
