"""What comes back from an origin: framing, interim answers, prefixes, and what is made of lies."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from proxy.errors import ExchangeError
from tests.fetching import Fetch, fetching
from tests.origins import OK, Script, Visit, answering
from tests.wire import FAST, SMALL, origin_of


class TestBadOrigins:
    async def code(self, script: Script, **settings: object) -> str:
        async with fetching(script, **settings) as (_, fetch):
            with pytest.raises(ExchangeError) as caught:
                await fetch.body()
            return caught.value.code

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "upstream-malformed"),
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "upstream-malformed",
            ),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "upstream-malformed"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "upstream-malformed"),
            (b"HTTP/1.1 000 X\r\nContent-Length: 2\r\n\r\nok", "upstream-malformed"),
            (b"HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nok", "upstream-malformed"),
            (b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", "upstream-malformed"),
            (b"HTTP/1.1 200 OK\r\nContent-Length\t: 2\r\n\r\nok", "upstream-malformed"),
            (b"HTTP/1.1 200 OK\r\nSet-Cookie : a=b\r\nContent-Length: 2\r\n\r\nok", "upstream-malformed"),
            (b"HTTP/1.1 200 OK\r\nConnection : close\r\nContent-Length: 2\r\n\r\nok", "upstream-malformed"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "upstream-malformed"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "upstream-malformed"),
            (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", "upstream-malformed"),
            (b"", "upstream-unreachable"),
            (b"HTTP/1.1 200 OK\r\nContent-Len", "upstream-unreachable"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "upstream-truncated"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "upstream-truncated"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "upstream-truncated"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", "upstream-malformed"),
        ],
    )
    async def test_lying_and_broken_answers(self, answer: bytes, code: str) -> None:
        async def once(visit: Visit) -> None:
            await visit.head()
            await visit.send(answer)

        assert await self.code(once) == code

    async def test_a_body_over_the_limit(self) -> None:
        big = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
        assert await self.code(answering(big), limits=SMALL) == "upstream-too-large"

    async def test_an_origin_that_says_nothing(self) -> None:
        async def silent(visit: Visit) -> None:
            await visit.head()
            await visit.read()

        assert await self.code(silent, timeouts=replace(FAST, response_head_s=0.3)) == "upstream-timeout"

    async def test_a_body_that_stalls(self) -> None:
        async def stalling(visit: Visit) -> None:
            await visit.head()
            await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            await visit.read()

        timeouts = replace(FAST, response_head_s=9, upstream_idle_s=0.3)
        assert await self.code(stalling, timeouts=timeouts) == "upstream-timeout"

    async def test_a_slow_upload_is_not_a_silent_origin(self) -> None:
        async def slow() -> AsyncIterator[bytes]:
            for _ in range(6):
                await asyncio.sleep(0.1)
                yield b"x"

        async with fetching(timeouts=replace(FAST, response_head_s=0.3)) as (_, fetch):
            assert await fetch.body("POST", body=slow(), content_length=6) == b"ok"

    async def test_nobody_there(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        fetch = Fetch(origin_of(f"http://127.0.0.1:{port}"))
        with pytest.raises(ExchangeError) as caught:
            await fetch.body()
        assert (caught.value.code, caught.value.status, caught.value.retry_after_s) == ("upstream-unreachable", 502, 60)
        await fetch.upstream.close()

    async def test_a_name_that_nobody_has(self) -> None:
        fetch = Fetch(origin_of("http://no-such-name.invalid"))
        with pytest.raises(ExchangeError, match="upstream-name"):
            await fetch.body()
        await fetch.upstream.close()


class TestResponses:
    async def test_head_204_and_304_have_no_body_and_keep_the_connection(self) -> None:
        answers = (
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 50\r\n\r\n',
            OK,
        )
        async with fetching(answering(*answers)) as (origin, fetch):
            head = await fetch("HEAD")
            assert (head.content_length, head.at_end, head.close_delimited) == (99, True, False)
            head.release()
            for status in (204, 304):
                response = await fetch()
                assert (response.status, await response.read_up_to(9, 1), response.at_end) == (status, b"", True)
                response.release()
            assert await fetch.body() == b"ok"
            assert len(origin.visits) == 1

    async def test_interim_answers_are_passed_over(self) -> None:
        early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK
        async with fetching(answering(early)) as (_, fetch):
            assert await fetch.body() == b"ok"

    async def test_codings_pass_as_they_are(self) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\0x"
        async with fetching(answering(answer)) as (_, fetch):
            assert await fetch.body() == b"\x1f\x8b\0x"

    async def test_field_order_repetition_and_bytes_are_kept(self) -> None:
        answer = b"HTTP/1.1 200 Fine\r\nSet-Cookie: a=1\r\nx-B: \xe9\r\nset-cookie: b=2\r\nContent-Length: 0\r\n\r\n"
        async with fetching(answering(answer)) as (_, fetch):
            response = await fetch()
            response.release()
            assert response.reason == "Fine"
            assert list(response.raw_headers)[:3] == [
                (b"Set-Cookie", b"a=1"),
                (b"x-B", b"\xe9"),
                (b"set-cookie", b"b=2"),
            ]
            assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]

    async def test_a_prefix_is_what_came_in_time_and_the_rest_follows(self) -> None:
        more = asyncio.Event()

        async def dripping(visit: Visit) -> None:
            await visit.head()
            await visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            await more.wait()
            await visit.send(b"3\r\ndef\r\n0\r\n\r\n")

        async with fetching(dripping) as (_, fetch):
            response = await fetch()
            assert await response.read_up_to(100, 0.1) == b"abc"
            assert not response.at_end
            more.set()
            assert b"".join([chunk async for chunk in response.iter_chunks()]) == b"def"
            assert response.at_end
            response.release()

    async def test_a_prefix_stops_at_its_length(self) -> None:
        async with fetching(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef")) as (_, fetch):
            response = await fetch()
            assert await response.read_up_to(4, 1) == b"abcd"
            assert not response.at_end
            assert await response.read_up_to(4, 1) == b"ef"
            assert response.at_end
            response.release()

    async def test_a_body_that_ends_with_the_connection_is_marked(self) -> None:
        async def closing(visit: Visit) -> None:
            await visit.head()
            await visit.send(b"HTTP/1.1 200 OK\r\n\r\nabc")

        async with fetching(closing) as (_, fetch):
            response = await fetch()
            assert response.content_length is None
            assert b"".join([chunk async for chunk in response.iter_chunks()]) == b"abc"
            response.release()
