"""Small bodies in memory, the least recently used out first; bounded by bytes."""

from __future__ import annotations

from collections import OrderedDict

_MAX_SHARE = 64  # one body may take at most this part of the whole


class BoundedMemory:
    """Bytes by key, at most `max_bytes` together; a body over a 64th of that isn't kept."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bodies: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> bytes | None:
        body = self._bodies.get(key)
        if body is not None:
            self._bodies.move_to_end(key)
        return body

    def put(self, key: str, body: bytes) -> None:
        self.drop(key)
        if len(body) * _MAX_SHARE > self._max_bytes:
            return
        self._bodies[key] = body
        self._bytes += len(body)
        while self._bytes > self._max_bytes:
            self._bytes -= len(self._bodies.popitem(last=False)[1])

    def drop(self, key: str) -> None:
        gone = self._bodies.pop(key, None)
        self._bytes -= len(gone) if gone is not None else 0
