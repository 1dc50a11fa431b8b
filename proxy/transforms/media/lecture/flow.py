"""Raw frames from ffmpeg into a Python process, both in their jail, over a named pipe in the bench's folder.

Laws of this file: frames never pass through Tropa's own process, so decoding a lecture can't delay a page; whichever
side fails, the other is released at once and the pipe is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from policies.frozen import Frozen
from proxy.transforms.media.spec import ToolFailed, Workbench

_RELEASE_EVERY_S, _GRACE_S = 0.05, 10.0


class Run(Frozen, frozen=True, kw_only=True):
    """One ffmpeg run whose last output is the pipe of this name."""

    args: tuple[str, ...]
    pipe: str
    media_s: float | None = None


async def through_pipes(
    bench: Workbench, runs: Sequence[Run], module: str, args: Sequence[str], *, source: Path, deadline_s: float
) -> str:
    """Run them in turn while `python -m module args` reads one pipe after the other; answer what it says.

    deadline_s: for each of them, since each may wait for the other.
    Raises ToolFailed: the module's, else the first run's. After a run that fails the pipes stay empty.
    """
    failures: list[ToolFailed] = []
    with _pipes(bench.folder, [run.pipe for run in runs]):
        writing = asyncio.gather(_written(bench, runs, source, failures, deadline_s))
        reading = asyncio.gather(bench.python(module, args, reads=[], deadline_s=deadline_s))
        try:
            said = (await reading)[0]
            if not failures:  # else it only goes on releasing pipes
                await asyncio.wait({writing}, timeout=_GRACE_S)
        finally:
            await _stopped(reading)
            await _stopped(writing)
    if failures:
        raise failures[0]
    return said


async def _stopped(work: asyncio.Future[Any]) -> None:
    """It is over when this returns, whatever became of it."""
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError, ToolFailed):
        await work


async def _written(
    bench: Workbench, runs: Sequence[Run], source: Path, failures: list[ToolFailed], deadline_s: float
) -> None:
    for number, run in enumerate(runs):
        try:
            await bench.ffmpeg(run.args, reads=[source], media_s=run.media_s, deadline_s=deadline_s)
        except ToolFailed as failed:
            if (
                failed.why == "no-output"
            ):  # a pipe is no file: who looks for one finds nothing, though all was delivered
                continue
            failures.append(failed)
            await _release([bench.folder / left.pipe for left in runs[number:]])


async def _release(pipes: Sequence[Path]) -> None:
    """Let a reader that waits for a writer see the end, at whichever pipe it is or comes to; until cancelled."""
    while True:
        for pipe in pipes:
            with contextlib.suppress(OSError):  # nobody has it open for reading
                os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        await asyncio.sleep(_RELEASE_EVERY_S)


@contextlib.contextmanager
def _pipes(folder: Path, names: Sequence[str]) -> Iterator[None]:
    try:
        for name in names:
            os.mkfifo(folder / name, 0o600)
        yield
    finally:
        for name in names:
            (folder / name).unlink(missing_ok=True)
