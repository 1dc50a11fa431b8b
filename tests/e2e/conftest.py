"""One course and one Tropa for journeys that only read or use logins of their own; others start theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from proxy.demo.course import RunningCourse
from tests.e2e.harness.browser import CHROMIUM, chromium
from tests.e2e.harness.course import running_course
from tests.e2e.harness.packing import keep_what_is_packed
from tests.e2e.harness.regions import METERED, OPEN, TEXT, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.ways import WAYS, Way

_HERE = Path(__file__).parent

keep_what_is_packed()  # by those Tropas that run in a thread


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.path.is_relative_to(_HERE):
            continue
        # Browsers and processes end when they like: what they leave open for a moment is no fault of a journey.
        item.add_marker(pytest.mark.filterwarnings("default::ResourceWarning"))
        item.add_marker(pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning"))
        item.add_marker(pytest.mark.timeout(600))  # the first one may have to make the course's pictures and films
        if item.get_closest_marker("browser") and CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


@pytest.fixture(scope="session")
def course() -> Iterator[RunningCourse]:
    with running_course() as running:
        yield running


@pytest.fixture(scope="session")
def house(course: RunningCourse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TropaProcess]:
    """A Tropa with a metered, a text-first and an open region, and a forward listener of the metered one."""
    regions = Regions(
        course_port=course.port,
        places={"metered": METERED, "text": TEXT, "open": OPEN},
        forward="metered",
    )
    with tropa_process(regions, tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, house: TropaProcess) -> Way:
    """How learners of the metered region come in."""
    return Way(request.param, house, "metered")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a Tropa of the test's own keeps its things."""
    return tmp_path / "tropa"
