"""Moving pictures, smaller: fewer frames, fewer pixels, animated WebP; loops, time and transparency stay.

Laws of this file: pixels in, bytes out; deterministic; frames, pixels and what is held in memory have limits; the
film lasts as long as before and ends on the same picture. It decodes untrusted bytes: run it in a worker process.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from policies.frozen import Frozen
from proxy.exchange import Outcome, Replaced, Unchanged
from proxy.transforms.image.content import Content, Look, look_at
from proxy.transforms.image.decode import MAX_BLANK_FRAMES, MAX_SIDE_PX, PILLOW_FORMATS, Hostile, NotForUs
from proxy.transforms.image.facts import PREFIX_BYTES, image_facts
from proxy.transforms.image.size import TEXT_RUNGS, quality_floor, target_width_px
from proxy.transforms.media.spec import AnimationSpec
from proxy.transforms.spec import ImageSpec

FORMATS = ("gif", "png", "webp")
MAX_FRAMES = 3000
MAX_DECODED_PIXELS = 400_000_000  # of all frames together: some seconds of decoding
MAX_HELD_PIXELS = 30_000_000  # 120 MB; a longer film gets fewer frames a second
_SLOWEST_WRONG_MS, _BROWSERS_MS = 10, 100  # browsers show what claims 10 ms or less for 100 ms
_MIN_GAIN = 0.05
_LIVE_METHOD, _BACKGROUND_METHOD = 2, 4
_NO_KEY_FRAMES = {"kmin": (1 << 30) - 1, "kmax": 1 << 30}  # nobody seeks in a picture
_MAX_PROBES = 3


class Moving(Frozen, frozen=True, kw_only=True):
    """Frames as they will be shown, all of one size, mode RGB or RGBA.

    plays  how often, 0: for ever
    """

    frames: tuple[Image.Image, ...]
    durations_ms: tuple[int, ...]
    plays: int
    look: Look
    format: str
    source_frames: int
    source_width_px: int
    source_height_px: int

    @property
    def see_through(self) -> bool:
        return self.frames[0].mode == "RGBA"


@dataclass(slots=True)
class _Slot:
    """What is shown for at least one frame's time. own_ms: how long its own picture was shown in the source."""

    image: Image.Image
    own_ms: int
    total_ms: int


def smaller_animation(source: bytes | Path, spec: ImageSpec) -> Outcome:
    """An animated WebP in place of an animated GIF, PNG or WebP.

    Replaced notes: as for stills, and frames, source_frames. Unchanged: "animated" (nothing that we read, or nothing
    that the browser reads), "no-gain". Raises NotForUs, Hostile, and what Pillow raises for broken files.
    """
    if "image/webp" not in spec.accepts:
        raise NotForUs("animated")
    wanted = animation_spec(spec)
    moving = read_moving(source, wanted, max_pixels=spec.max_pixels)
    source_bytes = source.stat().st_size if isinstance(source, Path) else len(source)
    body, quality = _fitted(moving, wanted, spec)
    if len(body) > source_bytes * (1 - _MIN_GAIN):
        return Unchanged(why="no-gain")
    width_px, height_px = moving.frames[0].size
    notes: list[tuple[str, str | int | float]] = [
        ("format", "webp"),
        ("content", moving.look.content.value),
        ("width_px", width_px),
        ("height_px", height_px),
        ("quality", quality),
        ("source_pixels", moving.source_width_px * moving.source_height_px * moving.source_frames),
        ("frames", len(moving.frames)),
        ("source_frames", moving.source_frames),
    ]
    if spec.max_bytes is not None and len(body) > spec.max_bytes:
        notes.append(("over_limit", 1))
    return Replaced(body=body, content_type="image/webp", length_bytes=len(body), notes=tuple(notes))


def animation_spec(spec: ImageSpec) -> AnimationSpec:
    """A moving picture as thrifty as AnimationSpec has it, and never beyond what the policy says of pictures."""
    thrifty = AnimationSpec()
    width_px = thrifty.max_width_px if spec.max_width_px is None else min(spec.max_width_px, thrifty.max_width_px)
    return AnimationSpec(
        max_width_px=width_px, max_fps=thrifty.max_fps, quality=min(spec.photo_quality, thrifty.quality)
    )


