"""Still images: bytes saved, likeness and CPU, against ziproxy. Prints a table, writes bench/out/images.json.

    python -m bench.images [--no-course] [--crops FOLDER]

Method. Corpora: `mixed` (bench/image_corpus.py) and `course` (the sample course's own pictures). Each file goes
through `adapt_image` three times (the course's once); its CPU is the median of process time. Likeness is SSIM of luma
(scikit-image) between variant and original, both brought to the width at which a page shows them: 800 px for rows
that resize, the original's own width, at most 1600 px, for rows that don't; transparency on white. ziproxy (Debian's,
as forward proxy on loopback, by its own settings and at its best) never resizes, so it is compared with the rows
that don't. What a tool leaves unchanged counts with its own size and SSIM 1.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity

from bench.image_corpus import Sample, corpus
from bench.image_ziproxy import WAYS, through_ziproxy
from proxy.exchange import Replaced
from proxy.transforms.image.adapt import adapt_image
from proxy.transforms.image.content import look_at
from proxy.transforms.spec import ImageSpec
from proxy.transforms.workers import ImageWorkers

OUT = Path(__file__).parent / "out" / "images.json"
MODERN, OLD = frozenset({"image/webp", "image/avif"}), frozenset[str]()


def spec(
    photo: int, text: int, *, width: int | None, accepts: frozenset[str] = MODERN, effort: str = "live"
) -> ImageSpec:
    return ImageSpec(
        max_width_px=width, max_bytes=None, photo_quality=photo, text_quality=text, accepts=accepts, effort=effort
    )


MAIN = "800 px, photos 35, text 30"
UNSIZED = "not resized, photos 35, text 30"
SETTINGS: dict[str, ImageSpec] = {
    MAIN: spec(35, 30, width=800),
    "800 px, photos 30, text 20": spec(30, 20, width=800),
    "800 px, photos 50, text 40": spec(50, 40, width=800),
    "the same as first, old browser": spec(35, 30, width=800, accepts=OLD),
    "the same as first, AVIF in background": spec(35, 30, width=800, effort="background"),
    UNSIZED: spec(35, 30, width=None),
}
# Fifteen photographs of twelve megapixels take long to compare: the rows that matter, likeness at this width.
COURSE_SETTINGS = (MAIN, UNSIZED)
COMPARED_PX = 1600


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    name: str
    kind: str
    source_bytes: int
    bytes: int
    ssim: float
    cpu_s: float
    pixels: int


def on_white(body: bytes) -> Image.Image:
    with Image.open(io.BytesIO(body)) as opened:
        image = opened.convert("RGBA")
    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image)
    return ground.convert("L")


def upright(body: bytes) -> bytes:
    """The original turned as its EXIF says, lossless, for comparison."""
    from PIL import ImageOps

    with Image.open(io.BytesIO(body)) as opened:
        if opened.getexif().get(0x0112, 1) == 1:
            return body
        target = io.BytesIO()
        ImageOps.exif_transpose(opened).save(target, "PNG")
        return target.getvalue()


def likeness(original: bytes, variant: bytes, shown_px: int | None) -> float:
    before, after = on_white(upright(original)), on_white(variant)
    width = min(before.width, shown_px or COMPARED_PX)
    size = (width, max(7, round(before.height * width / before.width)))
    one, two = (np.asarray(image.resize(size, Image.Resampling.LANCZOS)) for image in (before, after))
    return float(structural_similarity(one, two)) if min(size) >= 7 else 1.0


def pixels(body: bytes) -> int:
    with Image.open(io.BytesIO(body)) as image:
        return image.width * image.height


def ours(samples: list[Sample], setting: ImageSpec, rounds: int) -> tuple[list[Result], dict[str, bytes]]:
    results, bodies = [], {}
    for sample in samples:
        times = []
        for _ in range(rounds):
            started = time.process_time()
            outcome = adapt_image(sample.body, setting)
            times.append(time.process_time() - started)
        changed = isinstance(outcome, Replaced) and isinstance(outcome.body, bytes)
        body = outcome.body if changed else sample.body
        bodies[sample.name] = body
        results.append(
            Result(
                name=sample.name,
                kind=sample.kind,
                source_bytes=len(sample.body),
                bytes=len(body),
                ssim=likeness(sample.body, body, setting.max_width_px) if changed else 1.0,
                cpu_s=statistics.median(times),
                pixels=pixels(sample.body),
            )
        )
    return results, bodies


def rivals(samples: list[Sample], way: str) -> list[Result] | None:
    with tempfile.TemporaryDirectory() as folder:
        rival = through_ziproxy(samples, Path(folder), way)
    if rival is None:
        return None
    share = rival.cpu_s / len(samples)
    return [
        Result(
            name=sample.name,
            kind=sample.kind,
            source_bytes=len(sample.body),
            bytes=len(rival.bodies[sample.name]),
            ssim=likeness(sample.body, rival.bodies[sample.name], None)
            if rival.bodies[sample.name] != sample.body
            else 1.0,
            cpu_s=share,
            pixels=pixels(sample.body),
        )
        for sample in samples
    ]


def summary(results: list[Result]) -> dict[str, float]:
    source, sent = sum(r.source_bytes for r in results), sum(r.bytes for r in results)
    return {
        "files": len(results),
        "saved": 1 - sent / source,
        "saved_mean_per_file": statistics.mean(1 - r.bytes / r.source_bytes for r in results),
        "ssim": statistics.mean(r.ssim for r in results),
        "cpu_ms_per_megapixel": sum(r.cpu_s for r in results) / sum(r.pixels for r in results) * 1e9,
        "larger": sum(r.bytes > r.source_bytes for r in results),
    }


def line(label: str, results: list[Result]) -> str:
    cells = [f"{label:<40}"]
    for kinds in (None, ("photo",), ("screen", "plot", "art", "scan")):
        chosen = [r for r in results if kinds is None or r.kind in kinds]
        if not chosen:
            cells.append(f"{'-':>20}")
            continue
        s = summary(chosen)
        cells.append(f"{s['saved']:>7.1%} {s['saved_mean_per_file']:>6.1%} {s['ssim']:.3f}")
    s = summary(results)
    return " | ".join([*cells, f"{s['cpu_ms_per_megapixel']:5.1f} | {s['larger']}"])


def course() -> list[Sample]:
    """The sample course's pictures, built into a temporary folder."""
    from proxy.demo.course.assets import diagrams, photos, screens

    samples = []
    for kind, build in (("photo", photos.build), ("screen", screens.build), ("art", diagrams.build)):
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder))
            samples += [
                Sample(name=path.name, kind=kind, body=path.read_bytes())
                for path in sorted(Path(folder).iterdir())
                if path.suffix in (".jpg", ".png") and path.stat().st_size > 1024
            ]
    return samples


