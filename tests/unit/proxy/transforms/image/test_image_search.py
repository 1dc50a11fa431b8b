"""The search for a photograph's quality: what it aims at, how far it goes, and what it leaves alone."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage.metrics import structural_similarity

from proxy.transforms.image.search import likeness, mosaic_of, searched_quality, target_likeness
from tests.pictures import photo, screen

SMOOTH = photo(800, 500).filter(ImageFilter.GaussianBlur(6))
GRAIN = Image.frombytes("L", (800, 500), random.Random(5).randbytes(800 * 500)).convert("RGB")
ROUGH = Image.blend(SMOOTH, GRAIN, 0.12)  # faint grain is the first that an encoder drops


def grey(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("F")


def as_webp(image: Image.Image, quality: int) -> Image.Image:
    target = io.BytesIO()
    image.save(target, "WEBP", quality=quality)
    return Image.open(target)


def test_a_smooth_picture_needs_less_quality_than_a_rough_one() -> None:
    assert searched_quality(SMOOTH, 40) < 40 == searched_quality(ROUGH, 40)


@pytest.mark.parametrize("quality", [1, 10, 35, 60, 95, 100])
@pytest.mark.parametrize("picture", [SMOOTH, ROUGH, photo(800, 500)])
def test_it_stays_near_what_the_policy_says_and_never_goes_above_it(quality: int, picture: Image.Image) -> None:
    found = searched_quality(picture, quality)
    assert max(1, quality - 14) <= found <= quality


def test_the_same_picture_has_the_same_quality() -> None:
    assert searched_quality(photo(800, 500), 35) == searched_quality(photo(800, 500), 35)


@pytest.mark.parametrize("picture", [photo(300, 200), photo(800, 500).convert("RGBA"), screen(300, 200).convert("L")])
def test_small_and_transparent_pictures_keep_the_policys_quality(picture: Image.Image) -> None:
    assert searched_quality(picture, 35) == 35


def test_a_strip_of_a_picture_has_a_mosaic_too() -> None:
    strip = photo(200_000 // 20, 20)
    assert mosaic_of(strip).size == (120, 120) and 1 <= searched_quality(strip, 35) <= 100


def test_more_quality_is_more_likeness() -> None:
    told = [target_likeness(quality) for quality in range(101)]
    assert told == sorted(told) and 0.91 < target_likeness(30) < target_likeness(50) < 0.95


@pytest.mark.parametrize("quality", [10, 40, 80])
def test_likeness_is_what_others_call_ssim(quality: int) -> None:
    before, after = grey(photo(800, 500)), grey(as_webp(photo(800, 500), quality))
    theirs = structural_similarity(np.asarray(before), np.asarray(after), data_range=255, win_size=7)
    assert likeness(before, after) == pytest.approx(theirs, abs=0.02)
    assert likeness(before, before) == pytest.approx(1.0, abs=1e-4)
