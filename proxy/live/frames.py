"""WebSocket frames as far as a relay needs them: where one ends, and how a Close is written (RFC 6455 section 5.2).

Law: payloads are never looked at, only counted, so extensions and compression pass untouched.
"""

from __future__ import annotations

import os
from typing import Final

_LONGEST_REASON_BYTES: Final = 123  # a control frame carries 125 bytes, two of them the code


class Frames:
    """Follows one direction's frames through chunks cut anywhere."""

    __slots__ = ("_head", "_left_bytes")

    def __init__(self) -> None:
        self._head = b""
        self._left_bytes = 0

    @property
    def at_boundary(self) -> bool:
        """Whether everything fed so far is whole frames: only here may another frame be put in."""
        return not self._head and not self._left_bytes

    def feed(self, data: bytes) -> None:
        """These bytes go on."""
        place, end = 0, len(data)
        while place < end:
            if self._left_bytes:
                step = min(self._left_bytes, end - place)
                self._left_bytes -= step
                place += step
            else:
                place += self._take_head(data, place)

    def bytes_to_boundary(self, data: bytes) -> int | None:
        """How many of these, the next, bytes end the frame that is on its way; None: more than these."""
        if self.at_boundary:
            return 0
        probe = Frames()
        probe._head, probe._left_bytes = self._head, self._left_bytes
        place = 0
        while place < len(data):
            step = probe._left_bytes if probe._left_bytes else 1
            probe.feed(data[place : place + step])
            place += step
            if probe.at_boundary:
                return min(place, len(data)) if place <= len(data) else None
        return None

    def _take_head(self, data: bytes, place: int) -> int:
        """Take what there is of a frame's head; returns how many bytes of data that was."""
        had = len(self._head)
        head = self._head + data[place : place + 14 - had]
        needed = head_bytes(head)
        if needed is None or len(head) < needed:
            self._head = head
            return len(head) - had
        self._head = b""
        self._left_bytes = _payload_bytes(head[:needed])
        return needed - had


def head_bytes(head: bytes) -> int | None:
    """The length of a frame's head by its first two bytes; None: they aren't there yet."""
    if len(head) < 2:
        return None
    length = head[1] & 0x7F
    return 2 + (2 if length == 126 else 8 if length == 127 else 0) + (4 if head[1] & 0x80 else 0)


def _payload_bytes(head: bytes) -> int:
    length = head[1] & 0x7F
    if length == 126:
        return int.from_bytes(head[2:4], "big")
    if length == 127:
        return int.from_bytes(head[2:10], "big")
    return length


def close_frame(code: int, reason: str, *, masked: bool) -> bytes:
    """A Close. masked: as a client sends it. A reason that is too long is cut between letters."""
    text = reason.encode()[:_LONGEST_REASON_BYTES].decode(errors="ignore").encode()
    payload = code.to_bytes(2, "big") + text
    if not masked:
        return bytes((0x88, len(payload))) + payload
    mask = os.urandom(4)
    return bytes((0x88, 0x80 | len(payload))) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
