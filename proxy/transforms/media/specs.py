"""From a policy's treatments to what the recipes are told, and how big the result is likely to be.

Laws: pure; one place, so that the proxy, `tropa media` and the cards mean the same thing by the same policy; an
estimate is only ever shown ("about"), never decided on.
"""

from __future__ import annotations

from policies.treatments import AudioTreatment, Form, LightCopy, VideoTreatment
from proxy.transforms.media.spec import (
    CappedSpec,
    HlsSpec,
    MediaSpec,
    OfficeSpec,
    PdfSpec,
    Recipe,
    SlidecastSpec,
    SoundCodec,
    SoundSpec,
)

# What a height needs to stay watchable: H.264 veryfast at 15 frames a second, lectures and talking people.
_RATE_OF_HEIGHT = ((144, 60_000), (240, 110_000), (360, 220_000), (480, 400_000), (720, 900_000))
_DEFAULT_HEIGHT_PX, _DEFAULT_FPS = 240, 15
_SLIDECAST_SOUND_BPS = 12_000
_CONTAINER_OVERHEAD = 1.06  # measured on WebM at 12-24 kbit/s with one Opus packet every 20 ms
_SLIDE_EVERY_S, _SLIDE_BYTES = 30.0, 15_000  # lectures as measured: about twenty slides in ten minutes
_FEWEST_SLIDES = 6  # of a short film: its title, a few, its end; better told too large than too small
_LIGHT_SHARE = {LightCopy.READ: 0.25, LightCopy.PRINT: 0.5}
_PDF = {LightCopy.READ: PdfSpec(), LightCopy.PRINT: PdfSpec(dpi=150, quality=70)}
_OFFICE = {
    LightCopy.READ: OfficeSpec(max_width_px=960, quality=45),
    LightCopy.PRINT: OfficeSpec(max_width_px=1600, quality=65),
}


def capped_spec(video: VideoTreatment, *, start_s: float = 0.0) -> CappedSpec:
    """A film within this policy's limits."""
    height_px = video.max_height_px or _DEFAULT_HEIGHT_PX
    sound_bps = max(video.sound_bitrate_bps, 24_000)  # AAC below 24 kbit/s is worse than its price
    usual_bps = next((rate for height, rate in _RATE_OF_HEIGHT if height_px <= height), _RATE_OF_HEIGHT[-1][1])
    limit_bps = video.max_bitrate_bps
    video_bps = usual_bps if limit_bps is None else min(usual_bps * 2, max(limit_bps - sound_bps, 24_000))
    return CappedSpec(
        max_height_px=height_px,
        max_fps=video.max_fps or _DEFAULT_FPS,
        video_bitrate_bps=video_bps,
        sound_bitrate_bps=sound_bps,
        start_s=start_s,
    )


def sound_spec(treatment: VideoTreatment | AudioTreatment, *, opus: bool = True) -> SoundSpec:
    """The sound alone. opus False: for a browser that doesn't know it."""
    rate = treatment.bitrate_bps if isinstance(treatment, AudioTreatment) else treatment.sound_bitrate_bps
    return SoundSpec(bitrate_bps=rate, codec=SoundCodec.OPUS if opus else SoundCodec.AAC)


def slidecast_spec(video: VideoTreatment) -> SlidecastSpec:
    """Slides and sound. Speech under slides is content with 12 kbit/s unless policy says less."""
    return SlidecastSpec(sound=SoundSpec(bitrate_bps=min(video.sound_bitrate_bps, _SLIDECAST_SOUND_BPS)))


def form_recipe(form: Form, video: VideoTreatment, *, opus: bool = True) -> tuple[Recipe, MediaSpec]:
    """The recipe behind one version of a film. SLIDES are a slidecast's slides, so both come from one making."""
    match form:
        case Form.CAPPED:
            return Recipe.CAPPED, capped_spec(video)
        case Form.SOUND:
            return Recipe.AUDIO, sound_spec(video, opus=opus)
        case Form.SLIDECAST | Form.SLIDES:
            return Recipe.SLIDECAST, slidecast_spec(video)


def segments_spec(video: VideoTreatment) -> HlsSpec:
    """A long film in segments."""
    return HlsSpec(capped=capped_spec(video))


def light_recipe(copy: LightCopy, content_type: str) -> tuple[Recipe, MediaSpec] | None:
    """The recipe behind a lighter copy of a document, None for a kind of document that has none."""
    if content_type == "application/pdf":
        return Recipe.PDF, _PDF[copy]
    if content_type in OFFICE_TYPES:
        return Recipe.OFFICE, _OFFICE[copy]
    return None


OFFICE_TYPES = frozenset(
    {
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.presentation",
    }
)


def likely_bytes(form: Form, video: VideoTreatment, duration_s: float) -> int:
    """About how many bytes a version of a film of this length takes."""
    slides_bytes = max(_FEWEST_SLIDES, duration_s / _SLIDE_EVERY_S) * _SLIDE_BYTES
    match form:
        case Form.CAPPED:
            spec = capped_spec(video)
            return round((spec.video_bitrate_bps + spec.sound_bitrate_bps) * duration_s / 8)
        case Form.SOUND:
            return _sound_bytes(video.sound_bitrate_bps, duration_s)
        case Form.SLIDECAST:
            return round(slides_bytes) + _sound_bytes(slidecast_spec(video).sound.bitrate_bps, duration_s)
        case Form.SLIDES:
            return round(slides_bytes)


def likely_light_bytes(copy: LightCopy, source_bytes: int) -> int:
    """About how many bytes a lighter copy of a document of this size takes."""
    return round(source_bytes * _LIGHT_SHARE[copy])


def _sound_bytes(bitrate_bps: int, duration_s: float) -> int:
    return round(bitrate_bps * duration_s / 8 * _CONTAINER_OVERHEAD)
