"""What becomes of one image: colours, turns, transparency, metadata, limits, formats."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from policies.treatments import Animation
from proxy.exchange import Outcome, Refused, Replaced, Unchanged
from proxy.transforms.image.adapt import adapt_image
from proxy.transforms.image.content import Content, look_at
from tests.pictures import (
    EVERY,
    animation,
    avif_bomb,
    bmp_bomb,
    gif_bomb,
    photo,
    png_bomb,
    png_chunk,
    png_text_bomb,
    saved,
    screen,
    spec,
    tiff_bomb,
    webp_bomb,
)

PHOTO = saved(photo(), "JPEG", quality=90)


def opened(outcome: Outcome) -> Image.Image:
    assert isinstance(outcome, Replaced), outcome
    assert isinstance(outcome.body, bytes)
    image = Image.open(io.BytesIO(outcome.body))
    image.load()
    return image


def notes(outcome: Outcome) -> dict[str, str | int | float]:
    assert isinstance(outcome, Replaced), outcome
    return dict(outcome.notes)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of channel values."""
    other = other.resize(one.size)
    mean = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean
    return sum(mean) / 3


def test_a_photograph_becomes_a_webp_of_the_width_asked_for() -> None:
    outcome = adapt_image(PHOTO, spec())
    assert isinstance(outcome, Replaced) and outcome.content_type == "image/webp"
    assert opened(outcome).size == (400, 267) and outcome.length_bytes < len(PHOTO) / 3
    assert difference(opened(outcome), photo()) < 6


def test_a_source_by_path_gives_the_same_as_by_bytes(tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(PHOTO)
    assert adapt_image(tmp_path / "photo", spec()) == adapt_image(PHOTO, spec())


@pytest.mark.parametrize(
    ("accepts", "effort", "expected"),
    [
        (frozenset(), "live", "image/jpeg"),
        (EVERY, "live", "image/webp"),
        (EVERY, "background", "image/avif"),
        (frozenset({"image/avif"}), "live", "image/jpeg"),
    ],
)
def test_the_format_follows_what_the_browser_accepts_and_how_much_time_there_is(
    accepts: frozenset[str], effort: str, expected: str
) -> None:
    outcome = adapt_image(PHOTO, spec(accepts=accepts, effort=effort))
    assert isinstance(outcome, Replaced) and outcome.content_type == expected
    assert difference(opened(outcome), photo()) < 7


def test_jpeg_for_old_browsers_is_progressive() -> None:
    assert opened(adapt_image(PHOTO, spec(accepts=frozenset()))).info.get("progressive")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_is_upright_in_pixels_and_says_nothing_more_of_it(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = saved(photo(), "JPEG", quality=90, exif=exif)
    made = opened(adapt_image(source, spec(max_width_px=300)))
    from PIL import ImageOps

    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(source)))
    assert made.width == 300 and made.height == round(expected.height * 300 / expected.width)
    assert difference(made, expected) < 6
    assert 0x0112 not in made.getexif()


