"""What `tropa media` tells: a bar while it works, then what became of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from msgspec import field

from policies.frozen import Frozen
from proxy.cli.command import Call
from proxy.cli.table import table

FOLDERS = frozenset(("hls", "slidecast"))  # recipes that make several files
_BAR_CHARS = 30


class Tried(Frozen, frozen=True, kw_only=True):
    """One try. outcome: "made", "unchanged" or "refused"; why: of the latter two; the rest as MediaMade has it."""

    recipe: str
    outcome: str
    source: Path
    output: Path
    source_bytes: int
    took_s: float
    spec: Mapping[str, Any]
    why: str = ""
    main: str = ""
    content_type: str = ""
    files: tuple[str, ...] = ()
    length_bytes: int = 0
    duration_s: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return self.length_bytes / self.source_bytes if self.outcome == "made" and self.source_bytes else None

    @property
    def slides(self) -> Sequence[Mapping[str, Any]]:
        told = self.facts.get("slides")
        return told if isinstance(told, (list, tuple)) else ()

    def to_json(self) -> dict[str, Any]:
        told = asdict(self)
        told |= {"source": str(self.source), "output": str(self.output), "took_s": round(self.took_s, 2)}
        return {**told, "ratio": None if self.ratio is None else round(self.ratio, 4)}


def print_tried(call: Call, tried: Tried) -> None:
    """For people."""
    words = call.words
    if tried.outcome == "unchanged":
        call.say(words(f"оставлен как есть: {tried.why}", f"left as it is: {tried.why}"))
        return
    if tried.outcome == "refused":
        call.say(words(f"не получилось: {tried.why}", f"it couldn't be done: {tried.why}"))
        return
    share = "" if tried.ratio is None else f"{tried.ratio * 100:.1f} %"
    rows = [
        (tried.source.name, _megabytes(tried.source_bytes), ""),
        (tried.output.name, _megabytes(tried.length_bytes), share),
    ]
    for line in table(rows, right=frozenset((1, 2))):
        call.say(line)
    for line in _remarks(call, tried):
        call.say(line)


def _remarks(call: Call, tried: Tried) -> Iterator[str]:
    words, took = call.words, tried.took_s
    if tried.duration_s is not None:
        pace = f" (× {tried.duration_s / took:.0f})" if took > 0 else ""
        yield words(
            f"длится {clock(tried.duration_s)}, сделано за {took:.0f} с{pace}",
            f"lasts {clock(tried.duration_s)}, made in {took:.0f} s{pace}",
        )
    if tried.slides:
        yield words(f"слайдов: {len(tried.slides)}", f"slides: {len(tried.slides)}")
        yield from table(
            [(clock(float(slide.get("at_s", 0))), str(slide.get("file", ""))) for slide in tried.slides],
            right=frozenset((0,)),
            indent="  ",
        )
    simple = [f"{name}: {value}" for name, value in tried.facts.items() if isinstance(value, (str, int, float))]
    if simple:
        yield "; ".join(simple)


def clock(seconds: float) -> str:
    """1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _megabytes(nbytes: int) -> str:
    return f"{nbytes / 1e6:.1f} MB" if nbytes >= 1_000_000 else f"{nbytes / 1e3:.0f} kB"


@contextmanager
def progress_bar(call: Call) -> Iterator[Callable[[float], None] | None]:
    """A function that draws how much is done, on a terminal; None elsewhere. The line is gone afterwards."""
    if not call.err.isatty():
        yield None
        return

    def draw(done: float) -> None:
        full = round(done * _BAR_CHARS)
        call.err.write(f"\r[{'#' * full}{'.' * (_BAR_CHARS - full)}] {done * 100:3.0f} %")
        call.err.flush()

    draw(0.0)
    try:
        yield draw
    finally:
        call.err.write("\r" + " " * (_BAR_CHARS + 10) + "\r")
        call.err.flush()
