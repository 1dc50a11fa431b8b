"""Tropa in this process, in front of an origin of aiohttp's, on ports of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from policies.load import read_catalogue
from proxy.app import Tropa
from proxy.clock import Clock, OffsetClock

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # 15:00 in Moscow, midnight in Kamchatka: paid hours
NIGHT = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)  # 01:00 in Moscow: free hours
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REGIONS = """
tropa:
  listeners: {{front: {{mode: reverse, listen: "127.0.0.1:0", origin: course}}{listeners}}}
  {tropa}
origins:
  course:
    title: {{ru: Курс, en: Course}}
    hosts: [127.0.0.1]
    upstream: http://127.0.0.1:{port}
    preset: {preset}
    allow_private: true
    {origin}
regions:
  koryak:
    title: {{ru: Корякский округ, en: Koryak District}}
    timezone: Asia/Kamchatka
    networks: [127.0.0.0/8]
    policy: {policy}
    link: {link}
    tariff:
      timezone: Europe/Moscow
      price: 0.40 RUB/MB
      allowance: {{amount: {allowance}, per: day, then: stop}}
      free: {free}
    consultations: {consultations}
    institute: {{name: {{ru: Методический центр, en: Centre}}, phone: +7 000 000-00-00}}
    {region}
{more}
"""


@dataclass(slots=True)
class Served:
    """tropa and what a client needs; `get` never decodes and never follows."""

    tropa: Tropa
    session: aiohttp.ClientSession
    base_url: str
    state_dir: Path
    origin_port: int

    async def get(self, path: str, method: str = "GET", **options: object) -> Reply:
        url = URL(self.base_url + path, encoded=True)
        async with self.session.request(method, url, allow_redirects=False, **options) as answer:  # type: ignore[arg-type]
            return Reply(answer.status, answer.headers.copy(), await answer.read())


@dataclass(slots=True)
class Reply:
    status: int
    headers: aiohttp.typedefs.LooseHeaders
    body: bytes


@asynccontextmanager
async def served(
    tmp_path: Path,
    origin: Handler,
    *,
    now: datetime = NOON,
    clock: Clock | None = None,
    policy: str = "satellite-metered",
    allowance: str = "300 MB",
    tropa: str = "",
    origin_keys: str = "",
    listeners: str = "",
    more: str = "",
    preset: str = "moodle",
    free: str = "[{days: daily, from: 23:00, to: 07:00}]",
    consultations: str = "{when: free}",
    region: str = "",
    link: str = "{down: 256 kbit/s, up: 64 kbit/s, rtt: 700 ms}",
) -> AsyncIterator[Served]:
    """Serve until the block ends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await origin(request)  # which may be an object that is called: aiohttp wants a function

    app = web.Application(client_max_size=64 * 1024**2)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    regions_file = tmp_path / "regions.yaml"
    text = REGIONS.format(
        port=port,
        policy=policy,
        allowance=allowance,
        tropa=tropa,
        origin=origin_keys,
        listeners=listeners,
        more=more,
        preset=preset,
        free=free,
        consultations=consultations,
        region=region,
        link=link,
    )
    regions_file.write_text(text, "utf-8")
    state_dir = tmp_path / "state"
    process = Tropa(state_dir, read_catalogue(regions_file), clock or OffsetClock(now))
    await process.start()
    session = aiohttp.ClientSession(
        auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), headers={"Accept-Encoding": "identity"}
    )
    try:
        yield Served(process, session, f"http://127.0.0.1:{process.ports['front']}", state_dir, port)
    finally:
        await session.close()
        await process.close(drain_s=0.2)
        await runner.cleanup()
