"""Answers on real sockets: what a client of bytes sees."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from multidict import CIMultiDict

from proxy.deliver.answer import Answer, Body
from proxy.deliver.send import Sent, Watch, plain_answer, send
from proxy.errors import ExchangeError, upstream_malformed
from tests.origins import talk

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@dataclass(slots=True)
class Sending:
    """A server that sends one made answer to every request."""

    make: Callable[[], Answer]
    watch: Watch | None = None
    write_timeout_s: float = 20.0
    port: int = 0
    sent: list[Sent] = field(default_factory=list)
    failed: list[BaseException] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            sent = await send(request, self.make(), watch=self.watch, write_timeout_s=self.write_timeout_s)
        except ExchangeError as error:
            self.failed.append(error)
            return web.Response(status=error.status, text="explained")
        self.sent.append(sent)
        return sent.response


@asynccontextmanager
async def sending(make: Callable[[], Answer], **options: object) -> AsyncIterator[Sending]:
    there = Sending(make, **options)  # type: ignore[arg-type]
    runner = web.ServerRunner(web.Server(there.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there.port = runner.addresses[0][1]
    try:
        yield there
    finally:
        await runner.cleanup()


def an_answer(body: Body, status: int = 200, **headers: str) -> Callable[[], Answer]:
    return lambda: Answer(
        status=status, headers=CIMultiDict({n.replace("_", "-"): v for n, v in headers.items()}), body=body
    )


def streaming(*pieces: bytes, then: BaseException | None = None, **headers: str) -> Callable[[], Answer]:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        if then is not None:
            raise then

    return lambda: Answer(status=200, headers=CIMultiDict(headers), body=body())


async def once(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


# -- heads ---------------------------------------------------------------------------------------------------------


async def test_a_missing_content_type_stays_missing_and_no_server_is_named() -> None:
    async with sending(an_answer(b"<html>", Content_Length="6")) as there:
        head = (await talk(there.port, LAST)).partition(b"\r\n\r\n")[0].lower()
    assert b"content-type" not in head and b"server:" not in head and b"\r\ndate:" in head


async def test_what_the_origin_says_of_its_server_and_type_stays() -> None:
    make = an_answer(b"ok", Content_Length="2", Content_Type="text/x-odd; a=b", Server="Origin/1")
    async with sending(make) as there:
        heard = await talk(there.port, LAST)
    assert b"Content-Type: text/x-odd; a=b\r\n" in heard and b"Server: Origin/1\r\n" in heard


async def test_repeated_fields_go_out_one_by_one_in_their_order() -> None:
    headers = CIMultiDict([("Set-Cookie", "a=1"), ("X", "y"), ("Set-Cookie", "b=2"), ("Content-Length", "0")])
    async with sending(lambda: Answer(status=200, headers=headers.copy(), body=b"")) as there:
        heard = await talk(there.port, LAST)
    assert heard.index(b"Set-Cookie: a=1") < heard.index(b"Set-Cookie: b=2")


async def test_a_head_request_gets_no_byte_of_a_body_that_was_made_for_it() -> None:
    head = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
    for make in (lambda: plain_answer(403, b"page of ours", "text/html"), streaming(b"streamed"), an_answer(b"bare")):
        async with sending(make) as there:
            heard = await talk(there.port, head, LAST)
        _, _, rest = heard.partition(b"\r\n\r\n")
        assert rest.startswith(b"HTTP/1.1 "), heard
        assert there.sent[0].complete


async def test_no_content_and_not_modified_are_bodyless_whatever_was_made() -> None:
    for status in (204, 304):
        async with sending(an_answer(b"too much", status=status)) as there:
            heard = await talk(there.port, GET, LAST)
        assert heard.count(b"HTTP/1.1 ") == 2 and b"too much" not in heard


# -- bodies --------------------------------------------------------------------------------------------------------


async def test_a_body_of_unknown_length_is_chunked_and_the_connection_goes_on() -> None:
    async with sending(streaming(b"one", b"", b"two")) as there:
        heard = await talk(there.port, GET, LAST)
    assert heard.count(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n") == 2
    assert all(sent.complete for sent in there.sent)


async def test_for_http_1_0_the_end_of_the_connection_is_the_end_of_the_body() -> None:
    async with sending(streaming(b"one", b"two")) as there:
        heard = await talk(there.port, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", quiet_s=5)
    head, _, body = heard.partition(b"\r\n\r\n")
    assert body == b"onetwo" and b"chunked" not in head.lower() and b"keep-alive" not in head.lower()


async def test_a_file_goes_out_whole(tmp_path: Path) -> None:
    data = bytes(range(256)) * 4096
    path = tmp_path / "variant"
    path.write_bytes(data)
    async with sending(an_answer(path, Content_Length=str(len(data)))) as there:
        heard = await talk(there.port, LAST, quiet_s=3)
    assert heard.partition(b"\r\n\r\n")[2] == data


async def test_what_was_sent_is_counted_head_included() -> None:
    async with sending(streaming(b"x" * 5000)) as there:
        heard = await talk(there.port, LAST)
    assert there.sent[0].to_learner_bytes == len(heard)


async def test_the_origins_connection_is_given_back_however_it_ends() -> None:
    closed: list[str] = []

    def closing(make: Callable[[], Answer], name: str) -> Callable[[], Answer]:
        def made() -> Answer:
            answer = make()

            async def close() -> None:
                closed.append(name)

            answer.close = close
            return answer

        return made

    broken = streaming(b"a", then=upstream_malformed("x"))
    early = streaming(then=upstream_malformed("x"))
    for name, make in (("whole", streaming(b"a")), ("broken", broken), ("early", early)):
        async with sending(closing(make, name)) as there:
            await talk(there.port, LAST)
    assert closed == ["whole", "broken", "early"]


# -- what breaks ---------------------------------------------------------------------------------------------------


async def test_a_failure_before_the_first_byte_can_still_be_explained() -> None:
    async with sending(streaming(b"", then=upstream_malformed("x"))) as there:
        heard = await talk(there.port, LAST)
    assert heard.startswith(b"HTTP/1.1 502 ") and heard.endswith(b"explained")


async def test_an_answer_that_breaks_off_never_looks_whole() -> None:
    error = upstream_malformed("cut")
    async with sending(streaming(b"half", then=error)) as there:
        chunked = await talk(there.port, GET, quiet_s=3)
    assert b"half" in chunked and not chunked.endswith(b"0\r\n\r\n")
    async with sending(streaming(b"half", then=error, **{"Content-Length": "8"})) as there:
        counted = await talk(there.port, GET, quiet_s=3)
    assert counted.endswith(b"\r\n\r\nhalf")
    assert not there.sent[0].complete and not there.sent[0].left


async def test_whoever_watches_may_end_it_and_the_client_can_tell() -> None:
    seen: list[int] = []

    async def watch(nbytes: int) -> bool:
        seen.append(nbytes)
        return len(seen) < 2

    async with sending(streaming(b"one", b"two!", b"three"), watch=watch) as there:
        heard = await talk(there.port, GET, quiet_s=3)
    assert seen == [3, 4] and b"three" not in heard and not heard.endswith(b"0\r\n\r\n")


async def test_a_client_that_leaves_ends_the_exchange_and_what_she_never_got_is_not_billed() -> None:
    total, piece = 0, bytes(65536)

    async def endless() -> AsyncIterator[bytes]:
        nonlocal total
        while total < 200 * 2**20:
            total += len(piece)
            yield piece

    async with sending(lambda: Answer(status=200, headers=CIMultiDict(), body=endless())) as there:
        thin = socket.socket()
        thin.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        thin.connect(("127.0.0.1", there.port))
        thin.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=thin, limit=1024)
        writer.write(GET)
        await reader.readexactly(100_000)
        writer.transport.abort()
        await once(lambda: there.sent)
    (sent,) = there.sent
    assert sent.left and not sent.complete
    assert sent.to_learner_bytes < 500_000 < 2**20 < total < 200 * 2**20  # the kernel had taken megabytes


async def test_a_client_that_takes_nothing_is_given_up_after_its_time() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(65536)

    make = lambda: Answer(status=200, headers=CIMultiDict(), body=endless())  # noqa: E731
    async with sending(make, write_timeout_s=0.3) as there:
        reader, writer = await asyncio.open_connection("127.0.0.1", there.port, limit=1024)
        writer.write(GET)
        await once(lambda: there.sent)
        assert there.sent[0].left
        writer.transport.abort()
        assert reader is not None


async def test_patience_is_with_the_client_and_not_with_a_slow_origin() -> None:
    async def slow() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"x"
            await asyncio.sleep(0.15)

    make = lambda: Answer(status=200, headers=CIMultiDict(), body=slow())  # noqa: E731
    async with sending(make, write_timeout_s=0.3) as there:
        heard = await talk(there.port, LAST, quiet_s=2)
    assert heard.endswith(b"0\r\n\r\n") and there.sent[0].complete and not there.sent[0].held_up


def test_an_answer_of_ours_is_never_kept_unless_it_says_so() -> None:
    assert plain_answer(200, b"x", "text/plain").headers["Cache-Control"] == "no-store"
    kept = plain_answer(200, b"x", "text/css", Cache_Control="public", ETag='"1"')
    assert (kept.headers["Cache-Control"], kept.headers["ETag"]) == ("public", '"1"')


# -- answers in one piece ------------------------------------------------------------------------------------------


async def test_a_whole_body_goes_out_with_its_true_length_whatever_the_head_said() -> None:
    for declared in ("3", "700", ""):
        make = an_answer(b"five!", **({"Content_Length": declared} if declared else {}))
        async with sending(make) as there:
            heard = await talk(there.port, GET, LAST)
        assert heard.count(b"Content-Length: 5\r\n") == 2 and heard.count(b"five!") == 2
        assert b"chunked" not in heard and b"700" not in heard


async def test_an_old_client_that_asks_to_stay_may_after_a_body_of_known_length() -> None:
    async with sending(an_answer(b"ok")) as there:
        ask = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        heard = await talk(there.port, ask, ask)
        assert heard.count(b"HTTP/1.0 200 OK\r\n") == 2 and heard.count(b"Connection: keep-alive\r\n") == 2
        heard = await talk(there.port, b"GET / HTTP/1.0\r\n\r\n", quiet_s=5)
    assert heard.count(b"HTTP/1.0 200 OK\r\n") == 1 and b"Connection" not in heard


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: evil=1", "a\nevil: 1", "a\x00evil", "evil\x7f", "\x1b[31mevil"])
async def test_no_line_of_a_head_can_be_ended_by_a_value_and_no_control_byte_passes(value: str) -> None:
    async with sending(an_answer(b"ok", X=value)) as there:
        heard = await talk(there.port, LAST)
    assert heard.startswith(b"HTTP/1.1 502 ") and b"evil" not in heard
    assert [getattr(error, "code", "") for error in there.failed] == ["upstream-malformed"]


async def test_a_client_that_left_before_a_whole_answer_is_billed_nothing_and_harms_nobody() -> None:
    there: list[Sent] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        there.append(await send(request, an_answer(b"ok")()))
        return there[0].response

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await talk(runner.addresses[0][1], GET)
    await once(lambda: there)
    await runner.cleanup()
    assert there[0].left and not there[0].complete and there[0].to_learner_bytes == 0
