"""A front in a process of its own, so that its memory can be measured: python -m tests.wire_process MODE UPSTREAM_URL.

Prints its port; ends when its standard input does. Reverse passes requests and WebSockets through, forward tunnels to
the upstream's port under the name lms.test.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from aiohttp import web

from proxy.clock import SystemClock
from proxy.exchange import Inbound
from proxy.live.relay import is_socket, open_socket, relay_socket
from tests.wire import FORWARD, VIA, OpenTerms, Wire, catalogue_of, origin_of, pass_through, wire


class Loopback:
    """Every name is this machine."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[dict[str, object]]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        return None


async def handle(front: Wire, inbound: Inbound) -> web.StreamResponse:
    if not is_socket(inbound):
        return await pass_through(front, inbound)
    response = await open_socket(front.upstream, inbound, front.catalogue.settings, via=VIA)
    relayed = await relay_socket(inbound.request, response, terms=OpenTerms(), clock=SystemClock(), idle_s=60, via=VIA)
    return relayed.response


async def main(mode: str, upstream: str) -> None:
    port = urlsplit(upstream).port or 80
    forward = mode == "forward"
    origin = origin_of(None if forward else upstream, ports=frozenset({port}))
    listener = FORWARD if forward else None
    async with wire(catalogue_of(origin), handle, listener=listener, resolver=Loopback(), note=False) as front:
        print(front.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


class Running:
    """A running process of this module."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self.port = int(process.stdout.readline())
        self._process = psutil.Process(process.pid)

    @property
    def rss_bytes(self) -> int:
        return int(self._process.memory_info().rss)


@contextmanager
def running(mode: str, upstream: str) -> Iterator[Running]:
    """The process while the block runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.wire_process", mode, upstream],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield Running(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
