"""Tools at the bench: what comes of them, and that nothing is left of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.transforms.media.jail import Limits
from proxy.transforms.media.spec import ToolFailed
from proxy.transforms.media.workbench import Bench
from tests import media_samples
from tests.unit.proxy.transforms.media.benches import bench, needs_ffmpeg, tools_running

pytestmark = needs_ffmpeg
ENDLESS = ["-f", "lavfi", "-re", "-i", "testsrc2=size=64x64:rate=10", "-f", "null", "-"]


async def test_progress_rises_to_the_share_that_was_given(tmp_path: Path) -> None:
    told: list[float] = []
    at = bench(tmp_path, on_progress=told.append)
    source = media_samples.film()
    args = ["-i", str(source), "-c:v", "libx264", "-preset", "medium", str(at.folder / "out.mp4")]
    with at.until(0.5):
        await at.ffmpeg(args, reads=[source], media_s=6)
    assert told == sorted(told)
    assert told[-1] == 0.5
    at.progress(0.2)
    assert told[-1] == 0.5


async def test_the_log_comes_back_without_the_lines_of_progress(tmp_path: Path) -> None:
    source = media_samples.speech()
    args = ["-loglevel", "info", "-i", str(source), "-af", "silencedetect=n=-40dB:d=0.2", "-f", "null", "-"]
    log = await bench(tmp_path).ffmpeg(args, reads=[source])
    assert "silence_end" in log
    assert "out_time" not in log


async def test_output_comes_while_it_runs(tmp_path: Path) -> None:
    source, body = media_samples.speech(), bytearray()
    args = ["-i", str(source), "-f", "wav", "pipe:1"]
    await bench(tmp_path).ffmpeg(args, reads=[source], on_output=body.extend)
    assert bytes(body[:4]) == b"RIFF"


async def test_what_is_not_among_its_reads_is_shut(tmp_path: Path) -> None:
    at = bench(tmp_path)
    with pytest.raises(ToolFailed) as failed:
        await at.ffmpeg(["-i", str(media_samples.film()), str(at.folder / "out.mp4")], reads=[])
    assert failed.value.why == "exit"


async def test_cancelling_leaves_no_process(tmp_path: Path) -> None:
    work = asyncio.create_task(bench(tmp_path).ffmpeg(ENDLESS, reads=[]))
    await asyncio.sleep(0.4)
    assert await tools_running()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not await tools_running()


async def test_cancelling_while_it_starts_leaves_no_process(tmp_path: Path) -> None:
    for delay_s in (0.0, 0.01, 0.03):
        work = asyncio.create_task(bench(tmp_path).ffmpeg(ENDLESS, reads=[]))
        await asyncio.sleep(delay_s)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    assert not await tools_running()


async def test_what_takes_too_long_is_stopped(tmp_path: Path) -> None:
    started_s = time.monotonic()
    with pytest.raises(ToolFailed) as failed:
        await bench(tmp_path).ffmpeg(ENDLESS, reads=[], deadline_s=0.5)
    assert failed.value.why == "timed-out"
    assert time.monotonic() - started_s < 5
    assert not await tools_running()


async def test_what_writes_too_much_is_stopped(tmp_path: Path) -> None:
    raw = ["-f", "lavfi", "-i", "testsrc2=size=640x480:rate=25:duration=20", "-f", "rawvideo"]
    small = replace(Limits(), file_bytes=1 << 20, output_bytes=1 << 20)
    at = bench(tmp_path, limits=small)
    with pytest.raises(ToolFailed) as failed:
        await at.ffmpeg([*raw, str(at.folder / "out.raw")], reads=[])
    assert failed.value.why == "too-large"
    with pytest.raises(ToolFailed) as failed:
        await at.ffmpeg([*raw, "pipe:1"], reads=[], on_output=lambda piece: None)
    assert failed.value.why == "too-large"


async def test_many_files_together_have_a_limit_too(tmp_path: Path) -> None:
    at = bench(tmp_path, limits=replace(Limits(), folder_bytes=1 << 20))
    pictures = ["-f", "lavfi", "-re", "-i", "testsrc2=size=640x480:rate=25", "-f", "image2", "-c:v", "bmp"]
    with pytest.raises(ToolFailed) as failed:
        await at.ffmpeg([*pictures, str(at.folder / "%05d.bmp")], reads=[], deadline_s=20)
    assert failed.value.why == "too-large"


async def test_ending_well_without_output_is_a_failure(tmp_path: Path) -> None:
    at = bench(tmp_path)
    with pytest.raises(ToolFailed) as failed:
        await at.ffmpeg(["-f", "lavfi", "-i", "testsrc2=duration=1", "-t", "0", "-f", "rawvideo", "pipe:1"],
                        reads=[], on_output=lambda piece: None)  # fmt: skip
    assert failed.value.why == "no-output"
    with pytest.raises(ToolFailed) as failed:
        await at.ffmpeg(
            ["-f", "lavfi", "-i", "testsrc2=duration=1", "-t", "0", "-f", "rawvideo", f"{at.folder}/x"], reads=[]
        )
    assert failed.value.why == "no-output"


async def test_a_crash_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as failed:
        await bench(tmp_path, limits=replace(Limits(), memory_bytes=64 << 20)).ffmpeg(ENDLESS, reads=[])
    assert failed.value.why in ("killed", "exit")


async def test_a_file_that_nobody_knows_is_not_opened(tmp_path: Path) -> None:
    strange = tmp_path / "film.mp4"
    strange.write_text("#EXTM3U\n/etc/passwd\n")
    at = bench(tmp_path)
    with pytest.raises(ToolFailed) as failed:
        await at.ffmpeg(["-i", str(strange), str(at.folder / "out.mp4")], reads=[strange])
    assert failed.value.why == "unknown-container"


async def test_without_a_tool_there_is_an_answer_too(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as failed:
        await Bench(tmp_path, None).ffmpeg(ENDLESS, reads=[])
    assert failed.value.why == "no-tool"


async def _pieces(body: bytes, size: int = 50_000, *, then: Exception | None = None) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(0)
    if then is not None:
        raise then


async def test_a_film_can_be_fed_piece_by_piece(tmp_path: Path) -> None:
    at, body = bench(tmp_path), media_samples.film().read_bytes()
    args = ["-f", "mov", "-xerror", "-i", "pipe:0", "-c", "copy", "-f", "matroska", "pipe:1"]
    made = bytearray()
    await at.ffmpeg(args, reads=[], feed=_pieces(body), on_output=made.extend)
    assert len(made) > len(body) // 2


async def test_a_feed_that_breaks_goes_up_as_it_is(tmp_path: Path) -> None:
    at, body = bench(tmp_path), media_samples.film().read_bytes()[:200_000]
    args = ["-f", "mov", "-i", "pipe:0", "-c", "copy", "-f", "matroska", "pipe:1"]
    with pytest.raises(ConnectionAbortedError):
        await at.ffmpeg(args, reads=[], feed=_pieces(body, then=ConnectionAbortedError()), on_output=lambda piece: None)
    assert not await tools_running()


async def test_a_feed_that_never_ends_does_not_outlast_its_tool(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"not a film"
        await asyncio.sleep(3600)

    with pytest.raises(ToolFailed):
        await bench(tmp_path).ffmpeg(
            ["-f", "matroska", "-i", "pipe:0", "-f", "null", "-"], reads=[], feed=endless(), deadline_s=2
        )
    assert not await tools_running()


async def test_python_answers_with_what_it_prints(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    told.write_text('{"a": 1}')
    assert '"a": 1' in await bench(tmp_path).python("json.tool", [str(told)], reads=[told])
    with pytest.raises(ToolFailed) as failed:
        await bench(tmp_path).python("json.tool", [str(told)], reads=[])
    assert failed.value.why == "exit"
