"""A built course for the tests of the sample course: made once a machine, kept under its version's name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from proxy.demo.course import RunningCourse, build_assets, start_course, version


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_732_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def course_dir() -> Path:
    given = os.environ.get("TROPA_COURSE_DIR")
    folder = Path(given) if given else Path(tempfile.gettempdir()) / f"tropa-course-{version()}"
    build_assets(folder)
    return folder


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def course(course_dir: Path, hands: Hands, tmp_path: Path) -> AsyncIterator[RunningCourse]:
    running = await start_course(data_dir=course_dir, clock=hands, journal=tmp_path / "journal.jsonl")
    yield running
    await running.close()


@pytest.fixture
async def browser(course: RunningCourse) -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(course.base_url, cookie_jar=jar, auto_decompress=False) as session:
        yield session
