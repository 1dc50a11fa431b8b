"""Segments made smaller one by one still play one after the other."""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from proxy.exchange import Refused, Unchanged
from proxy.transforms.ladder.made import RungSpec
from proxy.transforms.ladder.rung import first_instants, make_rung_head, make_rung_segment
from proxy.transforms.media.spec import CappedSpec, MediaMade
from tests.unit.proxy.transforms.media.benches import bench, needs_ffmpeg

SPEC = RungSpec(capped=CappedSpec(max_height_px=96, max_fps=10, video_bitrate_bps=40_000), size_px=(170, 96))
SEGMENT_S, COUNT, FPS = 4, 3, 25
pytestmark = needs_ffmpeg


def run(*words: str) -> str:
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "warning", "-y", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds as MPEG-TS with sound inside, and as fragments of pictures alone (with B-frames) and of both."""
    folder = tmp_path_factory.mktemp("stream")
    picture = f"testsrc2=size=640x360:rate={FPS}:duration={SEGMENT_S * COUNT},noise=alls=20:allf=t"
    coded = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-b:v", "900k")
    keys = ("-g", str(FPS * SEGMENT_S), "-keyint_min", str(FPS * SEGMENT_S), "-sc_threshold", "0")
    tone = ("-f", "lavfi", "-i", f"sine=frequency=400:sample_rate=44100:duration={SEGMENT_S * COUNT}")
    run("-f", "lavfi", "-i", picture, *tone, *coded, *keys, "-c:a", "aac", "-b:a", "48k", str(folder / "both.mp4"))
    for name, kind, more in (("ts", "mpegts", ()), ("fmp4", "fmp4", ("-an",)), ("muxed", "fmp4", ())):
        target = folder / name
        target.mkdir()
        suffix = "ts" if kind == "mpegts" else "m4s"
        run(
            *("-i", str(folder / "both.mp4"), *more, "-c", "copy", "-f", "hls", "-hls_time", str(SEGMENT_S)),
            *("-hls_segment_type", kind, "-hls_playlist_type", "vod"),
            *("-hls_segment_filename", str(target / f"%d.{suffix}"), str(target / "list.m3u8")),
        )
    return folder


async def made_of(stream: Path, form: str, tmp_path: Path) -> list[tuple[Path, int]]:
    """(the made segment, its source's size) of each."""
    made: list[tuple[Path, int]] = []
    for number in range(COUNT):
        folder = tmp_path / str(number)
        folder.mkdir()
        source = stream / form / (f"{number}.ts" if form == "ts" else f"{number}.m4s")
        init = None if form == "ts" else stream / form / "init.mp4"
        outcome = await make_rung_segment(source, init, SPEC, bench(folder))
        assert isinstance(outcome, MediaMade), outcome
        assert {path.name for path in (folder / "bench").iterdir()} == set(outcome.files)
        made.append((folder / "bench" / outcome.main, source.stat().st_size))
    return made


@pytest.mark.parametrize("form", ["ts", "fmp4", "muxed"])
async def test_made_segments_join_without_a_gap(stream: Path, tmp_path: Path, form: str) -> None:
    made = await made_of(stream, form, tmp_path)
    assert sum(path.stat().st_size for path, _ in made) < sum(size for _, size in made) / 4
    heads = [await head_of(stream / form / "init.mp4", tmp_path)] if form != "ts" else []
    whole = tmp_path / ("whole.ts" if form == "ts" else "whole.mp4")
    whole.write_bytes(b"".join([*heads, *(path.read_bytes() for path, _ in made)]))
    assert "non monoton" not in run("-xerror", "-i", str(whole), "-f", "null", "-").lower()
    shown_s = times(whole, "v")
    assert len(shown_s) == pytest.approx(SEGMENT_S * COUNT * SPEC.fps, abs=COUNT)
    steps = [after - before for before, after in pairwise(shown_s)]
    assert max(steps) <= 1.5 / SPEC.fps and min(steps) > 0
    before = times(stream / form / "0.ts", "v") if form == "ts" else [0.0]
    assert shown_s[0] == pytest.approx(before[0], abs=0.1)  # where the segment stood
    if form != "fmp4":
        heard_s = times(whole, "a")
        assert abs(heard_s[-1] - shown_s[-1]) < 0.2 and abs(heard_s[0] - shown_s[0]) < 0.2


async def head_of(init: Path, tmp_path: Path) -> bytes:
    folder = tmp_path / "head"
    folder.mkdir()
    outcome = await make_rung_head(init, SPEC, bench(folder))
    assert isinstance(outcome, MediaMade), outcome
    return (folder / "bench" / outcome.main).read_bytes()


async def test_a_head_says_what_the_manifest_says(stream: Path, tmp_path: Path) -> None:
    head = await head_of(stream / "muxed" / "init.mp4", tmp_path)
    at = head.index(b"avcC") + 4
    assert f"avc1.{head[at + 1 : at + 4].hex().upper()}" == SPEC.codec == "avc1.4D400D"
    assert b"mp4a" in head
    width, height = (int.from_bytes(head[head.index(b"avc1") + 28 + i :][:2]) for i in (0, 2))
    assert (width, height) == SPEC.size_px


def times(path: Path, kind: str) -> list[float]:
    told = subprocess.run(
        [
            "ffprobe",
            "-v",
            "error",
            "-select_streams",
            kind,
            "-show_entries",
            "packet=pts_time",
            "-of",
            "json",
            str(path),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(float(packet["pts_time"]) for packet in json.loads(told.stdout)["packets"])


def test_a_later_fragment_begins_where_it_is_shown(stream: Path) -> None:
    head = (stream / "fmp4" / "init.mp4").read_bytes()
    for number in range(COUNT):
        found = first_instants(head, (stream / "fmp4" / f"{number}.m4s").read_bytes())
        assert found["vide"] == pytest.approx(number * SEGMENT_S, abs=0.1)


async def test_what_is_encrypted_or_damaged_is_refused(stream: Path, tmp_path: Path) -> None:
    head = (stream / "fmp4" / "init.mp4").read_bytes()
    init, segment = tmp_path / "init.mp4", stream / "fmp4" / "1.m4s"
    init.write_bytes(head.replace(b"avc1", b"encv"))
    assert await make_rung_segment(segment, init, SPEC, bench(tmp_path)) == Refused(why="malformed: encrypted")
    assert await make_rung_head(init, SPEC, bench(tmp_path)) == Refused(why="malformed: encrypted")
    init.write_bytes(head[:60])
    for outcome in (
        await make_rung_segment(segment, init, SPEC, bench(tmp_path)),
        await make_rung_head(init, SPEC, bench(tmp_path)),
    ):
        assert isinstance(outcome, Refused)


async def test_what_is_small_already_stays(stream: Path, tmp_path: Path) -> None:
    fine = RungSpec(capped=CappedSpec(max_height_px=360, max_fps=25, video_bitrate_bps=9_000_000))
    low = tmp_path / "low.ts"
    lean = ("-an", "-pat_period", "99", "-sdt_period", "99")
    run("-i", str(stream / "ts" / "0.ts"), "-vf", "scale=128:72", "-c:v", "libx264", "-crf", "50", *lean, str(low))
    assert await make_rung_segment(low, None, fine, bench(tmp_path)) == Unchanged(why="not-smaller")


@pytest.mark.parametrize("sound_bps", [24_000, 128_000, 192_000])
async def test_no_segment_exceeds_what_its_line_says_whatever_its_sound_takes(tmp_path: Path, sound_bps: int) -> None:
    picture = f"testsrc2=size=640x360:rate={FPS}:duration={SEGMENT_S},noise=alls=20:allf=t"
    source = tmp_path / "0.ts"
    noise = ("-f", "lavfi", "-i", f"anoisesrc=duration={SEGMENT_S}:sample_rate=44100")
    rates = ("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "900k", "-c:a", "aac", "-b:a", str(sound_bps))
    run("-f", "lavfi", "-i", picture, *noise, *rates, str(source))
    outcome = await make_rung_segment(source, None, SPEC, bench(tmp_path))
    assert isinstance(outcome, MediaMade), outcome
    assert outcome.length_bytes * 8 / SEGMENT_S <= SPEC.peak_bps(source.stat().st_size * 8 // SEGMENT_S)
