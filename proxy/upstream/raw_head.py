"""Message heads whose values aren't UTF-8 (old sites write file names in windows-1251), kept byte for byte.

aiohttp reads such bytes as surrogate escapes and its own writer then leaves them out without a word.
"""

from __future__ import annotations

from aiohttp.http import StreamWriter
from multidict import CIMultiDict


class RawWriter(StreamWriter):
    """Writes header bytes that aren't UTF-8 as they came; aiohttp's own writer silently leaves them out."""

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        await super().write_headers(status_line, headers)
        if not "".join(headers.values()).isascii():
            self._headers_buf = raw_head(status_line, headers)


def raw_head(start_line: str, headers: CIMultiDict[str]) -> bytes:
    """A head with surrogate-escaped bytes put back. Called after the safe writer has checked for control bytes."""
    lines = [start_line, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")
