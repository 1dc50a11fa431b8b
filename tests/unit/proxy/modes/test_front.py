"""The front on real sockets: keep-alive, slow and flaky clients, limits, TLS, PROXY header, CONNECT, closing."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from policies.model import Limits, Listener
from proxy.errors import overloaded
from proxy.exchange import Inbound
from proxy.modes.tunnel import Refusal
from tests.origins import OK, Visit, answer_ok, answering, raw_origin, talk
from tests.wire import FAST, FORWARD, LOOPBACK, SMALL, Gate, OpenTerms, Wire, catalogue_of, origin_of, wire

GET = b"GET /a HTTP/1.1\r\nHost: lms.test\r\n\r\n"


async def plain(_: Wire, inbound: Inbound) -> web.StreamResponse:
    return web.Response(text=f"{inbound.client.address} {inbound.url}")


@pytest.fixture(autouse=True)
def warnings(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """No client, however it behaves, makes a traceback or even a warning, unless the test expects it."""
    expected: list[str] = []
    yield expected
    records = caplog.get_records("call")
    assert [record.getMessage() for record in records if record.levelno >= logging.WARNING] == expected


class TestRequests:
    async def test_the_target_travels_exactly_as_received(self) -> None:
        target = b"/a%7Eb/%2f/../x;y=%D0%B0?q=a+b%20c&sig=%2B~'()*!&&=#".removesuffix(b"#")
        async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url))) as front:
            await talk(front.port, b"GET " + target + b" HTTP/1.1\r\nHost: lms.test\r\n\r\n")
            assert origin.received.startswith(b"GET " + target + b" HTTP/1.1\r\n")

    async def test_field_bytes_that_are_not_utf8_pass_both_ways(self) -> None:
        name = 'attachment; filename="лекция.pdf"'.encode("cp1251")
        answer = b"HTTP/1.1 200 OK\r\nContent-Disposition: " + name + b"\r\nContent-Length: 0\r\n\r\n"
        async with raw_origin(answering(answer)) as origin, wire(catalogue_of(origin_of(origin.url))) as front:
            heard = await talk(front.port, b"GET / HTTP/1.1\r\nHost: lms.test\r\nX: \xe9\xff!\r\n\r\n")
            assert b"\r\nX: \xe9\xff!\r\n" in origin.received
            assert b"\r\nContent-Disposition: " + name + b"\r\n" in heard

    async def test_one_connection_serves_many_requests_over_one_connection_to_the_origin(self) -> None:
        async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url))) as front:
            heard = await talk(front.port, GET * 5)
            assert heard.count(b"HTTP/1.1 200 OK") == 5
            assert len(origin.visits) == 1

    @pytest.mark.parametrize("protocol", [b"foo", b"h2c"])
    async def test_no_answer_goes_to_another_request_behind_an_upgrade_that_is_not_taken(self, protocol: bytes) -> None:
        asks = b"GET /a HTTP/1.1\r\nHost: lms.test\r\nConnection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n"
        async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url))) as front:
            reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
            writer.write(asks + b"GET /b HTTP/1.1\r\nHost: lms.test\r\n\r\n")
            async with asyncio.timeout(20):
                heard = await reader.read()  # to its end: what wasn't read is never answered with something else
            writer.transport.abort()
            assert heard.count(b"HTTP/1.1 200 OK") == origin.received.count(b" HTTP/1.1\r\n") == 1
            assert origin.received.startswith(b"GET /a ")

    async def test_a_request_cut_at_any_place_is_the_same_request(self) -> None:
        raw = b"POST /p HTTP/1.1\r\nHost: lms.test\r\nContent-Length: 3\r\n\r\nabc"
        async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url))) as front:
            for cut in range(1, len(raw)):
                reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
                writer.write(raw[:cut])
                await asyncio.sleep(0.002)
                writer.write(raw[cut:])
                assert (await reader.readuntil(b"\r\n")) == b"HTTP/1.1 200 OK\r\n"
                writer.close()
            requests = origin.received.split(b"POST ")[1:]
            assert len(requests) == len(raw) - 1
            assert len(set(requests)) == 1

    async def test_a_client_that_expects_100_sends_its_body_when_the_origin_wants_it(self) -> None:
        async def asking(visit: Visit) -> None:
            assert b"Expect: 100-continue" in await visit.head()
            await visit.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            assert await visit.read_exactly(3) == b"abc"
            await visit.send(OK)

        async with raw_origin(asking) as origin, wire(catalogue_of(origin_of(origin.url))) as front:
            reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
            writer.write(b"PUT / HTTP/1.1\r\nHost: lms.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"abc")
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 OK")
            writer.close()

    async def test_http_1_0_is_answered_and_closed(self) -> None:
        async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url))) as front:
            heard = await talk(front.port, b"GET / HTTP/1.0\r\nHost: lms.test\r\n\r\n", quiet_s=5)
            assert heard.startswith(b"HTTP/1.0 200 OK") and heard.endswith(b"ok")

    async def test_a_head_over_the_limit_is_refused_with_431(self) -> None:
        catalogue = catalogue_of(origin_of("http://127.0.0.1:1"), limits=SMALL)
        many = b"".join(b"X-%d: %s\r\n" % (place, b"y" * 1000) for place in range(20))
        async with wire(catalogue) as front:
            for fields in (b"X: " + b"y" * 20_000 + b"\r\n", many):
                heard = await talk(front.port, b"GET / HTTP/1.1\r\nHost: lms.test\r\n" + fields + b"\r\n")
                assert heard.split(b" ", 2)[1] == b"431"

    async def test_a_body_over_the_limit_is_refused_with_413_and_not_completed(self) -> None:
        chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
        async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url), limits=SMALL)) as front:
            raw = b"POST / HTTP/1.1\r\nHost: lms.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 8
            heard = await talk(front.port, raw, b"0\r\n\r\n", quiet_s=1)
            assert heard.split(b" ", 2)[1] == b"413"
            assert not origin.received.endswith(b"0\r\n\r\n")

    async def test_the_catalogue_may_be_swapped_between_two_requests_of_a_connection(self) -> None:
        async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url))) as front:
            reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
            writer.write(GET)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            front.catalogue = catalogue_of(origin_of(origin.url, "other.test"))
            writer.write(GET)
            assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 421")
            writer.close()

    async def test_an_error_of_the_handler_becomes_a_small_answer(self) -> None:
        async def busy(_: Wire, __: Inbound) -> web.StreamResponse:
            raise overloaded("full")

        async with wire(catalogue_of(origin_of("http://127.0.0.1:1")), busy) as front:
            heard = await talk(front.port, GET)
            assert heard.startswith(b"HTTP/1.1 503") and b"Retry-After: 20" in heard
            assert "Сейчас слишком много обращений" in heard.decode()


class TestSlowAndFlakyClients:
    async def test_a_head_that_takes_too_long_gets_408_and_an_idle_connection_an_end(self) -> None:
        timeouts = replace(FAST, request_head_s=0.5, keep_alive_s=0.5)
        async with wire(catalogue_of(origin_of("http://127.0.0.1:1"), timeouts=timeouts)) as front:
            assert await talk(front.port, quiet_s=3) == b""  # says nothing at all
            half, idle = await asyncio.gather(
                talk(front.port, b"GET / HTTP/1.1\r\nHost", quiet_s=9), talk(front.port, GET, quiet_s=9)
            )
            assert half.startswith(b"HTTP/1.1 408 ")
            assert idle.startswith(b"HTTP/1.1 502 ")
            assert front.front.connections == 0

    async def test_a_head_at_two_bytes_a_second_is_waited_for(self) -> None:
        async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url))) as front:
            reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
            for byte in GET:
                writer.write(bytes((byte,)))
                await asyncio.sleep(0.005)
            assert await reader.readuntil(b"ok")
            writer.close()

    async def test_an_upload_that_stalls_is_given_up(self) -> None:
        timeouts = replace(FAST, client_idle_s=0.3)
        async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url), timeouts=timeouts)) as front:
            head = b"POST / HTTP/1.1\r\nHost: lms.test\r\nContent-Length: 10\r\n\r\nabc"
            await talk(front.port, head, quiet_s=8)
            await asyncio.sleep(0.05)
            assert front.front.exchanges == 0
            assert b"Content-Length: 10" in origin.received
            assert origin.visits[0].reader.at_eof()

    async def test_a_client_that_takes_nothing_is_given_up_by_the_kernel(self) -> None:
        async def endless(_: Wire, inbound: Inbound) -> web.StreamResponse:
            answer = web.StreamResponse()
            await answer.prepare(inbound.request)
            while True:
                await answer.write(b"x" * 65536)

        timeouts = replace(FAST, client_idle_s=1.0)
        async with wire(catalogue_of(origin_of("http://127.0.0.1:1"), timeouts=timeouts), endless) as front:
            client = socket.create_connection(("127.0.0.1", front.port))
            client.sendall(GET)
            async with asyncio.timeout(20):
                while not front.front.exchanges:
                    await asyncio.sleep(0.05)
                while front.front.exchanges:
                    await asyncio.sleep(0.1)
            client.close()

    async def test_clients_that_reset_at_any_moment_leave_nothing_behind(self) -> None:
        async def dripping(visit: Visit) -> None:
            await visit.head()
            await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            for _ in range(100):
                await visit.send(b"x" * 10_000)
                await asyncio.sleep(0.001)

        async with raw_origin(dripping) as origin, wire(catalogue_of(origin_of(origin.url))) as front:
            for delay_s in (0, 0.002, 0.01, 0.03, 0.08):
                for raw in (
                    b"G",
                    GET[:20],
                    GET,
                    GET * 3,
                    b"POST / HTTP/1.1\r\nHost: lms.test\r\nContent-Length: 9\r\n\r\nab",
                ):
                    client = socket.create_connection(("127.0.0.1", front.port))
                    client.sendall(raw)
                    await asyncio.sleep(delay_s)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.close()
            async with asyncio.timeout(5):
                while front.front.exchanges or front.front.connections:
                    await asyncio.sleep(0.05)

    async def test_connections_over_the_limit_push_out_the_longest_idle(self) -> None:
        limits = Limits(max_connections=10)
        async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url), limits=limits)) as front:
            held = [await asyncio.open_connection("127.0.0.1", front.port) for _ in range(10)]
            for reader, writer in held:
                writer.write(GET)
                await reader.readuntil(b"ok")
            assert (await talk(front.port, GET)).startswith(b"HTTP/1.1 200")
            assert await held[0][0].read() == b""
            assert front.front.connections <= 10
            for _, writer in held:
                writer.close()

    async def test_a_connection_that_broke_elsewhere_is_answered_and_never_met_with_silence(
        self, warnings: list[str]
    ) -> None:
        async def broken(_: Wire, __: Inbound) -> web.StreamResponse:
            raise BrokenPipeError("a worker's")

        async with wire(catalogue_of(origin_of("http://127.0.0.1:1")), broken) as front:
            assert (await talk(front.port, GET)).startswith(b"HTTP/1.1 500")
        warnings.append("unexpected error in an exchange")

    async def test_exchanges_over_the_limit_get_503(self) -> None:
        async def slow(_: Wire, __: Inbound) -> web.StreamResponse:
            await asyncio.sleep(0.5)
            return web.Response(text="slow")

        catalogue = catalogue_of(origin_of("http://127.0.0.1:1"), limits=Limits(max_exchanges=2))
        async with wire(catalogue, slow) as front:
            answers = await asyncio.gather(*(talk(front.port, GET, quiet_s=1) for _ in range(4)))
            statuses = sorted(answer.split(b" ", 2)[1] for answer in answers)
            assert statuses == [b"200", b"200", b"503", b"503"]


class TestClosing:
    async def test_a_running_exchange_finishes_and_an_idle_connection_ends_at_once(self) -> None:
        begun, may_end = asyncio.Event(), asyncio.Event()

        async def slow(_: Wire, __: Inbound) -> web.StreamResponse:
            begun.set()
            await may_end.wait()
            return web.Response(text="finished")

        async with wire(catalogue_of(origin_of("http://127.0.0.1:1")), slow) as front:
            idle, idle_writer = await asyncio.open_connection("127.0.0.1", front.port)
            may_end.set()
            idle_writer.write(GET)
            await idle.readuntil(b"finished")
            begun.clear()
            may_end.clear()
            running = asyncio.create_task(talk(front.port, GET, quiet_s=20))
            await begun.wait()
            closing = asyncio.create_task(front.front.close(20))
            assert await idle.read() == b""
            assert not running.done() and not closing.done()
            may_end.set()
            assert (await running).endswith(b"finished")
            await closing
            idle_writer.close()
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", front.port)

    async def test_what_outlasts_the_drain_is_ended(self) -> None:
        async def stuck(_: Wire, __: Inbound) -> web.StreamResponse:
            await asyncio.sleep(60)
            return web.Response()

        async with wire(catalogue_of(origin_of("http://127.0.0.1:1")), stuck) as front:
            running = asyncio.create_task(talk(front.port, GET, quiet_s=10))
            await asyncio.sleep(0.1)
            async with asyncio.timeout(3):
                await front.front.close(0.2)
                assert await running == b""


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    def listener(self, authority: trustme.CA, folder: Path, mode: str = "reverse") -> Listener:
        leaf = authority.issue_cert("lms.test")
        leaf.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        leaf.private_key_pem.write_to_path(folder / "key.pem")
        return Listener(
            name="tls",
            mode=mode,
            host="127.0.0.1",
            port=0,
            tls_certificate=str(folder / "cert.pem"),
            tls_key=str(folder / "key.pem"),
            clients=LOOPBACK,
        )

    def client(self, authority: trustme.CA) -> ssl.SSLContext:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context

    async def test_a_listener_with_a_certificate_speaks_https(self, authority: trustme.CA, tmp_path: Path) -> None:
        async with raw_origin() as origin:
            catalogue = catalogue_of(origin_of(origin.url))
            async with wire(catalogue, listener=self.listener(authority, tmp_path)) as front:
                heard = await talk(front.port, GET, tls=self.client(authority))
                assert heard.endswith(b"ok")
                assert b"X-Forwarded-Proto: https\r\n" in origin.received
                assert front.inbounds[0].url == "https://lms.test/a"
                # No status: whoever speaks plain HTTP here isn't understood.
                assert not (await talk(front.port, GET)).startswith(b"HTTP/1.1 2")

    async def test_a_renewed_certificate_serves_new_connections(self, authority: trustme.CA, tmp_path: Path) -> None:
        async with wire(
            catalogue_of(origin_of("http://127.0.0.1:1")), plain, listener=self.listener(authority, tmp_path)
        ) as front:
            renewed = trustme.CA()
            leaf = renewed.issue_cert("lms.test")
            leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
            leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
            front.front.reload_certificate()
            assert (await talk(front.port, GET, tls=self.client(renewed))).startswith(b"HTTP/1.1 200")
            (tmp_path / "key.pem").write_text("broken")
            with pytest.raises((OSError, ssl.SSLError)):
                front.front.reload_certificate()
            assert (await talk(front.port, GET, tls=self.client(renewed))).startswith(b"HTTP/1.1 200")

    async def test_connect_within_tls_makes_a_tunnel(self, authority: trustme.CA, tmp_path: Path) -> None:
        async with raw_origin() as origin:
            catalogue = catalogue_of(origin_of(None, ports=frozenset({origin.port})))
            listener = self.listener(authority, tmp_path, "forward")
            async with wire(catalogue, listener=listener, resolver=Loopback()) as front:
                connect = b"CONNECT lms.test:%d HTTP/1.1\r\nHost: lms.test:%d\r\n\r\n" % ((origin.port,) * 2)
                heard = await talk(front.port, connect + GET, tls=self.client(authority))
                assert heard == b"HTTP/1.1 200 Connection established\r\n\r\n" + OK
                assert origin.received == GET


class Loopback:
    """Every name is this machine."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[dict[str, object]]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        return None


