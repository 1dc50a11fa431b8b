"""Who the client is, by peer, PROXY header and trusted fronts' fields."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.modes.addresses import client_address, parse_node, told_host, told_scheme

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def fields(*pairs: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(pairs))


@pytest.mark.parametrize(
    ("peer", "pairs", "client"),
    [
        ("10.0.0.1", [("X-Forwarded-For", "77.1.1.1")], "77.1.1.1"),
        ("10.0.0.1", [("X-Forwarded-For", "6.6.6.6, 77.1.1.1")], "77.1.1.1"),
        ("10.0.0.1", [("X-Forwarded-For", "6.6.6.6, 77.1.1.1, 10.0.0.9")], "77.1.1.1"),
        ("10.0.0.1", [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "77.1.1.1")], "77.1.1.1"),
        ("10.0.0.1", [("X-Forwarded-For", "10.0.0.7, 10.0.0.9")], "10.0.0.7"),
        ("10.0.0.1", [("X-Forwarded-For", "77.1.1.1, unknown")], "10.0.0.1"),
        ("10.0.0.1", [("X-Forwarded-For", "77.1.1.1, unknown, 10.0.0.9")], "10.0.0.9"),
        ("10.0.0.1", [("X-Forwarded-For", "77.1.1.1:50000")], "77.1.1.1"),
        ("10.0.0.1", [("X-Forwarded-For", "::ffff:77.1.1.1")], "77.1.1.1"),
        ("10.0.0.1", [("X-Forwarded-For", "")], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [("Forwarded", "for=77.1.1.1;proto=https")], "77.1.1.1"),
        ("10.0.0.1", [("Forwarded", 'for=6.6.6.6, for="[2a02:6b8::1]:99";by=x')], "2a02:6b8::1"),
        ("10.0.0.1", [("Forwarded", 'for="_hidden", for=10.0.0.4')], "10.0.0.4"),
        ("10.0.0.1", [("Forwarded", 'by="a,b;c";for=77.1.1.1')], "77.1.1.1"),
        ("10.0.0.1", [("Forwarded", "for=77.1.1.1"), ("X-Forwarded-For", "6.6.6.6")], "77.1.1.1"),
        ("77.1.1.1", [("X-Forwarded-For", "6.6.6.6")], "77.1.1.1"),
        ("77.1.1.1", [("Forwarded", "for=6.6.6.6")], "77.1.1.1"),
        ("fd00::1", [("X-Forwarded-For", "2a02:6b8::1")], "2a02:6b8::1"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_not_trusted(
    peer: str, pairs: list[tuple[str, str]], client: str
) -> None:
    found = client_address(ip_address(peer), None, fields(*pairs), TRUSTED)
    assert found.address == ip_address(client)
    assert found.peer == ip_address(peer)
    assert found.trusted == (ip_address(peer) in TRUSTED[0] or ip_address(peer) in TRUSTED[1])


def test_fields_of_a_client_that_a_proxy_header_names_are_its_own_and_not_believed() -> None:
    found = client_address(
        ip_address("10.0.0.1"), ip_address("77.1.1.1"), fields(("X-Forwarded-For", "6.6.6.6")), TRUSTED
    )
    assert (found.address, found.trusted) == (ip_address("77.1.1.1"), False)


@pytest.mark.parametrize("text", ["", "unknown", "_gazonk", "1.2.3", "999.1.1.1", "a:b:c"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse_node(text) is None


def test_the_nearest_front_says_scheme_and_host() -> None:
    assert told_scheme(fields(("X-Forwarded-Proto", "http, https"))) == "https"
    assert told_scheme(fields(("Forwarded", "for=a;proto=http, for=b;proto=HTTPS"))) == "https"
    assert told_scheme(fields(("X-Forwarded-Proto", "wss"))) == "https"
    assert told_scheme(fields(("X-Forwarded-Proto", "gopher"))) is None
    assert told_scheme(fields()) is None
    assert told_host(fields(("X-Forwarded-Host", "a.test, lms.test"))) == "lms.test"
    assert told_host(fields(("Forwarded", 'for=a;host="lms.test:8443"'))) == "lms.test:8443"
    assert told_host(fields()) is None