@pytest.mark.parametrize("accepts", [frozenset(), frozenset({"image/webp"}), EVERY])
def test_position_camera_and_comments_are_left_out(accepts: frozenset[str]) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera-maker"
    exif.get_ifd(0x8825)[2] = (56.0, 15.0, 30.0)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = saved(
        photo(),
        "JPEG",
        quality=92,
        exif=exif,
        comment=b"secret remark",
        icc_profile=profile,
        xmp=b"<x:xmpmeta secret/>",
    )
    outcome = adapt_image(source, spec(accepts=accepts, effort="background"))
    assert isinstance(outcome, Replaced) and isinstance(outcome.body, bytes)
    for trace in (b"Camera-maker", b"secret", b"Exif", b"acsp"):
        assert trace not in outcome.body
    assert not opened(outcome).getexif() and "icc_profile" not in opened(outcome).info


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_broken_exif_block_counts_as_none() -> None:
    source = saved(photo(), "JPEG", quality=90, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\0\0")
    assert opened(adapt_image(source, spec())).size == (400, 267)


def test_transparency_is_kept_with_and_without_webp() -> None:
    picture = photo().convert("RGBA")
    mask = Image.new("L", picture.size, 0)
    mask.paste(255, (200, 100, 700, 500))
    picture.putalpha(mask)
    for accepts, kind in ((frozenset({"image/webp"}), "WEBP"), (frozenset(), "PNG"), (EVERY, "AVIF")):
        made = opened(adapt_image(saved(picture, "PNG"), spec(accepts=accepts, effort="background")))
        alpha = made.convert("RGBA").getchannel("A")
        assert made.format == kind
        assert alpha.getpixel((5, 5)) < 10 and alpha.getpixel((200, 130)) > 245


def test_an_alpha_channel_that_hides_nothing_is_no_reason_for_png() -> None:
    outcome = adapt_image(saved(photo().convert("RGBA"), "PNG"), spec(accepts=frozenset()))
    assert isinstance(outcome, Replaced) and outcome.content_type == "image/jpeg"


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "I;16"])
def test_every_png_mode_is_read_right(mode: str) -> None:
    picture = photo(900, 600)
    if mode == "I;16":
        grey = picture.convert("L")
        picture16 = Image.frombytes("I;16", grey.size, b"".join(bytes((0, value)) for value in grey.tobytes()))
        source, expected = saved(picture16, "PNG"), grey
    else:
        source, expected = saved(picture.convert(mode), "PNG"), picture.convert(mode).convert("RGB")
    made = opened(adapt_image(source, spec(max_width_px=300)))
    assert difference(made, expected.convert("L").convert("RGB") if mode in ("L", "LA", "I;16") else expected) < (
        40 if mode == "1" else 7
    )


def test_a_palette_with_a_transparent_colour_keeps_it() -> None:
    picture = photo().convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
    picture.paste(5, (0, 0, 300, 300))
    source = saved(picture, "PNG", transparency=5)
    assert opened(adapt_image(source, spec())).convert("RGBA").getpixel((10, 10))[3] < 10  # type: ignore[index]


def test_a_cmyk_jpeg_comes_out_in_the_colours_it_shows() -> None:
    made = opened(adapt_image(saved(photo().convert("CMYK"), "JPEG", quality=92), spec(accepts=frozenset())))
    assert made.mode == "RGB" and difference(made, photo()) < 8


def test_colours_of_a_wide_gamut_profile_are_brought_to_srgb() -> None:
    swapped = _profile_with_red_and_blue_swapped()
    source = saved(Image.new("RGB", (900, 600), (230, 40, 40)), "PNG", icc_profile=swapped)
    noisy = saved(Image.blend(Image.new("RGB", (900, 600), (230, 40, 40)), photo(), 0.1), "PNG", icc_profile=swapped)
    red, _, blue = ImageStat.Stat(opened(adapt_image(noisy, spec())).convert("RGB")).mean
    assert blue > red + 80, "the profile says that the first channel is blue"
    assert len(source) > 0


