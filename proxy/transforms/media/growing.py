"""A capped film that is played while it is being made, of a source that may still be arriving.

Laws of this file: work begins with the source's first bytes where its layout allows it, with its index fetched ahead
where that stands at the end, else when all of it is there; the tool reads a stream from its first byte to its last;
what is handed out is a valid film up to its last fragment, whenever it ends; what is kept in the end is the same
pictures and sound with an index in front, looked at like any other result.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from policies.frozen import Frozen
from proxy.exchange import Refused
from proxy.transforms.media.capped import MAIN, capped_stream_args, left_s, made_of, unfit
from proxy.transforms.media.chapters import with_chapters, written_chapters
from proxy.transforms.media.index_first import index_in, moved, tail_of
from proxy.transforms.media.layout import MAX_INDEX_BYTES, needs_tail, prefix_to_begin
from proxy.transforms.media.probe import MediaInfo, probe
from proxy.transforms.media.spec import CappedSpec, MediaOutcome
from proxy.transforms.media.workbench import Bench

_PIECE_BYTES = 256 << 10
_FIRST_LOOK_BYTES = 64 << 10
_ALL = 1 << 62
_FRAGMENTS = "fragments.mp4"
_PREFIX = "prefix"
ALL_MADE = 0.97  # of the work: what is left is the index in front


class SourceFeed(Protocol):
    """A source file that is being written from its first byte on, or is whole already."""

    @property
    def path(self) -> Path: ...

    @property
    def length_bytes(self) -> int | None:
        """Of the whole, as announced; None: not known yet."""
        ...

    @property
    def complete(self) -> bool: ...

    async def wait_for(self, nbytes: int) -> int:
        """Wait until so many first bytes are in the file, or all of it; answer how many are. OSError: it broke off."""
        ...

    async def have_tail(self, nbytes: int) -> bool:
        """Have the last bytes in the file, before those between; False: they can't be had ahead."""
        ...


