"""An `Upstream` on its own, with one origin of bare bytes behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from multidict import CIMultiDict

from policies.model import Origin
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.upstream import Upstream
from tests.origins import RawOrigin, Script, answer_ok, raw_origin
from tests.wire import FAST, catalogue_of, origin_of


class Fetch:
    """An `Upstream` with one origin behind it; the settings may be changed."""

    def __init__(self, origin: Origin, **settings: object) -> None:
        self.origin = origin
        self.catalogue = catalogue_of(origin, **{"timeouts": FAST, **settings})
        self.upstream = Upstream(lambda: self.catalogue)

    async def __call__(self, method: str = "GET", target: str = "/", **more: object) -> UpstreamResponse:
        headers = CIMultiDict({"Host": "lms.test"})
        headers.extend(more.pop("headers", {}))  # type: ignore[arg-type]
        options: dict[str, object] = {"scheme": "http", "host": "lms.test", "port": 80, "origin": self.origin, **more}
        return await self.upstream.open(method=method, target=target, headers=headers, **options)  # type: ignore[arg-type]

    async def body(self, method: str = "GET", target: str = "/", **more: object) -> bytes:
        response = await self(method, target, **more)
        try:
            return b"".join([chunk async for chunk in response.iter_chunks()])
        finally:
            response.release()


@asynccontextmanager
async def fetching(script: Script = answer_ok, **settings: object) -> AsyncIterator[tuple[RawOrigin, Fetch]]:
    async with raw_origin(script) as origin:
        fetch = Fetch(origin_of(origin.url), **settings)
        try:
            yield origin, fetch
        finally:
            await fetch.upstream.close()


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
        await asyncio.sleep(0)
