"""A learner's browser: headless Chromium that notes what it asked for and what went wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route, sync_playwright

from tests.e2e.harness.waiting import PATIENCE_S

# Chromium's own engine without the windows around it, where there is one: it starts for a third of the processor time.
WHOLE_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM = shutil.which("chromium-headless-shell") or WHOLE_CHROMIUM
SCREENS = Path(__file__).resolve().parents[2] / "screens"
PHONE = {"width": 360, "height": 720}
SMALL_PHONE = {"width": 320, "height": 640}
HERE = ("course.test", "other.test")  # names that a test's browser is told of
DESKTOP = {"width": 1280, "height": 800}
# Other names aren't even looked up, so that nothing leaves this machine. `route` would see to it, too, but it switches
# off the browser's store of answers, so that each page would ask for all its scripts and pictures again.
STAYS_HERE = "MAP * ~NOTFOUND,EXCLUDE localhost,EXCLUDE *.localhost,EXCLUDE 127.0.0.1"
_NOT_LOOKED_UP = "net::ERR_NAME_NOT_RESOLVED"


@dataclass(slots=True)
class Visit:
    """A page with what it did. foreign: addresses outside loopback, none of which was let out."""

    page: Page
    foreign: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def shot(self, name: str, *, full: bool = False) -> None:
        """Keep what the learner sees, for somebody to look at."""
        SCREENS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{name}.png", full_page=full)

    def log_in(self, base: str, name: str, password: str) -> None:
        self.page.goto(f"{base}/login/index.php")
        self.page.fill("#username", name)
        self.page.fill("#password", password)
        self.page.click("#loginbtn")
        self.page.wait_for_url("**/my/**")

    def too_wide_px(self) -> int:
        """By how much the page is wider than the screen."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@contextmanager
def chromium(
    *arguments: str, names: Mapping[str, str] | None = None, whole: bool = False, **options: Any
) -> Iterator[Browser]:
    """A browser while the block runs.

    names: host -> address on this machine. whole: with all that its windows bring, as the settings of proxies
    """
    rules = ",".join([*(f"MAP {name} {address}" for name, address in (names or {}).items()), STAYS_HERE])
    told = ["--no-sandbox", f"--host-resolver-rules={rules}", *arguments]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=WHOLE_CHROMIUM if whole else CHROMIUM, args=told, **options)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(browser: Browser, *, size: dict[str, int] = DESKTOP, **options: Any) -> Iterator[Visit]:
    """A visit with a store of its own; whatever would leave this machine is noted and stopped."""
    context = browser.new_context(viewport=size, locale=options.pop("locale", "ru-RU"), **options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_S * 1000)
    visit = Visit(context.new_page())
    if "proxy" in options:  # then it isn't the browser that looks names up
        context.route(lambda url: not _near(url), lambda route: _stopped(visit, route))
    else:
        context.on("requestfailed", lambda request: _failed(visit, request))
    visit.page.on("request", lambda request: _noted(visit, request))
    visit.page.on("console", lambda message: _heard(visit, message))
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    try:
        yield visit
    finally:
        context.close()


def _near(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("127.0.0.1", "localhost", "") or host in HERE


def _stopped(visit: Visit, route: Route) -> None:
    visit.foreign.append(route.request.url)
    route.abort()


def _failed(visit: Visit, request: Request) -> None:
    if request.failure == _NOT_LOOKED_UP:
        visit.foreign.append(request.url)


def _noted(visit: Visit, request: Request) -> None:
    visit.requested.append(request.url)


def _heard(visit: Visit, message: ConsoleMessage) -> None:
    if message.type == "error":
        visit.errors.append(f"{message.text} ({message.location.get('url', '')})")
