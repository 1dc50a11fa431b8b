"""`tropa cache` beside a store: look, drop, fetch ahead, carry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.caching import Cached, Says, Told, cached, ranged
from tests.clocks import HandClock
from tests.media_desk import START
from tests.origins import raw_origin
from tests.unit.proxy.cli.commands import regions_file, tropa

HASH = '"da39a3ee5e6b4b0d3255bfef95601890afd80709"'
PUBLIC = {"Cache-Control": "public, max-age=600"}
BIG = bytes(range(256)) * 1000
REGIONS = """\
tropa: {listeners: {site: {mode: reverse, listen: 127.0.0.1:8101, origin: lms}}}
origins:
  lms: {title: Portal, hosts: [lms.test], upstream: "http://127.0.0.1:PORT", preset: web, allow_private: true}
regions:
  town: {timezone: Europe/Moscow, networks: [10.1.0.0/16], policy: open, tariff: {price: free}}
"""


def answers(told: Told) -> Says:
    if told.target.startswith("/private"):
        return ranged(told, BIG, HASH, {"Cache-Control": "private"})
    return Says(200, PUBLIC, told.target.encode() * 100)


def a_state(folder: Path, port: int = 9) -> Path:
    """A folder as `tropa serve` leaves it, with nothing stored."""
    (folder / "state").mkdir(parents=True)
    regions = regions_file(folder, REGIONS.replace("PORT", str(port)))
    assert tropa("publish", regions, "--state", folder / "state").code == 0
    return folder / "state"


def store_in(state: Path, work: Callable[[Cached], Awaitable[None]]) -> None:
    async def run() -> None:
        async with cached(state / "cache", answers, clock=HandClock(START)) as there:
            await work(there)

    asyncio.run(run())


async def three(there: Cached) -> None:
    await there.get("/course/1/a")
    await there.get("/course/2/a")
    await there.get("/private/a?token=secret", headers={"Cookie": "s=1"}, learner="1")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    made = a_state(tmp_path)
    store_in(made, three)
    return made


def test_inspect_shows_what_anybody_may_have_and_counts_the_rest(state: Path) -> None:
    ran = tropa("cache", "inspect", "--state", state)
    assert ran.code == 0 and "http://lms.test/course/1/a" in ran.out
    assert "confirmed" in ran.out and "private" not in ran.out and "secret" not in ran.out


def test_purge_drops_by_address_origin_or_all(state: Path) -> None:
    assert "1 answers" in tropa("cache", "purge", "http://lms.test/course/1/*", "--state", state).out
    assert "2 answers" in tropa("cache", "purge", "--origin", "lms", "--state", state).out
    assert "0 answers" in tropa("cache", "purge", "--everything", "--state", state).out


@pytest.mark.parametrize("asked", ["pluginfile.php", "webservice/pluginfile.php", "tokenpluginfile.php/key"])
def test_purge_takes_an_address_as_a_page_or_the_app_has_it(tmp_path: Path, asked: str) -> None:
    async def one(there: Cached) -> None:
        await there.get("/pluginfile.php/7/mod_page/content/0/a.png")

    state = a_state(tmp_path)
    store_in(state, one)
    address = f"http://lms.test/{asked}/7/mod_page/content/4/a.png"
    assert "1 answers" in tropa("cache", "purge", address, "--state", state).out


@pytest.mark.parametrize("words", [("purge",), ("purge", "/course/1"), ("warm",), ("export",), ("import",)])
def test_what_cant_be_meant_is_said(words: tuple[str, ...], state: Path) -> None:
    ran = tropa("cache", *words, "--state", state)
    assert ran.code == 2 and ran.err and "Traceback" not in ran.err


def test_a_folder_without_a_store_is_said(tmp_path: Path) -> None:
    ran = tropa("cache", "inspect", "--state", tmp_path / "nowhere")
    assert ran.code == 1 and "no such folder" in ran.err


async def test_warm_fetches_a_list_without_cookies(tmp_path: Path) -> None:
    async def script(visit) -> None:  # type: ignore[no-untyped-def]
        while True:
            await visit.head()
            await visit.send(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=99\r\nContent-Length: 2\r\n\r\nok")

    async with raw_origin(script) as origin:
        state = a_state(tmp_path, origin.port)
        (state / "cache").mkdir()
        urls = tmp_path / "urls.txt"
        urls.write_text("# a list\nhttp://lms.test/a\nhttp://lms.test/b\nhttp://elsewhere.test/c\n", "utf-8")
        ran = await asyncio.to_thread(tropa, "cache", "warm", urls, "--state", state)
        again = await asyncio.to_thread(tropa, "cache", "warm", "http://lms.test/a", "--state", state)
    assert ran.code == 1 and "2 of 3" in ran.out and "no-origin" in ran.out
    assert again.code == 0 and again.out.startswith("fresh")
    assert b"Cookie" not in origin.received and origin.received.count(b"GET ") == 2


class TestCarrying:
    def carried(self, state: Path, stick: Path) -> str:
        ran = tropa("cache", "export", stick, "--state", state)
        assert ran.code == 0 and "2 answers" in ran.out, ran.err
        return ran.out.split("--digest ")[1].strip()

    def test_what_is_everybodys_serves_where_there_is_no_link(self, state: Path, tmp_path: Path) -> None:
        digest = self.carried(state, tmp_path / "stick")
        school = a_state(tmp_path / "school")
        (school / "cache").mkdir()
        ran = tropa("cache", "import", tmp_path / "stick", "--digest", digest, "--state", school)
        assert ran.code == 0 and "2 answers taken" in ran.out, ran.err + ran.out

        async def serves(there: Cached) -> None:
            for target in ("/course/1/a", "/course/2/a"):
                got = await there.get(target)
                assert got.body == target.encode() * 100 and not got.from_origin
            assert not there.told

        store_in(school, serves)

    def test_a_second_export_and_import_cost_nothing(self, state: Path, tmp_path: Path) -> None:
        stick = tmp_path / "stick"
        self.carried(state, stick)
        times = {path: path.stat().st_mtime_ns for path in (stick / "bodies").iterdir()}
        self.carried(state, stick)
        assert times == {path: path.stat().st_mtime_ns for path in (stick / "bodies").iterdir()}
        again = tropa("cache", "import", stick, "--state", state)
        assert again.code == 0 and "2 were here" in again.out

    def test_nothing_private_and_no_name_of_an_address_lies_on_the_stick(self, state: Path, tmp_path: Path) -> None:
        self.carried(state, tmp_path / "stick")
        kept = b"".join(path.read_bytes() for path in (tmp_path / "stick").rglob("*") if path.is_file())
        assert b"private" not in kept and BIG not in kept
        assert all(len(path.name) == 64 for path in (tmp_path / "stick" / "bodies").iterdir())

    def test_a_body_that_was_damaged_on_the_way_is_left_out(self, state: Path, tmp_path: Path) -> None:
        self.carried(state, tmp_path / "stick")
        body = next((tmp_path / "stick" / "bodies").iterdir())
        body.write_bytes(b"x" * body.stat().st_size)
        school = a_state(tmp_path / "school")
        (school / "cache").mkdir()
        ran = tropa("cache", "import", tmp_path / "stick", "--state", school)
        assert ran.code == 1 and "1 answers taken" in ran.out and "1 damaged" in ran.out

    def test_a_list_that_isnt_the_one_told_of_is_refused(self, state: Path, tmp_path: Path) -> None:
        self.carried(state, tmp_path / "stick")
        ran = tropa("cache", "import", tmp_path / "stick", "--digest", "0" * 64, "--state", state)
        assert ran.code == 1 and "digest" in ran.err

    @pytest.mark.parametrize(
        "change",
        [
            {"sha256": "../../../etc/passwd"},
            {"sha256": 7},
            {"url": "file:///etc/passwd"},
            {"length": -1},
            {"length": "many"},
            {"head": "{"},
            {"twin": "zz"},
            {"status": None},
            {"came": "now"},
        ],
    )
    def test_a_hostile_list_takes_nothing_and_breaks_nothing(
        self, change: dict[str, object], state: Path, tmp_path: Path
    ) -> None:
        self.carried(state, tmp_path / "stick")
        path = tmp_path / "stick" / "manifest.json"
        told = json.loads(path.read_text("utf-8"))
        told["responses"] = [{**told["responses"][0], **change}, "nonsense", {}]
        path.write_text(json.dumps(told), "utf-8")
        school = a_state(tmp_path / "school")
        (school / "cache").mkdir()
        ran = tropa("cache", "import", tmp_path / "stick", "--state", school)
        assert ran.code == 1 and "0 answers taken" in ran.out and "3 damaged" in ran.out, ran.err

    @pytest.mark.parametrize("text", ["", "[]", '{"format": "other", "responses": []}', '{"format": "tropa-cache-1"}'])
    def test_what_is_no_list_is_said(self, text: str, state: Path, tmp_path: Path) -> None:
        (tmp_path / "stick").mkdir()
        (tmp_path / "stick" / "manifest.json").write_text(text, "utf-8")
        ran = tropa("cache", "import", tmp_path / "stick", "--state", state)
        assert ran.code == 1 and "Traceback" not in ran.err
