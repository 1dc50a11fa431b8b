"""Kept connections: what is used again and what never, who gets which answer, what hostile origins reach by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from multidict import CIMultiDict

from proxy.errors import ExchangeError
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.upstream import Upstream
from tests.origins import OK, RawOrigin, Script, Visit, answering, raw_origin
from tests.wire import FAST, catalogue_of, origin_of

HEAD_OF_OK = OK.removesuffix(b"ok")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"


class Fetch:
    def __init__(self, origin: RawOrigin, **timeouts: float) -> None:
        self._origin = origin_of(origin.url)
        catalogue = catalogue_of(self._origin, timeouts=replace(FAST, **timeouts))
        self.upstream = Upstream(lambda: catalogue)

    async def __call__(self, method: str = "GET", target: str = "/") -> UpstreamResponse:
        headers = CIMultiDict({"Host": "lms.test"})
        return await self.upstream.open(
            origin=self._origin, method=method, scheme="http", host="lms.test", port=80, target=target, headers=headers
        )

    async def body(self, method: str = "GET", target: str = "/") -> bytes:
        response = await self(method, target)
        try:
            return b"".join([chunk async for chunk in response.iter_chunks()])
        finally:
            response.release()


@asynccontextmanager
async def fetching(script: Script, **timeouts: float) -> AsyncIterator[tuple[RawOrigin, Fetch]]:
    async with raw_origin(script) as origin:
        fetch = Fetch(origin, **timeouts)
        try:
            yield origin, fetch
        finally:
            await fetch.upstream.close()


async def echoing(visit: Visit) -> None:
    """Says each request's target, in one piece with the head."""
    while True:
        target = (await visit.head()).split(b" ")[1]
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))


# -- who gets which answer -----------------------------------------------------------------------------------------


async def test_everybody_gets_the_answer_to_her_own_question_however_many_ask_at_once() -> None:
    async with fetching(echoing) as (origin, fetch):

        async def ask(number: int) -> None:
            for again in range(30):
                target = f"/{number}/{again}"
                assert await fetch.body(target=target) == target.encode()

        await asyncio.gather(*(ask(number) for number in range(8)))
        assert len(origin.visits) <= 8


async def test_giving_up_at_the_moment_of_the_answer_harms_nobody_elses_question() -> None:
    async with fetching(echoing) as (_, fetch):

        async def ask(number: int) -> None:
            for again in range(20):
                target = f"/{number}/{again}"
                assert await fetch.body(target=target) == target.encode()

        async def hesitate(pause_s: float) -> None:
            for again in range(20):
                task = asyncio.ensure_future(fetch.body(target=f"/given-up/{again}"))
                await asyncio.sleep(pause_s)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        await asyncio.gather(*map(ask, range(4)), *(hesitate(n * 0.0002) for n in range(8)))


async def test_whoever_is_done_with_an_answer_can_no_longer_end_its_connection() -> None:
    async def slow_second(visit: Visit) -> None:
        await visit.head()
        await visit.send(OK)
        await visit.head()
        await asyncio.sleep(0.1)
        await visit.send(OK)

    async with fetching(slow_second) as (origin, fetch):
        first = await fetch()
        second = asyncio.ensure_future(fetch.body())
        await asyncio.sleep(0.03)
        first.abort()
        first.release()
        assert await second == b"ok" and len(origin.visits) == 1


# -- what is used again --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer", [OK, CHUNKED, b"HTTP/1.1 204 No Content\r\n\r\n", HEAD_OF_OK.replace(b": 2", b": 0")]
)
async def test_a_whole_answer_leaves_a_connection_for_the_next_question(answer: bytes) -> None:
    async with fetching(answering(answer)) as (origin, fetch):
        for _ in range(3):
            await fetch.body()
        assert len(origin.visits) == 1


@pytest.mark.parametrize("cut", range(1, len(CHUNKED)))
async def test_an_answer_cut_at_any_place_is_the_same_answer(cut: int) -> None:
    async def in_two(visit: Visit) -> None:
        while True:
            await visit.head()
            await visit.send(CHUNKED[:cut])
            await asyncio.sleep(0.001)
            await visit.send(CHUNKED[cut:])

    async with fetching(in_two) as (_, fetch):
        assert await fetch.body() == b"ok"
        assert await fetch.body() == b"ok"


