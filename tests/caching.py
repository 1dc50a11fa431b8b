"""The store of responses in front of an origin of bare bytes, with a clock that moves when it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from pathlib import Path

from multidict import CIMultiDict

from policies.model import Origin
from proxy.cache.asked import Asked
from proxy.cache.body_files import BodyFiles
from proxy.cache.object_store import ObjectStore
from proxy.cache.origin_cache import OriginCache
from proxy.tasks import TaskKeeper
from proxy.upstream.reply import OriginReply, Way
from proxy.upstream.upstream import Upstream
from tests.clocks import HandClock
from tests.media_desk import START
from tests.origins import Visit, raw_origin
from tests.wire import catalogue_of, origin_of

HOST = "lms.test"


@dataclass(frozen=True, slots=True)
class Told:
    """A request as the origin got it."""

    method: str
    target: str
    headers: CIMultiDict[str]


@dataclass(slots=True)
class Says:
    """What an origin answers. cut_at: it breaks off after so many bytes of the body. chunked: without a length."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_at: int | None = None
    chunked: bool = False


Answers = Callable[[Told], Says] | Callable[[Told], Awaitable[Says]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What came of a request."""

    status: int
    headers: CIMultiDict[str]
    body: bytes
    way: Way
    from_origin: bool


@dataclass(slots=True)
class Cached:
    """A store, what stands behind it, and what that was asked."""

    cache: OriginCache
    store: ObjectStore
    clock: HandClock
    keeper: TaskKeeper
    origin: Origin
    told: list[Told]

    def asked(
        self, target: str = "/a", method: str = "GET", headers: Mapping[str, str] | None = None, **more: object
    ) -> Asked:
        fields: CIMultiDict[str] = CIMultiDict({"Host": HOST})
        fields.extend(headers or {})
        options: dict[str, object] = {"scheme": "http", "host": HOST, "port": 80, "origin": self.origin, **more}
        return Asked(method=method, target=target, headers=fields, **options)  # type: ignore[arg-type]

    async def get(
        self, target: str = "/a", method: str = "GET", headers: Mapping[str, str] | None = None, **more: object
    ) -> Got:
        """One request, read to its end, and everything that it left to be done. Raises ExchangeError."""
        reply = await self.cache.open(self.asked(target, method, headers, **more))
        got = await read(reply)
        await self.settled()
        return got

    async def settled(self) -> None:
        """Until nothing is on its way into the store."""
        await self.keeper.idle()


async def read(reply: OriginReply) -> Got:
    pieces, from_origin = [], False
    try:
        async for chunk in reply.iter_chunks():
            pieces.append(chunk)
            from_origin = from_origin or reply.from_origin
    finally:
        reply.release()
    headers = CIMultiDict(reply.headers)
    return Got(status=reply.status, headers=headers, body=b"".join(pieces), way=reply.way, from_origin=from_origin)


@asynccontextmanager
async def cached(
    folder: Path,
    answers: Answers,
    *,
    clock: HandClock | None = None,
    max_bytes: int = 10**9,
    files: BodyFiles | None = None,
    **origin_keys: object,
) -> AsyncIterator[Cached]:
    """A store under `folder` before an origin that answers so; a Date by our clock where it gives none."""
    clock = clock or HandClock(START)
    told: list[Told] = []

    async def script(visit: Visit) -> None:
        while True:
            request = _told(await visit.head())
            body = visit.received  # requests with bodies aren't cut here: tests send them without
            assert body
            told.append(request)
            says = answers(request)
            answer = says if isinstance(says, Says) else await says
            await visit.send(_bytes(request, answer, clock))
            if answer.cut_at is not None:
                return

    async with raw_origin(script) as server:
        origin = replace(origin_of(server.url), **origin_keys)  # type: ignore[arg-type]
        catalogue = catalogue_of(origin)
        upstream, keeper = Upstream(lambda: catalogue), TaskKeeper("test")
        store = ObjectStore(folder, max_bytes=max_bytes, clock=clock, files=files)
        await store.open()
        cache = OriginCache(upstream, store, clock, keeper, lambda: catalogue)
        try:
            yield Cached(cache, store, clock, keeper, origin, told)
        finally:
            await keeper.close()
            await upstream.close()
            await store.close()


def _told(head: bytes) -> Told:
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers: CIMultiDict[str] = CIMultiDict()
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.add(name, value.strip())
    return Told(method, target, headers)


def http_date(clock: HandClock, offset_s: float = 0.0) -> str:
    return formatdate(clock.now().timestamp() + offset_s, usegmt=True)


def _bytes(request: Told, says: Says, clock: HandClock) -> bytes:
    headers: CIMultiDict[str] = CIMultiDict(says.headers)
    if "Date" not in headers:
        headers["Date"] = http_date(clock)
    bodiless = request.method == "HEAD" or says.status in (204, 304)
    if says.chunked and not bodiless:
        headers["Transfer-Encoding"] = "chunked"
    elif not (says.status in (204, 304) or "Content-Length" in headers):
        headers["Content-Length"] = str(len(says.body))
    head = f"HTTP/1.1 {says.status} Word\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
    body = b"" if bodiless else says.body if says.cut_at is None else says.body[: says.cut_at]
    if says.chunked and not bodiless:
        framed = b"".join(
            b"%x\r\n%b\r\n" % (len(body[at : at + 1000]), body[at : at + 1000]) for at in range(0, len(body), 1000)
        )
        body = framed + (b"0\r\n\r\n" if says.cut_at is None else b"")
    return head.encode("utf-8", "surrogateescape") + body


def ranged(request: Told, body: bytes, etag: str, headers: Mapping[str, str] | None = None) -> Says:
    """A file at an origin that knows conditions and ranges."""
    common = {"ETag": etag, "Accept-Ranges": "bytes", **(headers or {})}
    if etag in request.headers.get("If-None-Match", ""):
        return Says(304, common)
    wanted = request.headers.get("Range")
    if wanted is None or request.headers.get("If-Range", etag) != etag:
        return Says(200, common, body)
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    if not first:
        start, end = len(body) - int(last), len(body)
    else:
        start, end = int(first), min(int(last) + 1 if last else len(body), len(body))
    return Says(206, {**common, "Content-Range": f"bytes {start}-{end - 1}/{len(body)}"}, body[start:end])
