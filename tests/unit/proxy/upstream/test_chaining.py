"""Everything through an upstream proxy: pages in absolute form, TLS and tunnels by CONNECT, with its login."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from proxy.errors import ExchangeError
from proxy.tasks import TaskKeeper
from proxy.upstream.dial import Dial
from tests.fetching import Fetch
from tests.origins import RawOrigin, Script, Visit, raw_origin
from tests.wire import FAST, catalogue_of, origin_of

_LOGIN = b"Proxy-Authorization: Basic dXNlcjpzZSBjcmV0\r\n"


def login_in(folder: Path) -> str:
    """The file with the login that `_LOGIN` shows."""
    file = folder / "login"
    file.write_text("user:se cret\n", "utf-8")
    file.chmod(0o600)
    return str(file)


def chained(proxy: RawOrigin, login_file: str | None = None, **settings: object) -> Fetch:
    return Fetch(
        origin_of(None, allow_private=False),
        upstream_proxy=f"http://127.0.0.1:{proxy.port}",
        upstream_proxy_login_file=login_file,
        **settings,
    )


def tunnel_to(port: int) -> Script:
    """An upstream proxy whose tunnels all end at a port of this machine."""

    async def tunnelling(visit: Visit) -> None:
        assert (await visit.head()).startswith(b"CONNECT lms.test:443 HTTP/1.1\r\n")
        await visit.send(b"HTTP/1.1 200 OK\r\n\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def back() -> None:
            while data := await reader.read(65536):
                await visit.send(data)

        keeper = TaskKeeper("tunnel")
        keeper.start(back(), name="back")
        try:
            while data := await visit.read():
                writer.write(data)
        finally:
            writer.close()
            await keeper.close()

    return tunnelling


@asynccontextmanager
async def tls_behind_a_proxy(tmp_path: Path) -> AsyncIterator[tuple[RawOrigin, RawOrigin, str]]:
    """(origin, proxy, ca_file)."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("lms.test").configure_cert(context)
    async with raw_origin(tls=context) as origin, raw_origin(tunnel_to(origin.port)) as proxy:
        yield origin, proxy, str(tmp_path / "ca.pem")


async def test_plain_requests_go_to_the_upstream_proxy_in_absolute_form(tmp_path: Path) -> None:
    async with raw_origin() as proxy:
        fetch = chained(proxy, login_in(tmp_path))
        assert await fetch.body(target="/a%7E?b") == b"ok"
        assert proxy.received.startswith(b"GET http://lms.test:80/a%7E?b HTTP/1.1\r\nHost: lms.test\r\n")
        assert proxy.received.count(_LOGIN) == 1
        await fetch.upstream.close()


@pytest.mark.parametrize("shown", [0, 1], ids=["no-login", "login"])
async def test_https_goes_through_a_tunnel_and_is_verified_end_to_end(tmp_path: Path, shown: int) -> None:
    async with tls_behind_a_proxy(tmp_path) as (origin, proxy, ca_file):
        fetch = chained(proxy, login_in(tmp_path) if shown else None, ca_file=ca_file)
        for _ in range(2):
            assert await fetch.body(scheme="https", port=443) == b"ok"
        assert len(proxy.visits) == 1, "the tunnel is used again"
        assert proxy.received.count(_LOGIN) == shown
        assert b"GET /" not in proxy.received
        assert origin.received.count(b"GET / ") == 2
        assert b"Proxy-" not in origin.received, "a login is the proxy's alone"
        await fetch.upstream.close()


async def test_a_tunnel_kept_for_uploads_too_is_used_again_with_a_login(tmp_path: Path) -> None:
    async with tls_behind_a_proxy(tmp_path) as (_, proxy, ca_file):
        fetch = chained(proxy, login_in(tmp_path), ca_file=ca_file)
        for _ in range(3):
            assert await fetch.body("POST", scheme="https", port=443, body=b"whole") == b"ok"
        assert len(proxy.visits) == 1
        await fetch.upstream.close()


@pytest.mark.parametrize("shown", [0, 1], ids=["no-login", "login"])
async def test_a_learners_tunnel_is_asked_for_with_the_same_login(tmp_path: Path, shown: int) -> None:
    async with raw_origin() as origin, raw_origin(tunnel_to(origin.port)) as proxy:
        catalogue = catalogue_of(
            origin_of(None, allow_private=False),
            timeouts=FAST,
            upstream_proxy=f"http://127.0.0.1:{proxy.port}",
            upstream_proxy_login_file=login_in(tmp_path) if shown else None,
        )
        duplex = await Dial(lambda: catalogue).connect("lms.test", 443, origin=None)
        await duplex.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await duplex.read_head(1024)).startswith(b"HTTP/1.1 200 OK\r\n")
        assert proxy.received.count(_LOGIN) == shown
        assert origin.received == b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        duplex.abort()


async def test_a_proxy_that_wants_another_login_is_told_of_plainly() -> None:
    async def closed(visit: Visit) -> None:
        await visit.head()
        await visit.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    async with raw_origin(closed) as proxy:
        catalogue = catalogue_of(origin_of(None), timeouts=FAST, upstream_proxy=f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(ExchangeError, match="407 Proxy Authentication Required"):
            await Dial(lambda: catalogue).connect("lms.test", 443, origin=None)


async def test_private_literals_are_refused_before_the_upstream_proxy_is_asked() -> None:
    async with raw_origin() as proxy:
        fetch = chained(proxy)
        for host in ("127.0.0.1", "169.254.169.254", "localhost", "0x7f.1"):
            with pytest.raises(ExchangeError, match="target-refused"):
                await fetch.body(host=host)
        assert proxy.visits == []
        await fetch.upstream.close()


async def test_a_changed_setting_leads_the_next_request_another_way() -> None:
    async with raw_origin() as origin, raw_origin() as proxy:
        fetch = Fetch(origin_of(origin.url))
        await fetch.body()
        fetch.catalogue = catalogue_of(
            origin_of(origin.url, allow_private=False), timeouts=FAST, upstream_proxy=f"http://127.0.0.1:{proxy.port}"
        )
        fetch.origin = origin_of("http://course.test", allow_private=False)
        await fetch.body(target="/next")
        assert [len(origin.visits), len(proxy.visits)] == [1, 1]
        await fetch.upstream.close()


async def test_a_login_that_cannot_be_read_is_an_origin_out_of_reach_not_a_request_without_it(tmp_path: Path) -> None:
    async with raw_origin() as proxy:
        fetch = chained(proxy, str(tmp_path / "none"))
        with pytest.raises(ExchangeError, match="upstream-unreachable"):
            await fetch.body()
        assert proxy.visits == []
        await fetch.upstream.close()
