"""What is put into every ffmpeg command before it runs, and what its log lines mean. Pure.

Laws of this file: an input is opened by the one demuxer that its first bytes name, over files and pipes alone, with
bounded frames; nothing reads the terminal; progress is told on standard error, in lines of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

MAX_ALLOC_BYTES = 512 << 20  # one frame of 80 megapixels in 4:4:4 is 240 MB
_EVERYWHERE = (
    "-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning", "-y",
    "-max_alloc", str(MAX_ALLOC_BYTES), "-progress", "pipe:2", "-stats_period", "0.5",
)  # fmt: skip
_WRITTEN_FOR_US = frozenset(("lavfi", "rawvideo", "s16le", "image2", "ffmetadata"))
_PROGRESS_KEYS = frozenset(
    "frame fps bitrate total_size out_time out_time_us out_time_ms dup_frames drop_frames speed progress".split()  # noqa: SIM905
)


class UnknownContainerError(Exception):
    """An input whose first bytes say nothing that may be opened."""


def guarded(args: Sequence[str], demuxer: Callable[[str], str | None], *, max_pixels: int) -> list[str]:
    """The whole argument list: what holds for every run, and each input's own guards before its `-i`.

    demuxer: an input as it stands in args -> the name of its demuxer. An input whose `-f` stands there already
    keeps it; inputs stand before outputs, as ffmpeg-python puts them. Raises UnknownContainerError.
    """
    made: list[str] = [*_EVERYWHERE]
    since = 0  # where the options of the input that is being read begin
    index = 0
    while index < len(args):
        if args[index] == "-i" and index + 1 < len(args):
            own = args[since:index]
            made += [*own, *_guards(own, args[index + 1], demuxer, max_pixels), "-i", args[index + 1]]
            index += 2
            since = index
        else:
            index += 1
    return [*made, *args[since:]]


def _guards(own: Sequence[str], source: str, demuxer: Callable[[str], str | None], max_pixels: int) -> list[str]:
    given = own[own.index("-f") + 1] if "-f" in own[:-1] else None
    name = given or demuxer(source)
    if name is None:
        raise UnknownContainerError(source)
    if name in _WRITTEN_FOR_US:
        return []
    forced = [] if given else ["-f", name]
    return ["-protocol_whitelist", "file,pipe", *forced, "-max_pixels", str(max_pixels), "-threads", "1"]


def progress_s(line: str) -> float | None:
    """Seconds of output that a line of the log tells of; None for another line."""
    key, _, value = line.partition("=")
    if key != "out_time_us":
        return None
    try:
        return int(value) / 1e6
    except ValueError:
        return None  # "N/A" until the first frame is out


def is_progress(line: str) -> bool:
    """The line is one of `-progress`, not of the log."""
    key, _, value = line.partition("=")
    return bool(value) and (key in _PROGRESS_KEYS or key.startswith("stream_"))
