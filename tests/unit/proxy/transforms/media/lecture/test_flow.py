"""Frames between two tools: whichever side fails, nobody hangs and no pipe is left."""

import asyncio

import pytest

from proxy.transforms.media.lecture.flow import Run, through_pipes
from proxy.transforms.media.spec import ToolFailed


class Bench:
    """Two tools as coroutines: what ffmpeg writes into a pipe, what the module makes of the pipes."""

    def __init__(self, folder, *, write=None, read=None):
        self.folder = folder
        self._write, self._read = write, read

    async def ffmpeg(self, args, *, reads, media_s=None, on_output=None, deadline_s=None):
        return await asyncio.to_thread(self._write, self.folder / args[-1])

    async def python(self, module, args, *, reads, deadline_s=None):
        return await asyncio.to_thread(self._read, [self.folder / name for name in args])

    def progress(self, done):
        pass


def runs(*names):
    return [Run(args=("-i", "film", name), pipe=name) for name in names]


def read_all(pipes):
    return "|".join(pipe.read_bytes().decode() for pipe in pipes)


def fail(*_):
    raise ToolFailed("exit", "no")


async def flown(bench, *names):
    async with asyncio.timeout(15):
        return await through_pipes(bench, runs(*names), "module", names, source=bench.folder, deadline_s=10)


async def test_pipes_are_read_in_turn(tmp_path):
    bench = Bench(tmp_path, write=lambda pipe: pipe.write_bytes(pipe.name.encode()) and "", read=read_all)
    assert await flown(bench, "a", "b") == "a|b"
    assert list(tmp_path.iterdir()) == []


async def test_a_bench_that_finds_no_file_behind_a_pipe_is_believed(tmp_path):
    def write(pipe):
        pipe.write_bytes(b"all")
        raise ToolFailed("no-output", pipe.name)

    assert await flown(Bench(tmp_path, write=write, read=read_all), "a") == "all"


async def test_a_run_that_fails_before_it_writes_releases_the_reader(tmp_path):
    with pytest.raises(ToolFailed, match="exit"):
        await flown(Bench(tmp_path, write=fail, read=read_all), "a", "b", "c")
    assert list(tmp_path.iterdir()) == []


async def test_a_run_that_fails_later_releases_the_reader_of_the_rest(tmp_path):
    def write(pipe):
        if pipe.name == "b":
            fail()
        pipe.write_bytes(b"1")

    with pytest.raises(ToolFailed, match="exit"):
        await flown(Bench(tmp_path, write=write, read=read_all), "a", "b", "c")


async def test_a_reader_that_fails_is_the_failure(tmp_path):
    async def never(*args, **kwargs):
        await asyncio.sleep(60)

    bench = Bench(tmp_path, read=fail)
    bench.ffmpeg = never
    with pytest.raises(ToolFailed, match="exit"):
        await flown(bench, "a")
    assert list(tmp_path.iterdir()) == []
