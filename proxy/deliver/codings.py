"""Content codings (RFC 9110 section 8.4): what the client accepts, and streaming coders.

Laws: the client's Accept-Encoding on this very connection decides; a decoder never yields more than its limit
(gzip, br and zstd bombs end in `CodingError`); an encoder flushes at the caller's word only.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

import brotli
import zstandard

KNOWN = ("br", "zstd", "gzip")  # in our order of preference for live text (bytes at equal CPU)
DECODABLE = frozenset({"br", "zstd", "gzip", "x-gzip", "deflate", ""})

_BOMB_RATIO = 2000  # ziproxy's limit; real text stays far below
_BOMB_FLOOR_BYTES = 4 * 1024**2  # below this no ratio is a bomb
_ZSTD_MAX_WINDOW_BYTES = 8 * 1024**2  # RFC 8878 section 3.1.1.1.2, RFC 9659: what a decoder for the web must take


class CodingError(ValueError):
    """The coded body is broken or is a bomb."""


class Coder(Protocol):
    def feed(self, data: bytes) -> bytes: ...

    def flush(self) -> bytes: ...

    def finish(self) -> bytes: ...


@lru_cache(maxsize=512)
def accepted(accept_encoding: str | None) -> tuple[str, ...]:
    """The codings we know that the client accepts, best first. None or "" (header absent): none.

    RFC 9110 section 12.5.3: q=0 forbids; "*" stands for every one not named. Without the header any coding would be
    allowed, yet clients that don't send it mostly can't decode, so identity it is.
    """
    if not accept_encoding:
        return ()
    weights: dict[str, float] = {}
    for item in accept_encoding.split(","):
        name, _, params = item.partition(";")
        weights[name.strip().lower()] = _weight(params)
    star = weights.get("*", 0.0)
    got = [(weights.get(name, weights.get("x-" + name, star)), name) for name in KNOWN]
    usable = [(weight, name) for weight, name in got if weight > 0]
    # Browsers give all codings the same weight; a client with a clear wish gets it.
    usable.sort(key=lambda pair: -pair[0])
    return tuple(name for _, name in usable)


def _weight(params: str) -> float:
    for param in params.split(";"):
        key, _, value = param.partition("=")
        if key.strip().lower() == "q":
            try:
                return float(value.strip())
            except ValueError:
                return 0.0
    return 1.0


class _Brotli:
    __slots__ = ("_coder",)

    def __init__(self, quality: int, lgwin: int = 19) -> None:
        self._coder = brotli.Compressor(mode=brotli.MODE_TEXT, quality=quality, lgwin=lgwin)

    def feed(self, data: bytes) -> bytes:
        return bytes(self._coder.process(data))

    def flush(self) -> bytes:
        return bytes(self._coder.flush())

    def finish(self) -> bytes:
        return bytes(self._coder.finish())


class _Gzip:
    __slots__ = ("_coder",)

    def __init__(self, level: int) -> None:
        self._coder = zlib.compressobj(level, zlib.DEFLATED, 31)

    def feed(self, data: bytes) -> bytes:
        return self._coder.compress(data)

    def flush(self) -> bytes:
        return self._coder.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._coder.flush(zlib.Z_FINISH)


class _Zstd:
    __slots__ = ("_coder",)

    def __init__(self, level: int) -> None:
        params = zstandard.ZstdCompressionParameters.from_level(level, window_log=20, write_checksum=False)
        self._coder = zstandard.ZstdCompressor(compression_params=params).compressobj()

    def feed(self, data: bytes) -> bytes:
        return self._coder.compress(data)

    def flush(self) -> bytes:
        return self._coder.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def finish(self) -> bytes:
        return self._coder.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)


class _Identity:
    __slots__ = ()

    def feed(self, data: bytes) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""

    def finish(self) -> bytes:
        return b""


def live_encoder(coding: str) -> Coder:
    """For text made at this moment: brotli 5, gzip 6 and zstd 9 cost about the same (0.6-0.9 ms a page)."""
    if coding == "br":
        return _Brotli(5)
    if coding == "zstd":
        return _Zstd(9)
    return _Gzip(6) if coding == "gzip" else _Identity()


def patient_encoder(coding: str) -> Coder:
    """For a page made at this moment whose bytes cost more than our time: an eighth smaller by brotli, 29 ms a page.

    Measured on the sample course's pages; gzip and zstd gain 1 to 5 per cent at most.
    """
    if coding == "br":
        return _Brotli(10)
    if coding == "zstd":
        return _Zstd(15)
    return _Gzip(9) if coding == "gzip" else _Identity()


def best_encoder(coding: str) -> Coder:
    """For static text that is coded once and kept."""
    if coding == "br":
        return _Brotli(11, 22)
    if coding == "zstd":
        return _Zstd(19)
    return _Gzip(9) if coding == "gzip" else _Identity()


def compress(data: bytes, encoder: Coder) -> bytes:
    return encoder.feed(data) + encoder.finish()


class Decoder:
    """Streaming decoder of one coding, with a bomb guard.

    Raises CodingError when the body is broken, truncated, or grows beyond `max_bytes` or 2000 times its source.
    """

    __slots__ = ("_coding", "_ended", "_max_bytes", "_raw", "_source_bytes", "_step", "_yielded_bytes")

    def __init__(self, coding: str, *, max_bytes: int) -> None:
        self._coding = coding
        self._max_bytes = max_bytes
        self._source_bytes = 0
        self._yielded_bytes = 0
        self._step, self._ended = _decoder_step(coding)

    def feed(self, data: bytes) -> bytes:
        if not data:
            return b""
        self._source_bytes += len(data)
        room = min(self._max_bytes, max(_BOMB_FLOOR_BYTES, self._source_bytes * _BOMB_RATIO)) - self._yielded_bytes
        try:
            out = self._step(data, room + 1)
        except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
            raise CodingError(f"{self._coding}: {error}") from error
        if len(out) > room:
            raise CodingError(f"{self._coding}: grows beyond {self._yielded_bytes + room} bytes")
        self._yielded_bytes += len(out)
        return out

    def finish(self) -> None:
        """Raises CodingError where the body ended too early."""
        if self._source_bytes and not self._ended():
            raise CodingError(f"{self._coding}: ends too early")


def _decoder_step(coding: str) -> tuple[Callable[[bytes, int], bytes], Callable[[], bool]]:
    if coding in ("gzip", "x-gzip", "deflate"):
        return _zlib_step(coding)
    if coding == "br":
        return _brotli_step()
    if coding == "zstd":
        return _zstd_step()
    return (lambda data, _room: data), (lambda: True)


def _zlib_step(coding: str) -> tuple[Callable[[bytes, int], bytes], Callable[[], bool]]:
    # deflate: some servers send it raw, without the zlib head that RFC 9110 section 8.4.1.2 asks for.
    state: list[zlib._Decompress | None] = [zlib.decompressobj(31) if coding != "deflate" else None]

    def step(data: bytes, room: int) -> bytes:
        coder = state[0]
        if coder is None:
            zlib_head = data[0] & 0x0F == 8 and (len(data) < 2 or (data[0] * 256 + data[1]) % 31 == 0)
            coder = state[0] = zlib.decompressobj(15 if zlib_head else -15)
        out = bytearray()
        while data and len(out) < room:
            if coder.eof:  # members may follow each other (RFC 1952 section 2.2)
                if coding == "deflate" or not data.startswith(b"\x1f\x8b"):
                    break
                coder = state[0] = zlib.decompressobj(31)
            out += coder.decompress(data, room - len(out))
            data = coder.unused_data if coder.eof else coder.unconsumed_tail
        return bytes(out)

    return step, lambda: state[0] is not None and state[0].eof


def _brotli_step() -> tuple[Callable[[bytes, int], bytes], Callable[[], bool]]:
    coder = brotli.Decompressor()

    def step(data: bytes, room: int) -> bytes:
        out = bytes(coder.process(data, output_buffer_limit=room))
        while len(out) < room and not coder.can_accept_more_data():
            more = bytes(coder.process(b"", output_buffer_limit=room - len(out)))
            if not more:
                break
            out += more
        return out

    return step, coder.is_finished


def _zstd_step() -> tuple[Callable[[bytes, int], bytes], Callable[[], bool]]:
    coder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW_BYTES).decompressobj()

    def step(data: bytes, room: int) -> bytes:
        # The library has no output limit; feeding in slices bounds what one step can inflate to: a zstd block
        # is at most 128 kB and its head 3 bytes, so a slice of 1 KiB yields at most 340 blocks (44 MB).
        out = bytearray()
        for start in range(0, len(data), 1024):
            out += coder.decompress(data[start : start + 1024])
            if len(out) > room:
                break
        return bytes(out)

    return step, lambda: bool(coder.eof)