class TestProxyHeader:
    LISTENER = Listener(name="l4", mode="reverse", host="127.0.0.1", port=0, proxy_protocol_from=LOOPBACK)

    @pytest.mark.parametrize(
        "header",
        [
            b"PROXY TCP4 10.41.7.9 10.0.0.1 50000 443\r\n",
            b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x0a\x29\x07\x09\x0a\x00\x00\x01\xc3\x50\x01\xbb",
        ],
        ids=["v1", "v2"],
    )
    async def test_the_learner_is_who_the_listed_front_says(self, header: bytes) -> None:
        async with wire(catalogue_of(origin_of("http://127.0.0.1:1")), plain, listener=self.LISTENER) as front:
            for pieces in ((header + GET,), (header[:5], header[5:] + GET), (header, GET)):
                assert b"10.41.7.9 http://lms.test/a" in await talk(front.port, *pieces)
            client = front.inbounds[0].client
            assert client.address == ip_address("10.41.7.9") and client.peer == ip_address("127.0.0.1")

    async def test_without_the_header_a_listed_front_is_not_served(self, warnings: list[str]) -> None:
        warnings.append("no PROXY header from 127.0.0.1, which must send one on l4")
        async with wire(catalogue_of(origin_of("http://127.0.0.1:1")), plain, listener=self.LISTENER) as front:
            assert await talk(front.port, GET + b"x" * 100) == b""

    async def test_local_health_checks_of_the_front_are_served_as_themselves(self) -> None:
        local = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
        async with wire(catalogue_of(origin_of("http://127.0.0.1:1")), plain, listener=self.LISTENER) as front:
            assert b"127.0.0.1 http" in await talk(front.port, local + GET)

    async def test_nobody_else_is_believed(self) -> None:
        listener = Listener(name="l4", mode="reverse", host="127.0.0.1", port=0)
        async with wire(catalogue_of(origin_of("http://127.0.0.1:1")), plain, listener=listener) as front:
            heard = await talk(front.port, b"PROXY TCP4 10.41.7.9 10.0.0.1 50000 443\r\n" + GET)
            assert heard.split(b" ", 2)[1] == b"400"
            assert front.inbounds == []