def crops(samples: list[Sample], bodies: dict[str, bytes], folder: Path) -> Iterator[Path]:
    """Parts of the text images as a learner gets them, for eyes."""
    folder.mkdir(parents=True, exist_ok=True)
    for sample in samples:
        if sample.kind in ("screen", "scan", "plot"):
            with Image.open(io.BytesIO(bodies[sample.name])) as opened:
                image = opened.convert("RGB")
            left, top = int(image.width * 0.18), int(image.height * 0.1)
            target = folder / f"{Path(sample.name).stem}.png"
            image.crop((left, top, left + 560, top + 320)).save(target)
            yield target


async def hand_over(samples: list[Sample]) -> dict[str, float]:
    """What worker processes cost against threads: milliseconds per image, medians of five, taken in turn."""
    setting, workers = SETTINGS[MAIN], ImageWorkers(1)
    await workers.open()
    by_process, by_thread = [], []
    for sample in samples[:: max(1, len(samples) // 12)]:
        for times, run in ((by_process, workers.adapt), (by_thread, _in_thread)):
            times.append(statistics.median([await _timed(run, sample.body, setting) for _ in range(5)]))
    await workers.close()
    return {"process_ms": statistics.mean(by_process) * 1e3, "thread_ms": statistics.mean(by_thread) * 1e3}


async def _in_thread(body: bytes, setting: ImageSpec) -> object:
    return await asyncio.to_thread(adapt_image, body, setting)


async def _timed(run: Callable[..., object], body: bytes, setting: ImageSpec) -> float:
    started = time.perf_counter()
    await run(body, setting)  # type: ignore[misc]
    return time.perf_counter() - started


def classes(samples: list[Sample]) -> dict[str, dict[str, int]]:
    """How each kind of the corpus was classified."""
    found: dict[str, dict[str, int]] = {}
    for sample in samples:
        with Image.open(io.BytesIO(sample.body)) as opened:
            look = look_at(opened.convert("RGBA" if "A" in opened.getbands() else "RGB"))
        kinds = found.setdefault(sample.kind, {})
        kinds[look.content.value] = kinds.get(look.content.value, 0) + 1
    return found


def measure(
    name: str, samples: list[Sample], crops_folder: Path | None, *, labels: Iterable[str], rounds: int
) -> dict[str, object]:
    megabytes = sum(len(sample.body) for sample in samples) / 1e6
    print(f"\n{name}: {len(samples)} files, {megabytes:.1f} MB, {sum(pixels(s.body) for s in samples) / 1e6:.0f} MP")
    print(f"  classified: {classes(samples)}")
    head = "saved, mean per file, SSIM"
    print(f"{'':<40} | all: {head} | photographs | text and line art | CPU ms/MP | larger")
    measured: dict[str, object] = {}
    for label in labels:
        results, bodies = ours(samples, SETTINGS[label], rounds)
        measured[label] = {"all": summary(results), "files": [_plain(r) for r in results]}
        print(line(label, results), flush=True)
        if crops_folder is not None and label == MAIN:
            print(f"  crops: {len(list(crops(samples, bodies, crops_folder / name)))} in {crops_folder / name}")
    base = measured[UNSIZED]["all"]["saved"]  # type: ignore[index]
    for way in WAYS:
        if (rival := rivals(samples, way)) is None:
            print("ziproxy is not installed: left out")
            break
        measured[way] = {"all": summary(rival), "files": [_plain(r) for r in rival]}
        theirs = summary(rival)["saved"]
        print(line(way, rival))
        print(f"  not resized: saved ours/theirs {base / theirs:.2f}x, left over {(1 - base) / (1 - theirs):.2f}x")
    return measured


def _plain(result: Result) -> dict[str, object]:
    return {name: getattr(result, name) for name in Result.__slots__}


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--no-course", action="store_true", help="leave the sample course's pictures out")
    wanted.add_argument("--crops", type=Path, help="write crops of text images here")
    given = wanted.parse_args()
    mixed = corpus()
    measured: dict[str, object] = {"mixed": measure("mixed", mixed, given.crops, labels=SETTINGS, rounds=3)}
    if not given.no_course:
        measured["course"] = measure("course", course(), given.crops, labels=COURSE_SETTINGS, rounds=1)
    measured["hand_over"] = times = asyncio.run(hand_over(mixed))
    print(f"\nper image: worker process {times['process_ms']:.1f} ms, thread {times['thread_ms']:.1f} ms")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(measured, indent=1))
    print(f"all figures: {OUT}")


if __name__ == "__main__":
    main()
