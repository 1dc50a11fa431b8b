"""Which addresses may be connected to, and that the judged address is the one connected to."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from proxy.upstream.guard import AddressRefused, GuardedResolver, SocketGuard, check_host, is_own_address, why_closed

CLOSED = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1
172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1
203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16 :: ::1 ::7f00:1 ::ffff:127.0.0.1
::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:10.0.0.1 64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::8.8.8.8
64:ff9b:1::a00:1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2002:7f00:1:: 2002:a00:1::1
2002:c0a8:101::1 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fec0::1 ff02::1 ff0e::1 fe80::5efe:10.0.0.1
2a00:1450:4010::5efe:10.0.0.1 2a00:1450:4010::200:5efe:192.168.0.1 fd00:ec2::254
""".split()  # noqa: SIM905
OPEN = """
8.8.8.8 1.1.1.1 77.88.8.8 100.63.255.255 100.128.0.1 172.32.0.1 192.167.255.255 198.20.0.1 223.255.255.254
169.253.0.1 2a00:1450:4010:c0f::8a 2606:4700::1111 2a02:6b8::feed:ff ::ffff:8.8.8.8
2a00:1450:4010::5efe:8.8.8.8
""".split()  # noqa: SIM905
ODD = """
127.1 127.0.1 2130706433 017700000001 0x7f000001 0x7f.1 0x7f.0.0.1 0177.0.0.1 127.0.0.1. 0 10.1 010.0.0.1 8.8
0x08080808 ::1 fe80::1%eth0 localhost LOCALHOST. a.localhost printer.local metadata.google.internal
169.254.169.254 100.64.0.1 ::ffff:7f00:1
""".split()  # noqa: SIM905


@pytest.mark.parametrize("address", CLOSED)
def test_a_closed_address_is_refused(address: str) -> None:
    assert why_closed(ip_address(address)) is not None


@pytest.mark.parametrize("address", OPEN)
def test_a_public_address_is_open(address: str) -> None:
    assert why_closed(ip_address(address)) is None


@pytest.mark.parametrize(
    "host",
    ODD,
)
def test_a_literal_in_any_notation_and_local_names_are_refused_where_others_look_up(host: str) -> None:
    with pytest.raises(AddressRefused):
        check_host(host)


@pytest.mark.parametrize(
    "host", ["lms.example.org", "8.8.8.8", "2a00:1450:4010:c0f::8a", "1.2.3.4.example", "xn--e1afmkfd.xn--p1ai"]
)
def test_names_and_public_literals_pass(host: str) -> None:
    check_host(host)


def info(host: str, port: int = 80) -> tuple[int, int, int, str, tuple[str, int]]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    address = (host, port, 0, 0) if ":" in host else (host, port)
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)  # type: ignore[return-value]


class TestSocketGuard:
    def test_it_makes_no_socket_for_a_closed_address(self) -> None:
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.1 is in|127\.0\.0\.1 is loopback"):
            SocketGuard(own_ports=frozenset)(info("127.0.0.1"))

    def test_it_makes_one_for_a_private_address_of_an_origin_that_may_have_it(self) -> None:
        made = SocketGuard(own_ports=frozenset, allow_private=True)(info("127.0.0.1"))
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000
        assert not made.getblocking()
        made.close()

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"])
    def test_our_own_listener_is_refused_even_then(self, host: str) -> None:
        guard = SocketGuard(own_ports=lambda: frozenset({8080}), allow_private=True)
        with pytest.raises(AddressRefused, match="our own listener"):
            guard(info(host, 8080))
        guard(info(host, 8081)).close()

    def test_another_machine_with_our_port_is_not_ours(self) -> None:
        SocketGuard(own_ports=lambda: frozenset({443}))(info("8.8.8.8", 443)).close()
        assert not is_own_address(ip_address("8.8.8.8"))


class Answers:
    """A look-up that answers what it is told."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[dict[str, object]]:
        return [
            {"hostname": host, "host": found, "port": port, "family": 0, "proto": 0, "flags": 0} for found in self.hosts
        ]

    async def close(self) -> None:
        return None


class TestGuardedResolver:
    async def test_a_name_with_one_closed_address_among_public_ones_is_refused(self) -> None:
        resolver = GuardedResolver(SocketGuard(own_ports=frozenset), Answers("8.8.8.8", "10.0.0.1"))  # type: ignore[arg-type]
        with pytest.raises(AddressRefused):
            await resolver.resolve("rebind.test", 80)

    async def test_a_public_name_is_answered_as_it_is(self) -> None:
        resolver = GuardedResolver(SocketGuard(own_ports=frozenset), Answers("8.8.8.8", "2606:4700::1111"))  # type: ignore[arg-type]
        assert [entry["host"] for entry in await resolver.resolve("lms.test", 80)] == ["8.8.8.8", "2606:4700::1111"]