class TestConnect:
    def connect(self, port: int) -> bytes:
        return b"CONNECT lms.test:%d HTTP/1.1\r\nHost: lms.test:%d\r\nX: y\r\n\r\n" % (port, port)

    async def test_a_tunnel_carries_bytes_both_ways_and_reports_them(self) -> None:
        terms = OpenTerms()
        async with raw_origin() as origin:
            catalogue = catalogue_of(origin_of(None, ports=frozenset({origin.port})))
            async with wire(catalogue, listener=FORWARD, resolver=Loopback(), gate=Gate(terms)) as front:
                heard = await talk(front.port, self.connect(origin.port), GET)
                await asyncio.sleep(0.05)
                assert heard == b"HTTP/1.1 200 Connection established\r\n\r\n" + OK
                assert origin.received == GET
                request = front.gate.asked[0]
                assert (request.host, request.port, request.listener) == ("lms.test", origin.port, "forward")
                assert request.headers["X"] == "y"
                assert request.origin is not None and request.origin.id == "lms"
                assert [(up, down) for up, down, _ in terms.closings] == [(len(GET), len(OK))]
                assert terms.settled == [(len(OK), len(GET))] and terms.reserved == [262_144]

    async def test_a_connect_cut_at_any_place_and_followed_at_once_by_bytes_is_a_tunnel(self) -> None:
        async with raw_origin() as origin:
            catalogue = catalogue_of(origin_of(None, ports=frozenset({origin.port})))
            async with wire(catalogue, listener=FORWARD, resolver=Loopback()) as front:
                raw = self.connect(origin.port) + GET
                for cut in range(1, len(raw), 7):
                    heard = await talk(front.port, raw[:cut], raw[cut:], quiet_s=0.15)
                    assert heard.endswith(OK), cut

    @pytest.mark.parametrize("with_early_bytes", [True, False])
    async def test_a_connect_after_plain_requests_on_the_same_connection_is_a_tunnel(
        self, with_early_bytes: bool
    ) -> None:
        async with raw_origin() as origin:
            lms = origin_of(None, ports=frozenset({origin.port}))
            async with wire(catalogue_of(lms), listener=FORWARD, resolver=Loopback()) as front:
                reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
                url = b"GET http://lms.test:%d/one HTTP/1.1\r\nHost: lms.test:%d\r\n\r\n" % ((origin.port,) * 2)
                for _ in range(2):
                    writer.write(url)
                    assert await reader.readuntil(b"ok")
                early = GET if with_early_bytes else b""
                writer.write(self.connect(origin.port) + early)
                assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"
                writer.write(GET[len(early) :])
                assert await reader.readexactly(len(OK)) == OK
                writer.close()
                await asyncio.sleep(0.1)
                assert origin.visits[-1].received == GET
                assert front.front.tunnels.open_count == 0

    async def test_after_a_refusal_the_connection_may_be_used_on(self) -> None:
        gate = Gate(refusal=Refusal(status=403, headers=(("Tropa-Why", "window"),), body=b"no"))
        async with raw_origin() as origin:
            lms = origin_of(None, ports=frozenset({origin.port}))
            async with wire(catalogue_of(lms), listener=FORWARD, resolver=Loopback(), gate=gate) as front:
                heard = await talk(front.port, self.connect(origin.port) * 2)
                assert heard.count(b"HTTP/1.1 403 Forbidden") == 2
                assert b"\r\nTropa-Why: window\r\n" in heard and heard.endswith(b"\r\n\r\nno")
                assert origin.visits == []

    @pytest.mark.parametrize(
        ("target", "status"),
        [
            (b"lms.test:22", b"403"),
            (b"lms.test", b"400"),
            (b"/", b"400"),
            (b"http://lms.test/", b"400"),
            (b"a@lms.test:443", b"400"),
            (b"elsewhere.test:443", b"403"),
            (b"127.0.0.1:443", b"403"),
            (b"127.1:443", b"403"),
            (b"0x7f000001:443", b"403"),
            (b"[::ffff:127.0.0.1]:443", b"403"),
            (b"169.254.169.254:80", b"403"),
        ],
    )
    async def test_targets_that_are_refused(self, target: bytes, status: bytes) -> None:
        async with wire(catalogue_of(origin_of(None)), listener=FORWARD, resolver=Loopback()) as front:
            heard = await talk(front.port, b"CONNECT " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            assert heard.split(b" ", 2)[1] == status

    async def test_a_connect_that_has_passed_here_before_is_a_loop(self) -> None:
        async with wire(catalogue_of(origin_of(None)), listener=FORWARD) as front:
            raw = b"CONNECT lms.test:443 HTTP/1.1\r\nHost: x\r\nVia: 1.1 tropa-test\r\n\r\n"
            assert (await talk(front.port, raw)).startswith(b"HTTP/1.1 508 ")

    async def test_a_client_from_elsewhere_gets_403(self) -> None:
        listener = replace(FORWARD, clients=LOOPBACK[1:])
        async with wire(catalogue_of(origin_of(None)), listener=listener) as front:
            assert (await talk(front.port, b"GET http://lms.test/ HTTP/1.1\r\nHost: lms.test\r\n\r\n")).startswith(
                b"HTTP/1.1 403"
            )
            assert (await talk(front.port, self.connect(443))).startswith(b"HTTP/1.1 403")
            assert front.inbounds == [] and front.gate.asked == []

    async def test_our_own_listener_is_no_target_even_for_a_private_origin(self) -> None:
        async with wire(catalogue_of(origin_of(None)), listener=FORWARD, resolver=Loopback()) as front:
            front.catalogue = catalogue_of(origin_of(None, ports=frozenset({front.port})))
            assert (await talk(front.port, self.connect(front.port))).startswith(b"HTTP/1.1 403")


async def test_an_origin_that_answers_slowly_doesn_t_hold_other_clients() -> None:
    gate = asyncio.Event()

    async def slow(visit: Visit) -> None:
        if b"/slow" in await visit.head():
            await gate.wait()
        await visit.send(OK)
        await answer_ok(visit)

    async with raw_origin(slow) as origin, wire(catalogue_of(origin_of(origin.url))) as front:
        waiting = asyncio.create_task(talk(front.port, GET.replace(b"/a", b"/slow"), quiet_s=5))
        await asyncio.sleep(0.05)
        assert (await talk(front.port, GET)).endswith(b"ok")
        gate.set()
        assert (await waiting).endswith(b"ok")
