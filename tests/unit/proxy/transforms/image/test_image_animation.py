"""Moving pictures, smaller: what they keep, what they lose, and what is too much."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from policies.treatments import Animation
from proxy.exchange import Outcome, Refused, Replaced, Unchanged
from proxy.transforms.image import animation as limits
from proxy.transforms.image.adapt import adapt_image
from proxy.transforms.image.animation import animation_spec, read_moving
from proxy.transforms.image.decode import Hostile
from proxy.transforms.media.animation import film_args, make_animation
from proxy.transforms.media.spec import AnimationSpec, MediaMade
from proxy.transforms.media.tools import find_ffmpeg
from proxy.transforms.media.workbench import Bench
from tests.pictures import photo, saved, screen, spec

SMALLER = spec(animation=Animation.SMALLER, max_width_px=800)


def frames(count: int = 12, width: int = 600, height: int = 200) -> list[Image.Image]:
    """A photograph that passes by."""
    whole = photo(width + 8 * count, height)
    return [whole.crop((8 * number, 0, 8 * number + width, height)) for number in range(count)]


def moving(pictures: list[Image.Image], kind: str = "GIF", **options: object) -> bytes:
    options = {"duration": 100, "loop": 0} | options
    return saved(pictures[0], kind, save_all=True, append_images=pictures[1:], **options)


def opened(outcome: Outcome | bytes) -> Image.Image:
    body = outcome if isinstance(outcome, bytes) else outcome.body if isinstance(outcome, Replaced) else b""
    assert isinstance(body, bytes) and body, outcome
    return Image.open(io.BytesIO(body))


def durations(image: Image.Image) -> list[int]:
    told = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()
        told.append(int(image.info["duration"]))
    return told


def difference(one: Image.Image, other: Image.Image) -> float:
    mean = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB").resize(one.size))).mean
    return sum(mean) / 3


# -- what it becomes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_a_moving_picture_becomes_a_smaller_one_that_lasts_as_long(kind: str) -> None:
    source = moving(frames(), kind, **({"quality": 95} if kind == "WEBP" else {}))
    outcome = adapt_image(source, SMALLER)
    made = opened(outcome)
    assert made.format == "WEBP" and made.width == 480 and len(source) > 3 * outcome.length_bytes  # type: ignore[union-attr]
    assert sum(durations(made)) == 1200 and made.info["loop"] == 0
    made.seek(0)
    assert difference(made, frames()[0]) < 10


def test_the_same_source_gives_the_same_bytes() -> None:
    source = moving(frames(6))
    assert adapt_image(source, SMALLER) == adapt_image(source, SMALLER)


def test_a_source_by_path_gives_the_same_as_by_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(moving(frames(6)))
    assert adapt_image(tmp_path / "a", SMALLER) == adapt_image(moving(frames(6)), SMALLER)


def test_video_is_a_smaller_animation_where_only_a_picture_can_be_made() -> None:
    assert isinstance(adapt_image(moving(frames()), spec(animation=Animation.VIDEO)), Replaced)


def test_frames_come_down_to_ten_a_second() -> None:
    made = opened(adapt_image(moving(frames(30), "WEBP", duration=30), SMALLER))
    assert 7 <= made.n_frames <= 10 and sum(durations(made)) == 900


def test_what_browsers_show_slower_is_taken_as_they_show_it() -> None:
    made = read_moving(moving(frames(6), duration=10), AnimationSpec(), max_pixels=10**7)
    assert made.durations_ms == (100,) * 6


def test_equal_frames_become_one_that_lasts_longer() -> None:
    first, second = frames(2)
    made = read_moving(moving([first] * 3 + [second] * 2, "WEBP", quality=90), AnimationSpec(), max_pixels=10**7)
    assert made.durations_ms == (300, 200)


def test_of_frames_that_pass_too_quickly_the_one_shown_longest_stays() -> None:
    first, flash, last = frames(3)
    made = read_moving(moving([flash, first, last], "PNG", duration=[20, 2000, 500]), AnimationSpec(), max_pixels=10**7)
    assert made.durations_ms == (2020, 500) and difference(made.frames[0], first) < 3


def test_a_film_that_stops_stops_on_its_last_picture() -> None:
    pictures = frames(8)
    made = read_moving(moving(pictures, "PNG", duration=40, loop=1), AnimationSpec(), max_pixels=10**7)
    assert difference(made.frames[-1], pictures[-1]) < 3


@pytest.mark.parametrize(
    ("kind", "loop", "plays"), [("GIF", 0, 0), ("GIF", None, 1), ("GIF", 3, 4), ("PNG", 3, 3), ("WEBP", 3, 3)]
)
def test_it_plays_as_often_as_before(kind: str, loop: int | None, plays: int) -> None:
    pictures = frames(3)
    body = moving(pictures, kind, loop=loop) if loop is not None else saved(
        pictures[0], kind, save_all=True, append_images=pictures[1:], duration=100
    )  # fmt: skip
    assert read_moving(body, AnimationSpec(), max_pixels=10**7).plays == plays


def test_transparency_stays() -> None:
    pictures = [frame.convert("RGBA") for frame in frames(4)]
    for number, picture in enumerate(pictures):
        hole = Image.new("L", picture.size, 255)
        ImageDraw.Draw(hole).rectangle((0, 0, 100 + 20 * number, 199), fill=0)
        picture.putalpha(hole)
    made = opened(adapt_image(moving(pictures, "PNG"), SMALLER))
    made.seek(2)
    alpha = made.convert("RGBA").getchannel("A")
    assert alpha.getpixel((30, 80)) < 20 and alpha.getpixel((400, 80)) > 230


def test_the_picture_for_programs_that_know_no_animation_is_no_frame() -> None:
    pictures = frames(4)
    body = moving([screen(600, 200), *pictures], "PNG", default_image=True)
    made = read_moving(body, AnimationSpec(), max_pixels=10**7)
    assert made.source_frames == 4 and difference(made.frames[0], pictures[0]) < 3


def test_a_recording_of_a_screen_keeps_its_size_and_its_letters() -> None:
    base = screen(1000, 600)
    pictures = []
    for number in range(8):
        picture = base.copy()
        ImageDraw.Draw(picture).rectangle((200, 300, 220 + 60 * number, 330), fill=(10, 120, 60))
        pictures.append(picture)
    made = opened(adapt_image(moving(pictures), SMALLER))
    assert made.width == 1000
    made.seek(0)
    assert difference(made, pictures[0]) < 3


def test_a_limit_of_bytes_costs_quality_and_then_frames() -> None:
    source = moving(frames(16), "WEBP", quality=95)
    free = adapt_image(source, SMALLER)
    assert isinstance(free, Replaced)
    half = adapt_image(source, spec(animation=Animation.SMALLER, max_width_px=800, max_bytes=2000))
    assert isinstance(half, Replaced) and half.length_bytes < free.length_bytes * 0.8


# -- what stays --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "wanted", "why"),
    [
        (moving(frames(4)), spec(animation=Animation.KEEP), "animated"),
        (moving(frames(4)), spec(animation=Animation.SMALLER, accepts=frozenset()), "animated"),
        (moving(frames(4, 400), "WEBP", quality=5), SMALLER, "no-gain"),
        (moving(frames(4))[:-20_000], SMALLER, "broken"),
    ],
)
def test_what_cannot_be_made_smaller_stays(body: bytes, wanted: object, why: str) -> None:
    assert adapt_image(body, wanted) == Unchanged(why=why)  # type: ignore[arg-type]


def test_a_gif_of_one_frame_is_a_still() -> None:
    outcome = adapt_image(saved(photo(700, 500), "GIF"), SMALLER)
    assert getattr(opened(outcome), "n_frames", 1) == 1


def test_a_picture_is_never_better_than_the_policy_says() -> None:
    wanted = animation_spec(spec(max_width_px=300, quality=20))
    assert (wanted.max_width_px, wanted.quality) == (300, 20)
    assert animation_spec(spec(max_width_px=None, quality=90)).max_width_px == 480


# -- too much ----------------------------------------------------------------------------------------------------


def test_too_many_frames_are_refused_and_too_many_pixels_of_all_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    body = moving(frames(8))
    monkeypatch.setattr(limits, "MAX_FRAMES", 7)
    assert adapt_image(body, SMALLER) == Refused(why="too-many-frames")
    monkeypatch.setattr(limits, "MAX_FRAMES", 8)
    monkeypatch.setattr(limits, "MAX_DECODED_PIXELS", 7 * 600 * 200)
    assert adapt_image(body, SMALLER) == Refused(why="too-many-frames")


def test_a_canvas_too_large_is_refused() -> None:
    with pytest.raises(Hostile, match="too-many-pixels"):
        read_moving(moving(frames(2)), AnimationSpec(), max_pixels=10_000)


def test_what_is_held_has_a_limit_and_the_film_its_whole_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_HELD_PIXELS", 5 * 480 * 160)
    made = read_moving(moving(frames(30), "WEBP"), AnimationSpec(), max_pixels=10**7)
    assert len(made.frames) <= 6 and sum(made.durations_ms) == 3000


# -- at the bench ------------------------------------------------------------------------------------------------


async def at_bench(body: bytes, wanted: AnimationSpec, folder: Path) -> object:
    (folder / "bench").mkdir()
    (folder / "source").write_bytes(body)
    return await make_animation(folder / "source", wanted, Bench(folder / "bench", find_ffmpeg()))


@pytest.mark.parametrize(("to", "name"), [("webp", "moving.webp"), ("mp4", "moving.mp4")])
async def test_the_recipe_leaves_one_file_of_the_kind_asked_for(to: str, name: str, tmp_path: Path) -> None:
    source = moving(frames())
    outcome = await at_bench(source, AnimationSpec(to=to), tmp_path)
    assert isinstance(outcome, MediaMade), outcome
    assert outcome.main == name and [path.name for path in (tmp_path / "bench").iterdir()] == [name]
    assert (outcome.facts["frames"], outcome.facts["plays"], outcome.facts["duration_s"]) == (12, 0, 1.2)
    assert outcome.length_bytes < len(source) / 5


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"GIF89a" + bytes(2000), "not-animated"),
        (saved(photo(), "JPEG"), "format-jpeg"),
        (b"nothing" * 400, "not-an-image"),
        (saved(photo(700, 500), "PNG"), "not-animated"),
        (moving([frame.convert("RGBA").rotate(5) for frame in frames(3)], "PNG"), "transparent"),
    ],
)
async def test_what_can_be_no_film_stays(body: bytes, expected: str, tmp_path: Path) -> None:
    outcome = await at_bench(body, AnimationSpec(to="mp4"), tmp_path)
    assert outcome in (Unchanged(why=expected), Unchanged(why="broken"))


def test_the_film_is_muted_and_of_plain_pixels() -> None:
    told = " ".join(film_args("p.rgb", "m.mp4", {"width_px": 479, "height_px": 321}, AnimationSpec()))
    assert told.startswith("-f rawvideo -framerate 10 -pix_fmt rgb24 -s 479x321 -i p.rgb")
    assert " -an " in told and "-c:v libx264" in told and "pad=ceil(iw/2)*2" in told
