"""What brotli packs at its best is packed once on this machine: a large script takes a second of a core, and every
journey's Tropa would pack the same ones anew.

Law: the bytes are brotli's own, by the very parameters that it was told; nothing of Tropa's is another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli

from tests.media_samples import kept

_BEST = 11
_FROM_BYTES = 16_384  # below it, to pack is as quick as to look


class _Kept:
    """A compressor that looks, at the end, whether these pieces were packed before."""

    def __init__(self, make: Callable[..., Any], how: dict[str, Any]) -> None:
        self._make, self._how = make, how
        self._pieces: list[bytes] = []
        self._begun: Any = None

    def process(self, data: bytes) -> bytes:
        if self._begun is not None:
            return bytes(self._begun.process(data))
        self._pieces.append(bytes(data))
        return b""

    def flush(self) -> bytes:
        head = self._begin()
        return head + bytes(self._begun.flush())

    def finish(self) -> bytes:
        if self._begun is not None or sum(map(len, self._pieces)) < _FROM_BYTES:
            head = self._begin()
            return head + bytes(self._begun.finish())
        told = repr((brotli.__version__, sorted(self._how.items()), [len(piece) for piece in self._pieces])).encode()
        name = hashlib.blake2b(b"".join((told, *self._pieces)), digest_size=16).hexdigest()
        return kept(f"packed-{name}", self._write).read_bytes()

    def _begin(self) -> bytes:
        """Pack what was held so far; from here on nothing is."""
        if self._begun is None:
            self._begun = self._make(**self._how)
        pieces, self._pieces = self._pieces, []
        return b"".join(bytes(self._begun.process(piece)) for piece in pieces)

    def _write(self, path: Path) -> None:
        head = self._begin()
        path.write_bytes(head + bytes(self._begun.finish()))


def keep_what_is_packed() -> None:
    """In this process, from here on."""
    make = brotli.Compressor
    if getattr(make, "keeps", False):
        return

    def compressor(**how: Any) -> Any:
        return _Kept(make, how) if how.get("quality") == _BEST else make(**how)

    compressor.keeps = True  # type: ignore[attr-defined]
    brotli.Compressor = compressor
