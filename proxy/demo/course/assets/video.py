"""Moving pictures and sound by ffmpeg: one lecture, its HLS ladder, a webcam, an audio file.

The lecture lasts a minute and has a real lecture's bit rate; whoever needs a longer one multiplies.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import ffmpeg

from proxy.demo.course.assets.slides import SECONDS_PER_SLIDE, SLIDES

DURATION_S = SECONDS_PER_SLIDE * len(SLIDES)
# Syllables at about four a second, phrases of some five seconds, a voice of 115 Hz with its formants, breath noise.
_VOICE = (
    "0.30*(sin(2*PI*115*t+2*sin(2*PI*0.6*t))+0.6*sin(2*PI*230*t)+0.5*sin(2*PI*575*t+sin(2*PI*3*t))"
    "+0.3*sin(2*PI*1265*t)+0.12*sin(2*PI*2530*t)+0.10*(random(0)-0.5))"
    "*(0.15+0.85*pow(abs(sin(2*PI*2.05*t+sin(2*PI*0.37*t))),1.5))*(0.08+0.92*gt(sin(2*PI*0.19*t)+0.75,0))"
)


class FfmpegMissing(RuntimeError):
    """There is no ffmpeg on the machine and no imageio-ffmpeg in the environment."""


def find_ffmpeg() -> str:
    """The ffmpeg to run: the system's, else imageio-ffmpeg's.

    Raises FfmpegMissing with the cure.
    """
    if found := shutil.which("ffmpeg"):
        return found
    try:
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except ImportError as error:
        message = "the sample course needs ffmpeg: install the system's package, or `pip install imageio-ffmpeg`"
        raise FfmpegMissing(message) from error


def _run(output: Any) -> None:
    argv = output.global_args("-nostdin", "-v", "error", "-y").compile(cmd=find_ffmpeg())
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)  # noqa: S603 - our own argv
    if done.returncode:
        raise RuntimeError(f"ffmpeg failed ({done.returncode}): {done.stderr[-2000:]}")


def _plain(**options: Any) -> dict[str, Any]:
    """Options without which two builds would differ: no encoder names or dates in the files, one thread."""
    return {
        "map_metadata": -1,
        "fflags": "+bitexact",
        "flags:v": "+bitexact",
        "flags:a": "+bitexact",
        "threads": 1,
        **options,
    }


def _speaker(frames: Path, fps: int) -> Any:
    source = ffmpeg.input(str(frames / "speaker%02d.png"), framerate=10, stream_loop=-1)
    return source.filter("fps", fps).filter("noise", alls=14, allf="t+u", all_seed=7)


def lecture(frames: Path, target: Path) -> None:
    """720p, 25 frames a second, slides with a speaker in the corner, about 1.4 Mbit/s and AAC of 96 kbit/s."""
    pages = ffmpeg.input(str(frames / "slide%02d.png"), framerate=1 / SECONDS_PER_SLIDE, start_number=1)
    picture = pages.filter("fps", 25).overlay(_speaker(frames, 25), x=936, y=140).filter("format", "yuv420p")
    voice = ffmpeg.input(f"aevalsrc=exprs='{_VOICE}':s=44100:d={DURATION_S}", f="lavfi")
    options = _plain(
        **{"c:v": "libx264", "preset": "superfast", "b:v": "1400k", "maxrate": "2000k", "bufsize": "2800k", "g": 150},
        **{"c:a": "aac", "b:a": "96k", "movflags": "+faststart", "t": DURATION_S},
    )
    _run(ffmpeg.output(picture, voice, str(target), **options))


def webcam(frames: Path, source: Path, target: Path) -> None:
    """The speaker alone, 320 x 240 at 15 frames a second, with the lecture's sound: what a webinar records."""
    picture = _speaker(frames, 15).filter("format", "yuv420p")
    options = _plain(**{"c:v": "libx264", "preset": "superfast", "b:v": "220k", "c:a": "copy", "t": DURATION_S})
    _run(ffmpeg.output(picture, ffmpeg.input(str(source)).audio, str(target), movflags="+faststart", **options))


def audio(source: Path, target: Path) -> None:
    """The lecture's sound as an MP3 of 128 kbit/s."""
    options = _plain(**{"c:a": "libmp3lame", "b:a": "128k", "ac": 1, "write_xing": 0, "id3v2_version": 0})
    _run(ffmpeg.output(ffmpeg.input(str(source)).audio, str(target), **options))


def poster(source: Path, target: Path) -> None:
    """A still of the lecture."""
    _run(ffmpeg.output(ffmpeg.input(str(source), ss=10).video, str(target), **_plain(**{"frames:v": 1, "q:v": 3})))


def ladder(source: Path, folder: Path) -> None:
    """HLS with fragmented MP4: 144, 240 and 360 lines and one audio rendition, segments of six seconds."""
    whole = ffmpeg.input(str(source))
    copies = whole.video.filter("fps", 15).filter_multi_output("split", 3)
    sizes = ((256, 144), (426, 240), (640, 360))
    pictures = [copies[i].filter("scale", w, h) for i, (w, h) in enumerate(sizes)]
    options = _plain(
        **{"c:v": "libx264", "preset": "superfast", "g": 90, "keyint_min": 90, "sc_threshold": 0},
        **{"b:v:0": "90k", "b:v:1": "200k", "b:v:2": "450k", "c:a": "aac", "b:a": "48k", "ac": 1},
        f="hls",
        hls_time=6,
        hls_playlist_type="vod",
        hls_segment_type="fmp4",
        master_pl_name="master.m3u8",
        hls_segment_filename=str(folder / "%v_%03d.m4s"),
        hls_fmp4_init_filename="%v_init.mp4",
        var_stream_map="v:0,agroup:a,name:144p v:1,agroup:a,name:240p v:2,agroup:a,name:360p "
        "a:0,agroup:a,default:yes,language:ru,name:audio",
    )
    _run(ffmpeg.output(*pictures, whole.audio, str(folder / "%v.m3u8"), **options))


def build(frames: Path, folder: Path) -> None:
    """Write everything that moves or sounds, from the slides and speaker frames in `frames`."""
    target = folder / "lekciya.mp4"
    lecture(frames, target)
    webcam(frames, target, folder / "webcam.mp4")
    audio(target, folder / "audiolekciya.mp3")
    poster(target, folder / "lekciya.jpg")
    (folder / "hls").mkdir(exist_ok=True)
    ladder(target, folder / "hls")
