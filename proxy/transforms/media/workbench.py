"""Where a recipe works: a folder of its own, and tools in their jail.

Laws of this file:
- a tool that is cancelled, late or too greedy is killed with its whole group and reaped before anybody goes on;
- its log is read while it runs and only its tail is kept; nothing it says is believed but how far it is;
- exit status 0 without output is a failure, and so is every signal.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proxy.transforms.media import jail
from proxy.transforms.media.containers import file_demuxer
from proxy.transforms.media.ffmpeg_args import UnknownContainerError, guarded, is_progress, progress_s
from proxy.transforms.media.jail import Limits
from proxy.transforms.media.spec import ToolFailed
from proxy.transforms.media.tools import Tool
from proxy.transforms.reaped import reaped

logger = logging.getLogger("tropa.media")

_LOG_LINES, _LOG_LINE_BYTES = 10_000, 500
_PYTHON_ANSWER_BYTES = 1 << 20
_DETAIL_CHARS = 400
_PIECE_BYTES = 1 << 16
_DISK_EVERY_S = 1.0


class Bench:
    """A `Workbench` whose tools are processes. tool None: films and sound can't be worked on here ("no-tool").

    on_progress gets 0..1, rising. folder must exist; it and what is in it belong to this bench until it is done.
    """

    def __init__(
        self,
        folder: Path,
        tool: Tool | None,
        *,
        limits: Limits | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> None:
        self._folder = folder.resolve()
        self._tool = tool
        self._limits = limits or Limits()
        self._on_progress = on_progress
        self._done = 0.0
        self._ceiling = 1.0

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def limits(self) -> Limits:
        return self._limits

    def progress(self, done: float) -> None:
        """Tell how much of the whole recipe is done; a lower number than before says nothing."""
        done = min(1.0, done)
        if done > self._done:
            self._done = done
            if self._on_progress is not None:
                self._on_progress(done)

    @contextlib.contextmanager
    def until(self, done: float) -> Iterator[None]:
        """What tools report in here fills the share from now up to `done` of the whole recipe."""
        before, self._ceiling = self._ceiling, done
        try:
            yield
        finally:
            self._ceiling = before
            self.progress(done)

    async def ffmpeg(
        self,
        args: Sequence[str],
        *,
        reads: Sequence[Path],
        media_s: float | None = None,
        on_output: Callable[[bytes], None] | None = None,
        deadline_s: float | None = None,
        feed: AsyncIterable[bytes] | None = None,
    ) -> str:
        """Run ffmpeg and answer the tail of its log. feed: what `-f NAME -i pipe:0` gets. Raises ToolFailed.

        Every input that has no `-f` of its own is opened by the demuxer that its first bytes name; one that they
        don't name fails with "unknown-container". What feed or on_output raises goes up as it is, the tool being gone.
        """
        tool = self._need_tool()
        try:
            told = guarded(args, self._demuxer, max_pixels=self._limits.max_pixels)
        except UnknownContainerError as unknown:
            raise ToolFailed("unknown-container", str(unknown)) from None
        job = self._job(deadline_s or self._limits.deadline_s(media_s))
        job.feed, job.on_output, job.media_s = feed, on_output, media_s
        command = jail.tool_command(
            tool.ffmpeg, told, reads=reads, folder=self._folder, limits=self._limits, cpu_s=job.deadline_s
        )
        await self._run(command, job)
        self._expect_output(args, job)
        return "\n".join(job.log)

    async def ffprobe(self, args: Sequence[str], *, reads: Sequence[Path]) -> str | None:
        """Run ffprobe and answer its standard output; None where the tool has none. Raises ToolFailed."""
        tool = self._need_tool()
        if tool.ffprobe is None:
            return None
        job = self._job(self._limits.base_s)
        answer = bytearray()
        job.on_output, job.output_bytes = answer.extend, _PYTHON_ANSWER_BYTES
        command = jail.tool_command(
            tool.ffprobe, args, reads=reads, folder=self._folder, limits=self._limits, cpu_s=job.deadline_s
        )
        await self._run(command, job)
        return answer.decode("utf-8", "replace")

    async def python(
        self, module: str, args: Sequence[str], *, reads: Sequence[Path], deadline_s: float | None = None
    ) -> str:
        """Run `python -m module args` in the same jail, answer its standard output (up to 1 MB). Raises ToolFailed."""
        job = self._job(deadline_s or self._limits.deadline_s(None))
        answer = bytearray()
        job.on_output, job.output_bytes = answer.extend, _PYTHON_ANSWER_BYTES
        command = jail.python_command(
            module, args, reads=reads, folder=self._folder, limits=self._limits, cpu_s=job.deadline_s
        )
        await self._run(command, job)
        return answer.decode("utf-8", "replace")

    # -- one process -------------------------------------------------------------------------------------------

    def _need_tool(self) -> Tool:
        if self._tool is None:
            raise ToolFailed("no-tool")
        return self._tool

    def _demuxer(self, source: str) -> str | None:
        try:
            return file_demuxer(self._folder / source)
        except OSError:
            return None

    def _job(self, deadline_s: float) -> _Job:
        return _Job(deadline_s=deadline_s, output_bytes=self._limits.output_bytes, start=self._done, end=self._ceiling)

    async def _run(self, command: Sequence[str], job: _Job) -> None:
        await asyncio.to_thread(jail.holds)
        process = await self._start(command, job)
        try:
            async with asyncio.timeout(job.deadline_s):
                await self._attend(process, job)
        except TimeoutError:
            raise ToolFailed("timed-out", f"{job.deadline_s:.0f} s") from None
        except ExceptionGroup as group:
            raise _first_failure(group) from None
        finally:
            await asyncio.shield(_end(process))
        _judge(process.returncode, job)

    async def _start(self, command: Sequence[str], job: _Job) -> Process:
        try:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=DEVNULL if job.feed is None else PIPE,
                stdout=DEVNULL if job.on_output is None else PIPE,
                stderr=PIPE,
                cwd=self._folder,
                env=jail.environment(self._folder),
                start_new_session=True,
            )
        except OSError as error:
            raise ToolFailed("no-tool", str(error)) from None

    async def _attend(self, process: Process, job: _Job) -> None:
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(self._watch_disk())]
            if job.feed is not None:
                beside.append(group.create_task(_write_feed(process, job.feed)))
            readers = [group.create_task(self._read_log(process, job))]
            if job.on_output is not None:
                readers.append(group.create_task(_read_output(process, job)))
            await asyncio.wait(readers)
            await process.wait()
            for task in beside:  # a tool may have enough before its feed ends
                task.cancel()

    async def _read_log(self, process: Process, job: _Job) -> None:
        assert process.stderr is not None
        rest = b""
        while piece := await process.stderr.read(_PIECE_BYTES):
            *lines, rest = (rest + piece).split(b"\n")
            rest = rest[:_LOG_LINE_BYTES]
            for line in lines:
                self._take_line(line[:_LOG_LINE_BYTES].decode("utf-8", "replace").rstrip(), job)
        self._take_line(rest.decode("utf-8", "replace"), job)

    def _take_line(self, line: str, job: _Job) -> None:
        if not is_progress(line):
            if line:
                job.log.append(line)
            return
        at_s = progress_s(line)
        if at_s is not None and job.media_s:
            self.progress(job.start + (job.end - job.start) * min(1.0, max(0.0, at_s / job.media_s)))

    async def _watch_disk(self) -> None:
        """A tool may write many files: their sum has a limit too."""
        while True:
            await asyncio.sleep(_DISK_EVERY_S)
            if await asyncio.to_thread(folder_bytes, self._folder) > self._limits.folder_bytes:
                raise ToolFailed("too-large", "all files together")

    def _expect_output(self, args: Sequence[str], job: _Job) -> None:
        """It said that all went well: then every file that it was told to write must be there, and not be empty."""
        if job.on_output is not None and job.written == 0:
            raise ToolFailed("no-output")
        for before, arg in itertools.pairwise(["", *args]):
            if before == "-i" or "%" in arg or not arg.startswith(f"{self._folder}/"):
                continue
            path = Path(arg)
            if path.is_fifo():
                continue  # whoever reads it has what there was
            if not path.is_file() or path.stat().st_size == 0:
                raise ToolFailed("no-output", path.name)


@dataclass(slots=True, kw_only=True)
class _Job:
    """One process: what it may, and what it did. start, end: the share of the recipe that its progress fills."""

    deadline_s: float
    output_bytes: int
    start: float
    end: float
    media_s: float | None = None
    on_output: Callable[[bytes], None] | None = None
    feed: AsyncIterable[bytes] | None = None
    written: int = 0
    log: deque[str] = field(default_factory=lambda: deque(maxlen=_LOG_LINES))


def folder_bytes(folder: Path) -> int:
    """The sum of all files under a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(parent) / name).lstat().st_size
    return total


