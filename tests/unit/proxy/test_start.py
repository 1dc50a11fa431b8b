"""What a process loads before it serves, and what a short command loads: heavy libraries are for those who use them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# Pixels and documents are handled in processes of their own; a calendar's file is asked for now and then.
ELSEWHERE = {"numpy", "PIL", "pikepdf", "icalendar", "skimage"}
SERVER = {"aiohttp", "jinja2", "babel", "apscheduler", "ffmpeg"}

BUILT = """
import asyncio, sys
from pathlib import Path
from proxy.app import Tropa, load
from proxy.clock import SystemClock

async def build():
    state, clock = Path(sys.argv[1]), SystemClock()
    Tropa(state, load(Path("regions.yaml"), state, clock), clock)

asyncio.run(build())
"""
COMMAND = """
import io, sys
from proxy.cli.main import main
assert main(sys.argv[1:], out=io.StringIO(), err=io.StringIO()) == 0
"""


def loaded(code: str, *words: str) -> set[str]:
    """The packages that a process has in memory when it has run this."""
    code += "\nprint(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_a_process_that_is_built_holds_nothing_that_its_workers_need(tmp_path: Path) -> None:
    packages = loaded(BUILT, str(tmp_path))
    assert packages >= {"proxy", "aiohttp", "jinja2"}
    assert not packages & ELSEWHERE


EXPLAIN = ("explain", "http://course.localhost/", "--region", "koryak", "--regions", "regions.yaml")


@pytest.mark.parametrize(
    ("words", "without"),
    [
        pytest.param(("--help",), {"asyncio", "pydantic", "yaml", "email"}, id="help"),
        pytest.param(("check", "regions.yaml"), {"asyncio", "sqlite3"}, id="check"),
        pytest.param(EXPLAIN, set(), id="explain"),
    ],
)
def test_a_short_command_does_not_load_the_server(words: tuple[str, ...], without: set[str]) -> None:
    assert not loaded(COMMAND, *words) & (SERVER | ELSEWHERE | without)
