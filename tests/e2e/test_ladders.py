"""Ladders through Tropa in real players: what plays, and that nothing but the allowed rungs was fetched."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.e2e.harness.browser import Visit, visiting
from tests.e2e.harness.ladders import FFMPEG, SEGMENT_S, Ladders, build, ladders, page
from tests.e2e.harness.regions import METERED, OPEN, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Learner, Reply, ask

pytestmark = [pytest.mark.browser, pytest.mark.skipif(FFMPEG is None, reason="no ffmpeg on this machine")]


def watching(streams: dict[str, Any], **region: Any) -> dict[str, Any]:
    """A region that pays by the megabyte and plays streams so."""
    policy = {"extends": "open", "streams": {"treatment": "adapt", **streams}}
    return {**copy.deepcopy(METERED), "policy": policy, "link": {"down": "20 Mbit/s"}, **region}


FREE = {"tariff": {"price": "free"}}
PLACES = {
    "small": watching({"max_height": "144 px"}),
    "middle": watching({"max_height": "240 px", "max_rate": "400 kbit/s"}),
    "sound": watching({"as": "sound"}),
    "card": watching({"max_height": "100 px", "if_nothing_fits": "card"}),
    "made": watching({"max_height": "100 px", "max_rate": "80 kbit/s", "if_nothing_fits": "make"}),
    "free": watching({"max_height": "144 px"}, **FREE),
    "open": OPEN,
}
REPRESENTATIONS = {"144": "0", "240": "1", "360": "2", "sound": "3"}


@pytest.fixture(scope="module")
def lecture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lecture")
    build(folder)
    return folder


@pytest.fixture(scope="module")
def both(lecture: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ladders, TropaProcess]]:
    """For tests that change no policy."""
    with ladders(lecture) as site, serving(site, tmp_path_factory.mktemp("tropa")) as tropa:
        yield site, tropa


@pytest.fixture
def site(both: tuple[Ladders, TropaProcess]) -> Ladders:
    both[0].origin.journal.clear()
    return both[0]


@pytest.fixture
def tropa(both: tuple[Ladders, TropaProcess]) -> TropaProcess:
    return both[1]


@contextmanager
def serving(site: Ladders, folder: Path, *only: str) -> Iterator[TropaProcess]:
    places = {place: PLACES[place] for place in only or PLACES}
    regions = Regions(course_port=site.origin.port, places=places, course={"preset": ["hls-dash"]})
    with tropa_process(regions, folder) as running:
        yield running


@contextmanager
def playing(browser: Browser, tropa: TropaProcess, place: str, player: str, source: str) -> Iterator[Visit]:
    with visiting(browser) as visit:
        # A film holds the load event until it has its first picture.
        visit.page.goto(f"http://localhost:{tropa.ports[place]}{page(player, source)}", wait_until="domcontentloaded")
        yield visit


def watched_s(visit: Visit) -> float:
    return float(visit.page.evaluate("document.querySelector('video').currentTime"))


def height(visit: Visit) -> int:
    return int(visit.page.evaluate("document.querySelector('video').videoHeight"))


def watch(visit: Visit, seconds: float, timeout_s: float = 40.0) -> None:
    """Play on, four times as fast, until so much has been seen."""
    visit.page.evaluate("document.querySelector('video').playbackRate = 4")
    until(lambda: watched_s(visit) >= seconds, what=f"{seconds} s of playing", timeout_s=timeout_s)


HLS = [
    ("hls.js", "fmp4"),
    ("hls.js", "ts"),
    ("hls.js", "ranges"),
    ("video.js", "ts"),
    ("native", "alone"),
]  # alone: nobody else looked before


@pytest.mark.parametrize(("player", "form"), HLS)
def test_hls_plays_the_allowed_rung_and_fetches_no_other(
    browser: Browser, site: Ladders, tropa: TropaProcess, player: str, form: str
) -> None:
    with playing(browser, tropa, "small", player, f"/{form}/master.m3u8") as visit:
        watch(visit, SEGMENT_S + 1.5)
        assert height(visit) == 144
    assert site.rungs(f"/{form}/") == ({"144", "sound"} if form in ("fmp4", "alone") else {"144"})
    assert not site.asked("/240/") and not site.asked("/360/")


def test_dash_plays_the_allowed_rung_and_fetches_no_other(browser: Browser, site: Ladders, tropa: TropaProcess) -> None:
    with playing(browser, tropa, "small", "dash.js", "/dash/manifest.mpd") as visit:
        watch(visit, SEGMENT_S + 1.5)
        assert height(visit) == 144
    assert site.rungs("/dash/") == {REPRESENTATIONS["144"], REPRESENTATIONS["sound"]}


@pytest.mark.parametrize(("player", "source"), [("hls.js", "/fmp4/master.m3u8"), ("dash.js", "/dash/manifest.mpd")])
def test_a_policy_without_a_cap_plays_the_best(
    browser: Browser, site: Ladders, tropa: TropaProcess, player: str, source: str
) -> None:
    with playing(browser, tropa, "open", player, source) as visit:
        watch(visit, 2)
        until(lambda: height(visit) == 360, what="the best rung")
    assert {"360", REPRESENTATIONS["360"]} & site.rungs()


@pytest.mark.parametrize(("player", "source"), [("hls.js", "/fmp4/master.m3u8"), ("dash.js", "/dash/manifest.mpd")])
def test_sound_alone_is_heard_and_no_picture_fetched(
    browser: Browser, site: Ladders, tropa: TropaProcess, player: str, source: str
) -> None:
    with playing(browser, tropa, "sound", player, source) as visit:
        watch(visit, SEGMENT_S + 1.5)
        assert height(visit) == 0
    folder, sound = ("/fmp4/", "sound") if player == "hls.js" else ("/dash/", REPRESENTATIONS["sound"])
    assert site.rungs(folder) == {sound}


@pytest.mark.parametrize(
    ("player", "source", "allowed"),
    [("hls.js", "/live/master.m3u8", {"240", "144", "sound"}), ("dash.js", "/livedash/manifest.mpd", {"0", "1", "3"})],
)
def test_a_lecture_that_grows_keeps_its_cap_when_the_policy_changes(
    browser: Browser, lecture: Path, folder: Path, player: str, source: str, allowed: set[str]
) -> None:
    with (
        ladders(lecture) as site,
        serving(site, folder, "middle") as tropa,
        playing(browser, tropa, "middle", player, source) as visit,
    ):
        until(lambda: watched_s(visit) > 1, what="playing", timeout_s=40)
        done = tropa.publish(tropa.regions.changed("middle", policy="open"))
        assert done.returncode == 0, done.stdout + done.stderr
        until(lambda: "is in force" in tropa.said(), what="the new policy")
        lists, start_s = list_count(site), watched_s(visit)
        if player == "dash.js":
            visit.page.evaluate("player.refreshManifest(() => {})")
        # Requests pass through the driver, so the page must be asked something meanwhile.
        until(lambda: watched_s(visit) and list_count(site) > lists, what="another look at the list", timeout_s=40)
        until(lambda: watched_s(visit) > start_s + 4, what="going on", timeout_s=40)
        assert height(visit) <= 240
        assert site.rungs() <= allowed and site.rungs() & {"240", "1"}


def list_count(site: Ladders) -> int:
    return len(site.asked("list.m3u8")) + len(site.asked("manifest.mpd"))


def test_a_rung_that_was_taken_away_is_refused_by_itself(site: Ladders, tropa: TropaProcess) -> None:
    port, fetch = tropa.ports["small"], {"Sec-Fetch-Dest": "empty", "Accept": "*/*"}
    master = ask(port, "/fmp4/master.m3u8", headers=fetch, host=f"localhost:{port}")
    assert "144/list.m3u8" in master.text and "360/list.m3u8" not in master.text
    cookie = {"Cookie": master.get("Set-Cookie").partition(";")[0]} if master.get("Set-Cookie") else {}
    refused = ask(port, "/fmp4/360/list.m3u8", headers={**fetch, **cookie}, host=f"localhost:{port}")
    assert refused.status == 403 and not site.asked("/fmp4/360/")
    allowed = ask(port, "/fmp4/144/list.m3u8", headers={**fetch, **cookie}, host=f"localhost:{port}")
    assert allowed.status == 200 and "#EXTINF" in allowed.text


def test_where_nothing_fits_a_card_stands_in(site: Ladders, tropa: TropaProcess) -> None:
    port = tropa.ports["card"]
    refused = ask(port, "/fmp4/master.m3u8", headers={"Sec-Fetch-Dest": "empty"}, host=f"localhost:{port}")
    assert refused.status == 403


MADE = [
    ("hls.js", "/ts/master.m3u8"),
    ("hls.js", "/fmp4/master.m3u8"),
    ("hls.js", "/ranges/master.m3u8"),
    ("video.js", "/fmp4/master.m3u8"),
    ("dash.js", "/dash/manifest.mpd"),  # by number
    ("dash.js", "/times/manifest.mpd"),
    ("dash.js", "/parts/manifest.mpd"),  # a list of ranges
    ("dash.js", "/ondemand/manifest.mpd"),  # an index in front
]


@pytest.mark.parametrize(("player", "source"), MADE)
def test_where_nothing_fits_a_rung_is_made_and_plays_on(
    browser: Browser, site: Ladders, tropa: TropaProcess, player: str, source: str
) -> None:
    with playing(browser, tropa, "made", player, source) as visit:
        until(lambda: watched_s(visit) > 0.5, what="playing", timeout_s=40)
        watch(visit, 2 * SEGMENT_S + 1)  # over the joins of segments
        assert height(visit) == 100
        assert visit.page.evaluate("document.querySelector('video').error") is None
    folder = source.rpartition("/")[0]
    assert site.rungs(f"{folder}/") <= {"144", "0", REPRESENTATIONS["sound"], "sound"}
    lines = [line for line in tropa.log() if line["region"] == "made" and line["url"].partition(folder + "/")[1]]
    made = [line for line in lines if line["treatment"] == "ladder" and not line["url"].endswith((".m3u8", ".mpd"))]
    assert len(made) >= 3
    assert sum(line["bytes_to_learner"] for line in made) < sum(line["bytes_from_origin"] for line in made)


def test_the_line_of_a_made_rung_is_true(site: Ladders, tropa: TropaProcess) -> None:
    learner = Learner(tropa.ports["made"])

    def get(target: str) -> Reply:
        return learner.ask(target, Sec_Fetch_Dest="empty", Accept="*/*")

    master = get("/fmp4/master.m3u8").text
    assert master.count("#EXT-X-STREAM-INF") == 1 and "RESOLUTION=178x100" in master
    peak_bps = int(master.partition("AVERAGE")[0].rpartition("BANDWIDTH=")[2].strip(","))
    assert "init.mp4" in get("/fmp4/144/list.m3u8").text
    head = get("/fmp4/144/init.mp4").body
    config = head[head.index(b"avcC") + 5 :][:3].hex().upper()
    assert f'CODECS="avc1.{config},mp4a.40.2"' in master
    for number in range(3):
        body = get(f"/fmp4/144/{number}.m4s").body
        assert len(body) * 8 / SEGMENT_S + 48_000 <= peak_bps
    assert master.splitlines()[-2].partition(",AUDIO")[0] in get("/ts/master.m3u8").text
    get("/ts/144/list.m3u8")
    assert all(len(get(f"/ts/144/{number}.ts").body) * 8 / SEGMENT_S <= peak_bps for number in range(3))


def test_a_rung_that_is_made_is_made_on_after_a_kill(site: Ladders, lecture: Path, folder: Path) -> None:
    """A player that has its lists asks for segments alone: of what it was told the new process has seen nothing."""
    lists = {"fmp4": "master.m3u8", "dash": "manifest.mpd"}
    segments = {
        "fmp4": ("144/init.mp4", "144/0.m4s", "144/1.m4s"),
        "dash": ("init-stream0.m4s", "chunk-stream0-00002.m4s"),
    }
    with serving(site, folder, "made", "small") as tropa:
        learners = {place: Learner(tropa.ports[place]) for place in ("made", "small")}

        def get(place: str, target: str) -> Reply:
            def asked() -> list[Reply]:
                reply = learners[place].ask(target, Sec_Fetch_Dest="empty", Accept="*/*")
                return [] if reply.status == 503 else [reply]  # which tells a player to come again

            return until(asked, what=target)[0]

        for learner in learners.values():
            learner.ask(page("hls.js", "/fmp4/master.m3u8"))
            assert learner.cookies
        for name, manifest in lists.items():
            get("made", f"/{name}/{manifest}")
        get("made", "/fmp4/144/list.m3u8")
        before = {f"/{name}/{part}": get("made", f"/{name}/{part}").body for name in lists for part in segments[name]}
        assert b"360/" not in get("small", "/ts/master.m3u8").body
        until(lambda: kept_ladders(tropa.state_dir) >= 4, what="what is watched on the disk")
        tropa.kill()
        with tropa_process(tropa.regions, folder):
            for path, body in reversed(before.items()):
                assert get("made", path).body == body != (lecture / path[1:]).read_bytes(), path
            fresh = get("made", "/fmp4/144/2.m4s")  # which nobody had asked for
            assert fresh.status == 200 and len(fresh.body) < (lecture / "fmp4/144/2.m4s").stat().st_size
            assert get("small", "/ts/360/list.m3u8").status == 403
            stranger = Learner(tropa.ports["made"])
            stranger.ask(page("hls.js", "/fmp4/master.m3u8"))
            reply = stranger.ask("/fmp4/144/2.m4s", Sec_Fetch_Dest="empty", Accept="*/*")
            assert reply.body == (lecture / "fmp4/144/2.m4s").read_bytes()  # she was told of no made rung


def kept_ladders(state_dir: Path) -> int:
    with closing(sqlite3.connect(f"file:{state_dir / 'tropa.db'}?mode=ro", uri=True)) as base:
        return int(base.execute("SELECT count(*) FROM mark WHERE kind = 'ladder'").fetchone()[0])


def test_of_what_cannot_be_made_the_lowest_goes_with_the_reason(site: Ladders, tropa: TropaProcess) -> None:
    port = tropa.ports["made"]
    text = ask(port, "/livedash/manifest.mpd", headers={"Sec-Fetch-Dest": "empty"}, host=f"localhost:{port}").text
    assert 'height="144"' in text and 'height="240"' not in text
    line = tropa.logged(url="/livedash/manifest.mpd", region="made")
    assert "ladder-rung-not-made" in [rule for rule, _ in line["reasons"]]
    until(lambda: "no smaller rung of localhost: live" in tropa.said(), what="why not")


@pytest.mark.slow
@pytest.mark.parametrize(("player", "source", "part"), [("hls.js", "/fmp4/master.m3u8", "/fmp4/144/")])
def test_read_ahead_is_paced_where_it_costs(
    browser: Browser, lecture: Path, folder: Path, player: str, source: str, part: str
) -> None:
    got: dict[str, int] = {}
    for place in ("free", "small"):
        with (
            ladders(lecture) as site,
            serving(site, folder / place, place) as tropa,
            playing(browser, tropa, place, player, source) as visit,
        ):
            until(lambda: watched_s(visit) > 7, what="seven seconds seen, as fast as anybody sees them", timeout_s=60)
            got[place] = len([path for path in site.asked(part) if path.endswith(".m4s")])
    assert got["free"] >= 6 and got["small"] < got["free"], got
