"""One browser's visit, run inside the learner's namespace: `python -m bench.page_visit`, a Visit as JSON on stdin.

Prints one line of JSON a page: bytes on the wire (the interface's own counters, both ways), of these video and audio,
first contentful paint, when the main text could be read, load.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Error, Page, sync_playwright

_FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-domain-reliability",
    "--no-pings",
]
_WATCH = """(() => {
  const seen = window.__bench = {readable: null, frame: null};
  const inMain = node => node && node.closest && node.closest('[role=main], main, #region-main');
  new PerformanceObserver(list => {
    for (const e of list.getEntries())
      if (seen.readable === null && !e.url && inMain(e.element)) seen.readable = e.startTime;
  }).observe({type: 'largest-contentful-paint', buffered: true});
  const look = () => {
    const main = document.querySelector('[role=main], main, #region-main');
    if (main && main.innerText.trim().length > 150) seen.frame = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();"""
_READ = """() => {
  const nav = performance.getEntriesByType('navigation')[0];
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  const seen = window.__bench || {};
  return {load: nav ? nav.loadEventEnd : null, paint: paint ? paint.startTime : null,
          readable: seen.readable ?? seen.frame ?? null};
}"""
_VIDEO_TYPES = ("video/", "audio/", "application/vnd.apple.mpegurl", "application/x-mpegurl", "application/dash+xml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What one browser with an empty store does: opens `paths` one after another. login: as the course's teacher."""

    base_url: str
    paths: tuple[str, ...]
    address: str
    device: str
    executable: str
    login: bool = False
    scroll: bool = False
    quiet_s: float = 2.0
    timeout_s: float = 300.0


@dataclass(slots=True, kw_only=True)
class Seen:
    """One page's figures. media_bytes: of wire_bytes, bodies of video and audio. broken: why it didn't open."""

    path: str
    wire_bytes: int = 0
    media_bytes: int = 0
    paint_ms: float | None = None
    readable_ms: float | None = None
    load_ms: float | None = None
    broken: str | None = None
    codings: dict[str, int] = field(default_factory=dict)


class _Media:
    """Counts bodies of video and audio by what the browser says it received."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.nbytes = 0
        self.codings: dict[str, int] = {}
        self._media_requests: set[str] = set()
        session = context.new_cdp_session(page)
        session.on("Network.responseReceived", self._response)
        session.on("Network.dataReceived", self._data)
        session.send("Network.enable")

    def _response(self, event: dict[str, Any]) -> None:
        response = event["response"]
        if str(response.get("mimeType", "")).lower().startswith(_VIDEO_TYPES) or response["url"].endswith(".ts"):
            self._media_requests.add(event["requestId"])
        headers = {name.lower(): value for name, value in response.get("headers", {}).items()}
        coding = headers.get("content-encoding", "none")
        self.codings[coding] = self.codings.get(coding, 0) + 1

    def _data(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._media_requests:
            self.nbytes += event["encodedDataLength"] or 0


def wire_bytes(device: str) -> int:
    """Bytes in and out by the interface's counters."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, figures = line.strip().partition(":")
        if name == device:
            columns = figures.split()
            return int(columns[0]) + int(columns[8])
    raise RuntimeError(f"no interface {device}")


def main() -> None:
    """Do the visit that stdin describes."""
    given = json.loads(sys.stdin.read())
    visit = Visit(**{**given, "paths": tuple(given["paths"])})
    rules = f"--host-resolver-rules=MAP course.localhost {visit.address},MAP * ~NOTFOUND"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=visit.executable, args=[*_FLAGS, rules])
        context = browser.new_context(locale="ru-RU", viewport={"width": 1280, "height": 800})
        context.set_default_timeout(visit.timeout_s * 1000)
        context.add_init_script(_WATCH)
        page = context.new_page()
        media = _Media(context, page)
        if visit.login:
            _log_in(page, visit)
        for path in visit.paths:
            print(json.dumps(asdict(_open(page, media, visit, path))), flush=True)
        browser.close()


def _log_in(page: Page, visit: Visit) -> None:
    page.goto(visit.base_url + "/login/index.php", wait_until="domcontentloaded")
    page.fill("input[name=username]", "teacher1")
    page.fill("input[name=password]", "Metodika-1")
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("load")
    _wait_quiet(page, visit)


def _open(page: Page, media: _Media, visit: Visit, path: str) -> Seen:
    seen = Seen(path=path)
    before, media_before, media.codings = wire_bytes(visit.device), media.nbytes, {}
    try:
        page.goto(visit.base_url + path, wait_until="load")
        if visit.scroll:
            _scroll(page)
        _wait_quiet(page, visit)
        times = page.evaluate(_READ)
        seen.load_ms, seen.paint_ms, seen.readable_ms = times["load"], times["paint"], times["readable"]
    except Error as error:
        seen.broken = str(error).splitlines()[0]
    seen.wire_bytes = wire_bytes(visit.device) - before
    seen.media_bytes = media.nbytes - media_before
    seen.codings = media.codings
    return seen


def _scroll(page: Page) -> None:
    """To the end as a reader does, so that lazy pictures come."""
    for _ in range(40):
        at_end = page.evaluate(
            "() => { scrollBy(0, innerHeight); return scrollY + innerHeight >= document.body.scrollHeight - 2 }"
        )
        page.wait_for_timeout(60)
        if at_end:
            return


def _wait_quiet(page: Page, visit: Visit) -> None:
    """Until next to nothing has moved on the wire for quiet_s."""
    until = time.monotonic() + visit.timeout_s
    last, since = wire_bytes(visit.device), time.monotonic()
    while time.monotonic() < until:
        page.wait_for_timeout(200)
        now = wire_bytes(visit.device)
        if now - last > 400:
            last, since = now, time.monotonic()
        elif time.monotonic() - since >= visit.quiet_s:
            return


if __name__ == "__main__":
    main()
