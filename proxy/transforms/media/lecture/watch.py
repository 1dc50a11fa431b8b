"""The process that watches a lecture: `python -m proxy.transforms.media.lecture.watch PIPE MAX_SLIDES`.

Laws of this file: it reads small grey frames from one pipe and says one line of JSON: what was found (`Detected`). It
runs in the jail: it has a folder, little memory and no network.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from proxy.transforms.media.lecture.detect import FPS, FRAME_BYTES, HEIGHT_PX, WIDTH_PX, Detected, Detector
from proxy.transforms.media.lecture.shots import Shot
from proxy.transforms.media.lecture.verdict import Course, Why

# Triangle filtering on the way down: no fringes on fine print, which would shimmer under a shaking hand.
FILTER = f"fps={FPS:g}:start_time=0,scale={WIDTH_PX}:{HEIGHT_PX}:flags=bilinear,format=gray"


def main(arguments: list[str]) -> int:
    """Watch the pipe to its end."""
    detector = Detector(max_slides=int(arguments[1]))
    with Path(arguments[0]).open("rb") as pipe:
        while len(frame := pipe.read(FRAME_BYTES)) == FRAME_BYTES:
            detector.feed(frame)
    print(json.dumps(_told(detector.finish())))
    return 0


def detected_from(answer: str) -> Detected:
    """What `main` said, as a value."""
    told: dict[str, Any] = json.loads(answer)
    return Detected(
        why=Why(told["why"]) if told["why"] else None,
        shots=tuple(Shot(**shot) for shot in told["shots"]),
        duration_s=told["duration_s"],
        course=Course(**told["course"]),
        shaken_px=told["shaken_px"],
    )


def _told(found: Detected) -> dict[str, Any]:
    return {**asdict(found), "why": found.why.value if found.why else None}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
