"""What every media transform promises, whichever it is. A new one adds a line to TRANSFORMS and passes this suite."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from policies.treatments import Animation
from proxy.exchange import Outcome, Refused, Replaced, Unchanged
from proxy.transforms.image.adapt import adapt_image
from tests.pictures import (
    EVERY,
    animation,
    avif_bomb,
    bmp_bomb,
    gif_bomb,
    photo,
    png_bomb,
    png_text_bomb,
    saved,
    screen,
    spec,
    webp_bomb,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """One media transform under one spec, with samples of what it improves and of what it must refuse."""

    run: Callable[[bytes], Outcome]
    samples: tuple[bytes, ...]
    bombs: tuple[bytes, ...]


IMAGES = (
    saved(photo(), "JPEG", quality=90),
    saved(photo(800, 500, seed=2), "PNG"),
    saved(photo(700, 500, seed=3), "WEBP", quality=90),
    saved(photo(700, 500, seed=4), "AVIF", quality=90),
    saved(photo(500, 400, seed=5), "BMP"),
    saved(screen(), "PNG"),
    saved(screen(1400, 900, seed=2), "JPEG", quality=88),
    animation("GIF"),
)
BOMBS = (png_bomb(), gif_bomb(), webp_bomb(), avif_bomb(), bmp_bomb(), png_text_bomb())


def image(**wanted: object) -> Transform:
    return Transform(run=lambda body: adapt_image(body, spec(**wanted)), samples=IMAGES, bombs=BOMBS)  # type: ignore[arg-type]


TRANSFORMS = {
    "image-webp": image(animation=Animation.STILL),
    "image-base": image(accepts=frozenset(), animation=Animation.STILL),
    "image-avif": image(accepts=EVERY, effort="background", animation=Animation.STILL),
    "image-bytes": image(max_bytes=9_000, animation=Animation.STILL),
    "image-moving": image(animation=Animation.SMALLER),
}


@pytest.fixture(params=TRANSFORMS)
def transform(request: pytest.FixtureRequest) -> Transform:
    return TRANSFORMS[request.param]


def body_of(outcome: Outcome) -> bytes | None:
    if not isinstance(outcome, Replaced):
        return None
    return outcome.body if isinstance(outcome.body, bytes) else outcome.body.read_bytes()


def test_it_improves_its_samples_and_never_makes_one_larger(transform: Transform) -> None:
    replaced = 0
    for sample in transform.samples:
        outcome = transform.run(sample)
        assert isinstance(outcome, Replaced | Unchanged), outcome
        if (body := body_of(outcome)) is not None:
            assert isinstance(outcome, Replaced) and len(body) == outcome.length_bytes < len(sample)
            replaced += 1
    assert replaced >= len(transform.samples) - 1


def test_it_is_deterministic(transform: Transform) -> None:
    for sample in transform.samples:
        assert transform.run(sample) == transform.run(sample)


def test_its_own_result_is_left_alone(transform: Transform) -> None:
    for sample in transform.samples:
        if (body := body_of(transform.run(sample))) is not None:
            assert isinstance(transform.run(body), Unchanged)


def test_cut_files_pass_unharmed(transform: Transform) -> None:
    for sample in transform.samples:
        for share in (0.02, 0.3, 0.6, 0.9):
            outcome = transform.run(sample[: int(len(sample) * share)])
            assert isinstance(outcome, Unchanged | Replaced), outcome
            if isinstance(outcome, Replaced):  # an animation whose first picture is whole
                assert sample.startswith(b"GIF")


def test_damaged_files_never_raise_and_never_grow(transform: Transform) -> None:
    rng = random.Random(7)
    for sample in transform.samples[:6]:
        for _ in range(12):
            damaged = bytearray(sample)
            for _ in range(rng.randrange(1, 30)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            outcome = transform.run(bytes(damaged))
            if isinstance(outcome, Replaced):
                assert outcome.length_bytes < len(damaged)
            else:
                assert outcome.why != "transform-failed"


def test_bombs_are_refused(transform: Transform) -> None:
    for bomb in transform.bombs:
        assert isinstance(transform.run(bomb), Refused)


def test_what_is_not_its_kind_passes(transform: Transform) -> None:
    for body in (b"", b"x", b"<html>" * 500, b"%PDF-1.7" + bytes(5000), bytes(5000), random.Random(1).randbytes(5000)):
        assert isinstance(transform.run(body), Unchanged)
