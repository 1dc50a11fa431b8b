"""Ladders through Tropa in Firefox, by hls.js and dash.js: the hardest of them, a rung that is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness.firefox import find_firefox, firefox
from tests.e2e.harness.ladders import FFMPEG, SEGMENT_S, Ladders, build, ladders, page
from tests.e2e.harness.tropa import TropaProcess
from tests.e2e.test_ladders import serving

missing = FFMPEG is None or (find_firefox() is None and os.environ.get("CI") != "true")
pytestmark = pytest.mark.skipif(missing, reason="no Firefox or no ffmpeg on this machine")
FILM = "document.querySelector('video')"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ladders, TropaProcess]]:
    folder = tmp_path_factory.mktemp("ladders")
    (folder / "course").mkdir()
    build(folder / "course")
    with ladders(folder / "course") as site, serving(site, folder, "made") as tropa:
        yield site, tropa


@pytest.mark.parametrize(("player", "source"), [("hls.js", "/fmp4/master.m3u8"), ("dash.js", "/times/manifest.mpd")])
async def test_players_in_firefox_play_the_rung_that_is_made(
    both: tuple[Ladders, TropaProcess], tmp_path: Path, player: str, source: str
) -> None:
    site, tropa = both
    site.origin.journal.clear()
    async with firefox(tmp_path / "profile") as browser:
        await browser.open(f"http://localhost:{tropa.ports['made']}{page(player, source)}", wait="interactive")
        await browser.until(f"{FILM}.currentTime > 0.5", within_s=60)
        await browser.run(f"{FILM}.playbackRate = 4, 1")
        await browser.until(f"{FILM}.currentTime > {SEGMENT_S + 1}", within_s=60)
        assert await browser.run(f"{FILM}.videoHeight") == 100
    assert not site.asked("/360/") and not site.asked("/240/")
    assert site.rungs(source.rpartition("/")[0]) <= {"144", "sound", "0", "3"}