@pytest.mark.parametrize("answer", [OK, CHUNKED])
@pytest.mark.parametrize("behind", [b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\n", OK])
async def test_what_stands_behind_an_answer_never_becomes_the_answer_to_the_next_question(
    answer: bytes, behind: bytes
) -> None:
    async def stuffing(visit: Visit) -> None:
        await visit.head()
        await visit.send(answer + behind)
        await visit.head()
        await visit.send(b"ngth: 4\r\n\r\nevil")

    async with fetching(stuffing) as (origin, fetch):
        assert await fetch.body() == b"ok"
        assert await fetch.body() == b"ok"
        assert len(origin.visits) == 2


async def test_bytes_that_nobody_asked_for_end_a_resting_connection() -> None:
    async def chatty(visit: Visit) -> None:
        await visit.head()
        await visit.send(OK)
        await asyncio.sleep(0.02)
        await visit.send(OK.replace(b"ok", b"no"))
        await visit.read()

    async with fetching(chatty) as (origin, fetch):
        assert await fetch.body() == b"ok"
        await asyncio.sleep(0.1)
        assert await fetch.body() == b"ok"
        assert len(origin.visits) == 2


@pytest.mark.parametrize("line", [b"Connection: close\r\n", b""])
async def test_an_origin_that_ends_its_connections_is_believed(line: bytes) -> None:
    version = b"HTTP/1.1" if line else b"HTTP/1.0"
    answer = version + b" 200 OK\r\n" + line + b"Content-Length: 2\r\n\r\nok"
    async with fetching(answering(answer)) as (origin, fetch):
        assert await fetch.body() == b"ok"
        assert await fetch.body() == b"ok"
        assert len(origin.visits) == 2


async def test_a_head_request_and_a_get_take_turns_on_one_connection() -> None:
    async def both(visit: Visit) -> None:
        while True:
            await visit.send(HEAD_OF_OK if (await visit.head()).startswith(b"HEAD") else OK)

    async with fetching(both) as (origin, fetch):
        for _ in range(3):
            assert await fetch.body("HEAD") == b""
            assert await fetch.body() == b"ok"
        assert len(origin.visits) == 1


async def test_a_not_modified_that_names_a_length_has_no_body() -> None:
    answer = b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 1000\r\n\r\n'
    async with fetching(answering(answer, OK)) as (origin, fetch):
        response = await fetch()
        assert response.status == 304 and response.at_end
        response.release()
        assert await fetch.body() == b"ok" and len(origin.visits) == 1


# -- what hostile and broken origins send --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]
)
async def test_an_interim_answer_is_none(interim: bytes) -> None:
    async with fetching(answering(interim * 2 + OK)) as (_, fetch):
        assert await fetch.body() == b"ok"
        assert await fetch.body() == b"ok"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "upstream-malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", "upstream-malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok", "upstream-malformed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n", "upstream-malformed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nok", "upstream-malformed"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n" * 3, "upstream-malformed"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n", "upstream-malformed"),
        (b"\0" * 100, "upstream-malformed"),
    ],
)
async def test_lies_are_told_apart_from_answers(answer: bytes, code: str) -> None:
    async with fetching(answering(answer)) as (_, fetch):
        with pytest.raises(ExchangeError) as caught:
            await fetch.body()
        assert caught.value.code == code


async def test_a_bad_chunk_in_mid_body_breaks_the_body_off() -> None:
    async def late(visit: Visit) -> None:
        await visit.head()
        await visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
        await asyncio.sleep(0.02)
        await visit.send(b"zz\r\n")
        await visit.read()

    async with fetching(late) as (_, fetch):
        response = await fetch()
        assert await response.read_up_to(2, 1) == b"ok"
        with pytest.raises(ExchangeError) as caught:
            await response.read_up_to(10, 1)
        assert caught.value.code == "upstream-truncated"


async def test_a_reset_in_mid_body_breaks_the_body_off() -> None:
    async def reset(visit: Visit) -> None:
        await visit.head()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nstart")
        await asyncio.sleep(0.02)
        visit.writer.transport.abort()

    async with fetching(reset) as (_, fetch):
        with pytest.raises(ExchangeError) as caught:
            await fetch.body()
        assert caught.value.code == "upstream-truncated"


# -- time ----------------------------------------------------------------------------------------------------------


async def test_a_small_body_that_lags_behind_its_head_doesn_t_hold_the_head_for_long() -> None:
    async def lagging(visit: Visit) -> None:
        await visit.head()
        await visit.send(HEAD_OF_OK)
        await asyncio.sleep(0.6)
        await visit.send(b"ok")

    async with fetching(lagging) as (_, fetch):
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        response = await fetch()
        assert loop.time() - began_s < 0.4
        assert await response.read_up_to(10, 2) == b"ok"


async def test_silence_is_noticed_before_the_head_and_within_the_body() -> None:
    async def silent(visit: Visit) -> None:
        if b" /body " in await visit.head():
            await visit.send(HEAD_OF_OK + b"o")
        await visit.read()

    async with fetching(silent, response_head_s=0.2, upstream_idle_s=0.2) as (_, fetch):
        for target in ("/", "/body"):
            with pytest.raises(ExchangeError) as caught:
                await fetch.body(target=target)
            assert caught.value.code == "upstream-timeout"


async def test_a_reader_who_takes_her_time_is_no_silence_of_the_origins() -> None:
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000
    async with fetching(answering(large), upstream_idle_s=0.15) as (_, fetch):
        response = await fetch()
        total = 0
        async for chunk in response.iter_chunks():
            total += len(chunk)
            if total < 100_000:
                await asyncio.sleep(0.1)
        assert total == 1_000_000
