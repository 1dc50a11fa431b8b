"""A thin, far link between two network namespaces, on any kernel that has TUN. Needs root.

netem does it where the kernel has it. Elsewhere a TUN device stands in each namespace and a thread of this process
carries the packets between them: each direction has a rate, a delay and a queue that drops what doesn't fit.
Names carry this process's id, and everything is removed at the end.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import heapq
import os
import select
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

CLIENT_ADDRESS, SERVER_ADDRESS = "10.78.0.2", "10.78.0.1"
DEVICE = "thin0"
_MTU = 1400
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI, _CLONE_NEWNET = 0x400454CA, 0x0001, 0x1000, 0x40000000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One link, the same both ways. rate_bps None: as fast as this machine carries packets; then nothing waits."""

    rate_bps: int | None
    one_way_s: float
    queue_bytes: int = 64_000


THIN = Shape(rate_bps=256_000, one_way_s=0.3)
ADSL = Shape(rate_bps=2_000_000, one_way_s=0.03)
UNSHAPED = Shape(rate_bps=None, one_way_s=0.0, queue_bytes=8_000_000)


class Queue:
    """One direction: says when a packet leaves at the far end, or that it is dropped. Knows no clock."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.dropped = 0
        self._free_at = 0.0  # when the last accepted packet has left the near end

    def accept(self, length_bytes: int, now_s: float) -> float | None:
        """When it arrives; None where the queue is full. A packet takes length/rate, then the delay."""
        rate = self.shape.rate_bps
        if rate is None:
            return now_s + self.shape.one_way_s
        waiting_bytes = max(0.0, self._free_at - now_s) * rate / 8
        if waiting_bytes + length_bytes > self.shape.queue_bytes:
            self.dropped += 1
            return None
        self._free_at = max(self._free_at, now_s) + length_bytes * 8 / rate
        return self._free_at + self.shape.one_way_s


class Link:
    """Two namespaces and what lies between them: `client` and `server` are their names."""

    def __init__(self, client: str, server: str, carrier: _Carrier | _Netem) -> None:
        self.client, self.server, self._carrier = client, server, carrier

    @property
    def kind(self) -> str:
        return self._carrier.kind

    def shape(self, shape: Shape) -> None:
        """Another link from now on."""
        self._carrier.shape(shape)


class _Carrier:
    """Carries packets between two TUN devices in a thread."""

    kind = "TUN emulator"

    def __init__(self, near: int, far: int) -> None:
        self._fds = (near, far)
        self._queues = (Queue(UNSHAPED), Queue(UNSHAPED))
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def shape(self, shape: Shape) -> None:
        self._queues = (Queue(shape), Queue(shape))

    def close(self) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join(timeout=5)
        for fd in (*self._fds, self._stop_read, self._stop_write):
            os.close(fd)

    def _carry(self) -> None:
        under_way: list[tuple[float, int, int, bytes]] = []
        number = 0
        while True:
            wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
            ready, _, _ = select.select((*self._fds, self._stop_read), (), (), wait)
            if self._stop_read in ready:
                return
            for side, fd in enumerate(self._fds):
                if fd in ready:
                    packet = os.read(fd, 65536)
                    arrives_s = self._queues[side].accept(len(packet), time.monotonic())
                    if arrives_s is not None:
                        number += 1
                        heapq.heappush(under_way, (arrives_s, number, 1 - side, packet))
            now_s = time.monotonic()
            while under_way and under_way[0][0] <= now_s:
                _, _, side, packet = heapq.heappop(under_way)
                with contextlib.suppress(OSError):  # a full device is one more place where packets are lost
                    os.write(self._fds[side], packet)


class _Netem:
    """The kernel's own emulation on a veth pair."""

    kind = "netem"

    def __init__(self, namespaces: tuple[str, str]) -> None:
        self._namespaces = namespaces

    def shape(self, shape: Shape) -> None:
        rate = ["rate", f"{shape.rate_bps}bit"] if shape.rate_bps else []
        limit = str(max(2, shape.queue_bytes // _MTU))
        for name in self._namespaces:
            qdisc = ["qdisc", "replace", "dev", DEVICE, "root", "netem", "delay", f"{shape.one_way_s * 1000:.0f}ms"]
            _ip("netns", "exec", name, "tc", *qdisc, *rate, "limit", limit)

    def close(self) -> None:
        """The device goes with its namespace."""


@contextlib.contextmanager
def link() -> Iterator[Link]:
    """Both namespaces, connected, unshaped. Raises RuntimeError where they can't be made."""
    if os.geteuid() != 0:
        raise RuntimeError("network namespaces need root")
    client, server = f"tb-cli-{os.getpid()}", f"tb-srv-{os.getpid()}"
    carrier: _Carrier | _Netem | None = None
    try:
        for name in (client, server):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        carrier = _connected(client, server)
        yield Link(client, server, carrier)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"no emulated link here: {error}") from error
    finally:
        if carrier is not None:
            carrier.close()
        for name in (client, server):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _connected(client: str, server: str) -> _Carrier | _Netem:
    sides = ((client, CLIENT_ADDRESS, SERVER_ADDRESS), (server, SERVER_ADDRESS, CLIENT_ADDRESS))
    carrier: _Carrier | _Netem
    if _has_netem(client):
        _ip("link", "add", DEVICE, "netns", client, "type", "veth", "peer", "name", DEVICE, "netns", server)
        carrier = _Netem((client, server))
    else:
        carrier = _Carrier(in_namespace(client, _tun), in_namespace(server, _tun))
    for name, own, other in sides:
        _ip("-n", name, "addr", "add", own, "peer", other, "dev", DEVICE)
        _ip("-n", name, "link", "set", DEVICE, "mtu", str(_MTU), "up")
    return carrier


def _has_netem(namespace: str) -> bool:
    probe = ["ip", "netns", "exec", namespace, "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        return False
    _ip("netns", "exec", namespace, "tc", "qdisc", "del", "dev", "lo", "root")
    return True


def in_namespace(name: str, do: Callable[[], _T]) -> _T:
    """What `do` gives, called by a thread that is in this network namespace; descriptors it opens stay valid."""
    found: list[_T] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with Path(f"/var/run/netns/{name}").open("rb") as handle:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(handle.fileno(), _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"setns {name}")
            found.append(do())
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


def _tun() -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    return fd


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
