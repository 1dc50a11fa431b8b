"""What the upstream proxy is told: one login in one spelling, as its file has it now, and never anybody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from policies.model import Settings
from proxy.upstream.chain import ProxyHop, credentials, proxy_hop


def hop_of(login: Path | None = None, proxy: str = "http://10.0.0.3:3128") -> ProxyHop:
    hop = proxy_hop(Settings(upstream_proxy=proxy, upstream_proxy_login_file=str(login) if login else None))
    assert hop is not None
    return hop


@pytest.fixture
def login(tmp_path: Path) -> Path:
    file = tmp_path / "login"
    file.write_text("user:secret\n", "utf-8")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    ("proxy", "host", "port"),
    [
        ("http://10.0.0.3:3128", "10.0.0.3", 3128),
        ("http://filter.school.test", "filter.school.test", 80),
        ("http://[fd00::3]:8080", "fd00::3", 8080),
    ],
)
def test_where_it_is(proxy: str, host: str, port: int) -> None:
    hop = hop_of(proxy=proxy)
    assert (hop.host, hop.port) == (host, port)


def test_without_a_login_it_is_told_none_and_without_a_proxy_nobody_is() -> None:
    assert hop_of().authorization is None
    assert proxy_hop(Settings()) is None


def test_the_login_is_what_the_file_says_without_its_line_end(login: Path) -> None:
    assert hop_of(login).authorization == credentials(b"user:secret")


def test_another_login_counts_from_the_next_request_on(login: Path) -> None:
    hop_of(login)
    login.write_text("user:new", "utf-8")
    os.utime(login, ns=(1, 1))
    assert hop_of(login).authorization == credentials(b"user:new")


def test_a_login_that_others_may_read_is_not_used(login: Path) -> None:
    login.chmod(0o640)
    with pytest.raises(PermissionError, match="chmod 600"):
        hop_of(login)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        hop_of(tmp_path / "none")


def test_credentials_are_the_standards_own_examples() -> None:
    assert credentials(b"Aladdin:open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "RFC 7617 section 2"
    assert credentials("test:123£".encode()) == "Basic dGVzdDoxMjPCow==", "RFC 7617 section 2.1"
