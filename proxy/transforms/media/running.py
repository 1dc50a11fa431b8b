"""Runs a recipe from a source file to an outcome that was looked at, in a folder that holds nothing else.

Laws of this file: whatever a recipe does, the answer is an outcome; a tool that failed is tried again the simpler way,
if there is one; a folder holds the files of its outcome and nothing else, and nothing at all if nothing was made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from proxy.exchange import Refused
from proxy.transforms.media.check import checked_files, remove_strays
from proxy.transforms.media.growing import SourceFeed, WholeFile, make_capped_growing
from proxy.transforms.media.jail import Limits
from proxy.transforms.media.probe import probe
from proxy.transforms.media.recipes import RECIPES, Make, RecipeLine
from proxy.transforms.media.segments import INIT, SEGMENT_TYPE, make_segment, make_whole_hls, segment_name
from proxy.transforms.media.sound import make_sound_growing
from proxy.transforms.media.spec import (
    CappedSpec,
    HlsSpec,
    MediaMade,
    MediaOutcome,
    MediaSpec,
    Recipe,
    SoundCodec,
    SoundSpec,
    ToolFailed,
)
from proxy.transforms.media.tools import Tool
from proxy.transforms.media.workbench import Bench

logger = logging.getLogger("tropa.media")

Progress = Callable[[float], None]
Output = Callable[[bytes], None]
_DAMAGE = frozenset(("exit", "no-output"))  # the tool ran and couldn't: a more forgiving way may


class MediaRunner:
    """Runs recipes with one tool and under one set of limits. tool None: only what needs no ffmpeg."""

    def __init__(self, tool: Tool | None, limits: Limits | None = None) -> None:
        self._tool = tool
        self._limits = limits

    async def run(
        self,
        recipe: Recipe,
        source: Path,
        spec: MediaSpec,
        folder: Path,
        progress: Progress | None = None,
        on_output: Output | None = None,
    ) -> MediaOutcome:
        """Make it from a whole source. on_output gets what can be played of it while the rest is made."""
        line = RECIPES[recipe]
        if on_output is not None and isinstance(spec, SoundSpec) and spec.codec is SoundCodec.OPUS:
            bench = self._bench(folder, progress)
            work = make_sound_growing(source, spec, bench, on_output=on_output)
            return await _concluded(work, bench, await _length(source))
        if on_output is not None and isinstance(spec, CappedSpec):
            return await self.run_growing(WholeFile(source), spec, folder, progress, on_output)
        return await self._made(line, source, spec, folder, progress)

    async def run_growing(
        self, feed: SourceFeed, spec: CappedSpec, folder: Path, progress: Progress | None, on_output: Output
    ) -> MediaOutcome:
        """Make a capped film of a source that may still be arriving; on_output gets its fragments."""
        bench = self._bench(folder, progress)
        work = make_capped_growing(feed, spec, bench, on_output=on_output)
        return await _concluded(work, bench, feed.length_bytes)

    async def segment(self, source: Path, spec: HlsSpec, number: int, folder: Path) -> MediaOutcome:
        """Make one segment, counted from 0; its one file is the main one. Refused "no-such-segment"."""
        bench = self._bench(folder, None)
        return await _concluded(_one_segment(source, spec, number, bench), bench, None)

    async def whole_hls(
        self, source: Path, spec: HlsSpec, folder: Path, progress: Progress | None = None
    ) -> MediaOutcome:
        """Make a playlist with every segment, for a folder that stands by itself."""
        bench = self._bench(folder, progress)
        return await _concluded(make_whole_hls(source, spec, bench), bench, await _length(source))

    async def _made(
        self, line: RecipeLine, source: Path, spec: MediaSpec, folder: Path, progress: Progress | None
    ) -> MediaOutcome:
        bench = self._bench(folder, progress)
        below_bytes = await _length(source) if line.smaller else None
        outcome = await self._once(line.make, source, spec, bench, below_bytes)
        if line.simpler is None or not isinstance(outcome, Refused) or outcome.why not in _DAMAGE:
            return outcome
        logger.info("a recipe failed (%s) and is tried the simpler way", outcome.why)
        outcome = await self._once(line.simpler, source, spec, bench, below_bytes)
        damaged = isinstance(outcome, Refused) and outcome.why in _DAMAGE
        return Refused(why="damaged") if damaged else outcome

    async def _once(
        self, make: Make, source: Path, spec: MediaSpec, bench: Bench, below_bytes: int | None
    ) -> MediaOutcome:
        return await _concluded(make(source, spec, bench), bench, below_bytes)

    def _bench(self, folder: Path, progress: Progress | None) -> Bench:
        return Bench(folder, self._tool, limits=self._limits, on_progress=progress)


async def run_recipe(
    recipe: Recipe,
    source: Path,
    spec: MediaSpec,
    folder: Path,
    *,
    tool: Tool | None,
    limits: Limits | None = None,
    on_progress: Progress | None = None,
) -> MediaOutcome:
    """One recipe on one whole source. folder: an empty one, of this run alone. Raises only CancelledError."""
    return await MediaRunner(tool, limits).run(recipe, source, spec, folder, on_progress)


async def _concluded(work: Awaitable[MediaOutcome], bench: Bench, below_bytes: int | None) -> MediaOutcome:
    """The outcome of a recipe's work, looked at; the folder holds what it names and nothing else."""
    outcome: MediaOutcome
    try:
        outcome = await work
        if isinstance(outcome, MediaMade):
            outcome = await asyncio.to_thread(checked_files, outcome, bench.folder, below_bytes)
    except ToolFailed as failed:
        logger.info("a media tool failed: %s", failed)
        outcome = Refused(why=failed.why)
    except Exception:
        logger.exception("a recipe failed")
        outcome = Refused(why="recipe-failed")
    except asyncio.CancelledError:
        await _tidied(bench.folder, ())
        raise
    await _tidied(bench.folder, outcome.files if isinstance(outcome, MediaMade) else ())
    if isinstance(outcome, MediaMade):
        bench.progress(1.0)
    return outcome


async def _tidied(folder: Path, kept: Iterable[str]) -> None:
    """Nothing but `kept` is in the folder; nothing at all where this is cancelled, for nobody will hear of it then."""
    tidying = asyncio.gather(asyncio.to_thread(remove_strays, folder, kept))
    try:
        await asyncio.shield(tidying)
    except asyncio.CancelledError:
        await tidying
        await asyncio.to_thread(remove_strays, folder, ())
        raise


async def _one_segment(source: Path, spec: HlsSpec, number: int, bench: Bench) -> MediaOutcome:
    info = await probe(source, bench)
    if info.video is None or info.duration_s is None:
        return Refused(why="no-video" if info.video is None else "unknown-length")
    try:
        path = await make_segment(source, spec, number, bench, info=info)
    except IndexError:
        return Refused(why="no-such-segment")
    name = segment_name(number)
    await asyncio.to_thread((bench.folder / INIT).unlink, True)
    length = (await asyncio.to_thread(path.stat)).st_size
    return MediaMade(main=name, content_type=SEGMENT_TYPE, files=(name,), length_bytes=length, facts={})


async def _length(source: Path) -> int | None:
    try:
        return (await asyncio.to_thread(source.stat)).st_size
    except OSError:
        return None
