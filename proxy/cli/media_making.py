"""What `tropa media` does to a file: a recipe in its jail or a picture in its worker, and the result put in its place.

Law: what is made appears under its name when it is whole, or not at all.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from proxy.cli.command import Call, Failure
from proxy.cli.media_report import FOLDERS, Tried, progress_bar
from proxy.exchange import Refused, Replaced, Unchanged
from proxy.transforms.media.lecture.bundle import bundle_folder
from proxy.transforms.media.running import MediaRunner
from proxy.transforms.media.spec import HlsSpec, MediaOutcome, MediaSpec, Recipe
from proxy.transforms.media.tools import find_ffmpeg
from proxy.transforms.spec import ImageSpec
from proxy.transforms.workers import ImageWorkers

_READ_BY_ALL = 0o644, 0o755  # the jail makes files that only their owner can read


def tried_on(call: Call, source: Path, spec: MediaSpec | ImageSpec) -> Tried:
    """Make it beside the output and put it there. Raises Failure, OSError."""
    return asyncio.run(_tried(call, source, spec))


async def _tried(call: Call, source: Path, spec: MediaSpec | ImageSpec) -> Tried:
    args, started_s = call.args, call.clock.steady_s()
    work = Path(tempfile.mkdtemp(prefix=".tropa-media-", dir=args.output.absolute().parent))
    bundle = work.with_suffix(".tar")
    try:
        source = await asyncio.to_thread(_one_file, source, bundle)
        source_bytes = (await asyncio.to_thread(source.stat)).st_size
        if args.recipe == "image":
            outcome, facts = await _image(source, spec, work)  # type: ignore[arg-type]
        else:
            outcome, facts = await _media(call, source, spec, work)  # type: ignore[arg-type]
        if outcome == "made":
            _put(args.recipe, work, facts.get("main", ""), args.output)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        bundle.unlink(missing_ok=True)
    return Tried(
        recipe=args.recipe,
        outcome=outcome,
        source=args.input,
        output=args.output,
        source_bytes=source_bytes,
        took_s=call.clock.steady_s() - started_s,
        spec=_plain(asdict(spec)),
        **facts,
    )


def _one_file(source: Path, bundle: Path) -> Path:
    """The source itself; a recording of BigBlueButton, which is a folder of files, as one."""
    if source.is_file():
        return source
    bundle_folder(source, bundle)
    return bundle


async def _media(call: Call, source: Path, spec: MediaSpec, work: Path) -> tuple[str, dict[str, Any]]:
    tool = find_ffmpeg()
    if tool is None and call.args.recipe not in ("pdf", "office"):
        raise Failure("there is no ffmpeg that can do this; tropa doctor says what is missing")
    runner = MediaRunner(tool)
    with progress_bar(call) as told:
        if isinstance(spec, HlsSpec):
            return _told(await runner.whole_hls(source, spec, work, told))
        return _told(await runner.run(Recipe(call.args.recipe), source, spec, work, told))


def _told(outcome: MediaOutcome) -> tuple[str, dict[str, Any]]:
    if isinstance(outcome, Unchanged | Refused):
        return ("unchanged" if isinstance(outcome, Unchanged) else "refused"), {"why": outcome.why}
    names = ("main", "content_type", "files", "length_bytes", "duration_s")
    return "made", {**{name: getattr(outcome, name) for name in names}, "facts": dict(outcome.facts)}


async def _image(source: Path, spec: ImageSpec, work: Path) -> tuple[str, dict[str, Any]]:
    workers = ImageWorkers(1)
    try:
        outcome = await workers.adapt(source, spec)
    finally:
        await workers.close()
    if isinstance(outcome, Unchanged | Refused):
        return ("unchanged" if isinstance(outcome, Unchanged) else "refused"), {"why": outcome.why}
    (work / "picture").write_bytes(_body(outcome))
    told = {"main": "picture", "files": ("picture",), "content_type": outcome.content_type}
    return "made", {**told, "length_bytes": outcome.length_bytes, "facts": dict(outcome.notes)}


def _body(made: Replaced) -> bytes:
    return made.body if isinstance(made.body, bytes) else made.body.read_bytes()


def _put(recipe: str, work: Path, main: str, output: Path) -> None:
    """What was made, where it was asked for, readable by everybody who may enter there."""
    for path in work.rglob("*"):
        path.chmod(_READ_BY_ALL[path.is_dir()])
    if recipe not in FOLDERS:
        (work / main).replace(output)
        return
    if output.exists():
        output.rmdir()
    work.chmod(_READ_BY_ALL[True])
    work.rename(output)


def _plain(value: Any) -> Any:
    """A spec as JSON has it."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return sorted(map(str, value)) if isinstance(value, frozenset) else value