def _fitted(moving: Moving, wanted: AnimationSpec, spec: ImageSpec) -> tuple[bytes, int]:
    """Encode; while it is over max_bytes, halve the quality, then the frames, in at most three encodings."""
    floor = quality_floor(moving.look.content)
    quality = max(floor, spec.text_quality if moving.look.content is Content.TEXT else wanted.quality)
    method = _LIVE_METHOD if spec.effort == "live" else _BACKGROUND_METHOD
    best, used = as_webp(moving, quality, method=method), quality
    for _ in range(_MAX_PROBES - 1):
        if spec.max_bytes is None or len(best) <= spec.max_bytes:
            break
        if quality > floor:
            quality = max(floor, quality // 2)
        elif len(moving.frames) > 2:
            moving = _halved(moving)
        else:
            break
        probe = as_webp(moving, quality, method=method)
        best, used = (probe, quality) if len(probe) < len(best) else (best, used)
    return best, used


def as_webp(moving: Moving, quality: int, *, method: int) -> bytes:
    """The frames as an animated WebP (a still one where only one is left)."""
    target = io.BytesIO()
    first, *others = moving.frames
    options: dict[str, object] = {"quality": quality, "method": method, "alpha_quality": max(50, quality)}
    if others:
        drawn = moving.look.content is Content.TEXT  # flat frames are smaller without loss
        durations = list(moving.durations_ms)
        options |= {"save_all": True, "append_images": others, "duration": durations, "loop": moving.plays}
        options |= {"allow_mixed": drawn, **_NO_KEY_FRAMES}
    first.save(target, "WEBP", **options)
    return target.getvalue()


# -- reading ---------------------------------------------------------------------------------------------------


def read_moving(source: bytes | Path, spec: AnimationSpec, *, max_pixels: int) -> Moving:
    """Decode, at most `max_fps` frames a second and as wide as the spec's width allows for this content.

    Raises NotForUs ("not-an-image", "format-…", "not-animated"), Hostile ("too-many-pixels", "too-many-frames",
    "side-too-long"), and what Pillow raises for broken files.
    """
    stream = source.open("rb") if isinstance(source, Path) else io.BytesIO(source)
    with stream:
        facts = image_facts(stream.read(PREFIX_BYTES))
        if facts is None or facts.format not in FORMATS:
            raise NotForUs(f"format-{facts.format}" if facts is not None else "not-an-image")
        if (facts.pixels or 0) > max_pixels:
            raise Hostile("too-many-pixels")
        stream.seek(0)
        Image.MAX_IMAGE_PIXELS = max_pixels
        image = Image.open(stream, formats=(PILLOW_FORMATS[facts.format],))
        _weigh(image, max_pixels)
        if not getattr(image, "is_animated", False):
            raise NotForUs("not-animated")
        look = _look(image)
        width_px = _target_width_px(image.width, look, spec.max_width_px)
        size = (width_px, max(1, round(image.height * width_px / image.width)))
        slots, count = _slots(image, size, 1000 / spec.max_fps)
        return _moving(image, slots, look, facts.format, count)


def _weigh(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise Hostile("too-many-pixels")
    if max(image.size) > MAX_SIDE_PX:
        raise Hostile("side-too-long")


def _look(image: Image.Image) -> Look:
    """By the first frame that shows something; none does: nothing that letters could be lost of."""
    for number in range(MAX_BLANK_FRAMES):
        try:
            image.seek(number)
        except EOFError:
            break
        frame = image.convert("RGBA")
        if frame.getcolors(1) is None:
            return look_at(frame)
    return Look(content=Content.PHOTO)


def _target_width_px(width_px: int, look: Look, max_width_px: int) -> int:
    """A recording of a screen keeps its size where it may: flat frames unscaled are a third of the bytes of scaled."""
    if look.content is Content.TEXT:
        return min(width_px, round(max_width_px * TEXT_RUNGS[-1]))
    return target_width_px(width_px, look, max_width_px)


def _numbered(image: Image.Image) -> Iterator[int]:
    """Seek to each frame in turn. A PNG's first picture may be for programs that know no animation."""
    pixels, shown = image.width * image.height, 0
    number = 1 if image.info.get("default_image") else 0
    while True:
        try:
            image.seek(number)
        except EOFError:
            return
        image.load()
        shown += 1
        if shown > MAX_FRAMES or shown * pixels > MAX_DECODED_PIXELS:
            raise Hostile("too-many-frames")
        yield number
        number += 1


def _slots(image: Image.Image, size: tuple[int, int], interval_ms: float) -> tuple[list[_Slot], int]:
    """Frames thinned to one an interval; within it the one shown longest stands for all. And how many there were."""
    slots: list[_Slot] = []
    count, passed = 0, False  # passed: the newest frame isn't shown
    for _ in _numbered(image):
        count += 1
        shown_ms = _shown_ms(image.info.get("duration"))
        if slots and slots[-1].total_ms + 1 < interval_ms:
            slot = slots[-1]
            slot.total_ms += shown_ms
            passed = shown_ms <= slot.own_ms
            if not passed:
                slot.image, slot.own_ms = _frame(image, size), shown_ms
        else:
            passed = False
            _append(slots, _Slot(image=_frame(image, size), own_ms=shown_ms, total_ms=shown_ms))
        if len(slots) * size[0] * size[1] > MAX_HELD_PIXELS:
            slots, interval_ms = _paired(slots), interval_ms * 2
    if passed and slots:
        slots[-1].image = _frame(image, size)  # a film that stops, stops on its last picture
    return slots, count


def _append(slots: list[_Slot], slot: _Slot) -> None:
    """A frame like the one before only makes that one last longer."""
    if slots and slots[-1].image.mode == slot.image.mode and slots[-1].image.tobytes() == slot.image.tobytes():
        slots[-1].total_ms += slot.total_ms
        slots[-1].own_ms += slot.own_ms
    else:
        slots.append(slot)


def _paired(slots: list[_Slot]) -> list[_Slot]:
    made = []
    for at in range(0, len(slots), 2):
        pair = slots[at : at + 2]
        best = max(pair, key=lambda slot: slot.own_ms)
        made.append(_Slot(image=best.image, own_ms=best.own_ms, total_ms=sum(slot.total_ms for slot in pair)))
    return made


def _frame(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    frame = image.convert("RGBA")
    if frame.getchannel("A").getextrema()[0] == 255:
        frame = frame.convert("RGB")
    if frame.size == size:
        return frame
    if frame.mode == "RGB":
        return frame.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return frame.convert("RGBa").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0).convert("RGBA")


def _shown_ms(told: object) -> int:
    duration = round(told) if isinstance(told, int | float) else 0
    return _BROWSERS_MS if duration <= _SLOWEST_WRONG_MS else min(duration, 600_000)


def _moving(image: Image.Image, slots: list[_Slot], look: Look, kind: str, count: int) -> Moving:
    if not slots:
        raise NotForUs("not-animated")
    see_through = any(slot.image.mode == "RGBA" for slot in slots)
    frames = [slot.image.convert("RGBA") if see_through else slot.image for slot in slots]
    return Moving(
        frames=tuple(frames),
        durations_ms=tuple(slot.total_ms for slot in slots),
        plays=_plays(image, kind),
        look=look,
        format=kind,
        source_frames=count,
        source_width_px=image.width,
        source_height_px=image.height,
    )


def _plays(image: Image.Image, kind: str) -> int:
    """How often it plays, 0: for ever. A GIF counts the repetitions after the first; without a count it plays once."""
    told = image.info.get("loop")
    if kind != "gif":
        return told if isinstance(told, int) else 0
    if not isinstance(told, int):
        return 1
    return told + 1 if told else 0


def _halved(moving: Moving) -> Moving:
    slots = [
        _Slot(image=frame, own_ms=ms, total_ms=ms) for frame, ms in zip(moving.frames, moving.durations_ms, strict=True)
    ]
    fewer = _paired(slots)
    frames, durations_ms = tuple(slot.image for slot in fewer), tuple(slot.total_ms for slot in fewer)
    return replace(moving, frames=frames, durations_ms=durations_ms)
