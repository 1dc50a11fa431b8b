"""The process that makes slides of raw frames: `python -m proxy.transforms.media.lecture.draw PLAN` in the jail.

Laws of this file: the plan (JSON, by Tropa) says which pipe brings which frames; what a pipe doesn't bring makes no
picture; one slide's few frames are held at a time, of the slides themselves only their files' bytes. It says one line
of JSON: picture number -> what was written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from proxy.transforms.media.lecture.merge import Rgb, merged
from proxy.transforms.media.lecture.picture import Slides


def main(arguments: list[str]) -> int:
    """Draw what the plan names, beside the plan."""
    path = Path(arguments[0])
    plan, folder = json.loads(path.read_text()), path.parent
    width, height = plan["size"]
    expected = sum(len(reading["stills"]) for reading in plan["readings"])
    slides = Slides(folder, plan["quality"], plan["budget_bytes"], expected, first=plan["first"])
    for reading in plan["readings"]:
        with (folder / reading["pipe"]).open("rb") as pipe:
            for picture, frames in _stills(pipe, reading["stills"], width, height):
                slides.add(picture, Image.fromarray(merged(frames, shaken=plan["shaken"])))
    print(json.dumps({picture: asdict(drawn) for picture, drawn in slides.write().items()}))
    return 0


def _stills(pipe: IO[bytes], stills: list[dict[str, Any]], width: int, height: int) -> Iterator[tuple[int, list[Rgb]]]:
    """Each picture with the frames that came for it; a pipe that ends early brings fewer."""
    coming = sorted({number for still in stills for number in still["frames"]})
    held: dict[int, Rgb] = {}
    for still in stills:
        wanted = still["frames"]
        while coming and coming[0] <= wanted[-1]:
            pixels = pipe.read(width * height * 3)
            if len(pixels) < width * height * 3:
                coming.clear()
                break
            held[coming.pop(0)] = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
        frames = [held[number] for number in wanted if number in held]
        held = {number: frame for number, frame in held.items() if number >= wanted[-1]}
        if frames:
            yield int(still["picture"]), frames


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
