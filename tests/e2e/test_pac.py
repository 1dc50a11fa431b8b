"""Chromium configured by the PAC file alone, as a school's browsers are."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.demo.course import RunningCourse
from tests.e2e.harness.browser import WHOLE_CHROMIUM, chromium, visiting
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import tropa_process


@pytest.mark.browser
@pytest.mark.skipif(WHOLE_CHROMIUM is None, reason="no whole Chromium on this machine")
def test_a_browser_that_reads_the_proxy_settings_goes_by_them(course: RunningCourse, folder: Path) -> None:
    """Chromium itself runs the PAC file: the course comes through Tropa, other sites directly."""
    # Whatever is called localhost never goes through a proxy that a PAC file names.
    hosts = {"hosts": ["course.test"], "ports": [80]}
    regions = Regions(course_port=course.port, places={"metered": METERED}, forward="metered", course=hosts)
    with tropa_process(regions, folder) as tropa:
        pac = f"http://127.0.0.1:{tropa.ports['forward']}/proxy.pac"
        with (
            chromium(f"--proxy-pac-url={pac}", names={"other.test": "127.0.0.1"}, whole=True) as driven,
            visiting(driven) as visit,
        ):
            visit.page.goto("http://course.test/mod/page/view.php?id=151")
            assert visit.page.locator(".tropa-card").count() > 0
            visit.page.goto(f"http://other.test:{course.port}/mod/page/view.php?id=151")
            assert visit.page.locator(".tropa-card").count() == 0
