"""Waiting for conditions, never for a length of time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


PATIENCE_S = 60.0  # a machine that runs tests may do much else; what comes is never waited for longer than it takes


def until(seen: Callable[[], Seen], *, what: str, timeout_s: float = PATIENCE_S, step_s: float = 0.05) -> Seen:
    """The first truthy value that `seen` returns. Raises AssertionError naming what never came."""
    ends = time.monotonic() + timeout_s
    while True:
        value = seen()
        if value:
            return value
        if time.monotonic() > ends:
            raise AssertionError(f"waited {timeout_s:g} s in vain for {what}; last seen: {value!r}")
        time.sleep(step_s)


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
