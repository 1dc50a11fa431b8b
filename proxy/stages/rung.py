"""The rung below the lowest: segments of a ladder in which nothing fits, made smaller on their way.

Laws: only MPEG-TS segments that stand by themselves are made (fragmented MP4 would need another head than its player
has by then; a byte range would need its neighbours; what is encrypted can't be read); a segment that can't be made in
time passes as it is, since a lecture that goes on is worth more; one content is made once, whoever watches; at most
`_WAITING` segments wait.
"""

from __future__ import annotations

import asyncio
import logging
import re
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

from policies.values import MediaKind
from proxy.cache.variant_keys import source_digest, stable_url, variant_key
from proxy.cache.variants import VariantStore
from proxy.deliver.answer import Answer
from proxy.deliver.heads import adapted
from proxy.exchange import Outcome, Replaced, Unchanged
from proxy.stages.context import Exchange, Fetched
from proxy.transforms.ladder.rung import make_rung_segment
from proxy.transforms.media.spec import CappedSpec, MediaMade, ToolFailed, Workbench
from proxy.transforms.media.tools import find_ffmpeg
from proxy.transforms.media.workbench import Bench

logger = logging.getLogger("tropa.ladders")

RUNG_VERSION = 1
MOST_WAIT_S = 6.0  # hls.js gives a segment 10 s to begin
_WAITING = 4
_MAX_SEGMENT_BYTES = 16 << 20
_MAX_ADDRESSES = 100_000
_KEY = re.compile(r"#EXT-X-KEY:(?!METHOD=NONE)", re.MULTILINE)
_CUT = re.compile(r"#EXT-X-(?:BYTERANGE|MAP):", re.MULTILINE)


def bench_in(folder: Path) -> Workbench | None:
    """A bench in this folder; None: no tool on this machine."""
    tool = find_ffmpeg()
    return Bench(folder, tool) if tool is not None else None


class RungMaker:
    """Knows which segments are to be made, and makes them one at a time. open_bench: where."""

    def __init__(
        self, store: VariantStore, folder: Path, open_bench: Callable[[Path], Workbench | None] = bench_in
    ) -> None:
        self._store = store
        self._folder = folder
        self._open_bench = open_bench
        self._specs: OrderedDict[tuple[str, str], CappedSpec] = OrderedDict()
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    def learn(self, learner: str, playlist: str, text: bytes, spec: CappedSpec) -> None:
        """The list of a rung that is too heavy went out: its segments are to be made."""
        plain = text.decode("utf-8", "replace")
        if _KEY.search(plain) or _CUT.search(plain):
            return
        for line in map(str.strip, plain.split("\n")):
            if line and not line.startswith("#"):
                self._note(learner, _joined(playlist, line), spec)

    def _note(self, learner: str, url: str, spec: CappedSpec) -> None:
        key = (learner, stable_url(url))
        self._specs.pop(key, None)
        self._specs[key] = spec
        if len(self._specs) > _MAX_ADDRESSES:
            self._specs.popitem(last=False)

    async def answer(self, exchange: Exchange, fetched: Fetched) -> Answer | None:
        """The segment, smaller. None: this is none of those, and nothing was read of it."""
        facts = fetched.facts
        spec = self._specs.get((exchange.who.learner, stable_url(exchange.inbound.url)))
        if spec is None or facts.status != 200 or facts.content_coding or not exchange.body_wanted:
            return None
        source = await fetched.whole_or_stream(exchange.tally, max_bytes=_MAX_SEGMENT_BYTES)
        exchange.tally.kind = MediaKind.VIDEO
        if not isinstance(source, bytes):
            return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers, body=source)
        exchange.tally.direct_bytes = len(source)
        body = await self._smaller(exchange, fetched, source, spec)
        if body is None:
            fetched.headers["Content-Length"] = str(len(source))
            return Answer(status=200, reason=fetched.upstream.reason, headers=fetched.headers, body=source)
        exchange.tally.treatment = "ladder"
        now, valid_until = exchange.now, exchange.decision.valid_until
        headers = adapted(fetched.headers, content_type=None, etag=None, now=now, valid_until=valid_until)
        headers["Content-Length"] = str(len(body))
        return Answer(status=200, reason=fetched.upstream.reason, headers=headers, body=body)

    async def _smaller(self, exchange: Exchange, fetched: Fetched, source: bytes, spec: CappedSpec) -> bytes | None:
        digest = await asyncio.to_thread(source_digest, source)
        key = variant_key(digest, f"rung:{spec!r}", RUNG_VERSION)
        variant = await self._store.find(key)
        if variant is not None:
            return await self._store.read(variant) if isinstance(variant.outcome, Replaced) else None
        if self._waiting >= _WAITING:
            return None
        self._waiting += 1
        try:
            async with asyncio.timeout(MOST_WAIT_S), self._turn:
                outcome = await self._made(source, spec)
        except (TimeoutError, ToolFailed, OSError) as error:
            logger.info("a segment of %s passes as it is: %r", exchange.inbound.host, error)
            return None
        finally:
            self._waiting -= 1
        await self._store.put(key, outcome, private=fetched.facts.private, learner=exchange.who.learner)
        return outcome.body if isinstance(outcome, Replaced) and isinstance(outcome.body, bytes) else None

    async def _made(self, source: bytes, spec: CappedSpec) -> Outcome:
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder) as told:
            folder = Path(told)
            bench = self._open_bench(folder)
            if bench is None:
                return Unchanged(why="no-tool")
            path = folder / "source.ts"
            await asyncio.to_thread(path.write_bytes, source)
            made = await make_rung_segment(path, None, spec, bench)
            if not isinstance(made, MediaMade):
                return made
            body = await asyncio.to_thread((folder / made.main).read_bytes)
            return Replaced(body=body, content_type=made.content_type, length_bytes=len(body))


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return url
