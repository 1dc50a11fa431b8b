"""Labelled lectures as the small grey frames that the detector gets, without ffmpeg."""

from __future__ import annotations

import numpy as np
from PIL import Image

from proxy.transforms.media.lecture.detect import Detector
from proxy.transforms.media.lecture.values import FPS, HEIGHT_PX, WIDTH_PX
from proxy.transforms.media.lecture.verdict import Detected
from tests.lecture_pictures import Picture
from tests.lecture_plans import Sample


def small(picture: Picture) -> bytes:
    grey = Image.fromarray(picture).convert("L").resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BILINEAR)
    return grey.tobytes()


def detected(sample: Sample, width: int = 384, height: int = 216) -> Detected:
    detector = Detector()
    for number in range(round(sample.duration_s * FPS)):
        detector.feed(small(sample.frame(number / FPS, width, height)))
    return detector.finish()


def flat(level: int) -> bytes:
    return bytes([level]) * (WIDTH_PX * HEIGHT_PX)


def page(*boxes: tuple[int, int, int, int], ground: int = 240, ink: int = 30) -> bytes:
    """A page with striped boxes (left, top, width, height in small pixels), like print seen from afar."""
    frame = np.full((HEIGHT_PX, WIDTH_PX), ground, np.uint8)
    for left, top, wide, tall in boxes:
        frame[top : top + tall, left : left + wide : 3] = ink
    return frame.tobytes()
