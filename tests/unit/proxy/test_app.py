"""One process: what a reload changes while it serves, and what a faulty file doesn't."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web

from policies.faults import PolicyFaults
from proxy.app import Tropa, load
from proxy.catalogues import publish_file
from proxy.clock import OffsetClock
from proxy.operate.history import history
from tests.exchanges import NOON

REGIONS = """
tropa:
  listeners: {{{listeners}}}
origins:
  course: {{title: {{ru: Курс, en: Course}}, hosts: [lms.test], upstream: "http://127.0.0.1:{port}",
    allow_private: true,
    rules: [{{path: /consultation, class: consultation}}]}}
regions:
  koryak: {{title: {{ru: Корякский, en: Koryak}}, timezone: Asia/Kamchatka, networks: [127.0.0.0/8], policy: {policy}}}
"""
FRONT = 'front: {mode: reverse, listen: "127.0.0.1:0", origin: course}'


class Site:
    """The file, the state and an origin that answers slowly where told to."""

    def __init__(self, folder: Path) -> None:
        self.file, self.state, self.clock, self.port = folder / "regions.yaml", folder / "state", OffsetClock(NOON), 0
        self.go_on = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/slow":
            await self.go_on.wait()
        return web.Response(text=f"page {request.path}")

    def write(self, *listeners: str, policy: str = "open") -> None:
        text = REGIONS.format(listeners=", ".join(listeners or (FRONT,)), port=self.port, policy=policy)
        self.file.write_text(text, "utf-8")

    def publish(self, *listeners: str, policy: str = "open") -> None:
        self.write(*listeners, policy=policy)
        publish_file(self.file, self.state, now=self.clock.now(), note="")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Tropa]:
        tropa = Tropa(self.state, load(self.file, self.state, self.clock), self.clock)
        await tropa.start()
        try:
            yield tropa
        finally:
            await tropa.close(drain_s=0.2)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = runner.addresses[0][1]
    made.write()
    yield made
    await runner.cleanup()


async def get(port: int, path: str = "/a", **options: object) -> str:
    scheme = "https" if "ssl" in options else "http"
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{scheme}://127.0.0.1:{port}{path}", **options) as reply,  # type: ignore[arg-type]
    ):
        return await reply.text()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.05)


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- listeners -----------------------------------------------------------------------------------------------------


async def test_a_listener_that_is_added_opens_and_one_that_is_gone_closes(site: Site) -> None:
    async with site.running() as tropa:
        port = tropa.ports["front"]
        site.publish(FRONT, FRONT.replace("front", "second"))
        await until(lambda: "second" in tropa.ports)
        assert tropa.ports["front"] == port
        assert await get(tropa.ports["second"]) == await get(port) == "page /a"
        site.publish(FRONT.replace("front", "second"))
        await until(lambda: "front" not in tropa.ports)
        with pytest.raises(aiohttp.ClientConnectionError):
            await get(port)
        assert await get(tropa.ports["second"]) == "page /a"


async def test_an_exchange_under_way_outlives_its_listener(site: Site) -> None:
    async with site.running() as tropa:
        asking = asyncio.create_task(get(tropa.ports["front"], "/slow"))
        await until(lambda: tropa._listening.fronts["front"].exchanges)
        site.publish(FRONT.replace("front", "second"))
        await until(lambda: "front" not in tropa.ports)
        site.go_on.set()
        assert await asking == "page /slow"


async def test_a_listener_that_changes_keeps_its_port(site: Site) -> None:
    port = a_free_port()
    fixed = FRONT.replace("127.0.0.1:0", f"127.0.0.1:{port}")
    site.publish(fixed)
    async with site.running() as tropa:
        before = tropa._listening.fronts["front"]
        site.publish(fixed.replace("origin: course", "origin: course, region: koryak"))
        await until(lambda: tropa._listening.fronts.get("front", before) is not before)
        assert tropa.ports == {"front": port} and await get(port) == "page /a"


async def test_a_port_that_is_taken_stops_no_other_listener(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with site.running() as tropa:
            site.publish(
                FRONT, FRONT.replace("front", "a").replace("127.0.0.1:0", address), FRONT.replace("front", "b")
            )
            await until(lambda: "b" in tropa.ports)
            assert "a" not in tropa.ports and "a can't listen" in caplog.text
            assert await get(tropa.ports["front"]) == "page /a"


async def test_a_policy_changes_between_two_requests_of_one_connection(site: Site) -> None:
    async with site.running() as tropa:
        reader, writer = await asyncio.open_connection("127.0.0.1", tropa.ports["front"])
        classes = []
        for never in ("", ", consultations: {when: never}"):
            site.publish(policy="open" + never)
            wanted = "never" if never else "open"
            await until(lambda: tropa._runtime.catalogue is tropa._current())
            await asyncio.sleep(1.2 if never else 0)
            writer.write(b"GET /consultation HTTP/1.1\r\nHost: lms.test\r\nSec-Fetch-Dest: empty\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            await reader.readexactly(int(length.partition(b":")[2]))
            classes.append((wanted, head.split(b" ")[1]))
        writer.close()
    assert classes == [("open", b"200"), ("never", b"403")]


# -- faults --------------------------------------------------------------------------------------------------------


async def test_a_version_that_was_damaged_leaves_the_old_one_running_and_the_next_one_is_taken(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    async with site.running() as tropa:
        site.publish(policy="text-first")
        newest = max(history(site.state), key=lambda version: version.number)
        (newest.folder / "regions.yaml").write_text("regions: [", "utf-8")
        with caplog.at_level(logging.ERROR):
            await until(lambda: "can't be used" in caplog.text)
        assert await get(tropa.ports["front"]) == "page /a"
        site.publish(FRONT, FRONT.replace("front", "second"))
        await until(lambda: "second" in tropa.ports)


def test_a_first_start_with_a_faulty_file_says_what_is_wrong(site: Site) -> None:
    site.write(policy="no-such-policy")
    with pytest.raises(PolicyFaults, match="no-such-policy"):
        load(site.file, site.state, site.clock)


async def test_a_start_with_a_faulty_file_runs_what_was_published_before(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.publish()
    site.write(policy="no-such-policy")
    async with site.running() as tropa:
        assert await get(tropa.ports["front"]) == "page /a"
    assert "is run" in caplog.text and "no-such-policy" in caplog.text


# -- certificates --------------------------------------------------------------------------------------------------


class Certified:
    """A certificate on disk that can be renewed by another authority."""

    def __init__(self, folder: Path) -> None:
        self.chain, self.key, self.authority = folder / "chain.pem", folder / "key.pem", trustme.CA()
        self.renew()

    def renew(self) -> None:
        self.authority = trustme.CA()
        made = self.authority.issue_cert("127.0.0.1")
        self.chain.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        self.key.write_bytes(made.private_key_pem.bytes())

    @property
    def trusted(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def listener(self) -> str:
        tls = f"tls: {{certificate: {self.chain}, key: {self.key}}}"
        return f'front: {{mode: reverse, listen: "127.0.0.1:0", origin: course, {tls}}}'


async def test_a_renewed_certificate_is_taken_and_a_broken_one_is_not(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certified = Certified(tmp_path)
    site.publish(certified.listener())
    async with site.running() as tropa:
        port = tropa.ports["front"]
        assert await get(port, ssl=certified.trusted) == "page /a"
        certified.renew()
        tropa.reload_certificates()
        assert await get(port, ssl=certified.trusted) == "page /a"
        certified.chain.write_bytes(b"half a certif")
        site.publish(certified.listener(), FRONT.replace("front", "second"))
        await until(lambda: "second" in tropa.ports)
        assert "keeps its certificate" in caplog.text
        assert await get(port, ssl=certified.trusted) == "page /a"
        site.publish(certified.listener())
        await until(lambda: "second" not in tropa.ports)
