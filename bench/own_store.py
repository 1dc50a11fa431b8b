"""What a learner's own store costs and spares: two visits and one without a link, counted on the learner's own link."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Error, Page

from bench.suite import Report, Table, Target
from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.browser import CHROMIUM, PHONE, Visit, chromium, visiting
from tests.e2e.harness.course import running_course
from tests.e2e.harness.cuts import Link, link_to
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import tropa_process

METHOD = (
    "method: text pages and forums of the sample course, opened one after another by a learner who is logged in, with "
    "a Chromium of\na phone's size that starts empty; then all of them again; then again without a link. Bytes both "
    "ways on the learner's link, heads\nincluded, scripts, pictures and the worker with them."
)
HER = USERS["teacher1"]
_KINDS = {"front", "course", "text", "forum", "discussion", "diagrams", "formulas", "photos", "screens", "glossary"}
_READY = "navigator.serviceWorker.ready.then(() => !!navigator.serviceWorker.controller)"
_WORKER_BYTES = 20_000


def run(*, quick: bool) -> Report:
    """Twelve pages (quick: four)."""
    if CHROMIUM is None:
        return Report(suite="own_store", method=METHOD, left_out=("all: no Chromium on this machine",))
    with tempfile.TemporaryDirectory() as name, running_course() as course, chromium() as browser:
        paths = _paths(course, 4 if quick else 12)
        found = {"without Tropa": _visits(browser, course.port, paths, keeps=False)}
        worker_bytes = 0
        for title, keys in (("without it", {}), ("with it", {"own_store": "on"})):
            regions = Regions(course_port=course.port, places={"metered": METERED}, course=keys)
            with tropa_process(regions, Path(name) / title, forked=False) as tropa:
                found[title] = _visits(browser, tropa.ports["metered"], paths, keeps=bool(keys))
                worker_bytes = sum(line["bytes_to_learner"] for line in tropa.log() if "/.tropa/store/" in line["url"])
    rows = tuple((title, *(f"{nbytes / 1e3:.0f}" for nbytes in one[:2]), one[2]) for title, one in found.items())
    return Report(
        suite="own_store",
        method=METHOD,
        tables=(
            Table(
                title=f"{len(paths)} pages, kB on the learner's link",
                head=("own store", "first visit", "the same again", "pages that open without a link"),
                rows=rows,
            ),
        ),
        targets=(
            Target("kB of the worker and its scripts, once", worker_bytes / 1e3, _WORKER_BYTES / 1e3),
            Target("pages that open without a link", float(found["with it"][2]), len(paths), at_least=True),
        ),
    )


def _paths(course: RunningCourse, count: int) -> list[str]:
    """Pages that are read; what answers count in isn't kept."""
    return [page.path for page in course.pages if page.kind in _KINDS][:count]


def _visits(browser: Browser, port: int, paths: list[str], *, keeps: bool) -> tuple[int, int, int]:
    """Bytes of the first visit and of the second, and how many pages open without a link."""
    with link_to(port) as link, visiting(browser, size=PHONE) as visit:
        base = f"http://127.0.0.1:{link.port}"
        before = _moved(link)
        visit.log_in(base, HER.login, HER.password)
        if keeps:
            visit.page.wait_for_function(_READY)
        for path in paths:
            _opened(visit.page, base + path)
        first, before = _moved(link) - before, _moved(link)
        for path in paths:
            _opened(visit.page, base + path)
        second = _moved(link) - before
        link.cut()
        return first, second, sum(_opens(visit, base + path) for path in paths)


def _opened(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_load_state("networkidle")


def _opens(visit: Visit, url: str) -> bool:
    try:
        visit.page.goto(url)
    except Error:
        return False
    try:
        visit.page.wait_for_selector("#tropa-kept", timeout=5000)
    except Error:
        return False
    return True


def _moved(link: Link) -> int:
    return link.up_bytes + link.carried_bytes
