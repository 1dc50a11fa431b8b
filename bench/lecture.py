"""`python -m bench.lecture [--quick] [--seconds N] [--seeds 1,21]`: slides found and bytes saved on labelled lectures.

Seeds below 10 are those that thresholds were chosen on; 21 and above are held out: other slides, paces, sizes, places.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.suite import Report, Table, Target, as_text, keep
from proxy.transforms.media.lecture.compose import found_in, make_slidecast
from proxy.transforms.media.probe import probe
from proxy.transforms.media.spec import MediaMade, SlidecastSpec, ToolFailed
from proxy.transforms.media.tools import find_ffmpeg
from proxy.transforms.media.workbench import Bench
from tests.lecture_films import film
from tests.lecture_marks import marked
from tests.lecture_plans import Sample
from tests.lecture_samples import every_sample

FOLDER = Path(tempfile.gettempdir()) / "tropa-lecture-samples"
TUNED, HELD_OUT = 1, 21
SPEC = SlidecastSpec()
_HEAD = ("sample", "right", "found", "slides", "hits", "extra", "film kB", "slides kB", "sound kB", "of film %",
         "detect xRT", "whole xRT")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One sample's result. Real-time factors are seconds of film per second of processor time."""

    sample: Sample
    verdict: str
    labelled: int
    hits: int
    extra: int
    film_bytes: int
    slide_bytes: int
    sound_bytes: int
    detect_rate: float
    whole_rate: float

    @property
    def share(self) -> float:
        return (self.slide_bytes + self.sound_bytes) / self.film_bytes

    @property
    def right(self) -> bool:
        """Slides where there are slides; anything but slides where there are none."""
        return (self.verdict == "slides") == (self.sample.verdict == "slides")

    def row(self) -> tuple[object, ...]:
        return (
            self.sample.name,
            "yes" if self.right else "NO",
            self.verdict,
            self.labelled,
            self.hits if self.labelled else "-",
            self.extra if self.labelled else "-",
            round(self.film_bytes / 1000),
            round(self.slide_bytes / 1000),
            round(self.sound_bytes / 1000),
            round(100 * self.share, 1),
            round(self.detect_rate),
            round(self.whole_rate, 1),
        )


def run(*, quick: bool = False, seconds: float = 90.0, seeds: tuple[int, ...] = (TUNED, HELD_OUT)) -> Report:
    """Build, detect, compose, mark. quick: one seed, a minute each, a quarter of the pixels."""
    if quick:
        seconds, seeds = 60.0, (HELD_OUT,)
    if find_ffmpeg() is None:
        return Report(suite="lecture", method="", left_out=("no ffmpeg here",))
    tables, figures = [], {}
    for seed in seeds:
        made = [_figure(sample, seed, seconds, quick=quick) for sample in every_sample(seed, seconds)]
        figures[seed] = made
        title = f"seed {seed} ({'held out' if seed > 10 else 'thresholds were chosen on its kin'})"
        tables.append(Table(title=title, head=_HEAD, rows=tuple(figure.row() for figure in made)))
    return Report(
        suite="lecture",
        method=_method(seconds, quick=quick),
        tables=tuple(tables),
        targets=tuple(target for seed, made in figures.items() for target in _targets(seed, made, quick=quick)),
        raw={str(seed): [figure.row() for figure in made] for seed, made in figures.items()},
    )


def _method(seconds: float, *, quick: bool) -> str:
    size = "640x360" if quick else "1280x720 (the 240p copy: 426x240)"
    return (
        f"{seconds:g} s each, {size}, 10 frames a second, H.264 CRF 23 (36 for the copy), AAC 96 kbit/s; a found\n"
        "change within 2 s of a labelled one is a hit. Bytes: pictures and Opus, without the AAC for old devices.\n"
        "xRT: seconds of film per second of processor time, jail and start-up included."
    )


def _targets(seed: int, figures: list[Figure], *, quick: bool) -> list[Target]:
    slides = [figure for figure in figures if figure.labelled]
    whole = [figure for figure in slides if figure.sample.film_height_px == 720]
    share = None if quick else sorted(f.share for f in whole)[len(whole) // 2]  # quick films are no 720p ones
    return [
        Target(f"seed {seed}: right verdicts", sum(f.right for f in figures) / len(figures), 1.0, at_least=True),
        Target(f"seed {seed}: worst recall", min(f.hits / f.labelled for f in slides), 0.98, at_least=True),
        Target(f"seed {seed}: worst extra share", max(f.extra / f.labelled for f in slides), 0.05),
        Target(
            f"seed {seed}: slidecast of a 720p film, median share",
            share,
            0.06,
        ),
        Target(f"seed {seed}: MB per 45 minutes, largest", max(_mb_per_45_min(f) for f in whole), 6.0),
    ]


def _mb_per_45_min(figure: Figure) -> float:
    """At 25 slides in ten minutes, each as large as this sample's, and this sample's sound."""
    slides = 25 * 4.5 * figure.slide_bytes / max(figure.labelled, 1)
    return (slides + figure.sound_bytes / figure.sample.duration_s * 2700) / 1e6


def _figure(sample: Sample, seed: int, seconds: float, *, quick: bool) -> Figure:
    FOLDER.mkdir(exist_ok=True)
    name = sample.name.replace(" ", "-").replace(",", "")
    path = FOLDER / f"{name}-{seed}-{seconds:g}{'-quick' if quick else ''}.mp4"
    film(sample, path, height_px=360 if quick and sample.film_height_px == 720 else None)
    work = Path(tempfile.mkdtemp(dir=FOLDER))
    try:
        return asyncio.run(_measured(sample, path, work))
    finally:
        shutil.rmtree(work)


async def _measured(sample: Sample, path: Path, work: Path) -> Figure:
    bench = Bench(work, find_ffmpeg())
    info = await probe(path, bench)
    before = _children_s()
    detected = await found_in(path, info, SPEC, bench)
    watched = _children_s()
    try:
        made = await make_slidecast(path, SPEC, bench)
    except ToolFailed as failed:
        raise RuntimeError(f"{sample.name}: {failed}") from failed
    done = _children_s()
    assert isinstance(made, MediaMade), (sample.name, made)
    facts = made.facts
    mark = marked(sample, [shot.at_s for shot in detected.shots])
    return Figure(
        sample=sample,
        verdict=str(facts["verdict"]),
        labelled=mark.labelled,
        hits=mark.hits,
        extra=mark.extra,
        film_bytes=path.stat().st_size,
        slide_bytes=sum({slide["file"]: slide["bytes"] for slide in facts["slides"]}.values()),
        sound_bytes=facts["sound"][0]["bytes"] if facts["sound"] else 0,
        detect_rate=sample.duration_s / (watched - before),
        whole_rate=sample.duration_s / (done - watched),
    )


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.lecture", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--seeds", default=f"{TUNED},{HELD_OUT}")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    began = time.perf_counter()
    report = run(
        quick=options.quick, seconds=options.seconds, seeds=tuple(int(one) for one in options.seeds.split(","))
    )
    keep(report)
    print(json.dumps(report.raw) if options.json else as_text(report))
    print(f"took {time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
