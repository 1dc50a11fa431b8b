"""Which moments of a film become pictures, and how ffmpeg is asked for them in as few short runs as possible. Pure.

Laws of this file: moments lie on the detector's grid of half seconds; a slide is taken late in its life, when it is
complete and the pointer has gone; far moments are sought, near ones read through.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from policies.frozen import Frozen
from proxy.transforms.media.lecture.flow import Run
from proxy.transforms.media.lecture.values import FPS, Shot

_BEFORE_S = 1.0  # of the next change
_SPREAD_S = 5.0
_FRAMES = 5
_GAP_S = 10.0  # reading on costs less than seeking to a key frame, on average ten seconds apart
_MAX_FRAMES_A_RUN = 250  # terms of one expression


class Still(Frozen, frozen=True, kw_only=True):
    """A picture to be made of these frames (numbers on the grid, in order)."""

    picture: int
    frames: tuple[int, ...]


class Reading(Frozen, frozen=True, kw_only=True):
    """One run of ffmpeg and the pictures that its frames make, in order."""

    run: Run
    stills: tuple[Still, ...]


def still_of(shot: Shot) -> Still:
    """The frames late in the shot's complete state."""
    last_s = shot.still_until_s - _BEFORE_S
    first_s = max(shot.still_from_s + 0.5, last_s - _SPREAD_S)
    if last_s <= first_s:
        last_s = first_s = max(shot.at_s, (shot.still_from_s + shot.still_until_s) / 2)
    first, last = round(first_s * FPS), round(last_s * FPS)
    count = min(_FRAMES, last - first + 1)
    step = (last - first) / max(count - 1, 1)
    return Still(picture=shot.picture, frames=tuple(first + round(step * number) for number in range(count)))


def wanted(shots: Sequence[Shot]) -> list[Still]:
    """One still for each distinct picture, from the showing that lasted longest, in the order of time."""
    best: dict[int, Shot] = {}
    for shot in shots:
        known = best.get(shot.picture)
        if known is None or _stands_s(shot) > _stands_s(known):
            best[shot.picture] = shot
    return sorted((still_of(shot) for shot in best.values()), key=lambda still: still.frames)


def _stands_s(shot: Shot) -> float:
    return shot.still_until_s - shot.still_from_s


def readings(stills: Sequence[Still], source: Path, size: tuple[int, int], folder: Path) -> list[Reading]:
    """The runs that bring the stills' frames as raw RGB of this size."""
    groups: list[list[Still]] = []
    for still in stills:
        last = groups[-1] if groups else None
        near = last is not None and still.frames[0] - last[-1].frames[-1] <= _GAP_S * FPS
        full = last is not None and sum(len(one.frames) for one in last) + len(still.frames) > _MAX_FRAMES_A_RUN
        if last is not None and near and not full:
            last.append(still)
        else:
            groups.append([still])
    return [
        Reading(run=_run(group, source, size, folder / f"stills-{number}.pipe"), stills=tuple(group))
        for number, group in enumerate(groups)
    ]


def poster_still(duration_s: float) -> Still:
    """A few frames near the beginning, past titles and black."""
    at = round(min(max(duration_s * 0.1, 2.0), max(duration_s - 3.0, 0.0)) * FPS)
    return Still(picture=0, frames=tuple(at + number for number in range(_FRAMES)))


def _run(group: Sequence[Still], source: Path, size: tuple[int, int], pipe: Path) -> Run:
    numbers = sorted({frame for still in group for frame in still.frames})
    first = max(0, numbers[0] - 1)
    chosen = "+".join(f"eq(n,{number - first})" for number in numbers)
    chain = (
        f"fps={FPS:g}:start_time=0,select='{chosen}',setpts=N/{FPS:g}/TB,"
        f"scale={size[0]}:{size[1]}:flags=lanczos,format=rgb24"
    )
    span_s = (numbers[-1] - first + 2) / FPS
    seek = ("-ss", f"{first / FPS:.3f}") if first else ()
    args = (*seek, "-t", f"{span_s:.3f}", "-i", str(source), "-map", "0:V:0", "-an", "-sn", "-dn", "-vf", chain)
    return Run(args=(*args, "-f", "rawvideo", str(pipe)), pipe=pipe.name)
