"""Answers that go out again at once: the same as the stages', for whom they are right, and only as long as they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from proxy.cache.memory import BoundedMemory
from proxy.clock import OffsetClock
from proxy.repeats import Repeats
from tests.serving import NIGHT, NOON, Reply, Served, served
from tests.unit.proxy.stages.test_images_and_texts import PHOTO, settled

DATA = "/public/marks.bin"
HEADS = {"Accept": "*/*", "Accept-Encoding": "gzip"}
TOLD_NOW = {"Age", "Cache-Status"}


class Course:
    """Public things with a lifetime of an hour; `seen` is what it was asked."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.edition = "1"

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(f"{request.method} {request.path_qs}")
        headers = {"Cache-Control": "public, max-age=3600", "ETag": f'"{self.edition}"'}
        if request.path.startswith("/unsaid/"):
            headers["Cache-Control"] = "max-age=3600"
            return web.json_response({"for": request.cookies.get("MoodleSession", "")}, headers=headers)
        if request.path.startswith("/vary/"):
            headers["Vary"] = "X-Kind"
            return web.Response(body=request.headers.get("X-Kind", "").encode() * 100, headers=headers)
        if request.path.endswith(".jpg"):
            return web.Response(body=PHOTO, headers=headers, content_type="image/jpeg")
        if request.path.endswith(".html"):
            return web.Response(text="<html><body>x</body></html>", headers=headers, content_type="text/html")
        size = 200_000 if request.path.startswith("/large/") else 20_000
        body = self.edition.encode() * size
        return web.Response(body=body, headers=headers, content_type="application/octet-stream")


@asynccontextmanager
async def course(tmp_path: Path, clock: OffsetClock | None = None, **how: str) -> AsyncIterator[tuple[Course, Served]]:
    origin = Course()
    async with served(tmp_path, origin, clock=clock or OffsetClock(NOON), **how) as there:
        yield origin, there


def repeats(there: Served) -> Repeats:
    return there.tropa.parts.pipeline._parts.repeats


async def had_again(there: Served, path: str = DATA, **heads: str) -> tuple[Reply, bool]:
    """An answer, and whether it went out without any stage's work."""
    before = repeats(there).served
    reply = await there.get(path, headers=HEADS | heads)
    return reply, repeats(there).served == before + 1


async def known(there: Served, path: str = DATA, **heads: str) -> Reply:
    """Asked for until it is stored, and was had from the store once."""
    for _ in range(50):
        reply = await there.get(path, headers=HEADS | heads)
        assert reply.status == 200
        await settled(there)
        status = reply.headers["Cache-Status"]  # type: ignore[call-overload,index]
        if "; hit" in status and "collapsed" not in status:
            return reply
        await asyncio.sleep(0.1)  # it is on its way to the disk
    raise AssertionError(f"{path} was never had from the store: {status}")


