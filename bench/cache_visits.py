"""What visits of the sample course cost on a school's link, counted byte by byte on the way to the origin."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.suite import Table, Target
from proxy.app import Tropa, load
from proxy.clock import SystemClock
from proxy.demo.course import RunningCourse, start_course
from proxy.demo.visit import Visitor

METHOD = (
    "visits: every page of the sample course and what its HTML names, by learners who are logged in and whose browsers "
    "keep nothing; bytes both ways on the\nway to the origin, heads included. Direct: the same visit without Tropa."
)
_REGIONS = """
tropa:
  place: school
  listeners: {{school: {{mode: reverse, listen: "127.0.0.1:0", origin: course, region: koryak}}}}
origins:
  course:
    title: Course
    hosts: [127.0.0.1]
    upstream: "http://127.0.0.1:{port}"
    preset: moodle
    allow_private: true
regions:
  koryak:
    timezone: Asia/Kamchatka
    networks: [127.0.0.0/8]
    policy: satellite-metered
    link: {{down: 256 kbit/s, up: 64 kbit/s, rtt: 700 ms}}
    tariff: {{timezone: Europe/Moscow, price: 0.40 RUB/MB, free: never}}
    consultations: {{when: always}}
    costly_hop: site_uplink
    store: school-box
"""
_SECOND_OF_FIRST, _THIRD_OF_FIRST = 0.03, 0.01


@dataclass(slots=True)
class _Way:
    """A relay that counts what passes, both ways."""

    target_port: int
    port: int = 0
    moved_bytes: int = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                self.moved_bytes += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def _counted(target_port: int) -> AsyncIterator[_Way]:
    way = _Way(target_port)
    server = await asyncio.start_server(way.carry, "127.0.0.1", 0)
    way.port = server.sockets[0].getsockname()[1]
    try:
        yield way
    finally:
        server.close()


async def _visit(base_url: str, course: RunningCourse, way: _Way, *, user: str, tropa: Tropa | None, pages: int) -> int:
    """The bytes on the way for one learner's visit of all pages."""
    visitor = Visitor(base_url)
    await visitor.log_in(user, user.replace("teacher", "Metodika-"))
    before = way.moved_bytes
    for page in course.pages[:pages]:
        if page.kind != "quiz":
            with contextlib.suppress(aiohttp.ClientError):
                await visitor.visit(page.path)
    await visitor.close()
    while tropa is not None and tropa.busy:
        await asyncio.sleep(0.2)
    return way.moved_bytes - before


async def _measured(folder: Path, *, pages: int) -> dict[str, int]:
    course = await start_course(data_dir=folder / "course", host="127.0.0.1")
    try:
        async with _counted(course.port) as way:
            direct = await _visit(f"http://127.0.0.1:{way.port}", course, way, user="teacher1", tropa=None, pages=pages)
            file = folder / "regions.yaml"
            file.write_text(_REGIONS.format(port=way.port), "utf-8")
            clock = SystemClock()
            tropa = Tropa(folder / "state", load(file, folder / "state", clock), clock)
            await tropa.start()
            try:
                base_url = f"http://127.0.0.1:{tropa.ports['school']}"
                found = {"directly": direct}
                for name, user in (
                    ("first learner", "teacher1"),
                    ("the same, again", "teacher1"),
                    ("second learner", "teacher2"),
                    ("third learner", "teacher1"),  # another browser, another login
                ):
                    found[name] = await _visit(base_url, course, way, user=user, tropa=tropa, pages=pages)
                return found
            finally:
                await tropa.close(drain_s=1)
    finally:
        await course.close()


def measure(*, quick: bool) -> tuple[Table, tuple[Target, ...]]:
    """A table of visits, and whether they reach what is to be reached."""
    with tempfile.TemporaryDirectory(prefix="tropa-bench-") as name:
        found = asyncio.run(_measured(Path(name), pages=8 if quick else 1000))
    direct = found["directly"]
    rows = tuple((who, f"{nbytes / 1e6:.3f}", f"{100 * nbytes / direct:.2f} %") for who, nbytes in found.items())
    table = Table(title="a school's link, MB", head=("visit", "MB", "of the direct one"), rows=rows)
    return table, (
        Target("second visit / first direct one", found["the same, again"] / direct, _SECOND_OF_FIRST),
        Target("third learner's visit / first direct one", found["third learner"] / direct, _THIRD_OF_FIRST),
    )
