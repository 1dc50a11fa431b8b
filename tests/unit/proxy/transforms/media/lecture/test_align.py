"""Shift, gain and offset between two small frames."""

import numpy as np
import pytest
from PIL import Image

from proxy.transforms.media.lecture.align import IDENTITY, UNRELATED, align, laid_on, shifted, softened
from tests.lecture_pictures import LOOKS, Slide, photo


def grey(kind="text", seed=5):
    slide = Slide(seed, kind, LOOKS[0])
    image = slide.paint(640, 360).convert("L").resize((256, 144), Image.Resampling.BILINEAR)
    return softened(np.asarray(image, np.float32))


@pytest.mark.parametrize("kind", ["text", "photo", "table"])
@pytest.mark.parametrize(("dx", "dy"), [(0.3, -0.2), (1.7, 1.1), (-3.4, 2.6), (7.0, -5.0)])
def test_a_shift_is_found_to_a_tenth_of_a_pixel(kind, dx, dy):
    anchor = grey(kind)
    found = align(anchor, shifted(anchor, -dx, -dy))
    assert (found.dx, found.dy) == pytest.approx((dx, dy), abs=0.1)
    assert found.agreement > 0.9


def test_gain_and_offset_are_undone():
    anchor = grey()
    found = align(anchor, anchor * 0.9 + 7)
    assert np.abs(laid_on(anchor * 0.9 + 7, found) - anchor).mean() < 1.0


def test_a_build_does_not_disturb_the_alignment():
    anchor = grey()
    built = anchor.copy()
    built[100:110, 30:150:3] = 20
    found = align(anchor, shifted(built, -1.2, 0.8))
    assert (found.dx, found.dy) == pytest.approx((1.2, -0.8), abs=0.15)


def test_another_picture_is_unrelated():
    assert align(grey("text", 5), np.asarray(photo(9, 256, 144).convert("L"), np.float32)) is UNRELATED


def test_noise_does_not_pale_what_follows_it():
    anchor = grey()
    noise = np.random.default_rng(1).normal(0, 6, anchor.shape).astype(np.float32)
    assert align(anchor, anchor + noise).gain == pytest.approx(1.0, abs=0.02)


def test_no_alignment_leaves_the_frame_as_it_is():
    frame = grey()
    assert laid_on(frame, IDENTITY) is frame
