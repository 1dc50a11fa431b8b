"""Recipe "animation": a moving picture as a smaller one ("webp") or as a muted film ("mp4").

Laws of this file: the picture is decoded in the jail only; ffmpeg gets plain pixels and no file of the origin's.

In `<img>` only Safari plays a film; elsewhere it needs a `<video muted loop playsinline>` in the page.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ffmpeg

from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.documents.told import made, told_by
from proxy.transforms.media.spec import AnimationSpec, MediaOutcome, ToolFailed, Workbench

_WORKER = "proxy.transforms.media.animation_worker"
_CRF = ((20, 34), (40, 30), (60, 26), (100, 20))  # from WebP's scale to x264's, by eye and size
_PIXELS = "pixels.rgb"


async def make_animation(source: Path, spec: AnimationSpec, bench: Workbench) -> MediaOutcome:
    """A smaller animation as `moving.webp`, or a muted film as `moving.mp4`.

    facts: frames, source_frames, width_px, height_px, source_width_px, plays (0: for ever; a film can't
    tell, its page must).
    Unchanged: "not-an-image", "format-…", "not-animated", "broken", "transparent" (a film can't be), "no-gain".
    Refused: a bomb, or the tool failed.
    """
    args = (str(source), str(bench.folder), json.dumps(asdict(spec)))
    told = await told_by(_WORKER, bench, args, reads=source)
    if isinstance(told, (Unchanged, Refused)):
        return told
    facts: dict[str, Any] = told["made"]
    if spec.to == "webp":
        return await made(bench, "moving.webp", "image/webp", facts)
    bench.progress(0.5)
    try:
        args_mp4 = film_args(_PIXELS, "moving.mp4", facts, spec)
        await bench.ffmpeg(args_mp4, reads=(bench.folder / _PIXELS,), media_s=facts["duration_s"])
    except ToolFailed as failed:
        return Refused(why=failed.why)
    await asyncio.to_thread((bench.folder / _PIXELS).unlink, True)
    return await _smaller(source, await made(bench, "moving.mp4", "video/mp4", facts))


async def _smaller(source: Path, outcome: MediaOutcome) -> MediaOutcome:
    source_bytes = (await asyncio.to_thread(source.stat)).st_size
    small = isinstance(outcome, (Unchanged, Refused)) or outcome.length_bytes < source_bytes
    return outcome if small else Unchanged(why="no-gain")


def film_args(source: str, target: str, facts: dict[str, Any], spec: AnimationSpec) -> list[str]:
    """ffmpeg's arguments for a muted H.264 film of plain pixels, of even width and height as 4:2:0 needs them."""
    size = f"{facts['width_px']}x{facts['height_px']}"
    read = ffmpeg.input(source, f="rawvideo", pix_fmt="rgb24", s=size, framerate=spec.max_fps)
    even = read.video.filter("pad", "ceil(iw/2)*2", "ceil(ih/2)*2", color="white")
    crf = next(crf for quality, crf in _CRF if spec.quality <= quality)
    told = ffmpeg.output(
        even,
        target,
        **{"c:v": "libx264", "preset": "veryfast", "crf": crf, "pix_fmt": "yuv420p", "an": None, "threads": 1},
        map_metadata=-1,
        movflags="+faststart",
        f="mp4",
    )
    return list(told.get_args())
