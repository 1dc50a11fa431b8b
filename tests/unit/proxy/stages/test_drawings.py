"""Drawings on their way: smaller, always coded, never made of what the origin didn't call one."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import brotli
import pytest
from multidict import CIMultiDict

from policies.decision import DownsampleImage, MinifySvg
from policies.facts import ResponseFacts
from policies.treatments import Action, ImageTreatment, Treatments
from proxy.cache.sources import SourceBook
from proxy.cache.variants import VariantStore
from proxy.clock import SystemClock
from proxy.deliver.answer import Answer
from proxy.deliver.sticky import Sticky
from proxy.deliver.validators import Conditions
from proxy.errors import ExchangeError
from proxy.stages.context import Exchange, Fetched
from proxy.stages.image import ImageStage
from proxy.transforms.image.svg import minify_svg
from proxy.transforms.run import TransformPool
from proxy.transforms.workers import ImageWorkers
from tests.drawings import tangle
from tests.exchanges import a_decision, an_exchange
from tests.inbounds import an_inbound

PLAN = MinifySvg(static=True)
NO_CONDITIONS = Conditions(if_none_match=None, if_modified_since=None)
FOR_THIS_ONCE = "private, max-age=0"
_PATIENCE_S = 60.0
PATH = "/pluginfile.php/1/map.svg"
DRAWING = tangle(1, 640)
SMALL = minify_svg(DRAWING)
assert isinstance(SMALL, bytes)


@asynccontextmanager
async def stage(folder: Path, *, broken: bool = False, busy: bool = False) -> AsyncIterator[ImageStage]:
    """broken: no worker can be had, so nothing is ever made. busy: with something else, for ever."""
    clock = SystemClock()
    store = VariantStore(folder, max_bytes=10 << 20, clock=clock)
    await store.open()
    pool, workers = TransformPool(slots=1, clock=clock), ImageWorkers(1)
    await (workers.close() if broken else workers.open())
    if busy:
        await pool.obtain("another", asyncio.get_running_loop().create_future, hold_s=0)
    yield ImageStage(store, SourceBook(), pool, workers, Sticky())
    await pool.close()
    await workers.close()
    await store.close()


def exchange(encoding: str = "br, gzip", method: str = "GET") -> Exchange:
    inbound = an_inbound(PATH, method=method, Accept="image/webp,*/*", Accept_Encoding=encoding, Sec_Fetch_Dest="image")
    image = ImageTreatment(action=Action.ADAPT, max_width_px=800)
    return an_exchange(inbound, decision=a_decision(treatments=Treatments(image=image)))


def fetched(body: bytes = DRAWING, status: int = 200, **headers: str) -> Fetched:
    head = CIMultiDict({"ETag": '"abc"', "Content-Type": "image/svg+xml", "Content-Length": str(len(body))})
    head.update({name.replace("_", "-"): value for name, value in headers.items()})
    facts = ResponseFacts(
        status=status,
        content_type="image/svg+xml",
        length_bytes=len(body),
        content_coding=head.get("Content-Encoding", ""),
    )
    upstream = cast(Any, SimpleNamespace(reason="OK"))
    return Fetched(upstream=upstream, headers=head, facts=facts, prefix=body, complete=True)


def plain(answer: Answer) -> bytes:
    body = answer.body
    assert isinstance(body, bytes) and answer.headers["Content-Length"] == str(len(body))
    coding = answer.headers.get("Content-Encoding")
    return brotli.decompress(body) if coding == "br" else gzip.decompress(body) if coding == "gzip" else body


async def settled(images: ImageStage, exchanged: Exchange, fetch: Callable[[], Fetched]) -> Answer:
    """What goes out once the drawing's fate is known, however long its worker takes on a busy machine.

    Where it isn't known within the hold, the drawing goes as it is, for this once.
    """
    async with asyncio.timeout(_PATIENCE_S):
        while (answer := await images.drawing(exchanged, fetch(), PLAN)).headers.get("Cache-Control") == FOR_THIS_ONCE:
            await asyncio.sleep(0.02)
    return answer


@pytest.mark.parametrize("encoding", ["br, gzip", "gzip", ""])
async def test_a_drawing_comes_smaller_and_in_a_coding_of_the_clients(encoding: str, tmp_path: Path) -> None:
    async with stage(tmp_path) as images:
        answer = await settled(images, exchange(encoding), fetched)
    assert plain(answer) == SMALL and answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.headers.get("Content-Encoding", "") == encoding.partition(",")[0]
    assert "private" in answer.headers["Cache-Control"] and answer.headers["ETag"].startswith("W/")
    assert "Accept-Encoding" in answer.headers["Vary"]


async def test_a_drawing_that_the_origin_coded_is_read_all_the_same(tmp_path: Path) -> None:
    async with stage(tmp_path) as images:
        packed = partial(fetched, gzip.compress(DRAWING), Content_Encoding="gzip")
        answer = await settled(images, exchange(), packed)
    assert plain(answer) == SMALL


async def test_a_broken_coding_is_the_origins_fault(tmp_path: Path) -> None:
    async with stage(tmp_path) as images:
        with pytest.raises(ExchangeError):
            await images.drawing(exchange(), fetched(b"nonsense" * 99, Content_Encoding="gzip"), PLAN)


async def test_the_same_drawing_is_found_again_before_it_is_fetched(tmp_path: Path) -> None:
    async with stage(tmp_path) as images:
        first = await settled(images, exchange(), fetched)
        known = await images.known(exchange())
        assert known is not None and known.variant is not None
        again = await images.confirmed(exchange(), fetched(b"", status=304), known, NO_CONDITIONS)
    assert again is not None and plain(again) == SMALL and again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("body", [b"<svg>" + b"broken" * 300, SMALL])
async def test_what_gains_nothing_goes_as_it_is_but_coded(body: bytes, tmp_path: Path) -> None:
    async with stage(tmp_path) as images:
        answer = await settled(images, exchange(), partial(fetched, body, Cache_Control="public, max-age=99"))
    assert plain(answer) == body and answer.headers["Cache-Control"] == "public, max-age=99"
    assert answer.headers["Content-Encoding"] == "br" and answer.headers["ETag"] == 'W/"abc"'


async def test_a_drawing_that_is_not_ready_in_time_goes_as_it_is_for_this_once(tmp_path: Path) -> None:
    async with stage(tmp_path, busy=True) as images:
        answer = await images.drawing(exchange(), fetched(), PLAN)
    assert plain(answer) == DRAWING and answer.headers["Cache-Control"] == FOR_THIS_ONCE


async def test_a_drawing_that_no_worker_makes_goes_as_it_is(tmp_path: Path) -> None:
    async with stage(tmp_path, broken=True) as images:
        assert plain(await images.drawing(exchange(), fetched(), PLAN)) == DRAWING


async def test_what_is_longer_than_may_be_read_streams_untouched(tmp_path: Path) -> None:
    long = fetched(b"x" * 10)

    async def body(tally: object, *, max_bytes: int) -> AsyncIterator[bytes]:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"x" * (max_bytes + 1)

        return chunks()

    stand_in = cast(Any, SimpleNamespace(facts=long.facts, headers=long.headers, upstream=long.upstream))
    stand_in.whole_or_stream = body
    async with stage(tmp_path) as images:
        answer = await images.drawing(exchange(), stand_in, PLAN)
    assert not isinstance(answer.body, bytes) and answer.headers["ETag"] == '"abc"'


async def test_a_drawing_is_never_made_where_a_photograph_was_promised(tmp_path: Path) -> None:
    async with stage(tmp_path) as images:
        plan = DownsampleImage(image=exchange().decision.treatments.image)
        answer = await images.answer(exchange(), fetched(Content_Type="image/png"), plan)
    assert answer.headers["Content-Type"] == "image/png" and answer.body == DRAWING
