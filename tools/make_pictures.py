"""Make docs/images: what media settings look like, and pages as a teacher sees them.

.venv/bin/python tools/make_pictures.py             all pictures; a few minutes
.venv/bin/python tools/make_pictures.py settings    films, slides and photos at several settings
.venv/bin/python tools/make_pictures.py pages       cards and pages, by Chromium

Everything is made by the recipes and the pages themselves from the sample course. What each version weighs is printed,
for docs/how-to/tune-media.md. Needs the development environment and Chromium (make test has both).
"""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import yaml
from PIL import Image
from playwright.sync_api import Browser, Page

from policies.treatments import VideoTreatment
from proxy.demo.course import build_assets
from proxy.transforms.media.running import MediaRunner
from proxy.transforms.media.spec import CappedSpec, MediaMade, MediaSpec, Recipe, SlidecastSpec
from proxy.transforms.media.specs import capped_spec
from proxy.transforms.media.tools import find_ffmpeg
from proxy.transforms.spec import ImageSpec
from proxy.transforms.workers import ImageWorkers
from tests.e2e.harness.browser import Visit, chromium, visiting
from tests.e2e.harness.course import course_dir, running_course
from tests.e2e.harness.regions import Regions
from tests.e2e.harness.tropa import tropa_at

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
EVENING = datetime.fromisoformat("2026-11-23T20:00:00+12:00")  # outside the sample region's free hours
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1100, "height": 760}
HEIGHTS_PX = (144, 240, 360)
SLIDES = ((960, 35), (640, 20))  # the first is what the recipe makes
PHOTO_QUALITIES = (60, 50, 35, 20)
PHOTO = "IMG_20240910_090311.jpg"
MOMENT_S = 33.0
SHOWN_WIDTH_PX, PHOTO_WIDTH_PX = 480, 420


# -- settings ----------------------------------------------------------------------------------------------------


async def settings() -> None:
    """A frame of the film at each height, a slide at two sizes, a photo at each quality."""
    assets = course_dir()
    lecture = assets / "video" / "lekciya.mp4"
    _tell("lecture", lecture.stat().st_size)
    for height_px in HEIGHTS_PX:
        spec = capped_spec(VideoTreatment(max_height_px=height_px))
        with _folder() as folder:
            film = await _run(lecture, Recipe.CAPPED, spec, folder)
            _tell(f"film {height_px} px, {_told(spec)}", film.length_bytes)
            _save(_frame(folder / film.main), f"film-{height_px}.webp")
    for width_px, quality in SLIDES:
        slides = SlidecastSpec(slide_width_px=width_px, slide_quality=quality)
        with _folder() as folder:
            cast = await _run(lecture, Recipe.SLIDECAST, slides, folder)
            every = [folder / name for name in cast.files if name.startswith("slides/")]
            _tell(f"slides {width_px} px, quality {quality}: {len(every)}", sum(one.stat().st_size for one in every))
            _keep(sorted(every)[4].read_bytes(), f"slide-{width_px}.webp")
    await _photos(assets / "photos" / PHOTO)


async def _photos(photo: Path) -> None:
    _tell("photo", photo.stat().st_size)  # noqa: ASYNC240 - nobody waits
    workers = ImageWorkers(1)
    try:
        for quality in PHOTO_QUALITIES:
            spec = ImageSpec(
                max_width_px=PHOTO_WIDTH_PX,
                max_bytes=None,
                photo_quality=quality,
                text_quality=60,
                accepts=frozenset(("image/webp",)),
            )
            made = await workers.adapt(photo, spec)
            body = made.body if isinstance(made.body, bytes) else made.body.read_bytes()  # type: ignore[union-attr]
            _keep(body, f"photo-{quality}.webp")
    finally:
        await workers.close()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tropa-pictures-") as folder:
        yield Path(folder)


async def _run(source: Path, recipe: Recipe, spec: MediaSpec, folder: Path) -> MediaMade:
    made = await MediaRunner(find_ffmpeg()).run(recipe, source, spec, folder, lambda done: None, None)
    assert isinstance(made, MediaMade), made
    return made


def _frame(film: Path) -> Image.Image:
    """A frame as a page's player shows it on a phone: scaled to the column's width."""
    tool = find_ffmpeg()
    assert tool is not None
    filters = f"scale={SHOWN_WIDTH_PX}:-2:flags=bicubic"
    command = [str(tool.ffmpeg), "-v", "error", "-ss", str(MOMENT_S), "-i", str(film), "-frames:v", "1", "-vf", filters]
    shown = [*command, "-f", "image2pipe", "-c:v", "png", "-"]
    done = subprocess.run(shown, capture_output=True, check=True)  # noqa: S603 - the operator's own program
    return Image.open(io.BytesIO(done.stdout))


