"""The head that an origin gets."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from policies.model import LearnerAddress, TrustedHeaders
from proxy.exchange import Inbound
from proxy.upstream.headers import without_our_cookies
from tests.origins import RawOrigin, raw_origin, talk
from tests.wire import LOOPBACK, catalogue_of, origin_of, wire


async def arrived(*fields: bytes, origin_changes: dict[str, object] | None = None, **settings: object) -> list[bytes]:
    """The lines of the head that the origin got for a request with these fields."""
    async with raw_origin() as origin:
        catalogue = catalogue_of(origin_of(origin.url, **(origin_changes or {})), **settings)
        async with wire(catalogue) as front:
            lines = (b"GET / HTTP/1.1", b"Host: lms.test", *fields, b"", b"")
            await talk(front.port, b"\r\n".join(lines), quiet_s=0.2)
            return origin.received.removesuffix(b"\r\n\r\n").split(b"\r\n")


async def test_end_to_end_fields_pass_in_order_and_hop_by_hop_ones_stay() -> None:
    lines = await arrived(
        b"B: 1",
        b"Connection: close, X-Hop",
        b"X-Hop: secret",
        b"a: 2",
        b"Keep-Alive: 5",
        b"TE: trailers",
        b"Proxy-Authorization: Basic eA==",
        b"Proxy-Connection: keep-alive",
        b"B: 3",
    )
    assert lines[1:] == [
        b"Host: lms.test",
        b"B: 1",
        b"a: 2",
        b"B: 3",
        b"Via: 1.1 tropa-test",
        b"X-Forwarded-For: 127.0.0.1",
        b"X-Forwarded-Proto: http",
        b"X-Forwarded-Host: lms.test",
    ]


async def test_what_only_tropa_may_say_is_not_taken_from_outside() -> None:
    lines = await arrived(
        b"X-Forwarded-For: 1.2.3.4",
        b"Forwarded: for=1.2.3.4",
        b"X-Real-IP: 1.2.3.4",
        b"X-Tropa-Region: koryak",
        b"X-Tropa-Learner: someone",
        trusted_headers=TrustedHeaders(region="x-tropa-region", learner="x-tropa-learner"),
    )
    assert not any(b"1.2.3.4" in line or b"Tropa-" in line for line in lines)
    assert b"X-Forwarded-For: 127.0.0.1" in lines


@pytest.mark.parametrize("name", [b"X_Remote_User", b"x-remote_user", b"X_Forwarded_Port", b"Proxy_Authorization"])
async def test_nor_by_a_name_that_programs_behind_cgi_read_as_the_same(name: bytes) -> None:
    lines = await arrived(name + b": admin", b"A_b: 1", trusted_headers=TrustedHeaders(learner="x-remote-user"))
    assert lines[1:3] == [b"Host: lms.test", b"A_b: 1"] and b"admin" not in b"".join(lines)


async def test_a_trusted_fronts_word_about_the_learner_goes_on_as_the_one_address() -> None:
    lines = await arrived(
        b"X-Forwarded-For: 6.6.6.6, 10.41.7.9, 127.0.0.1", b"X-Forwarded-Proto: https", trusted_proxies=LOOPBACK
    )
    assert [line for line in lines if line.startswith(b"X-Forwarded")] == [
        b"X-Forwarded-For: 10.41.7.9",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: lms.test",
    ]


@pytest.mark.parametrize(
    ("way", "field"),
    [
        (LearnerAddress.FORWARDED, b'Forwarded: for=127.0.0.1;host="lms.test";proto=http'),
        (LearnerAddress.NONE, b"Via: 1.1 tropa-test"),
    ],
)
async def test_the_origin_learns_the_address_its_own_way(way: LearnerAddress, field: bytes) -> None:
    lines = await arrived(b"X-Forwarded-For: 1.2.3.4", origin_changes={"learner_address": way})
    assert lines[-1] == field
    assert not any(line.startswith(b"X-Forwarded") for line in lines)


async def test_an_origin_with_another_name_gets_its_own_host() -> None:
    async def lines_of(origin: RawOrigin) -> list[bytes]:
        async with wire(catalogue_of(origin_of(origin.url, rename=True))) as front:
            await talk(front.port, b"GET / HTTP/1.1\r\nHost: lms.test\r\n\r\n", quiet_s=0.2)
            return origin.received.split(b"\r\n")

    async with raw_origin() as origin:
        lines = await lines_of(origin)
        assert b"Host: 127.0.0.1:%d" % origin.port in lines
        assert b"X-Forwarded-Host: lms.test" in lines


async def test_our_cookies_stay_and_the_origins_pass_byte_for_byte() -> None:
    lines = await arrived(b"Cookie: __Host-tropa=x; MoodleSession=ab%20c; tropa=y", b"Cookie: tropa=only")
    assert [line for line in lines if line.lower().startswith(b"cookie")] == [b"Cookie: MoodleSession=ab%20c"]


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("a=1;b=2", "a=1;b=2"),
        ("tropa=1", None),
        ("a=tropa; tropa=1", "a=tropa"),
        ("tropa=1; a=2;  b", "a=2;  b"),
        ("mytropa=1", "mytropa=1"),
        ("tropa =1; a=2", "a=2"),
    ],
)
def test_without_our_cookies(value: str, left: str | None) -> None:
    assert without_our_cookies(value) == left


async def test_accept_encoding_is_replaced_only_where_the_client_sent_one() -> None:
    from proxy.upstream.headers import request_headers

    asked: list[CIMultiDict[str]] = []

    async def note(front: object, inbound: Inbound) -> object:
        from aiohttp import web

        settings = catalogue_of().settings
        asked.append(request_headers(inbound, settings, accept_encoding="gzip, br", via="1.1 t"))
        return web.Response()

    async with wire(catalogue_of(origin_of("http://127.0.0.1:1")), note) as front:  # type: ignore[arg-type]
        await talk(front.port, b"GET / HTTP/1.1\r\nHost: lms.test\r\nAccept-Encoding: zstd\r\n\r\n", quiet_s=0.2)
        await talk(front.port, b"GET / HTTP/1.1\r\nHost: lms.test\r\n\r\n", quiet_s=0.2)
    assert [headers.getall("Accept-Encoding", ()) for headers in asked] == [["gzip, br"], ()]