def lines(there: Served) -> list[dict[str, object]]:
    there.tropa.parts.ground.log.drain()
    files = sorted((there.state_dir / "log").glob("access-*"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def without(line: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in line.items() if name not in names}


async def test_it_is_the_answer_that_the_stages_made_and_costs_the_learner_the_same(tmp_path: Path) -> None:
    async with course(tmp_path) as (origin, there):
        made = await known(there)
        again, was_again = await had_again(there)
        assert was_again and again.status == 200 and again.body == made.body
        told = [{k: v for k, v in r.headers.items() if k not in TOLD_NOW} for r in (made, again)]  # type: ignore[union-attr]
        assert told[0] == told[1]
        assert "hit" in again.headers["Cache-Status"]  # type: ignore[call-overload,index]
        by_stages, by_memory = lines(there)[-2:]
        assert without(by_stages, "at", "duration_s") == without(by_memory, "at", "duration_s")
        assert by_memory["store"] == "shared" and by_memory["bytes_from_origin"] == 0
        assert len(origin.seen) == 1


async def test_it_is_for_the_next_learner_too_and_counts_as_hers(tmp_path: Path) -> None:
    async with course(tmp_path, tropa="trusted_proxies: [127.0.0.1]\n  trusted_headers: {learner: X-User}") as (
        _,
        there,
    ):
        await known(there, **{"X-User": "anna"})
        _, was_again = await had_again(there, **{"X-User": "boris"})
        assert was_again
        hers, his = lines(there)[-2:]
        assert hers["learner"] != his["learner"] and hers["metered_bytes"] == his["metered_bytes"] != 0


async def test_it_tells_its_age_and_ends_with_its_freshness(tmp_path: Path) -> None:
    clock = OffsetClock(NOON)
    async with course(tmp_path, clock) as (origin, there):
        await known(there)
        clock.move_to(NOON + timedelta(minutes=50))
        again, was_again = await had_again(there)
        assert was_again and 2900 <= int(again.headers["Age"]) <= 3010  # type: ignore[call-overload,index]
        clock.move_to(NOON + timedelta(minutes=61))
        _, was_again = await had_again(there)
        assert not was_again and len(origin.seen) == 2


async def test_a_window_that_opens_is_noticed(tmp_path: Path) -> None:
    clock = OffsetClock(NIGHT - timedelta(minutes=125))
    async with course(tmp_path, clock) as (_, there):
        await known(there)
        _, was_again = await had_again(there)
        assert was_again
        clock.move_to(NIGHT - timedelta(minutes=115))
        free_reply, _ = await had_again(there)
        assert "until" in free_reply.headers["Tropa-Decision"]  # type: ignore[call-overload,index]
        paid, free = lines(there)[-2:]
        assert float(str(paid["cost"])) > 0 and float(str(free["cost"])) == 0


@pytest.mark.parametrize(
    "heads",
    [
        {"Range": "bytes=0-99"},
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"1"'},
        {"If-Modified-Since": "Tue, 24 Nov 2026 00:00:00 GMT"},
        {"Cache-Control": "no-cache"},
        {"Cache-Control": "max-age=0"},
        {"Pragma": "no-cache"},
        {"Service-Worker": "script"},
        {"Accept-Encoding": "identity"},
        {"Accept": "image/webp"},
        {"Save-Data": "on"},
        {"Connection": "close"},
    ],
    ids=lambda heads: ":".join(*heads.items()),
)
async def test_who_asks_for_something_of_her_own_gets_it_from_the_stages(heads: dict[str, str], tmp_path: Path) -> None:
    async with course(tmp_path) as (_, there):
        await known(there)
        assert (await had_again(there))[1]
        assert not (await had_again(there, **heads))[1]


@pytest.mark.parametrize("path", ["/page.html", "/large/archive.bin"])
async def test_pages_and_what_is_large_are_the_stages_work(path: str, tmp_path: Path) -> None:
    async with course(tmp_path) as (_, there):
        await known(there, path)
        assert not (await had_again(there, path))[1]


async def test_data_of_which_the_origin_said_nothing_isnt_anybodys(tmp_path: Path) -> None:
    async with course(tmp_path) as (_, there):
        await known(there, "/unsaid/list.json")
        reply, was_again = await had_again(there, "/unsaid/list.json", Cookie="MoodleSession=anna")
        assert not was_again and json.loads(reply.body) == {"for": "anna"}


async def test_of_two_variants_each_gets_her_own(tmp_path: Path) -> None:
    async with course(tmp_path) as (_, there):
        for kind in ("a", "b", "a", "b"):
            reply = await known(there, "/vary/x.bin", **{"X-Kind": kind})
            assert reply.body == kind.encode() * 100
            assert (await had_again(there, "/vary/x.bin", **{"X-Kind": kind}))[0].body == kind.encode() * 100


async def test_what_was_purged_or_changed_is_asked_of_the_origin(tmp_path: Path) -> None:
    async with course(tmp_path) as (origin, there):
        await known(there)
        await there.tropa.parts.halves.cache.origin.purge(pattern="*marks.bin")
        _, was_again = await had_again(there)
        assert not was_again and len(origin.seen) == 2
        await known(there)
        origin.edition = "2"
        assert (await there.get(DATA, "POST", headers=HEADS)).status == 200
        reply, was_again = await had_again(there)
        assert not was_again and reply.body.startswith(b"2")


async def test_a_spent_allowance_stops_it_as_it_stops_all(tmp_path: Path) -> None:
    async with course(tmp_path, allowance="4 MB") as (_, there):
        await known(there)
        assert (await had_again(there))[1]
        for _ in range(400):
            reply, was_again = await had_again(there)
            if reply.status != 200:
                break
        assert reply.status == 503 and not was_again


PICTURE = {"Accept": "image/webp,*/*", "Sec-Fetch-Dest": "image"}
WIDE = "{down: 20 Mbit/s, up: 5 Mbit/s, rtt: 40 ms}"  # on a thin link pictures stand in line


async def made_smaller(there: Served) -> Reply:
    """The picture, asked for until its stored variant went out after a confirmation."""
    for _ in range(50):
        reply, was_again = await had_again(there, "/a.jpg", **PICTURE)
        await settled(there)
        if was_again:
            return reply
    raise AssertionError("the variant never went out again")


async def test_a_pictures_variant_goes_again_with_a_freshness_that_its_decision_bears(tmp_path: Path) -> None:
    async with course(tmp_path, link=WIDE) as (origin, there):
        reply = await made_smaller(there)
        assert len(reply.body) < len(PHOTO) and "private" in reply.headers["Cache-Control"]  # type: ignore[call-overload,index]
        assert origin.seen.count("GET /a.jpg") <= 2


async def test_what_is_made_in_a_lost_variants_stead_is_not_remembered(tmp_path: Path) -> None:
    async with course(tmp_path, link=WIDE) as (_, there):
        await made_smaller(there)
        held, adapting = repeats(there), there.tropa.parts.halves.adapting
        held._known.clear()
        held._targets.clear()
        adapting.store._bodies = BoundedMemory(max_bytes=1)
        for file in (there.state_dir / "variants").rglob("*"):
            if file.is_file() and "sqlite" not in file.name:
                file.unlink()
        reply, _ = await had_again(there, "/a.jpg", **PICTURE)
        assert reply.status == 200 and not held.may_have("/a.jpg")


async def test_memory_is_bounded_and_the_least_used_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.repeats._MOST_BYTES", 70_000)
    async with course(tmp_path) as (_, there):
        for name in "abcd":
            await known(there, f"/public/{name}.bin")
            await had_again(there, "/public/a.bin")
        held = repeats(there)
        assert held._bytes <= 70_000 and not held.may_have("/public/b.bin") and held.may_have("/public/a.bin")


async def test_two_requests_in_one_packet_are_both_answered_in_their_order(tmp_path: Path) -> None:
    async with course(tmp_path) as (_, there):
        await known(there)
        head = f"GET {DATA} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", there.tropa.ports["front"])
        for burst in (1, 1, 2, 3):
            writer.write(head * burst)
            for _ in range(burst):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
                assert len(await reader.readexactly(20_000)) == 20_000
        writer.close()
