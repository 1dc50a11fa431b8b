"""Lectures and films through Tropa in Firefox: watched by keyboard, resumed, played in their place, without scripts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness.browser import SCREENS
from tests.e2e.harness.cuts import link_to
from tests.e2e.harness.films import FILM, films, page
from tests.e2e.harness.firefox import Firefox, find_firefox, firefox
from tests.e2e.harness.origins import Origin
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import COSTLY_STEP_S, PATIENCE_S
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

missing = find_firefox() is None and os.environ.get("CI") != "true"
pytestmark = [needs_ffmpeg, pytest.mark.skipif(missing, reason="no Firefox on this machine")]
CAPPED = {**METERED, "policy": "school-adsl", "link": {"down": "4 Mbit/s"}, "tariff": {"price": "free"}}
RIGHT, END = "\ue014", "\ue010"  # as WebDriver names keys
SOUND = "document.querySelector('#sc-sound')"


@pytest.fixture(scope="module")
def site() -> Iterator[Origin]:
    with films() as running:
        yield running


@pytest.fixture(scope="module")
def tropa(site: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TropaProcess]:
    regions = Regions(course_port=site.port, places={"metered": METERED, "capped": CAPPED}, course={"preset": "moodle"})
    with tropa_process(regions, tmp_path_factory.mktemp("media")) as running:
        yield running


async def open_lecture(browser: Firefox, port: int) -> None:
    await browser.open(f"http://127.0.0.1:{port}{page('lecture')}")
    await browser.click("[formaction='/.tropa/make/slidecast']")
    await browser.until("!!document.querySelector('#sc-list')", within_s=120)


def shows(slide: int) -> str:
    return f"/(\\D|^){slide} (из|of) 4$/.test(document.querySelector('#sc-live').textContent)"


async def test_a_lecture_by_keyboard(tropa: TropaProcess, tmp_path: Path) -> None:
    async with firefox(tmp_path / "profile") as browser:
        await open_lecture(browser, tropa.ports["metered"])
        await browser.until(shows(1))
        for key, slide in ((RIGHT, 2), (END, 4), ("3", 3)):
            await browser.keys(key)
            await browser.until(shows(slide))
        await browser.until(f"{SOUND}.currentTime > 23 && {SOUND}.currentTime < 26")
        SCREENS.mkdir(exist_ok=True)
        await browser.picture(SCREENS / "slidecast-firefox.png")


async def test_a_lecture_over_a_link_that_is_cut(tropa: TropaProcess, tmp_path: Path) -> None:
    """In a browser that hasn't heard it before: what lies in its memory needs no link."""
    with link_to(tropa.ports["metered"]) as link:
        async with firefox(tmp_path / "profile") as browser:
            await open_lecture(browser, link.port)
            link.cut_after(20_000)
            await browser.keys(" ")
            await browser.run(f"{SOUND}.muted = true, {SOUND}.playbackRate = 4, 1")
            async with asyncio.timeout(PATIENCE_S):
                while not link.cuts:
                    await asyncio.sleep(0.1)
            link.mend()
            await browser.until(f"{SOUND}.currentTime > 26", within_s=90)
            await browser.until(shows(3))


async def test_a_film_in_its_place_plays_cold_and_is_wound_when_it_is_done(tropa: TropaProcess, tmp_path: Path) -> None:
    film = "document.querySelector('#film')"
    async with firefox(tmp_path / "profile") as browser:
        await browser.open(f"http://127.0.0.1:{tropa.ports['capped']}{page('film')}")
        await browser.run(f"{film}.muted = true, {film}.play(), 1")
        await browser.until(f"{film}.currentTime > 1")
        assert await browser.run(f"{film}.videoHeight") == 360
        whole = f"fetch('{FILM}', {{method: 'HEAD'}}).then(told => told.headers.has('Accept-Ranges'))"
        await browser.until(whole, step_s=COSTLY_STEP_S)  # until then it plays, and no player can wind it
        await browser.open(f"http://127.0.0.1:{tropa.ports['capped']}{page('film')}")
        await browser.run(f"{film}.muted = true, {film}.play(), 1")
        await browser.until(f"{film}.duration > 29 && {film}.duration < 31")
        await browser.run(f"{film}.currentTime = 25, 1")
        await browser.until(f"{film}.currentTime > 26")


async def test_a_moving_picture_plays_as_a_film(tropa: TropaProcess, tmp_path: Path) -> None:
    film = "document.querySelector('video.tropa-moving')"
    async with firefox(tmp_path / "profile") as browser:
        address = f"http://127.0.0.1:{tropa.ports['capped']}{page('moving')}"
        async with asyncio.timeout(90):
            await browser.open(address)
            while not await browser.run(f"!!{film}"):
                await asyncio.sleep(COSTLY_STEP_S)
                await browser.open(address)
        await browser.until(f"{film}.currentTime > 0.5 && {film}.muted && {film}.loop && !{film}.controls")


async def test_a_lecture_without_scripts_is_its_slides_and_its_sound(tropa: TropaProcess, tmp_path: Path) -> None:
    async with firefox(tmp_path / "profile", scripts=False) as browser:
        await open_lecture(browser, tropa.ports["metered"])
        assert await browser.run("document.querySelectorAll('#sc-list li img').length") == 4
        await browser.run("document.querySelector('#sc-list li:last-child').scrollIntoView(), 1")
        await browser.until("[...document.querySelectorAll('#sc-list img')].every(i => i.naturalWidth > 300)")
        assert await browser.run("document.querySelector('#sc-bar').hidden")
        assert not await browser.run("document.documentElement.className.includes('sc-js')")
        assert await browser.run(f"{SOUND}.controls && {SOUND}.offsetWidth > 200")
        assert await browser.run(f"{SOUND}.querySelector('source').src.includes('/slidecast/sound.')")