async def _read_output(process: Process, job: _Job) -> None:
    assert process.stdout is not None
    assert job.on_output is not None
    while piece := await process.stdout.read(_PIECE_BYTES):
        job.written += len(piece)
        if job.written > job.output_bytes:
            raise ToolFailed("too-large", "standard output")
        job.on_output(piece)


async def _write_feed(process: Process, feed: AsyncIterable[bytes]) -> None:
    """Hand over what comes, no faster than it is taken; a tool that has enough may close its end."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        async for piece in feed:
            process.stdin.write(piece)
            await process.stdin.drain()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.close()
        await process.stdin.wait_closed()


async def _end(process: Process) -> None:
    """Kill what is left of the group and reap the process."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await reaped(process)


def _judge(code: int | None, job: _Job) -> None:
    detail = "\n".join(list(job.log)[-6:])[-_DETAIL_CHARS:]
    if code == 0:
        return
    if code == -signal.SIGXFSZ:
        raise ToolFailed("too-large", detail)
    if code == -signal.SIGXCPU:
        raise ToolFailed("timed-out", detail)
    if code is None or code < 0:
        raise ToolFailed("killed", f"signal {-(code or 0)}: {detail}")
    raise ToolFailed("exit", f"{code}: {detail}")


def _first_failure(group: ExceptionGroup) -> Exception:
    """What went wrong first; a fault of a caller's own callback goes up as it is."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, Exception)
    return first
