"""Made media on a stick: a lecture that a centre made is watched at a school that has no link."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.catalogues import publish_file
from proxy.clock import OffsetClock
from tests.media_course import Learner, MediaCourse, files_of, lecture
from tests.serving import NOON, Served, served
from tests.unit.proxy.cli.commands import Ran, tropa
from tests.unit.proxy.own.test_media_outage import BOX, CutCourse
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

pytestmark = needs_ffmpeg
PUBLIC = "public, max-age=86400"
AT = {"Host": "127.0.0.1"}  # the course's own name, the same at the centre and at the school


def a_course(control: str = PUBLIC) -> CutCourse:
    course = CutCourse(cache_control=control, page_control=PUBLIC)
    path = course.put("lecture.mp4", lecture())
    course.with_page(f'<video controls src="{path}" title="Первая лекция"></video>')
    return course


@asynccontextmanager
async def place(folder: Path, course: MediaCourse) -> AsyncIterator[Served]:
    """A school's box with what it publishes, as commands beside it want it."""
    folder.mkdir()
    async with served(folder, course, clock=OffsetClock(NOON), **BOX) as there:
        publish_file(folder / "regions.yaml", there.state_dir, now=NOON, note="")
        yield there


async def command(there: Served, *words: object) -> Ran:
    return await asyncio.to_thread(tropa, "cache", *words, "--state", there.state_dir)


async def a_stick(folder: Path, course: CutCourse, version: str = "slidecast") -> Path:
    """What a place with a link made for Anna, exported."""
    stick = folder / "stick"
    async with place(folder / "centre", course) as there:
        anna = Learner(there, "anna", AT)
        await anna.until_ready(await anna.choose(version))
        ran = await command(there, "export", stick)
        assert ran.code == 0, ran.err
    return stick


@pytest.fixture(scope="module")
def sound_stick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sound of a lecture; not to be changed."""
    return asyncio.run(a_stick(tmp_path_factory.mktemp("sound"), a_course(), "sound"))


async def test_a_lecture_from_a_stick_is_watched_where_there_was_never_a_link(tmp_path: Path) -> None:
    stick = await a_stick(tmp_path, a_course())
    course = a_course()
    course.cut = True
    async with place(tmp_path / "school", course) as there:
        ran = await command(there, "import", stick)
        assert ran.code == 0 and "Lectures, films, sound: 1," in ran.out, ran.out + ran.err
        boris = Learner(there, "boris", AT)
        async with asyncio.timeout(30):
            while "make/slidecast" not in (page := await boris.read()):  # the import is noticed within a second or two
                await asyncio.sleep(0.1)
        viewer = await boris.choose("slidecast")
        page = await boris.read(viewer)
        assert 'id="sc-list"' in page
        names = files_of(page, viewer)
        assert len([name for name in names if name.endswith(".webp")]) >= 3
        for name in names:
            assert (await boris.play(name)).status == 200
        again = await command(there, "import", stick)
        assert again.code == 0 and "1 were here, 0 damaged" in again.out
    assert all("lecture.mp4" not in one.path for one in course.asked), "the cut course was never asked for it"


async def test_what_an_origin_gives_to_one_learner_is_on_no_stick(tmp_path: Path) -> None:
    stick = await a_stick(tmp_path, a_course("private, max-age=600"), "sound")
    told = json.loads((stick / "manifest.json").read_text("utf-8"))
    assert told["media"] == {} and told["sources"] == []
    assert not (stick / "media").exists()


@pytest.mark.parametrize("harm", ["a file changed", "a file gone", "a name that leads out", "another recipe's source"])
async def test_what_isnt_what_was_exported_is_left_out_and_said(harm: str, sound_stick: Path, tmp_path: Path) -> None:
    stick = Path(shutil.copytree(sound_stick, tmp_path / "stick"))
    told = json.loads((stick / "manifest.json").read_text("utf-8"))
    ((key, entry),) = told["media"].items()
    sound = next(name for name in entry["files"] if name != "manifest.json")
    path = stick / "media" / entry["files"][sound]
    if harm == "a file changed":
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    elif harm == "a file gone":
        path.unlink()
    elif harm == "a name that leads out":
        entry["files"]["../../evil"] = entry["files"][sound]
    else:
        told["sources"][0]["facts"]["etag"] = '"another"'
    (stick / "manifest.json").write_text(json.dumps(told), "utf-8")
    async with place(tmp_path / "school", a_course()) as there:
        ran = await command(there, "import", stick)
        assert ran.code == 1 and "1 damaged" in ran.out, ran.out + ran.err
        made = there.state_dir / "media" / "made" / "made" / key[:2] / key
        assert made.exists() is (harm == "another recipe's source")
        assert not list(tmp_path.rglob("evil"))


async def test_where_there_is_no_room_nothing_is_dropped_for_it(sound_stick: Path, tmp_path: Path) -> None:
    folder = tmp_path / "school"
    folder.mkdir()
    small = {**BOX, "tropa": BOX["tropa"] + "\n  limits: {media_store: 4 kB}"}
    async with served(folder, a_course(), clock=OffsetClock(NOON), **small) as there:
        publish_file(folder / "regions.yaml", there.state_dir, now=NOON, note="")
        ran = await command(there, "import", sound_stick)
        assert ran.code == 1 and "media_store" in ran.err
