"""Waiting for conditions, never for a length of time."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


COSTLY_STEP_S = 0.5  # what is waited for is often made on the same cores that open a page or write a report
PATIENCE_S = 60.0  # a machine that runs tests may do much else; what comes is never waited for longer than it takes


def until(seen: Callable[[], Seen], *, what: str, timeout_s: float = PATIENCE_S, step_s: float = 0.05) -> Seen:
    """The first truthy value that `seen` returns. Raises AssertionError naming what never came.

    step_s: how long between two looks; COSTLY_STEP_S where a look opens a page or writes a report
    """
    ends = time.monotonic() + timeout_s
    while True:
        value = seen()
        if value:
            return value
        if time.monotonic() > ends:
            raise AssertionError(f"waited {timeout_s:g} s in vain for {what}; last seen: {value!r}")
        time.sleep(step_s)


def arrived(script: str) -> str:
    """What a page is asked until the script of this address is here: its tag stands in the page before its bytes do."""
    return (
        f"performance.getEntriesByType('resource').some((one) => one.name.includes('{script}') && one.responseEnd > 0)"
    )


# Below what the kernel gives to outgoing connections, so that none of those sits on a port while its Tropa is started
# anew; a stretch for each worker of a run, so that no two are told of the same one.
_FIRST_PORT, _PORTS, _STRETCHES = 10_240, 22_000, 16
_STRETCH = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _STRETCHES
_next_port = itertools.count(os.getpid() * 61)


def free_port() -> int:
    """A port of loopback that nobody listens on now, and that nobody else in this run is told of."""
    size = _PORTS // _STRETCHES
    for _ in range(size):
        port = _FIRST_PORT + _STRETCH * size + next(_next_port) % size
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("no port is free")


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
