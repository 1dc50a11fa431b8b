"""What every media recipe promises, whichever it is. A new one adds a line to SAMPLES and passes this suite."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.recipes import RECIPES
from proxy.transforms.media.running import run_recipe
from proxy.transforms.media.spec import (
    AnimationSpec,
    CappedSpec,
    HlsSpec,
    MediaMade,
    MediaOutcome,
    MediaSpec,
    OfficeSpec,
    PdfSpec,
    Recipe,
    SlidecastSpec,
    SoundSpec,
)
from proxy.transforms.media.tools import find_ffmpeg
from tests import documents, media_samples, pictures

TOOL = find_ffmpeg()
pytestmark = pytest.mark.skipif(TOOL is None, reason="there is no ffmpeg here")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one recipe improves, under one spec. source: writes it into a folder and says where it is."""

    spec: MediaSpec
    source: Callable[[Path], Path]


def _slides(folder: Path) -> Path:
    """Twenty seconds of four slides with speech."""

    def make(path: Path) -> None:
        for number in range(4):
            pictures.screen(960, 540, seed=number + 1).save(path.with_name(f"{number}.png"))
        drawn = ["-framerate", "1/5", "-i", str(path.with_name("%d.png")), "-i", str(media_samples.speech(20))]
        codec = ["-r", "10", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "16"]
        media_samples.run([*drawn, *codec, "-g", "20", "-c:a", "aac", "-b:a", "128k", "-t", "20", str(path)])

    return media_samples.kept("four-slides-20.mp4", make)


def _gif(folder: Path) -> Path:
    path = folder / "moving.gif"
    path.write_bytes(pictures.animation("GIF"))
    return path


SAMPLES = {
    Recipe.CAPPED: Sample(spec=CappedSpec(), source=lambda folder: media_samples.film()),
    Recipe.AUDIO: Sample(spec=SoundSpec(), source=lambda folder: media_samples.sound("mp3")),
    Recipe.HLS: Sample(spec=HlsSpec(segment_s=2.0), source=lambda folder: media_samples.film()),
    Recipe.SLIDECAST: Sample(spec=SlidecastSpec(), source=_slides),
    Recipe.PDF: Sample(spec=PdfSpec(), source=lambda folder: documents.pdf_of_photos(folder / "photos.pdf", 1)),
    Recipe.OFFICE: Sample(spec=OfficeSpec(), source=lambda folder: documents.docx(folder / "text.docx")),
    Recipe.ANIMATION: Sample(spec=AnimationSpec(to="mp4", max_width_px=160), source=_gif),
}
_PARTLY_GOOD = ("external.mp4", "huge.mp4")  # read as if it held its own frames; its sound is as good as any
# A process for each file is slow to start. To the first three one lying film is as strange as another; the last two are
# let at a film by the same look at it as the capped one.
_A_FEW = (Recipe.PDF, Recipe.OFFICE, Recipe.ANIMATION, Recipe.HLS, Recipe.SLIDECAST)
_ENOUGH_FOR_THEM = ("empty.mp4", "text.mp4", "playlist.mp4", "picture.mp4", "headless.mp4", "huge.mp4", "zeros.mp3")
every_recipe = pytest.mark.parametrize("recipe", list(RECIPES))


async def _made(recipe: Recipe, source: Path, folder: Path) -> MediaOutcome:
    folder.mkdir(exist_ok=True)
    return await run_recipe(recipe, source, SAMPLES[recipe].spec, folder, tool=TOOL)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if not path.is_dir()}


def _no_process_left() -> bool:
    return not [one for one in psutil.Process().children(recursive=True) if one.name() != "resource_tracker"]


@every_recipe
async def test_its_sample_becomes_smaller_and_whole_and_the_same_again(recipe: Recipe, tmp_path: Path) -> None:
    source, folder = SAMPLES[recipe].source(tmp_path), tmp_path / "made"
    before = source.read_bytes()
    told: list[float] = []
    folder.mkdir()
    outcome = await run_recipe(recipe, source, SAMPLES[recipe].spec, folder, tool=TOOL, on_progress=told.append)
    assert isinstance(outcome, MediaMade), outcome
    files = _files(folder)
    assert set(outcome.files) == set(files)
    assert outcome.main in outcome.files
    assert outcome.length_bytes == sum(map(len, files.values()))
    assert outcome.length_bytes < len(before)
    assert all(files.values())
    assert "/" in outcome.content_type
    assert json.loads(json.dumps(dict(outcome.facts))) is not None
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert source.read_bytes() == before
    assert _no_process_left()
    again = await _made(recipe, source, tmp_path / "again")
    assert isinstance(again, MediaMade)
    assert (again.files, again.facts) == (outcome.files, outcome.facts)
    assert again.length_bytes == pytest.approx(outcome.length_bytes, rel=0.01)


@every_recipe
async def test_hostile_and_mislabelled_files_are_refused_or_left_alone(recipe: Recipe, tmp_path: Path) -> None:
    secret = Path("/etc/passwd").read_bytes()[:40]
    for name, source in media_samples.hostile(tmp_path / "hostile").items():
        if recipe in _A_FEW and name not in _ENOUGH_FOR_THEM:
            continue
        folder = tmp_path / f"made-{name}"
        outcome = await _made(recipe, source, folder)
        if name in _PARTLY_GOOD and isinstance(outcome, MediaMade):
            assert not any(secret in body for body in _files(folder).values())
            continue
        assert isinstance(outcome, Refused | Unchanged), f"{name}: {outcome}"
        assert _files(folder) == {}, name
    assert _no_process_left()


@every_recipe
async def test_another_recipes_source_is_refused_or_left_alone(recipe: Recipe, tmp_path: Path) -> None:
    strange = documents.docx(tmp_path / "a.docx") if recipe is not Recipe.OFFICE else _gif(tmp_path)
    outcome = await _made(recipe, strange, tmp_path / "made")
    assert isinstance(outcome, Refused | Unchanged)
    assert _files(tmp_path / "made") == {}


@every_recipe
async def test_a_truncated_source_never_raises(recipe: Recipe, tmp_path: Path) -> None:
    source = media_samples.truncated(SAMPLES[recipe].source(tmp_path), tmp_path, 0.6)
    folder = tmp_path / "made"
    outcome = await _made(recipe, source, folder)
    if not isinstance(outcome, MediaMade):
        assert _files(folder) == {}


@every_recipe
async def test_a_source_that_is_gone_is_an_answer_too(recipe: Recipe, tmp_path: Path) -> None:
    outcome = await _made(recipe, tmp_path / "gone", tmp_path / "made")
    assert isinstance(outcome, Refused | Unchanged)


@every_recipe
@pytest.mark.parametrize("after_s", [0.02, 0.3])
async def test_cancelling_leaves_no_process_and_no_file(recipe: Recipe, after_s: float, tmp_path: Path) -> None:
    source, folder = SAMPLES[recipe].source(tmp_path), tmp_path / "made"
    work = asyncio.create_task(_made(recipe, source, folder))
    await asyncio.sleep(after_s)
    if work.cancel():
        with pytest.raises(asyncio.CancelledError):
            await work
        assert _files(folder) == {}
    await asyncio.sleep(0.05)
    assert _no_process_left()
