"""What the upstream proxy is told: one login in one spelling, and never anybody else's."""

from __future__ import annotations

import pytest

from proxy.upstream.chain import basic_credentials, proxy_hop


@pytest.mark.parametrize(
    ("proxy", "host", "port"),
    [
        ("http://10.0.0.3:3128", "10.0.0.3", 3128),
        ("http://filter.school.test", "filter.school.test", 80),
        ("http://[fd00::3]:8080", "fd00::3", 8080),
        ("http://user:word@10.0.0.3:3128", "10.0.0.3", 3128),
    ],
)
def test_where_it_is(proxy: str, host: str, port: int) -> None:
    hop = proxy_hop(proxy)
    assert (hop.host, hop.port) == (host, port)
    assert hop.address.user is None and hop.address.password is None, "an address that may stand in a log"


def test_without_a_login_it_is_told_none() -> None:
    assert proxy_hop("http://10.0.0.3:3128").authorization is None


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        ("user:secret", basic_credentials("user", "secret")),
        ("user", basic_credentials("user", "")),
        ("user:se%20cret%40", basic_credentials("user", "se cret@")),
        ("user:with:colons", basic_credentials("user", "with:colons")),
    ],
)
def test_a_login_is_decoded_from_the_address(login: str, expected: str) -> None:
    assert proxy_hop(f"http://{login}@10.0.0.3:3128").authorization == expected


def test_credentials_are_the_standards_own_examples() -> None:
    assert basic_credentials("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "RFC 7617 section 2"
    assert basic_credentials("test", "123£") == "Basic dGVzdDoxMjPCow==", "RFC 7617 section 2.1"
