"""`tropa demo`: the sample course, Tropa in front of it, and what the same pages cost directly and through Tropa."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from policies.model import Catalogue, Territory
from proxy.app import Tropa, load
from proxy.clock import SystemClock
from proxy.demo.course import RunningCourse, build_assets, start_course
from proxy.demo.visit import Visitor

COURSE_PORT = 8100
START = "/course/view.php?id=2"
# What a teacher does: read a lesson, look at photos, open a recorded lecture.
PAGES = (
    ("/mod/page/view.php?id=101", {"ru": "урок с текстом", "en": "text lesson"}),
    ("/mod/page/view.php?id=131", {"ru": "12 фотографий", "en": "12 photos"}),
    ("/mod/page/view.php?id=151", {"ru": "лекция, видео", "en": "video lecture"}),
)
_TEXTS = {
    "ru": {
        "building": "Готовим учебный курс (один раз, около минуты) …",
        "open": "Откройте в браузере:",
        "direct": "напрямую, без Тропы",
        "login": "Вход в курс: teacher1 / Metodika-1",
        "proxy": "прокси для браузера (PAC)",
        "measuring": "Считаем, во что обходятся страницы при первом посещении (без скриптов) …",
        "stop": "Ctrl+C останавливает.",
        "unit": "МБ",
    },
    "en": {
        "building": "Building the sample course (once, about a minute) …",
        "open": "Open in a browser:",
        "direct": "directly, without Tropa",
        "login": "Log in to the course: teacher1 / Metodika-1",
        "proxy": "proxy for a browser (PAC)",
        "measuring": "Measuring what the pages cost at a first visit (scripts not run) …",
        "stop": "Ctrl+C stops.",
        "unit": "MB",
    },
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the course: a title, an address, and whether it is through Tropa."""

    title: str
    base_url: str


async def show(regions_file: Path, state_dir: Path, *, language: str, say: Callable[[str], None]) -> int:
    """Run until SIGINT or SIGTERM. Raises OSError where a port is taken, PolicyFaults for a faulty file."""
    words = _TEXTS[language]
    data_dir = state_dir / "sample-course"
    say(words["building"])
    await asyncio.to_thread(build_assets, data_dir)
    course = await start_course(data_dir=data_dir, host="127.0.0.1", port=COURSE_PORT)
    try:
        clock = SystemClock()
        tropa = Tropa(state_dir, catalogue := load(regions_file, state_dir, clock), clock)
        await tropa.start()
        try:
            return await _shown(course, tropa, catalogue, language=language, say=say)
        finally:
            await tropa.close(drain_s=2)
    finally:
        await course.close()


async def _shown(
    course: RunningCourse, tropa: Tropa, catalogue: Catalogue, *, language: str, say: Callable[[str], None]
) -> int:
    words, ways = _TEXTS[language], ways_of(catalogue, tropa, language)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    width = max(len(title) for title in (words["direct"], words["proxy"], *(way.title for way in ways)))
    say("\n" + words["open"])
    for way in (*ways, Way(words["direct"], course.base_url)):
        say(f"  {way.title:<{width}}  {way.base_url}{START}")
    for listener in catalogue.settings.listeners:
        if listener.mode == "forward":
            say(f"  {words['proxy']:<{width}}  http://{listener.host}:{tropa.ports[listener.name]}/proxy.pac")
    say(f"  {words['login']}\n\n{words['measuring']}")
    with contextlib.suppress(asyncio.CancelledError):
        measuring = asyncio.ensure_future(  # noqa: TID251 - awaited or cancelled right below
            measure(Way(words["direct"], course.base_url), ways, tropa, language=language, width=width, say=say)
        )
        stopping = asyncio.ensure_future(stop.wait())  # noqa: TID251
        await asyncio.wait((measuring, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            measuring.result()
            say(f"\n{words['stop']}")
            await stop.wait()
        measuring.cancel()
    return 0


def ways_of(catalogue: Catalogue, tropa: Tropa, language: str) -> tuple[Way, ...]:
    """The sample regions that have a listener of their own, and its address."""
    found = []
    for listener in catalogue.settings.listeners:
        territory = _territory(catalogue, listener.name, listener.region)
        if listener.mode == "reverse" and territory is not None:
            address = f"http://{listener.host}:{tropa.ports[listener.name]}"
            found.append(Way(territory.title.in_language(language), address))
    return tuple(found)


def _territory(catalogue: Catalogue, listener: str, region: str | None) -> Territory | None:
    if region is not None:
        return catalogue.territories.get((region, None))
    named = (place for place in catalogue.territories.values() if listener in place.listeners and place.site is None)
    return next(named, None)


async def measure(
    direct: Way, ways: tuple[Way, ...], tropa: Tropa, *, language: str, width: int, say: Callable[[str], None]
) -> None:
    """Visit the pages each way and print what they cost; through Tropa as the second learner pays it."""
    unit = _TEXTS[language]["unit"]
    titles = [title[language] for _, title in PAGES]
    say("  " + " " * width + "".join(f"{title:>22}" for title in titles))
    straight = [await _cost(direct, path) for path, _ in PAGES]
    say(f"  {direct.title:<{width}}" + "".join(f"{_megabytes(nbytes, unit):>22}" for nbytes in straight))
    for way in ways:
        cells = []
        for path, _ in PAGES:
            await _cost(way, path)  # the first learner's visit makes the variants
        while tropa.busy:  # noqa: ASYNC110 - what is being made tells nobody when it is ready
            await asyncio.sleep(0.2)
        for (path, _), before in zip(PAGES, straight, strict=True):
            nbytes = await _cost(way, path)
            cells.append(f"{_megabytes(nbytes, unit)} ({100 * nbytes / before:.0f} %)")
        say(f"  {way.title:<{width}}" + "".join(f"{cell:>22}" for cell in cells))


def _megabytes(nbytes: int, unit: str) -> str:
    number = f"{nbytes / 1e6:.2f}"
    return f"{number.replace('.', ',') if unit == 'МБ' else number} {unit}"


async def _cost(way: Way, path: str) -> int:
    visitor = Visitor(way.base_url)
    try:
        return (await visitor.visit(path)).received_bytes
    finally:
        await visitor.close()
