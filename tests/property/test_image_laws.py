"""Laws of still images over sizes, modes, formats and specs."""

from __future__ import annotations

import io
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from proxy.exchange import Replaced
from proxy.transforms.hold import MAX_HOLD_S, hold_s
from proxy.transforms.image.adapt import adapt_image
from proxy.transforms.image.facts import image_facts
from tests.pictures import EVERY, WEBP, saved, spec

FORMATS = {"JPEG": ("L", "RGB", "CMYK"), "PNG": ("1", "L", "LA", "P", "RGB", "RGBA"), "WEBP": ("RGB", "RGBA"),
           "GIF": ("P", "L"), "BMP": ("1", "L", "P", "RGB"), "AVIF": ("RGB", "RGBA")}  # fmt: skip


@st.composite
def pictures(draw: st.DrawFn) -> bytes:
    """A file of random size, mode and format; half noise, half flat."""
    kind = draw(st.sampled_from(sorted(FORMATS)))
    mode = draw(st.sampled_from(FORMATS[kind]))
    width, height = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    rng = random.Random(draw(st.integers(0, 1000)))
    image = Image.new("RGB", (width, height), tuple(rng.randrange(256) for _ in range(3)))
    noisy = Image.frombytes("RGB", (width, max(1, height // 2)), rng.randbytes(width * max(1, height // 2) * 3))
    image.paste(noisy, (0, 0))
    alpha = mode in ("LA", "RGBA")
    converted = image.convert("RGBA" if alpha else "RGB")
    if alpha:
        converted.putalpha(Image.linear_gradient("L").resize((width, height)))
    return saved(converted.convert(mode) if converted.mode != mode else converted, kind)


@settings(max_examples=120)
@given(
    source=pictures(),
    width=st.sampled_from([None, 1, 17, 64, 200]),
    limit=st.sampled_from([None, 1, 2_000, 20_000]),
    accepts=st.sampled_from([frozenset[str](), WEBP, EVERY]),
    quality=st.integers(0, 100),
)
def test_a_variant_is_smaller_opens_and_keeps_the_picture_s_shape(
    source: bytes, width: int | None, limit: int | None, accepts: frozenset[str], quality: int
) -> None:
    outcome = adapt_image(source, spec(max_width_px=width, max_bytes=limit, accepts=accepts, quality=quality))
    assert getattr(outcome, "why", "") not in ("transform-failed", "broken")
    if not isinstance(outcome, Replaced):
        return
    assert isinstance(outcome.body, bytes) and len(outcome.body) == outcome.length_bytes < len(source)
    with Image.open(io.BytesIO(source)) as before, Image.open(io.BytesIO(outcome.body)) as after:
        after.load()
        assert after.width <= before.width and after.height <= before.height
        scale = after.width / before.width
        assert abs(after.height - before.height * scale) <= 1 + before.height / before.width
        assert f"image/{after.format}".lower() == outcome.content_type
        assert outcome.content_type in accepts | {"image/jpeg", "image/png"}


@settings(max_examples=300)
@given(
    st.binary(max_size=400),
    st.sampled_from(
        [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"BM", b"\0\0\0\x20ftypavif"]
    ),
)
def test_header_facts_are_total(data: bytes, start: bytes) -> None:
    facts = image_facts(start + data)
    assert facts is None or facts.pixels is None or facts.pixels >= 0


@given(
    encode_s=st.floats(0, 20),
    source_bytes=st.integers(0, 50_000_000),
    ratio=st.floats(0, 1.5),
    link_bps=st.one_of(st.none(), st.integers(1, 100_000_000)),
)
def test_holding_is_bounded_and_never_loses_against_the_original(
    encode_s: float, source_bytes: int, ratio: float, link_bps: int | None
) -> None:
    held = hold_s(encode_s=encode_s, source_bytes=source_bytes, expected_ratio=ratio, link_bps=link_bps)
    assert 0 <= held <= MAX_HOLD_S
    if held and link_bps is not None:
        assert encode_s < held
        assert held + source_bytes * 8 * min(1.0, ratio) / link_bps <= source_bytes * 8 / link_bps * 1.000001


@given(source_bytes=st.integers(1, 10_000_000), ratio=st.floats(0, 1), encode_s=st.floats(0, 3))
def test_a_thinner_link_never_holds_less(source_bytes: int, ratio: float, encode_s: float) -> None:
    held = [
        hold_s(encode_s=encode_s, source_bytes=source_bytes, expected_ratio=ratio, link_bps=bps)
        for bps in (100_000_000, 10_000_000, 1_000_000, 256_000, 32_000)
    ]
    assert held == sorted(held)
