"""Widths and probes: pure arithmetic."""

from __future__ import annotations

import pytest

from proxy.transforms.image.content import Content, Look
from proxy.transforms.image.encode import _AVIF, _JPEG, matched
from proxy.transforms.image.size import next_probe, target_width_px

PHOTO = Look(content=Content.PHOTO)
FINE = Look(content=Content.TEXT, fine=True)
COARSE = Look(content=Content.TEXT, fine=False)


@pytest.mark.parametrize(
    ("width", "look", "limit", "expected"),
    [
        (3000, PHOTO, 800, 800),
        (700, PHOTO, 800, 700),
        (3000, PHOTO, None, 3000),
        (1366, FINE, 800, 992),
        (1280, FINE, 800, 992),
        (1920, FINE, 800, 1584),
        (900, FINE, 800, 900),
        (3013, COARSE, 800, 1264),
        (9000, FINE, 800, 1984),
    ],
)
def test_photographs_obey_the_limit_and_text_keeps_a_readable_share(
    width: int, look: Look, limit: int | None, expected: int
) -> None:
    assert target_width_px(width, look, limit) == expected


@pytest.mark.parametrize("look", [PHOTO, FINE, COARSE])
@pytest.mark.parametrize("limit", [320, 480, 640, 800, 1280])
def test_a_width_once_reached_is_kept_by_a_second_pass_whatever_it_looks_like_then(look: Look, limit: int) -> None:
    for width in range(1, 6000, 7):
        once = target_width_px(width, look, limit)
        assert once <= width
        if look.content is Content.TEXT:
            assert target_width_px(once, FINE, limit) == once
            assert target_width_px(once, COARSE, limit) == once
        else:
            assert target_width_px(once, look, limit) == once


def test_a_probe_lowers_quality_before_it_takes_pixels() -> None:
    assert next_probe(60, 0.8, 10) == (40, 1.0)
    quality, scale = next_probe(60, 0.1, 20)
    assert quality == 20 and 0 < scale < 1


def test_a_probe_never_raises_anything() -> None:
    for quality in range(0, 101, 5):
        for share in (0.01, 0.3, 0.7, 0.99):
            lower, scale = next_probe(quality, share, 10)
            assert lower <= quality and 0 < scale <= 1


def test_matched_qualities_rise_with_quality_and_stay_on_the_scale() -> None:
    for table in (_JPEG, _AVIF):
        values = [matched(quality, table) for quality in range(101)]
        assert values == sorted(values) and values[0] > 0 and values[-1] <= 100
    assert matched(30, _JPEG) == 37 and matched(50, _AVIF) == 50
