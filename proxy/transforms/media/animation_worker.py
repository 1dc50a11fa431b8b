"""The process in which moving pictures are decoded: `python -m proxy.transforms.media.animation_worker`.

Laws of this file: it reads its source, writes one file into one folder, and says one line of JSON: {"made": facts},
{"unchanged": why} or {"refused": why}.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from proxy.transforms.image.animation import Moving, as_webp, read_moving
from proxy.transforms.image.decode import Hostile, NotForUs
from proxy.transforms.media.spec import AnimationSpec

MAX_PIXELS = 40_000_000
MAX_RAW_BYTES = 1 << 30
_METHOD = 4
_MIN_GAIN = 0.05
_FAULTS = (OSError, ValueError, SyntaxError, EOFError, struct.error, IndexError, KeyError, TypeError)


def main(arguments: list[str]) -> int:
    """Arguments: the source, the folder, the AnimationSpec as JSON."""
    source, folder, spec = Path(arguments[0]), Path(arguments[1]), AnimationSpec(**json.loads(arguments[2]))
    try:
        moving = read_moving(source, spec, max_pixels=MAX_PIXELS)
        answer = _webp(moving, source, folder, spec) if spec.to == "webp" else _pixels(moving, folder, spec)
    except NotForUs as reason:
        answer = {"unchanged": str(reason)}
    except Hostile as reason:
        answer = {"refused": str(reason)}
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        answer = {"refused": "too-many-pixels"}
    except MemoryError:
        answer = {"refused": "out-of-memory"}
    except _FAULTS:
        answer = {"unchanged": "broken"}
    print(json.dumps(answer))
    return 0


def _facts(moving: Moving) -> dict[str, Any]:
    width_px, height_px = moving.frames[0].size
    return {
        "frames": len(moving.frames),
        "source_frames": moving.source_frames,
        "width_px": width_px,
        "height_px": height_px,
        "source_width_px": moving.source_width_px,
        "plays": moving.plays,
        "duration_s": sum(moving.durations_ms) / 1000,
    }


def _webp(moving: Moving, source: Path, folder: Path, spec: AnimationSpec) -> dict[str, Any]:
    body = as_webp(moving, spec.quality, method=_METHOD)
    if len(body) > source.stat().st_size * (1 - _MIN_GAIN):
        return {"unchanged": "no-gain"}
    (folder / "moving.webp").write_bytes(body)
    return {"made": _facts(moving)}


def _pixels(moving: Moving, folder: Path, spec: AnimationSpec) -> dict[str, Any]:
    """Frames as plain RGB at a constant rate: each as often as its time asks for, at least once."""
    if moving.see_through:
        return {"unchanged": "transparent"}
    repeats = [max(1, round(ms * spec.max_fps / 1000)) for ms in moving.durations_ms]
    width_px, height_px = moving.frames[0].size
    if sum(repeats) * width_px * height_px * 3 > MAX_RAW_BYTES:
        return {"refused": "too-many-frames"}
    with (folder / "pixels.rgb").open("wb") as file:
        for frame, times in zip(moving.frames, repeats, strict=True):
            file.write(frame.tobytes() * times)
    return {"made": _facts(moving)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
