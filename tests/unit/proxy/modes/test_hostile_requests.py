"""Each file of tests/cases/hostile_requests: bytes in, a status out, and what of it an origin may ever see.

A case is lines of `key: value`, an empty line, and the request in Python's escapes (line ends of the file don't count).
reaches  nothing     not one byte
         unfinished  a head at most, and a body that is never completed
         once        exactly one request, in the one meaning that it has
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.origins import raw_origin, talk
from tests.wire import catalogue_of, origin_of, wire

CASES = sorted((Path(__file__).parents[3] / "cases" / "hostile_requests").glob("*.case"))


def read_case(path: Path) -> tuple[int, str, bytes]:
    head, _, raw = path.read_text().partition("\n\n")
    keys = dict(line.split(": ", 1) for line in head.splitlines() if not line.startswith("#"))
    return (
        int(keys["expect"]),
        keys["reaches"],
        raw.replace("\n", "").encode().decode("unicode_escape").encode("latin-1"),
    )


def test_there_are_cases() -> None:
    assert len(CASES) > 80


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
async def test_a_hostile_request_is_answered_and_reaches_no_origin_in_another_meaning(path: Path) -> None:
    expect, reaches, raw = read_case(path)
    async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url))) as front:
        heard = await talk(front.port, raw, quiet_s=0.3)
        await asyncio.sleep(0.02)
        status_line = heard.split(b"\r\n", 1)[0].split(b" ")
        assert status_line[1:2] == [str(expect).encode()], heard[:300]
        if expect >= 400:
            assert heard.count(b"HTTP/1.") == 1, "one answer, then the connection ends"
            assert b"Connection: close" in heard
            assert b"evil" not in heard, "nothing of the request is repeated"
        got = origin.received
        if reaches == "nothing":
            assert got == b""
        elif reaches == "unfinished":
            assert got.count(b" HTTP/1.1\r\n") <= 1
            assert not got.endswith(b"0\r\n\r\n")
        else:
            assert got.count(b" HTTP/1.1\r\n") == 1
            assert got.startswith((b"GET /s HTTP/1.1\r\n", b"POST /s HTTP/1.1\r\n"))
            assert got.endswith((b"\r\n\r\n", b"abc"))
            assert b"X-T" not in got and b"a=b" not in got and b"h2c" not in got


@pytest.mark.parametrize("cut", [1, 7, 20, 40, 60])
async def test_a_smuggled_second_request_stays_unread_after_a_refusal(cut: int) -> None:
    raw = (
        b"POST /s HTTP/1.1\r\nHost: lms.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /secret HTTP/1.1\r\nHost: lms.test\r\n\r\n"
    )
    async with raw_origin() as origin, wire(catalogue_of(origin_of(origin.url))) as front:
        heard = await talk(front.port, raw[:cut], raw[cut:], quiet_s=0.2)
        assert heard.split(b" ", 2)[1] == b"400" and heard.count(b"HTTP/1.") == 1
        assert origin.received == b""
