"""What an origin gets: requests, bodies, Expect, and connections that are used again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from proxy.errors import ExchangeError
from tests.fetching import fetching, pieces
from tests.origins import OK, Visit, answering
from tests.wire import FAST


class TestRequests:
    async def test_nothing_is_added_to_a_request_that_has_no_body(self) -> None:
        async with fetching() as (origin, fetch):
            assert await fetch.body(target="/a%7Eb?x=%2F;#".removesuffix("#")) == b"ok"
            assert origin.received == b"GET /a%7Eb?x=%2F; HTTP/1.1\r\nHost: lms.test\r\n\r\n"

    async def test_a_body_of_known_length_is_sent_with_it_and_any_other_in_chunks(self) -> None:
        async with fetching() as (origin, fetch):
            await fetch.body("POST", body=pieces(b"ab", b"c"), content_length=3)
            await fetch.body("POST", body=pieces(b"ab", b"c"))
            await fetch.body("POST", body=b"whole")
            await fetch.body("POST")
            heads = origin.received
            assert b"Content-Length: 3\r\n\r\nabcPOST" in heads
            assert b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\nPOST" in heads
            assert b"Content-Length: 5\r\n\r\nwholePOST" in heads
            assert heads.endswith(b"Content-Length: 0\r\n\r\n")

    async def test_a_connection_that_rested_longer_than_an_origin_may_be_silent_is_as_good_as_new(self) -> None:
        large = b"x" * 500_000
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + large
        async with fetching(answering(answer), timeouts=replace(FAST, upstream_idle_s=0.2)) as (origin, fetch):
            assert await fetch.body() == large  # read in pauses, the last of them after its end came
            await asyncio.sleep(0.4)
            assert await fetch.body() == large
            assert len(origin.visits) == 1

    async def test_a_body_shorter_than_declared_is_not_completed(self) -> None:
        async with fetching() as (origin, fetch):
            with pytest.raises(ExchangeError, match="client-left"):
                await fetch.body("POST", body=pieces(b"ab"), content_length=3)
            assert origin.received.endswith((b"\r\n\r\n", b"ab"))

    async def test_a_body_longer_than_declared_never_spills_into_a_next_request(self) -> None:
        async with fetching() as (origin, fetch):
            with pytest.raises(ExchangeError, match="request-too-large"):
                await fetch.body("POST", body=pieces(b"ab", b"cdef"), content_length=3)
            assert b"cdef" not in origin.received

    async def test_a_client_that_breaks_off_breaks_the_upload_off(self) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"ab"
            raise ConnectionResetError("gone")

        async with fetching() as (origin, fetch):
            with pytest.raises(ExchangeError, match="client-left"):
                await fetch.body("POST", body=broken())
            assert not origin.received.endswith(b"0\r\n\r\n")

    @pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\rb", "a\0b"])
    async def test_a_line_end_in_a_field_never_reaches_the_origin(self, value: str) -> None:
        async with fetching() as (origin, fetch):
            with pytest.raises(ExchangeError):
                await fetch.body(headers={"X": value})
            assert origin.received == b""

    async def test_an_early_final_answer_to_an_upload_is_delivered(self) -> None:
        async def refusing(visit: Visit) -> None:
            await visit.head()
            await visit.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(10_000):
                yield b"x" * 1000
                await asyncio.sleep(0.001)

        async with fetching(refusing) as (_, fetch):
            response = await fetch("POST", body=endless())
            assert response.status == 413
            assert await response.read_up_to(10, 1) == b"no!"
            response.release()


class TestExpect:
    async def test_the_body_waits_for_the_origins_word(self) -> None:
        told: list[str] = []

        async def asking(visit: Visit) -> None:
            head = await visit.head()
            assert b"Expect: 100-continue" in head
            await asyncio.sleep(0.1)
            assert not told
            await visit.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            assert await visit.read_exactly(3) == b"abc"
            await visit.send(OK)

        async with fetching(asking) as (_, fetch):
            more = {"body": pieces(b"abc"), "content_length": 3, "expect_continue": lambda: told.append("go")}
            assert await fetch.body("POST", **more) == b"ok"
            assert told == ["go"]

    async def test_a_final_answer_instead_spares_the_body(self) -> None:
        told: list[str] = []

        async def refusing(visit: Visit) -> None:
            await visit.head()
            await visit.send(b"HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n")
            await visit.read()

        async with fetching(refusing) as (origin, fetch):
            more = {"body": pieces(b"abc"), "content_length": 3, "expect_continue": lambda: told.append("go")}
            response = await fetch("POST", **more)
            response.release()
            assert (response.status, told) == (401, [])
            await asyncio.sleep(0.05)
            assert b"abc" not in origin.received
            assert origin.visits[0].reader.at_eof(), "a connection with an unsent body isn't used again"

    async def test_an_origin_that_ignores_it_gets_the_body_after_a_while(self) -> None:
        told: list[str] = []
        async with fetching(timeouts=replace(FAST, response_head_s=10)) as (origin, fetch):
            more = {"body": pieces(b"abc"), "content_length": 3, "expect_continue": lambda: told.append("go")}
            assert await fetch.body("POST", **more) == b"ok"
            assert told == ["go"] and len(origin.visits) == 1


class TestConnections:
    async def test_a_connection_is_used_again_after_a_whole_body_and_not_after_a_part(self) -> None:
        big = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000
        async with fetching(answering(OK, OK, big)) as (origin, fetch):
            for _ in range(2):
                assert await fetch.body() == b"ok"
            assert len(origin.visits) == 1
            response = await fetch()
            assert await response.read_up_to(10, 1) == b"x" * 10
            response.release()
            await fetch.body()
            assert len(origin.visits) == 2

    @pytest.mark.parametrize(
        ("method", "visits", "survives"),
        [("GET", 2, True), ("HEAD", 2, True), ("POST", 1, False), ("DELETE", 1, False)],
    )
    async def test_only_what_may_be_repeated_is_after_a_connection_died_in_the_pool(
        self, method: str, visits: int, survives: bool
    ) -> None:
        seen: list[bytes] = []

        async def once_then_dead(visit: Visit) -> None:
            seen.append(await visit.head())
            await visit.send(OK.removesuffix(b"ok") if seen[-1].startswith(b"HEAD") else OK)
            if len(seen) == 1:  # takes the second request of the first connection and dies
                await visit.head()

        async with fetching(once_then_dead) as (origin, fetch):
            await fetch.body()
            if survives:
                await fetch.body(method)
            else:
                with pytest.raises(ExchangeError, match="upstream-unreachable"):
                    await fetch.body(method)
            assert len(origin.visits) == visits

    @pytest.mark.parametrize("login", ["NTLM TlRMTVNTUAAD", "Negotiate YII=", "  negotiate YII="])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_a_login_that_holds_for_a_connection_is_not_left_to_the_next_learner(
        self, login: str, method: str
    ) -> None:
        async with fetching() as (origin, fetch):
            assert await fetch.body(method, body=b"x" if method == "POST" else None, headers={"Authorization": login})
            assert await fetch.body() == b"ok"
            assert await fetch.body("POST", body=b"x") == b"ok"
            with_login = [visit for visit in origin.visits if b"Authorization" in visit.received]
            assert [bytes(visit.received).count(b" HTTP/1.1") for visit in with_login] == [1]

    async def test_a_login_that_each_request_says_anew_costs_no_connection(self) -> None:
        async with fetching() as (origin, fetch):
            await fetch.body(headers={"Authorization": "Basic YTpi"})
            await fetch.body(headers={"Authorization": "Bearer x"})
            assert len(origin.visits) == 1

    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_interim_answers_without_end_are_an_origin_that_says_nothing(self, method: str) -> None:
        async def never_final(visit: Visit) -> None:
            await visit.body(await visit.head())
            while True:
                await visit.send(b"HTTP/1.1 102 Processing\r\n\r\n")
                await asyncio.sleep(0.02)

        patience = replace(FAST, response_head_s=0.4)
        async with fetching(never_final, timeouts=patience) as (_, fetch):
            with pytest.raises(ExchangeError, match="upstream-timeout"):
                async with asyncio.timeout(20):
                    await fetch.body(method, body=b"x" if method == "POST" else None)

    async def test_a_fresh_connection_that_dies_is_not_tried_again(self) -> None:
        async def dead(visit: Visit) -> None:
            await visit.head()

        async with fetching(dead) as (origin, fetch):
            with pytest.raises(ExchangeError, match="upstream-unreachable"):
                await fetch.body()
            assert len(origin.visits) == 1

    async def test_a_private_address_of_a_host_that_no_origin_lists_is_refused(self) -> None:
        async with fetching() as (origin, fetch):
            for host in ("127.0.0.1", "localhost"):
                with pytest.raises(ExchangeError) as caught:
                    await fetch.body(origin=None, host=host, port=origin.port)
                assert (caught.value.code, caught.value.status) == ("target-refused", 403)
            assert origin.visits == []
            assert await fetch.body() == b"ok"
            with pytest.raises(ExchangeError, match="target-refused"):  # the pooled connection isn't lent either
                await fetch.body(origin=None, host="127.0.0.1", port=origin.port)
