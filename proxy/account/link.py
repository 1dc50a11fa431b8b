"""How fast a learner's link is, as measured from what was delivered.

Laws of this file: only what the link itself held up is a measurement (a slow origin says nothing of the link); a
measurement is forgotten after half an hour; the number of keys is bounded. Behind a front that buffers, Tropa
measures the way to the front: such an estimate is too high, and a high one narrows nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import OrderedDict, deque
from dataclasses import dataclass
from fcntl import ioctl
from statistics import median

_FORGET_S = 1800.0
_SAMPLES = 9  # the median of nine outlives four odd ones
_MIN_BYTES = 16_384  # below it the round trip is measured, not the link
_MIN_S = 0.02
_MAX_BPS = 10_000_000_000
_TIOCOUTQ = 0x5411  # tcp(7) SIOCOUTQ: bytes in the send queue, unsent and unacknowledged
_TCP_INFO_BYTES = 168
_DELIVERY_RATE_AT = 160  # linux/tcp.h struct tcp_info: tcpi_delivery_rate, bytes per second
_APP_LIMITED_AT = 7


@dataclass(slots=True)
class _Link:
    """bps: the median of the samples until the oldest of them is forgotten (until_s); None: to be worked out."""

    samples: deque[tuple[float, float]]
    bps: int | None = None
    until_s: float = 0.0


class LinkMeter:
    """Estimates per key (a learner's id)."""

    def __init__(self, *, max_keys: int = 10_000) -> None:
        self._max_keys = max_keys
        self._links: OrderedDict[str, _Link] = OrderedDict()

    def delivered(self, key: str, nbytes: int, seconds: float, steady_s: float, *, held_up: bool = True) -> None:
        """Learn from one delivery.

        nbytes   left for the learner, less what is still unsent
        seconds  from the first byte of the body to the last
        held_up  the link, not the origin, set the pace; otherwise the sample only ever raises the estimate
        """
        if nbytes < _MIN_BYTES or seconds < _MIN_S:
            return
        bps = min(nbytes * 8 / seconds, _MAX_BPS)
        if not held_up:
            known = self.bps(key, steady_s)
            if known is None or bps <= known:
                return
        link = self._links.get(key)
        if link is None:
            link = self._links[key] = _Link(deque(maxlen=_SAMPLES))
            if len(self._links) > self._max_keys:
                self._links.popitem(last=False)
        self._links.move_to_end(key)
        link.samples.append((bps, steady_s))
        link.bps = None

    def bps(self, key: str, steady_s: float) -> int | None:
        """Bits per second: the median of the last half hour's samples; None: nothing measured."""
        link = self._links.get(key)
        if link is None:
            return None
        if link.bps is not None and steady_s <= link.until_s:
            return link.bps
        live = [(bps, at_s) for bps, at_s in link.samples if steady_s - at_s <= _FORGET_S]
        if not live:
            del self._links[key]
            return None
        link.bps, link.until_s = int(median(bps for bps, _ in live)), live[0][1] + _FORGET_S
        return link.bps

    def forget(self, key: str) -> int:
        """What was measured for this key is forgotten; 1: there was something."""
        return int(self._links.pop(key, None) is not None)


def unsent_bytes(transport: asyncio.Transport | None) -> int:
    """Bytes that were accepted but not acknowledged by the client's side: in the transport and in the kernel.

    0 where it can't be known (closed, not TCP).
    """
    if transport is None:
        return 0
    waiting = transport.get_write_buffer_size() if not transport.is_closing() else 0
    sock = transport.get_extra_info("socket")
    if sock is None:
        return waiting
    with contextlib.suppress(OSError, ValueError):
        answer = ioctl(sock.fileno(), _TIOCOUTQ, b"\0\0\0\0")
        waiting += max(0, int(struct.unpack("i", answer)[0]))
    return waiting


def kernel_estimate_bps(transport: asyncio.Transport | None) -> tuple[int, bool] | None:
    """The kernel's own delivery rate of this connection, and whether the link (not we) set the pace.

    None: not Linux, not TCP, or nothing delivered yet. Source: linux/tcp.h, struct tcp_info.
    """
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None:
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    except (OSError, AttributeError):
        return None
    if len(info) < _TCP_INFO_BYTES:
        return None
    (bytes_per_s,) = struct.unpack_from("=Q", info, _DELIVERY_RATE_AT)
    held_up = not info[_APP_LIMITED_AT] & 1
    return (min(bytes_per_s * 8, _MAX_BPS), held_up) if bytes_per_s else None
