"""What is tried when a recipe failed: the next simpler thing that still answers the same wish.

Laws of this file: pure; a simpler thing never asks for more pixels or bits; what was not understood is not tried
again, only what a tool failed at.
"""

from __future__ import annotations

from dataclasses import replace

from proxy.transforms.media.spec import CappedSpec, MediaSpec, Recipe, SlidecastSpec, SoundCodec, SoundSpec

# Why a tool failed where another way may succeed; anything else says that the source is at fault.
WORTH_ANOTHER_WAY = frozenset(("timed-out", "killed", "exit", "no-output", "too-large", "recipe-failed"))
_LOW_HEIGHT_PX, _LOW_FPS = 144, 10


def simpler(recipe: Recipe, spec: MediaSpec) -> tuple[Recipe, MediaSpec]:
    """Another recipe or spec, or the same once more where there is nothing simpler: it may have been a bad hour."""
    match spec:
        case CappedSpec() if spec.max_height_px > _LOW_HEIGHT_PX or spec.max_fps > _LOW_FPS:
            return recipe, replace(
                spec,
                max_height_px=min(spec.max_height_px, _LOW_HEIGHT_PX),
                max_fps=min(spec.max_fps, _LOW_FPS),
                video_bitrate_bps=min(spec.video_bitrate_bps, 60_000),
            )
        case SlidecastSpec():
            return Recipe.AUDIO, spec.sound
        case SoundSpec(codec=SoundCodec.OPUS):
            return recipe, replace(spec, codec=SoundCodec.AAC)
        case _:
            return recipe, spec
