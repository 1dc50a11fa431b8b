"""A sample written as a film, once: ffmpeg, and speech by espeak-ng where there is one."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.lecture_pictures import (
    Picture,
    words_of,
)
from tests.lecture_plans import Sample


def frames_of(sample: Sample, fps: float, width: int, height: int) -> Iterator[Picture]:
    for number in range(round(sample.duration_s * fps)):
        yield sample.frame(number / fps, width, height)


def film(
    sample: Sample,
    path: Path,
    *,
    height_px: int | None = None,
    fps: int = 10,
    sound_bitrate: str = "96k",
    ffmpeg: str = "ffmpeg",
) -> Path:
    """Write the sample as H.264 and AAC in MP4 with spoken (or else hummed) sound; kept if it is already there."""
    if path.exists():
        return path
    height = height_px or sample.film_height_px
    draw_height = max(height, 360)
    width, draw_width = round(height * 16 / 9 / 2) * 2, round(draw_height * 16 / 9 / 2) * 2
    speech = spoken(path.parent, sample.duration_s)
    half = path.with_suffix(".half.mp4")
    args = [ffmpeg, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{draw_width}x{draw_height}"]
    args += ["-r", str(fps), "-i", "-", *speech, "-t", f"{sample.duration_s}", "-vf", f"scale={width}:{height}"]
    args += ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(sample.crf), "-pix_fmt", "yuv420p", "-threads", "1"]
    args += ["-c:a", "aac", "-b:a", sound_bitrate, "-movflags", "+faststart", str(half)]
    with subprocess.Popen(args, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for frame in frames_of(sample, fps, draw_width, draw_height):
            process.stdin.write(np.ascontiguousarray(frame).data)
        process.stdin.close()
    assert process.returncode == 0
    half.rename(path)
    return path


def spoken(folder: Path, duration_s: float) -> list[str]:
    """ffmpeg's input arguments for a voice of this length: espeak-ng where there is one, else a warbling tone."""
    talker = shutil.which("espeak-ng")
    if talker is None:
        return ["-f", "lavfi", "-i", f"aevalsrc=0.2*sin(2*PI*(180+60*sin(3*t))*t)*(0.6+0.4*sin(9*t)):d={duration_s}"]
    wave = folder / "speech.wav"
    if not wave.exists():
        rng = random.Random(5)
        text = ". ".join(words_of(rng, 9) for _ in range(40))
        subprocess.run([talker, "-w", str(wave), "-s", "150", text], check=True, capture_output=True)
    return ["-stream_loop", "-1", "-i", str(wave)]
