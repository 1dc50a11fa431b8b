"""A stored body, read in pieces of 64 KiB, each compared with its CRC before a byte of it goes on.

Laws: the file is open before the head goes out, so an eviction can't break what has begun; a piece that isn't what was
stored ends the reading, and is never sent; bytes that the system has in memory are read at once, others off the loop.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from proxy.cache.body_checks import PIECE_BYTES, is_right, there_of
from proxy.cache.body_files import BodyFiles
from proxy.cache.stored import StoredResponse
from proxy.media.extents import Extents
from proxy.upstream.faults import upstream_truncated

_AT_ONCE = getattr(os, "RWF_NOWAIT", 0)


class ObjectReader:
    """Reads one body; `close` it. `piece` is the piece read last; `damaged` is told when one isn't what was stored."""

    from_origin = False

    def __init__(self, file: int, there: Extents, checks: bytes) -> None:
        self._file = file
        self._there = there
        self._checks = checks
        self._number = -1
        self.piece = b""
        self.damaged: Callable[[OSError], Awaitable[None]] | None = None

    @classmethod
    def opened(cls, files: BodyFiles, stored: StoredResponse, first: int = 0) -> ObjectReader:
        """Off the event loop. Raises OSError where the file is gone, or its first piece isn't what was stored."""
        reader = cls(files.open(stored.row.file), stored.there, stored.row.checks)
        try:
            if stored.there.total_bytes:
                reader._load(first // PIECE_BYTES)
        except BaseException:
            reader.close()
            raise
        return reader

    @classmethod
    def of_bytes(cls, body: bytes) -> ObjectReader:
        """Over a body of one piece that was checked before."""
        reader = cls(-1, Extents(((0, len(body)),)), b"")
        reader._number, reader.piece = 0, body
        return reader

    def read_now(self, offset: int, max_bytes: int) -> bytes:
        """What is here of the bytes from an offset on; b"" where the disk must be asked."""
        number = offset // PIECE_BYTES
        if number != self._number and not (_AT_ONCE and self._loaded_at_once(number)):
            return b""
        return self._slice(offset, max_bytes)

    async def read(self, offset: int, max_bytes: int) -> bytes:
        """The bytes from an offset on, at least one; b"" where there are none. Raises ExchangeError."""
        number = offset // PIECE_BYTES
        if number != self._number:
            try:
                await asyncio.to_thread(self._load, number)
            except OSError as error:
                if self.damaged is not None:
                    await self.damaged(error)
                raise upstream_truncated(f"a stored response: {error}") from error
        return self._slice(offset, max_bytes)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # -- inside ------------------------------------------------------------------------------------------------

    def _load(self, number: int) -> None:
        piece = there_of(self._file, self._there, number)
        if not is_right(piece, self._checks, number):
            raise OSError(f"piece {number} isn't what was stored")
        self._number, self.piece = number, piece

    def _loaded_at_once(self, number: int) -> bool:
        """Whether the system had the whole piece in memory, and it is right (preadv2(2), RWF_NOWAIT)."""
        start = number * PIECE_BYTES
        end = min(start + PIECE_BYTES, self._there.end_from(start))
        if self._file < 0 or not self._there.covers(start, end) or end <= start or not self._is_plain(start):
            return False
        buffer = bytearray(end - start)
        try:
            if os.preadv(self._file, [buffer], start, _AT_ONCE) != len(buffer):
                return False
        except OSError:  # not in memory, or a file system that can't tell
            return False
        piece = bytes(buffer)
        if not is_right(piece, self._checks, number):
            return False  # the other way reads it again, and says so
        self._number, self.piece = number, piece
        return True

    def _is_plain(self, start: int) -> bool:
        """Nothing else of this piece is there behind a hole."""
        end = self._there.end_from(start)
        return end >= start + PIECE_BYTES or all(not end < a < start + PIECE_BYTES for a, _ in self._there.spans)

    def _slice(self, offset: int, max_bytes: int) -> bytes:
        start = self._number * PIECE_BYTES
        before = 0
        for a, b in self._there.spans:
            a, b = max(a, start), min(b, start + PIECE_BYTES)
            if a >= b:
                continue
            if a <= offset < b:
                at = before + offset - a
                return self.piece[at : at + min(max_bytes, b - offset)]
            before += b - a
        return b""
