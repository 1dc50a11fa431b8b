"""A recipe from source to outcome: retried, looked at, its folder tidy."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media import running
from proxy.transforms.media.check import checked_files, remove_strays
from proxy.transforms.media.recipes import RECIPES, Make, RecipeLine
from proxy.transforms.media.running import MediaRunner
from proxy.transforms.media.spec import (
    CappedSpec,
    HlsSpec,
    MediaMade,
    MediaOutcome,
    PdfSpec,
    Recipe,
    SoundSpec,
    ToolFailed,
)
from proxy.transforms.media.workbench import Bench
from tests import media_samples
from tests.unit.proxy.transforms.media.benches import TOOL, needs_ffmpeg, tools_running


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writes:
    """A recipe that writes these files and says what it made."""

    files: Mapping[str, int]
    says: int | None = None
    strays: tuple[str, ...] = ()

    async def __call__(self, source: Path, spec: object, bench: Bench) -> MediaOutcome:
        for name, length in {**self.files, **dict.fromkeys(self.strays, 5)}.items():
            (bench.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (bench.folder / name).write_bytes(bytes(length))
        total = sum(self.files.values()) if self.says is None else self.says
        return MediaMade(
            main=next(iter(self.files)), content_type="x/y", files=tuple(self.files), length_bytes=total, facts={}
        )


async def _fails(source: Path, spec: object, bench: Bench) -> MediaOutcome:
    (bench.folder / "half").write_bytes(b"half made")
    raise ToolFailed("exit", "1: broken")


async def _run(make: Make, tmp_path: Path, *, simpler: Make | None = None, smaller: bool = True) -> MediaOutcome:
    source, folder = tmp_path / "source", tmp_path / "made"
    source.write_bytes(bytes(1000))
    folder.mkdir(exist_ok=True)
    line = RecipeLine(version=1, make=make, spec=PdfSpec, simpler=simpler, smaller=smaller)
    return await MediaRunner(None)._made(line, source, PdfSpec(), folder, None)


def _left(tmp_path: Path) -> list[str]:
    return sorted(str(path.relative_to(tmp_path / "made")) for path in (tmp_path / "made").rglob("*"))


async def test_what_it_made_stays_and_all_else_goes(tmp_path: Path) -> None:
    outcome = await _run(_Writes(files={"a.json": 10, "slides/1.webp": 20}, strays=("raw", "tmp/x")), tmp_path)
    assert isinstance(outcome, MediaMade)
    assert _left(tmp_path) == ["a.json", "slides", "slides/1.webp"]


async def test_what_is_not_smaller_is_unchanged_and_gone(tmp_path: Path) -> None:
    assert await _run(_Writes(files={"a": 1000}), tmp_path) == Unchanged(why="not-smaller")
    assert _left(tmp_path) == []
    assert isinstance(await _run(_Writes(files={"a": 1000}), tmp_path, smaller=False), MediaMade)


async def test_a_result_that_is_not_as_it_says_is_refused(tmp_path: Path) -> None:
    assert await _run(_Writes(files={"a": 10}, says=11), tmp_path) == Refused(why="incomplete")
    assert await _run(_Writes(files={"a": 10, "b": 0}), tmp_path) == Refused(why="incomplete")
    assert _left(tmp_path) == []


async def test_a_link_is_no_result_and_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"12345")
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "a").symlink_to(outside)
    made = MediaMade(main="a", content_type="x/y", files=("a",), length_bytes=5, facts={})
    assert checked_files(made, folder, None) == Refused(why="incomplete")
    remove_strays(folder, ["a"])
    assert outside.exists()
    assert not (folder / "a").is_symlink()


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a//b", ""])
def test_a_file_outside_the_folder_is_no_result(name: str, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"12345")
    folder = tmp_path / "made"
    folder.mkdir()
    made = MediaMade(main=name, content_type="x/y", files=(name,), length_bytes=5, facts={})
    assert checked_files(made, folder, None) == Refused(why="incomplete")


async def test_a_tool_that_failed_is_tried_the_simpler_way(tmp_path: Path) -> None:
    assert isinstance(await _run(_fails, tmp_path, simpler=_Writes(files={"a": 10})), MediaMade)
    assert _left(tmp_path) == ["a"]
    assert await _run(_fails, tmp_path, simpler=_fails) == Refused(why="damaged")
    assert await _run(_fails, tmp_path) == Refused(why="exit")
    assert _left(tmp_path) == []


async def test_a_fault_of_ours_is_an_answer_too(tmp_path: Path) -> None:
    async def faulty(source: Path, spec: object, bench: Bench) -> MediaOutcome:
        raise KeyError("ours")

    assert await _run(faulty, tmp_path) == Refused(why="recipe-failed")


async def test_cancelling_empties_the_folder(tmp_path: Path) -> None:
    async def slow(source: Path, spec: object, bench: Bench) -> MediaOutcome:
        (bench.folder / "half").write_bytes(b"half made")
        await asyncio.sleep(60)
        return Refused(why="never")

    work = asyncio.create_task(_run(slow, tmp_path))
    await asyncio.sleep(0.05)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert _left(tmp_path) == []


async def test_without_ffmpeg_films_are_refused(tmp_path: Path) -> None:
    outcome = await running.run_recipe(Recipe.AUDIO, media_samples.sound("wav", 2), SoundSpec(), tmp_path, tool=None)
    assert outcome == Refused(why="no-tool")


def test_every_recipe_has_its_line() -> None:
    assert set(RECIPES) == set(Recipe)


@needs_ffmpeg
async def test_a_capped_film_grows_while_it_is_made_of_a_whole_file(tmp_path: Path) -> None:
    told, played = [], bytearray()
    outcome = await MediaRunner(TOOL).run(
        Recipe.CAPPED, media_samples.film(), CappedSpec(), tmp_path, told.append, played.extend
    )
    assert isinstance(outcome, MediaMade)
    assert played.count(b"moof") >= 5
    assert told[-1] == 1.0
    assert _files(tmp_path) == ["video.mp4"]


@needs_ffmpeg
async def test_one_segment_is_one_file(tmp_path: Path) -> None:
    runner, spec = MediaRunner(TOOL), HlsSpec(segment_s=2.0)
    outcome = await runner.segment(media_samples.film(), spec, 1, tmp_path)
    assert isinstance(outcome, MediaMade)
    assert _files(tmp_path) == [outcome.main] == ["segment-00001.m4s"]
    assert await runner.segment(media_samples.film(), spec, 99, tmp_path) == Refused(why="no-such-segment")
    assert await runner.segment(media_samples.sound("mp3"), spec, 0, tmp_path) == Refused(why="no-video")


@needs_ffmpeg
async def test_a_cancelled_film_leaves_no_process(tmp_path: Path) -> None:
    work = asyncio.create_task(
        MediaRunner(TOOL).run(Recipe.CAPPED, media_samples.film(seconds=12), CappedSpec(), tmp_path)
    )
    await asyncio.sleep(0.5)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not await tools_running()
    assert _files(tmp_path) == []


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
