"""`tropa media`: do on a file what the proxy does, so that a lecture can be tried before its course opens."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.values import Text, TrafficClass
from proxy.cli.command import FAILED, OK, REGIONS_FILE, Argument, Call, Command, Failure, Mistake
from proxy.cli.media_report import Tried, print_tried, progress_bar
from proxy.cli.places import territory_of

if TYPE_CHECKING:
    from policies.treatments import Treatments
    from proxy.exchange import Replaced
    from proxy.transforms.media.spec import MediaOutcome, MediaSpec
    from proxy.transforms.spec import ImageSpec

RECIPES = ("capped", "audio", "hls", "slidecast", "pdf", "office", "image")
_FOLDERS = frozenset(("hls", "slidecast"))  # recipes that make several files
_READ_BY_ALL = 0o644, 0o755  # the jail makes files that only their owner can read


def _run(call: Call) -> int:
    args = call.args
    is_recording = args.recipe == "slidecast" and args.input.is_dir()
    if not (args.input.is_file() or is_recording):
        raise Mistake(f"{args.input}: there is no such file")
    _check_output(args.recipe, args.input, args.output)
    spec = _spec(args.recipe, args.input, _treatments(call))
    tried = asyncio.run(_tried(call, args.input.resolve(), spec))
    if args.json:
        call.say(json.dumps(tried.to_json(), ensure_ascii=False, indent=2))
    else:
        print_tried(call, tried)
    return FAILED if tried.outcome == "refused" else OK


def _check_output(recipe: str, source: Path, output: Path) -> None:
    """What stands there already is not written over unless it is an empty folder or an older result file."""
    if output.exists() and output.samefile(source):
        raise Mistake(f"{output}: that is the input itself")
    if recipe in _FOLDERS and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise Mistake(f"{output}: {recipe} makes a folder; give a new or an empty one")
    if recipe not in _FOLDERS and output.is_dir():
        raise Mistake(f"{output}: {recipe} makes one file; name the file, not a folder")
    if not output.absolute().parent.is_dir():
        raise Mistake(f"{output.absolute().parent}: there is no such folder")


# -- what the policy says --------------------------------------------------------------------------------------


def _treatments(call: Call) -> Treatments | None:
    """Those of recordings in the region's policy; None: no region was named, the recipes' own settings hold."""
    from policies.load import read_catalogue

    if call.args.region is None:
        return None
    catalogue = read_catalogue(call.args.regions)
    policy = territory_of(catalogue, call.args.region, None).policy
    return policy.classes[TrafficClass.RECORDING].treatments


def _spec(recipe: str, source: Path, treatments: Treatments | None) -> MediaSpec | ImageSpec:
    from policies.treatments import Treatments
    from proxy.transforms.media import specs

    told = treatments or Treatments()
    match recipe:
        case "capped":
            return specs.capped_spec(told.video)
        case "audio":
            is_sound = (mimetypes.guess_type(source.name)[0] or "").startswith("audio/")
            return specs.sound_spec(told.audio if is_sound else told.video)
        case "hls":
            return specs.segments_spec(told.video)
        case "slidecast":
            return specs.slidecast_spec(told.video)
        case "image":
            return _image_spec(told)
    return _document_spec(recipe)


def _document_spec(recipe: str) -> MediaSpec:
    """A copy to read: what a policy may say is which copies are offered, not how they are made."""
    from policies.treatments import LightCopy
    from proxy.transforms.media.specs import OFFICE_TYPES, light_recipe

    found = light_recipe(LightCopy.READ, "application/pdf" if recipe == "pdf" else min(OFFICE_TYPES))
    assert found is not None
    return found[1]


def _image_spec(treatments: Treatments) -> ImageSpec:
    from proxy.transforms.spec import ImageSpec

    image = treatments.image
    return ImageSpec(
        max_width_px=image.max_width_px,
        max_bytes=image.max_bytes,
        photo_quality=image.photo_quality,
        text_quality=image.text_quality,
        accepts=frozenset(("image/webp", "image/avif")),
        animation=image.animation,
    )


# -- doing it --------------------------------------------------------------------------------------------------


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
    from proxy.transforms.media.lecture.bundle import bundle_folder

    if source.is_file():
        return source
    bundle_folder(source, bundle)
    return bundle


async def _media(call: Call, source: Path, spec: MediaSpec, work: Path) -> tuple[str, dict[str, Any]]:
    from proxy.transforms.media.running import MediaRunner
    from proxy.transforms.media.spec import HlsSpec, Recipe
    from proxy.transforms.media.tools import find_ffmpeg

    tool = find_ffmpeg()
    if tool is None and call.args.recipe not in ("pdf", "office"):
        raise Failure("there is no ffmpeg that can do this; tropa doctor says what is missing")
    runner = MediaRunner(tool)
    with progress_bar(call) as told:
        if isinstance(spec, HlsSpec):
            return _told(await runner.whole_hls(source, spec, work, told))
        return _told(await runner.run(Recipe(call.args.recipe), source, spec, work, told))


def _told(outcome: MediaOutcome) -> tuple[str, dict[str, Any]]:
    from proxy.exchange import Refused, Unchanged

    if isinstance(outcome, Unchanged | Refused):
        return ("unchanged" if isinstance(outcome, Unchanged) else "refused"), {"why": outcome.why}
    names = ("main", "content_type", "files", "length_bytes", "duration_s")
    return "made", {**{name: getattr(outcome, name) for name in names}, "facts": dict(outcome.facts)}


async def _image(source: Path, spec: ImageSpec, work: Path) -> tuple[str, dict[str, Any]]:
    from proxy.exchange import Refused, Unchanged
    from proxy.transforms.workers import ImageWorkers

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
    if recipe not in _FOLDERS:
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


COMMAND = Command(
    name="media",
    summary=Text(
        ru="сделать с файлом то, что Tropa делает с ним в курсе", en="do to a file what Tropa does to it in a course"
    ),
    details=Text(
        ru="capped — видео в пределах политики; audio — только звук; hls — видео по частям; slidecast — слайды со\n"
        "звуком; pdf, office — облегчённая копия для чтения; image — картинка. Без --region — обычные настройки.\n"
        "Если источник и так мал, ничего не пишется и код выхода 0.",
        en="capped: a film within the policy's limits; audio: the sound alone; hls: a film in segments; slidecast:\n"
        "slides with sound; pdf, office: a lighter copy to read; image: a picture. Without --region: usual settings.\n"
        "Where the source is small already, nothing is written and the exit code is 0.",
    ),
    arguments=(
        Argument(names=("RECIPE",), choices=RECIPES, help=Text(ru="что сделать", en="what to make")),
        Argument(
            names=("INPUT",),
            parse=Path,
            help=Text(
                ru="файл; для slidecast также папка с записью BigBlueButton",
                en="the file; for slidecast also the folder of a BigBlueButton recording",
            ),
        ),
        Argument(
            names=("OUTPUT",),
            parse=Path,
            help=Text(
                ru="куда: файл; для hls и slidecast — новая или пустая папка",
                en="where to: a file; for hls and slidecast a new or an empty folder",
            ),
        ),
        Argument(
            names=("--region",),
            metavar="ID",
            help=Text(
                ru="по политике этого региона (или региона/площадки), как для записей",
                en="by the policy of this region (or region/site), as for recordings",
            ),
        ),
        Argument(
            names=("--regions",),
            metavar="FILE",
            parse=Path,
            default=REGIONS_FILE,
            help=Text(ru="файл настроек (по умолчанию regions.yaml)", en="the configuration (default: regions.yaml)"),
        ),
        Argument(names=("--json",), flag=True, help=Text(ru="вывести JSON", en="print JSON")),
    ),
    examples=(
        "tropa media slidecast lecture.mp4 lecture/ --region koryak",
        "tropa media capped lecture.mp4 lecture-240p.mp4",
        "tropa media audio lecture.mp4 lecture.webm --json",
    ),
    run=_run,
)
