"""Exchanges with origins of bare bytes: framing, reuse, retries, time-outs, lies, TLS, chaining, interim answers."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from multidict import CIMultiDict

from policies.model import Origin
from proxy.errors import ExchangeError
from proxy.upstream.response import UpstreamResponse
from proxy.upstream.upstream import Upstream
from tests.origins import OK, RawOrigin, Script, Visit, answer_ok, answering, raw_origin
from tests.wire import FAST, SMALL, catalogue_of, origin_of


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


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    def served(self, authority: trustme.CA, name: str = "lms.test", **options: object) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name, **options).configure_cert(context)  # type: ignore[arg-type]
        return context

    @pytest.fixture
    def bundle(self, authority: trustme.CA, tmp_path: Path) -> str:
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        return str(tmp_path / "ca.pem")

    @pytest.mark.parametrize("where", ["installation", "origin"])
    async def test_an_origin_under_an_extra_authority_is_verified(
        self, authority: trustme.CA, bundle: str, where: str
    ) -> None:
        async with raw_origin(tls=self.served(authority)) as origin:
            changes = {"ca_file": bundle} if where == "origin" else {}
            settings = {} if where == "origin" else {"ca_file": bundle}
            fetch = Fetch(origin_of(origin.url, **changes), **settings)
            assert await fetch.body(scheme="https", port=443) == b"ok"
            await fetch.upstream.close()

    @pytest.mark.parametrize("fault", ["unknown-authority", "wrong-name", "expired"])
    async def test_a_certificate_that_proves_nothing_is_refused(
        self, authority: trustme.CA, bundle: str, fault: str, make_expired: Callable[[trustme.CA], ssl.SSLContext]
    ) -> None:
        tls = {
            "unknown-authority": lambda: self.served(trustme.CA()),
            "wrong-name": lambda: self.served(authority, "other.test"),
            "expired": lambda: make_expired(authority),
        }[fault]()
        async with raw_origin(tls=tls) as origin:
            fetch = Fetch(origin_of(origin.url), ca_file=bundle)
            with pytest.raises(ExchangeError) as caught:
                await fetch.body(scheme="https", port=443)
            assert (caught.value.code, caught.value.status) == ("upstream-certificate", 502)
            assert origin.received == b""
            await fetch.upstream.close()

    @pytest.fixture
    def make_expired(self) -> Callable[[trustme.CA], ssl.SSLContext]:
        from datetime import UTC, datetime, timedelta

        def make(authority: trustme.CA) -> ssl.SSLContext:
            return self.served(authority, not_after=datetime.now(UTC) - timedelta(days=1))

        return make

    async def test_a_renewed_bundle_counts_from_the_next_request_and_a_missing_one_says_so(
        self, authority: trustme.CA, bundle: str
    ) -> None:
        renewed = trustme.CA()
        async with raw_origin(tls=self.served(renewed)) as origin:
            fetch = Fetch(origin_of(origin.url), ca_file=bundle)
            with pytest.raises(ExchangeError, match="upstream-certificate"):
                await fetch.body(scheme="https", port=443)
            renewed.cert_pem.write_to_path(bundle)
            os.utime(bundle, ns=(1, 1))
            assert await fetch.body(scheme="https", port=443) == b"ok"
            Path(bundle).unlink()
            with pytest.raises(ExchangeError, match=r"ca\.pem"):
                await fetch.body(scheme="https", port=443)
            await fetch.upstream.close()

    async def test_the_operator_may_switch_verification_off_for_an_origin(self, authority: trustme.CA) -> None:
        async with raw_origin(tls=self.served(authority)) as origin:
            fetch = Fetch(origin_of(origin.url, verify_tls=False))
            assert await fetch.body(scheme="https", port=443) == b"ok"
            await fetch.upstream.close()


class TestChaining:
    async def test_plain_requests_go_to_the_upstream_proxy_in_absolute_form(self) -> None:
        async with raw_origin() as proxy:
            fetch = Fetch(
                origin_of(None, allow_private=False), upstream_proxy=f"http://user:se%20cret@127.0.0.1:{proxy.port}"
            )
            assert await fetch.body(target="/a%7E?b") == b"ok"
            assert proxy.received.startswith(b"GET http://lms.test:80/a%7E?b HTTP/1.1\r\nHost: lms.test\r\n")
            assert b"Proxy-Authorization: Basic dXNlcjpzZSBjcmV0\r\n" in proxy.received
            await fetch.upstream.close()

    async def test_https_goes_through_a_tunnel_and_is_verified_end_to_end(self, tmp_path: Path) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("lms.test").configure_cert(context)
        async with raw_origin(tls=context) as origin:

            async def tunnelling(visit: Visit) -> None:
                assert (await visit.head()).startswith(b"CONNECT lms.test:443 HTTP/1.1\r\n")
                await visit.send(b"HTTP/1.1 200 OK\r\n\r\n")
                reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)

                async def back() -> None:
                    while data := await reader.read(65536):
                        await visit.send(data)

                task = asyncio.create_task(back())
                while data := await visit.read():
                    writer.write(data)
                task.cancel()
                writer.close()

            async with raw_origin(tunnelling) as proxy:
                fetch = Fetch(
                    origin_of(None, allow_private=False),
                    upstream_proxy=f"http://127.0.0.1:{proxy.port}",
                    ca_file=str(tmp_path / "ca.pem"),
                )
                for _ in range(2):
                    assert await fetch.body(scheme="https", port=443) == b"ok"
                assert len(proxy.visits) == 1, "the tunnel is used again"
                assert b"GET /" not in proxy.received
                await fetch.upstream.close()

    async def test_private_literals_are_refused_before_the_upstream_proxy_is_asked(self) -> None:
        async with raw_origin() as proxy:
            fetch = Fetch(origin_of(None, allow_private=False), upstream_proxy=f"http://127.0.0.1:{proxy.port}")
            for host in ("127.0.0.1", "169.254.169.254", "localhost", "0x7f.1"):
                with pytest.raises(ExchangeError, match="target-refused"):
                    await fetch.body(host=host)
            assert proxy.visits == []
            await fetch.upstream.close()
