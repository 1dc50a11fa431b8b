"""The end of a child process, whatever it has left unread.

asyncio's `Process.wait` returns when all of the process's pipes are at their end, too, and a pipe that nobody reads any
more, since its reader was stopped or had enough, never is.
"""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from contextlib import suppress

_PIECE_BYTES = 65536


async def reaped(process: Process) -> int:
    """Wait until a process that was killed, or has closed its output, is gone. Its exit code."""
    await asyncio.gather(_read_out(process.stdout), _read_out(process.stderr))
    return await process.wait()


async def _read_out(stream: asyncio.StreamReader | None) -> None:
    with suppress(OSError):
        while stream is not None and await stream.read(_PIECE_BYTES):
            pass
