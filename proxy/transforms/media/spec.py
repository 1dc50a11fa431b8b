"""What a media recipe is told and what it answers: plain values, and the bench it works at.

Laws of this file:
- a recipe sees a source file, a spec and its bench: no socket, policy, region, learner or clock;
- it writes into its bench's folder and nowhere else; what is half made never leaves that folder;
- it answers `MediaMade`, `Unchanged` (the source is as good as it gets) or `Refused` (not understood, damaged);
  it raises only CancelledError, and `ToolFailed` is turned into Refused by whoever runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from policies.frozen import Frozen
from proxy.exchange import Refused, Unchanged
from proxy.transforms.media.jail import Limits


class Recipe(StrEnum):
    """The recipes by the names that `tropa media` and the stored variants use."""

    CAPPED = "capped"
    AUDIO = "audio"
    HLS = "hls"
    SLIDECAST = "slidecast"
    PDF = "pdf"
    OFFICE = "office"
    ANIMATION = "animation"


class SoundCodec(StrEnum):
    OPUS = "opus"
    AAC = "aac"  # for devices that know no Opus


class SoundSpec(Frozen, frozen=True, kw_only=True):
    """Speech for a thin link: mono, loudness-normalised."""

    bitrate_bps: int = 16_000
    codec: SoundCodec = SoundCodec.OPUS


class CappedSpec(Frozen, frozen=True, kw_only=True):
    """A film within limits: H.264 and AAC in MP4. start_s: from there on (a player that was asked to begin later)."""

    max_height_px: int = 240
    max_fps: int = 15
    video_bitrate_bps: int = 110_000
    sound_bitrate_bps: int = 24_000
    start_s: float = 0.0


class HlsSpec(Frozen, frozen=True, kw_only=True):
    """A film as HLS segments made when they are asked for."""

    capped: CappedSpec = CappedSpec()
    segment_s: float = 6.0


class SlidecastSpec(Frozen, frozen=True, kw_only=True):
    """A lecture as slides and sound. fallback_sound: also an AAC file for old devices.

    slides_bytes_per_minute: of film, for all slides of a lecture of ten minutes or more together; where they are
    fuller, the largest get coarser, as far as they stay legible. 40 kB and 12 kbit/s of sound are 6 MB in 45 minutes.
    """

    slide_width_px: int = 960
    slide_quality: int = 35  # WebP's scale
    slides_bytes_per_minute: int = 40_000
    sound: SoundSpec = SoundSpec(bitrate_bps=12_000)
    fallback_sound: bool = True
    max_slides: int = 400


class PdfSpec(Frozen, frozen=True, kw_only=True):
    """A lighter copy of a PDF. dpi: pictures above it are reduced to it; quality: JPEG's scale."""

    dpi: int = 96
    quality: int = 45


class OfficeSpec(Frozen, frozen=True, kw_only=True):
    """A lighter copy of DOCX or PPTX. Embedded films and sound are made smaller by `film` and `sound`."""

    max_width_px: int = 1280
    quality: int = 55
    film: CappedSpec = CappedSpec()
    sound: SoundSpec = SoundSpec()


class AnimationSpec(Frozen, frozen=True, kw_only=True):
    """An animated picture as a smaller animation ("webp") or a muted film ("mp4")."""

    to: str = "webp"
    max_width_px: int = 480
    max_fps: int = 10
    quality: int = 40


MediaSpec = SoundSpec | CappedSpec | HlsSpec | SlidecastSpec | PdfSpec | OfficeSpec | AnimationSpec


def fingerprint(recipe: Recipe, version: int, spec: MediaSpec) -> str:
    """What a stored variant is keyed by beside its source's digest: 16 hexadecimal digits."""
    told = repr((recipe.value, version, sorted(asdict(spec).items(), key=lambda item: item[0])))
    return sha256(told.encode()).hexdigest()[:16]


class MediaMade(Frozen, frozen=True, kw_only=True):
    """What a recipe made, all of it files in the bench's folder (no other file may be left there).

    main          the file that is opened first: "video.mp4", "sound.webm", "lecture.json", "copy.pdf" …
    files         every file, `main` included, as POSIX paths relative to the folder
    length_bytes  of all files
    duration_s    None for what has none
    facts         what the recipe found out, JSON values only: slides with their times, pages, pictures …
    """

    main: str
    content_type: str
    files: tuple[str, ...]
    length_bytes: int
    duration_s: float | None = None
    facts: Mapping[str, Any]


MediaOutcome = MediaMade | Unchanged | Refused


class ToolFailed(Exception):
    """A tool in its jail failed. why: "timed-out", "killed", "exit", "no-output", "no-tool", "too-large"."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else why)
        self.why = why
        self.detail = detail


class Workbench(Protocol):
    """Where one recipe works on one source: a folder of its own and the tools, jailed and limited.

    A tool can read what `reads` names and write into `folder`; it has no network, little memory and little time.
    """

    @property
    def folder(self) -> Path:
        """Only this recipe's; what it made is taken from there, all else is thrown away."""
        ...

    @property
    def limits(self) -> Limits:
        """What each tool may take."""
        ...

    async def ffmpeg(
        self,
        args: Sequence[str],
        *,
        reads: Sequence[Path],
        media_s: float | None = None,
        on_output: Callable[[bytes], None] | None = None,
        deadline_s: float | None = None,
    ) -> str:
        """Run ffmpeg with these arguments (without the program's name) and answer the tail of its log.

        media_s     the length of what is encoded: progress is reported against it; None: no progress
        on_output   gets what it writes to its standard output, as it comes
        deadline_s  None: by the bench's limits and the media's length
        Raises ToolFailed.
        """
        ...

    async def python(
        self, module: str, args: Sequence[str], *, reads: Sequence[Path], deadline_s: float | None = None
    ) -> str:
        """Run `python -m module args` in the same jail, answer its standard output (up to 1 MB). Raises ToolFailed."""
        ...

    def progress(self, done: float) -> None:
        """Tell how much is done, 0..1, of the whole recipe; never goes back."""
        ...

    def until(self, done: float) -> AbstractContextManager[None]:
        """What tools report meanwhile fills the share from now up to `done` of the whole recipe."""
        ...