class WholeFile:
    """A file that is there already, as a feed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._length = path.stat().st_size

    @property
    def path(self) -> Path:
        return self._path

    @property
    def length_bytes(self) -> int | None:
        return self._length

    @property
    def complete(self) -> bool:
        return True

    async def wait_for(self, nbytes: int) -> int:
        return self._length

    async def have_tail(self, nbytes: int) -> bool:
        return True


class Beginning(Frozen, frozen=True, kw_only=True):
    """What of an arriving film is enough to begin with, and how it is read on.

    head        goes first, in place of the file's bytes before `at`; b"": nothing does
    at, end     from where to where the file's own bytes follow; end None: to its last
    looked_at   what tells the film's shape
    """

    looked_at: bytes
    head: bytes = b""
    at: int = 0
    end: int | None = None


async def make_capped_growing(
    feed: SourceFeed, spec: CappedSpec, bench: Bench, *, on_output: Callable[[bytes], None]
) -> MediaOutcome:
    """Hand out fragments as they come, then answer `video.mp4` as `make_capped` does.

    on_output  gets a fragmented MP4 from its first byte on, never anything if the outcome is known before
    Refused beside make_capped's: "source-broke-off". A refusal after the first output says that what was handed out
    must not be kept. Raises ToolFailed.
    """
    try:
        early = await beginning_of(feed)
        if early is None:
            await feed.wait_for(_ALL)
            info = await probe(feed.path, bench)
        else:
            info = await _probe_prefix(feed, early, bench)
        if (outcome := unfit(info, spec)) is not None:
            return outcome
        await _fragments(feed, info, spec, bench, on_output=on_output, early=early)
    except OSError:
        return Refused(why="source-broke-off")
    return await _kept(info, spec, bench)


async def beginning_of(feed: SourceFeed) -> Beginning | None:
    """What is enough to begin with; None: all is there, or all is needed. Raises OSError: it broke off."""
    wanted = _FIRST_LOOK_BYTES
    while not feed.complete and wanted <= MAX_INDEX_BYTES:
        there = await feed.wait_for(wanted)
        prefix = await asyncio.to_thread(_first_bytes, feed.path, min(there, MAX_INDEX_BYTES))
        needed = prefix_to_begin(prefix)
        if needed is None:
            return await _index_first(feed, prefix)
        if there < wanted:
            return None
        if needed <= len(prefix):
            return Beginning(looked_at=prefix)
        wanted = max(needed, wanted + _FIRST_LOOK_BYTES)
    return None


async def _index_first(feed: SourceFeed, prefix: bytes) -> Beginning | None:
    """A film whose index stands at its end, with that index fetched ahead and put in front of its frames."""
    length_bytes = feed.length_bytes
    tail = tail_of(prefix, length_bytes) if length_bytes and needs_tail(prefix) else None
    if tail is None or tail.nbytes > MAX_INDEX_BYTES or not await feed.have_tail(tail.nbytes):
        return None
    index = index_in(await asyncio.to_thread(_bytes_at, feed.path, tail.frames_end, tail.nbytes))
    in_front = moved(index, len(index)) if index is not None else None
    if in_front is None:
        return None
    head = prefix[: tail.frames_at] + in_front
    return Beginning(looked_at=head + prefix[tail.frames_at :], head=head, at=tail.frames_at, end=tail.frames_end)


async def _probe_prefix(feed: SourceFeed, early: Beginning, bench: Bench) -> MediaInfo:
    path = bench.folder / _PREFIX
    await asyncio.to_thread(path.write_bytes, early.looked_at)
    try:
        return await probe(path, bench, length_bytes=feed.length_bytes)
    finally:
        path.unlink()


async def _fragments(
    feed: SourceFeed,
    info: MediaInfo,
    spec: CappedSpec,
    bench: Bench,
    *,
    on_output: Callable[[bytes], None],
    early: Beginning | None,
) -> None:
    piped = early is not None
    with (bench.folder / _FRAGMENTS).open("wb") as kept:

        def take(piece: bytes) -> None:
            kept.write(piece)
            on_output(piece)

        with bench.until(ALL_MADE):
            await bench.ffmpeg(
                capped_stream_args("pipe:0" if piped else feed.path, info, spec),
                reads=[] if piped else [feed.path],
                media_s=left_s(info, spec),
                on_output=take,
                deadline_s=bench.limits.max_s if piped else None,
                feed=_pieces(feed, early) if early is not None else None,
            )


async def _pieces(feed: SourceFeed, early: Beginning) -> AsyncIterator[bytes]:
    """The film from its first byte to its last, as it arrives."""
    at, end = early.at, early.end if early.end is not None else _ALL
    if early.head:
        yield early.head
    # Unbuffered: what is read ahead may be a hole that is filled later.
    with await asyncio.to_thread(feed.path.open, "rb", 0) as file:
        await asyncio.to_thread(file.seek, at)
        while at < end:
            there = min(end, await feed.wait_for(at + 1))
            if there <= at:
                return
            while at < there:
                piece = await asyncio.to_thread(_read, file, min(_PIECE_BYTES, there - at))
                if not piece:
                    raise OSError("the file is shorter than it was said to be")
                at += len(piece)
                yield piece


async def _kept(info: MediaInfo, spec: CappedSpec, bench: Bench) -> MediaOutcome:
    """The fragments as one film with its index in front; nothing is encoded again."""
    source, target = bench.folder / _FRAGMENTS, bench.folder / MAIN
    copied = [
        "-i",
        str(source),
        "-map",
        "0",
        "-c",
        "copy",
        "-movflags",
        "+faststart",
        "-fflags",
        "+bitexact",
        str(target),
    ]
    with written_chapters(info.chapters, bench.folder, start_s=spec.start_s) as chapters:
        await bench.ffmpeg(with_chapters(copied, chapters), reads=[source])
    await asyncio.to_thread(source.unlink)
    return await made_of(target, info, spec, bench)


def _first_bytes(path: Path, nbytes: int) -> bytes:
    with path.open("rb") as file:
        return file.read(nbytes)


def _bytes_at(path: Path, offset: int, nbytes: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(nbytes)


def _read(file: BinaryIO, nbytes: int) -> bytes:
    return file.read(nbytes)
