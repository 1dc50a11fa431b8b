"""How reverse and forward listeners read a request."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest
from aiohttp import web

from policies.model import Listener
from proxy.errors import ExchangeError
from proxy.exchange import Inbound
from proxy.modes.authority import split_authority
from proxy.modes.forward import is_own
from tests.origins import talk
from tests.wire import FORWARD, LOOPBACK, Wire, catalogue_of, origin_of, wire

ORIGINS = (
    origin_of("http://127.0.0.1:1", "lms.test", id="lms"),
    origin_of("http://127.0.0.1:2", "*.centre.test", id="centre"),
    origin_of("http://127.0.0.1:3", "forum.centre.test", id="forum"),
    origin_of(
        "http://127.0.0.1:4", "*.deep.centre.test", "xn--e1afmkfd.xn--p1ai", id="deep", ports=frozenset({80, 8080})
    ),
)


async def told(_: Wire, inbound: Inbound) -> web.StreamResponse:
    origin = inbound.origin.id if inbound.origin else "-"
    return web.Response(text=f"{origin} {inbound.url} {inbound.mode} own={is_own(inbound)}")


async def ask(raw: bytes, *, listener: Listener | None = None, **settings: object) -> str:
    """What the handler made of a request, or the status of a refusal."""
    async with wire(catalogue_of(*ORIGINS, **settings), told, listener=listener) as front:
        heard = (await talk(front.port, raw, quiet_s=0.3)).decode()
        status = heard.split(" ", 2)[1]
        return heard.rpartition("\r\n\r\n")[2] if status == "200" else status


def get(target: str, host: str, *fields: str) -> bytes:
    return "\r\n".join((f"GET {target} HTTP/1.1", f"Host: {host}", *fields, "", "")).encode()


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("lms.test", "lms http://lms.test/a?b reverse own=False"),
        ("LMS.Test.", "lms http://lms.test/a?b reverse own=False"),
        ("lms.test:80", "lms http://lms.test/a?b reverse own=False"),
        ("lms.test:8080", "lms http://lms.test:8080/a?b reverse own=False"),
        ("any.centre.test", "centre http://any.centre.test/a?b reverse own=False"),
        ("a.b.centre.test", "centre http://a.b.centre.test/a?b reverse own=False"),
        ("forum.centre.test", "forum http://forum.centre.test/a?b reverse own=False"),
        ("x.deep.centre.test", "deep http://x.deep.centre.test/a?b reverse own=False"),
        ("centre.test", "421"),
        ("lms.test.evil", "421"),
        ("127.0.0.1", "421"),
    ],
)
async def test_reverse_finds_the_origin_by_exact_name_and_then_the_longest_wildcard(host: str, answer: str) -> None:
    assert await ask(get("/a?b", host)) == answer


async def test_a_listener_of_one_origin_takes_every_host() -> None:
    listener = Listener(name="one", mode="reverse", host="127.0.0.1", port=0, origin="lms")
    assert await ask(get("/", "10.1.2.3:8000"), listener=listener) == "lms http://10.1.2.3:8000/ reverse own=False"


async def test_scheme_and_host_are_believed_only_from_a_trusted_front() -> None:
    raw = get("/", "inner.centre.test", "X-Forwarded-Proto: https", "X-Forwarded-Host: lms.test")
    assert await ask(raw) == "centre http://inner.centre.test/ reverse own=False"
    assert await ask(raw, trusted_proxies=LOOPBACK) == "lms https://lms.test/ reverse own=False"


async def test_an_unknown_told_host_doesn_t_replace_a_known_one() -> None:
    raw = get("/", "lms.test", "X-Forwarded-Host: nowhere.test")
    assert await ask(raw, trusted_proxies=LOOPBACK) == "lms http://lms.test/ reverse own=False"


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (get("http://lms.test/a%7E?b", "lms.test"), "lms http://lms.test/a%7E?b forward own=False"),
        (get("HTTP://LMS.test", "LMS.test"), "lms http://lms.test/ forward own=False"),
        (get("http://lms.test?b=/", "lms.test"), "lms http://lms.test/?b=/ forward own=False"),
        (get("http://elsewhere.test/", "elsewhere.test"), "- http://elsewhere.test/ forward own=False"),
        (
            get("http://x.deep.centre.test:8080/", "x.deep.centre.test:8080"),
            "deep http://x.deep.centre.test:8080/ forward own=False",
        ),
        (get("http://[2a02:6b8::1]/", "[2a02:6b8::1]"), "- http://[2a02:6b8::1]/ forward own=False"),
        (get("http://lms.test:8080/", "lms.test:8080"), "403"),
        (get("http://elsewhere.test:25/", "elsewhere.test:25"), "403"),
        (get("https://lms.test/", "lms.test"), "400"),
        (get("http://lms.test/", "other.test"), "400"),
        (get("http://a@lms.test/", "lms.test"), "400"),
        (get("/page", "lms.test"), "400"),
        (get("/proxy.pac", "10.0.0.1:3128"), "- http://10.0.0.1:3128/proxy.pac forward own=True"),
        (get("/.tropa/card.css?v=1", "tropa.school"), "- http://tropa.school/.tropa/card.css?v=1 forward own=True"),
        (get("http://lms.test/", "lms.test", "Via: 1.0 squid, 1.1 tropa-test (Tropa)"), "508"),
        (get("http://lms.test/", "lms.test", "Via: 1.1 tropa-test2"), "lms http://lms.test/ forward own=False"),
    ],
)
async def test_forward_reads_absolute_targets_and_its_own_pages(raw: bytes, answer: str) -> None:
    assert await ask(raw, listener=FORWARD) == answer


async def test_forward_admits_the_listed_networks_or_else_the_regions_and_nobody_else() -> None:
    raw = get("http://lms.test/", "lms.test")
    assert await ask(raw, listener=replace(FORWARD, clients=(ip_network("10.0.0.0/8"),))) == "403"
    assert await ask(raw, listener=replace(FORWARD, clients=())) == "403", "no region's network: nobody"


@pytest.mark.parametrize(
    ("authority", "found"),
    [("a.test", ("a.test", 80)), ("A.Test:8080", ("a.test", 8080)), ("[::1]:1", ("::1", 1)), ("[::1]", ("::1", 80))],
)
def test_split_authority(authority: str, found: tuple[str, int]) -> None:
    assert split_authority(authority, 80) == found


@pytest.mark.parametrize("authority", ["", ".", "a:0", "a:65536", "a:x", ":80", "[::1]x", "a:٣"])
def test_a_malformed_authority_is_refused(authority: str) -> None:
    with pytest.raises(ExchangeError):
        split_authority(authority, 80)
