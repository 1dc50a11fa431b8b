"""`tropa media`: do on a file what the proxy does, so that a lecture can be tried before its course opens."""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

from policies.values import Text, TrafficClass
from proxy.cli.command import FAILED, OK, REGIONS_FILE, Argument, Call, Command, Mistake
from proxy.cli.media_report import FOLDERS, print_tried
from proxy.cli.places import territory_of

if TYPE_CHECKING:
    from policies.treatments import Treatments
    from proxy.transforms.media.spec import MediaSpec
    from proxy.transforms.spec import ImageSpec

RECIPES = ("capped", "audio", "hls", "slidecast", "pdf", "office", "image")


def _run(call: Call) -> int:
    from proxy.cli.media_making import tried_on

    args = call.args
    is_recording = args.recipe == "slidecast" and args.input.is_dir()
    if not (args.input.is_file() or is_recording):
        raise Mistake(f"{args.input}: there is no such file")
    _check_output(args.recipe, args.input, args.output)
    spec = _spec(args.recipe, args.input, _treatments(call))
    tried = tried_on(call, args.input.resolve(), spec)
    if args.json:
        call.say(json.dumps(tried.to_json(), ensure_ascii=False, indent=2))
    else:
        print_tried(call, tried)
    return FAILED if tried.outcome == "refused" else OK


def _check_output(recipe: str, source: Path, output: Path) -> None:
    """What stands there already is not written over unless it is an empty folder or an older result file."""
    if output.exists() and output.samefile(source):
        raise Mistake(f"{output}: that is the input itself")
    if recipe in FOLDERS and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise Mistake(f"{output}: {recipe} makes a folder; give a new or an empty one")
    if recipe not in FOLDERS and output.is_dir():
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