def _told(spec: CappedSpec) -> str:
    return f"{(spec.video_bitrate_bps + spec.sound_bitrate_bps) // 1000} kbit/s"


# -- pages -------------------------------------------------------------------------------------------------------


def pages() -> None:
    """The sample course through the shipped file's satellite region, at eight in the evening."""
    shipped = yaml.load((ROOT / "regions.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - plain words
    left_out = {"networks", "listeners", "selectable", "sites", "exceptions"}
    place = {key: value for key, value in shipped["regions"]["koryak"].items() if key not in left_out}
    with (
        tempfile.TemporaryDirectory(prefix="tropa-pictures-") as folder,
        running_course() as course,
        tropa_at(EVENING, Regions(course_port=course.port, places={"koryak": place}), Path(folder)) as tropa,
        chromium() as browser,
    ):
        base = f"http://127.0.0.1:{tropa.ports['koryak']}"
        with _visit(browser, base, DESKTOP) as visit:
            _on_a_computer(visit.page, base)
        with _visit(browser, base, PHONE) as visit:
            _on_a_phone(visit.page, base)


def _on_a_phone(page: Page, base: str) -> None:
    page.goto(f"{base}/mod/page/view.php?id=151", wait_until="networkidle")
    _shot(page, "card-phone", page.locator("h1").first.scroll_into_view_if_needed, top="h1")
    token = page.locator("button[formaction$='/make/slidecast']").first.get_attribute("value")
    page.locator("details:has(button[formaction$='/make/sound']) summary").first.click()
    _shot(page, "card-open-phone", None, top="details:has(button[formaction$='/make/sound'])", up_px=330)
    page.goto(f"{base}/.tropa/media/{token}/", wait_until="networkidle")
    _shot(page, "versions-phone", None)
    page.locator("button[formaction$='/make/slidecast']").first.click()
    page.wait_for_selector("progress")
    page.wait_for_timeout(8000)  # it comes again by itself, by then with how far it is
    page.wait_for_selector("progress, #sc-play")
    _shot(page, "making-phone", None)
    page.wait_for_selector("#sc-play", timeout=180_000)
    page.locator("#sc-on").click()
    page.locator("#sc-on").click()
    page.wait_for_timeout(1500)
    _shot(page, "lecture-phone", None)
    page.goto(f"{base}/mod/chat/view.php?id=201", wait_until="networkidle")
    _shot(page, "gate-phone", None)
    page.goto(f"{base}/.tropa/", wait_until="networkidle")
    _shot(page, "place-phone", None)


def _on_a_computer(page: Page, base: str) -> None:
    for name, path in (
        ("card-desktop", "/mod/page/view.php?id=151"),
        ("gate-desktop", "/mod/chat/view.php?id=201"),
        ("place-desktop", "/.tropa/"),
    ):
        page.goto(base + path, wait_until="networkidle")
        _shot(page, name, None)


@contextmanager
def _visit(browser: Browser, base: str, size: dict[str, int]) -> Iterator[Visit]:
    scale = 1.5 if size is PHONE else 1.0
    with visiting(browser, size=size, device_scale_factor=scale) as visit:
        visit.log_in(base, "teacher1", "Metodika-1")
        yield visit


def _shot(page: Page, name: str, before: Callable[[], object] | None, *, top: str = "", up_px: int = 12) -> None:
    """What is on the screen, scrolled so that `top` stands near its upper edge."""
    if before is not None:
        before()
    if top:
        box = page.locator(top).first.bounding_box()
        assert box is not None
        page.evaluate("by => window.scrollBy(0, by)", box["y"] - up_px)
        page.wait_for_timeout(300)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    few = picture.quantize(96, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    body = io.BytesIO()
    few.save(body, "PNG", optimize=True)
    _keep(body.getvalue(), f"{name}.png")


# -- keeping -----------------------------------------------------------------------------------------------------


def _save(picture: Image.Image, name: str) -> None:
    body = io.BytesIO()
    picture.convert("RGB").save(body, "WEBP", quality=80, method=6)
    _keep(body.getvalue(), name)


def _keep(body: bytes, name: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / name).write_bytes(body)
    _tell(name, len(body))


def _tell(what: str, size_bytes: int) -> None:
    print(f"{what:40} {size_bytes:>12,} bytes", flush=True)


def main() -> None:
    wanted = sys.argv[1:] or ["settings", "pages"]
    build_assets(course_dir())
    if "settings" in wanted:
        asyncio.run(settings())
    if "pages" in wanted:
        pages()


if __name__ == "__main__":
    main()
