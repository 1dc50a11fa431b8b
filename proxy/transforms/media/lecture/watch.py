"""The process that watches a lecture: `python -m proxy.transforms.media.lecture.watch PIPE MAX_SLIDES`.

Laws of this file: it reads small grey frames from one pipe and says one line of JSON: what was found (`Detected`). It
runs in the jail: it has a folder, little memory and no network.
"""

from __future__ import annotations

import sys
from pathlib import Path

from proxy.transforms.media.lecture.detect import Detector
from proxy.transforms.media.lecture.values import FRAME_BYTES
from proxy.transforms.media.lecture.workers import detected_json


def main(arguments: list[str]) -> int:
    """Watch the pipe to its end."""
    detector = Detector(max_slides=int(arguments[1]))
    with Path(arguments[0]).open("rb") as pipe:
        while len(frame := pipe.read(FRAME_BYTES)) == FRAME_BYTES:
            detector.feed(frame)
    print(detected_json(detector.finish()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