def _profile_with_red_and_blue_swapped() -> bytes:
    """sRGB with its red and blue primaries exchanged: a profile whose effect can't be overlooked."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    place = profile.index(b"desc", 128)
    offset = int.from_bytes(profile[place + 4 : place + 8], "big")
    profile[offset : offset + 60] = bytes(profile[offset : offset + 60]).replace(b"s\0R\0G\0B", b"w\0i\0d\0e")
    return bytes(profile)


def test_a_broken_colour_profile_is_ignored_as_browsers_do() -> None:
    made = opened(adapt_image(saved(photo(), "JPEG", quality=90, icc_profile=b"nonsense" * 40), spec()))
    assert difference(made, photo()) < 6


def test_text_is_told_from_photographs() -> None:
    assert look_at(photo()).content is Content.PHOTO
    assert look_at(screen()).content is Content.TEXT and look_at(screen()).fine
    double = screen(1000, 600).resize((2000, 1200), Image.Resampling.NEAREST)
    assert look_at(double).content is Content.TEXT
    assert look_at(Image.new("RGB", (1, 1))).content is Content.TEXT
    assert look_at(Image.new("RGB", (5000, 3))).content is Content.TEXT


def test_a_drawing_in_soft_colours_is_no_photograph() -> None:
    picture = Image.new("RGB", (1200, 800), (240, 240, 240))
    for number in range(6):
        picture.paste((200 - number * 9, 214, 205), (number * 200, 100, number * 200 + 150, 700))
    assert look_at(picture).content is Content.TEXT


def test_a_screenshot_keeps_more_width_than_a_photograph() -> None:
    outcome = adapt_image(saved(screen(), "PNG"), spec(max_width_px=640))
    assert notes(outcome)["content"] == "text" and opened(outcome).width == 1011
    assert notes(adapt_image(saved(photo(1366, 768), "PNG"), spec(max_width_px=640)))["width_px"] == 640


def test_a_screenshot_in_jpeg_is_not_reduced_while_decoding_below_what_text_needs() -> None:
    outcome = adapt_image(saved(screen(2732, 1536), "JPEG", quality=90), spec(max_width_px=640))
    assert notes(outcome)["content"] == "text" and int(notes(outcome)["width_px"]) >= 1011


def test_flat_drawings_without_webp_become_palette_png() -> None:
    picture = Image.new("RGB", (900, 600), "white")
    for x in range(0, 900, 60):
        picture.paste((x % 200, 90, 30), (x, 0, x + 30, 600))
    outcome = adapt_image(saved(picture, "BMP"), spec(max_width_px=None, accepts=frozenset()))
    assert isinstance(outcome, Replaced) and outcome.content_type == "image/png"
    assert difference(opened(outcome), picture) == 0


def test_max_bytes_is_met_for_photographs_in_at_most_three_probes() -> None:
    source = saved(photo(1600, 1200), "JPEG", quality=92)
    for limit in (60_000, 20_000, 8_000, 3_000):
        outcome = adapt_image(source, spec(max_width_px=1600, quality=60, max_bytes=limit))
        assert isinstance(outcome, Replaced) and outcome.length_bytes <= limit * 1.05, (limit, outcome.length_bytes)


def test_text_stays_readable_even_over_max_bytes_and_says_so() -> None:
    outcome = adapt_image(saved(screen(), "PNG"), spec(max_width_px=640, max_bytes=2_000))
    assert notes(outcome)["over_limit"] == 1
    assert int(notes(outcome)["width_px"]) >= 0.7 * 1366 and int(notes(outcome)["quality"]) >= 20


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_is_kept_or_becomes_its_first_picture(kind: str) -> None:
    source = animation(kind)
    assert adapt_image(source, spec()) == Unchanged(why="animated")
    made = opened(adapt_image(source, spec(animation=Animation.STILL)))
    assert not getattr(made, "is_animated", False)
    assert difference(made, photo(200, 150, seed=0)) < 12


def test_an_animation_that_begins_blank_shows_its_first_real_picture() -> None:
    made = opened(adapt_image(animation(blank_first=True), spec(animation=Animation.STILL)))
    assert difference(made, photo(200, 150, seed=0)) < 12


@pytest.mark.parametrize("bomb", [png_bomb, gif_bomb, webp_bomb, avif_bomb, bmp_bomb])
def test_a_bomb_is_refused_before_it_is_decoded(bomb: object) -> None:
    assert adapt_image(bomb(), spec()) == Refused(why="too-many-pixels")  # type: ignore[operator]


def test_a_strip_longer_than_any_camera_makes_is_refused() -> None:
    assert adapt_image(png_bomb(70_000, 8), spec()) == Refused(why="side-too-long")


def test_metadata_that_unpacks_without_end_is_refused() -> None:
    assert adapt_image(png_text_bomb(), spec()) == Refused(why="metadata-too-large")


def test_formats_that_browsers_do_not_show_and_drawings_in_svg_are_left_alone() -> None:
    assert adapt_image(tiff_bomb(), spec()) == Unchanged(why="format-tiff")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg">' + b"<path d='M0 0'/>" * 200 + b"</svg>"
    assert adapt_image(svg, spec()) == Unchanged(why="format-svg")
    assert adapt_image(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(2000), spec()) == Unchanged(why="format-heif")


def test_an_image_in_hdr_is_left_alone() -> None:
    whole = saved(photo(), "PNG")
    hdr = whole[:33] + png_chunk(b"cICP", bytes((9, 18, 0, 1))) + whole[33:]
    assert adapt_image(hdr, spec()) == Unchanged(why="hdr")


def test_what_is_small_already_is_left_alone() -> None:
    assert adapt_image(saved(Image.new("RGB", (16, 16), "red"), "PNG"), spec()) == Unchanged(why="small")
    tight = saved(photo(390, 300), "WEBP", quality=40)
    assert adapt_image(tight, spec(quality=40)) == Unchanged(why="no-gain")
