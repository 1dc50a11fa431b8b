"""What a lecture's slides may take together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from proxy.transforms.media.lecture.budget import budget_bytes, within
from proxy.transforms.media.lecture.picture import Slides, forms_of

SIZES = st.lists(st.lists(st.integers(1, 50_000), min_size=1, max_size=4), min_size=1, max_size=30)


@pytest.mark.parametrize(("duration_s", "budget"), [(2700, 1_800_000), (90, 400_000), (None, 2_400_000)])
def test_a_long_lecture_has_its_minutes_and_a_short_one_ten(duration_s: float | None, budget: int) -> None:
    assert budget_bytes(40_000, duration_s) == budget


@given(SIZES, st.integers(0, 1_000_000))
def test_the_budget_is_kept_where_that_can_be(sizes: list[list[int]], budget: int) -> None:
    kept = within(sizes, budget)
    total = sum(forms[index] for forms, index in zip(sizes, kept, strict=True))
    assert total <= budget or total == sum(min(forms) for forms in sizes)


@given(SIZES)
def test_nobody_is_coarser_than_the_budget_asks(sizes: list[list[int]]) -> None:
    assert within(sizes, sum(forms[0] for forms in sizes) + max(max(forms) for forms in sizes) * len(sizes)) == [
        0 for _ in sizes
    ]


def test_the_largest_are_spared_first_and_all_alike() -> None:
    assert within([[9, 5], [20, 12, 8], [22, 12, 8]], 35) == [0, 1, 1]


def test_every_form_keeps_the_floor_and_the_usual_one_is_first() -> None:
    assert [(form.quality, form.scale) for form in forms_of(35)] == [
        (35, 1.0),
        (27, 1.0),
        (20, 1.0),
        (20, 0.87),
        (20, 0.8),
    ]
    assert [(form.quality, form.scale) for form in forms_of(15)] == [(15, 1.0), (15, 0.87), (15, 0.8)]


def a_full_slide(seed: int) -> Image.Image:
    drawing = np.random.default_rng(seed)
    slide = Image.new("RGB", (960, 540), "white")
    pen = ImageDraw.Draw(slide)
    for line in range(9):
        words = "".join(drawing.choice(list("абвгдежзиклмн опрст"), 60))
        pen.text((40, 30 + 54 * line), words, fill=(20, 20, 60), font_size=26)
    grain = drawing.integers(-3, 4, (540, 960, 1))
    return Image.fromarray(np.clip(np.asarray(slide, np.int16) + grain, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("budget", [1, 120_000, 10_000_000])
def test_slides_keep_to_their_budget_as_far_as_they_stay_legible(tmp_path: Path, budget: int) -> None:
    slides = Slides(tmp_path, 35, budget, 4)
    slides.add(7, Image.new("RGB", (960, 540), "white"))
    for number in range(3):
        slides.add(number, a_full_slide(number))
    written = slides.write()
    assert [written[picture].file[-8:] for picture in (7, 0, 1, 2)] == [f"00{number}.webp" for number in (1, 2, 3, 4)]
    for drawn in written.values():
        with Image.open(tmp_path / drawn.file) as there:
            assert there.size == (drawn.width, drawn.height)
        assert (tmp_path / drawn.file).stat().st_size == drawn.bytes
    total, widths = sum(drawn.bytes for drawn in written.values()), {written[number].width for number in range(3)}
    match budget:
        case 1:
            assert widths == {768}
        case 120_000:
            assert total <= budget and written[7].width == 960
        case _:
            assert widths == {960} and total > 120_000
