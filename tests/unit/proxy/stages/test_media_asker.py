"""Learning how long a page's films are, in the learner's own name and without holding the page."""

from __future__ import annotations

from pathlib import Path

from tests.media_course import PAGE, Learner, MediaCourse, buttons
from tests.media_samples import film
from tests.serving import served
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

pytestmark = needs_ffmpeg
MANY = 9


def a_course(count: int = 1) -> tuple[MediaCourse, list[str]]:
    course = MediaCourse()
    paths = [course.put(f"film{number}.mp4", film()) for number in range(count)]
    return course.with_page(*(f'<video controls src="{path}"></video>' for path in paths)), paths


def looks(course: MediaCourse, path: str) -> list[str]:
    """Who asked for its first bytes."""
    return [one.learner for one in course.requests(path) if one.range.startswith("bytes=0-")]


async def test_a_film_is_looked_at_once_in_the_readers_own_name(tmp_path: Path) -> None:
    course, (path,) = a_course()
    async with served(tmp_path, course) as there:
        anna = Learner(there, "anna")
        page = await anna.until(PAGE, lambda page: "около" in page.partition("make/sound")[2])
        await anna.read()
        assert buttons(page, "make/sound")
    assert looks(course, path) == ["anna"] and course.downloads(path) == 0


async def test_what_one_learners_film_told_is_told_to_her_alone(tmp_path: Path) -> None:
    course, (path,) = a_course()
    async with served(tmp_path, course) as there:
        await Learner(there, "anna").until(PAGE, lambda page: "около" in page.partition("make/sound")[2])
        course.refused["boris"] = 403
        page = await Learner(there, "boris").read()
    assert "около" not in page.partition("make/sound")[2].partition("</span>")[0]
    assert set(looks(course, path)) == {"anna", "boris"}


async def test_a_page_of_many_films_asks_for_a_few_at_a_time(tmp_path: Path) -> None:
    course, paths = a_course(MANY)
    async with served(tmp_path, course) as there:
        await Learner(there, "anna").read()
        assert sum(len(looks(course, path)) for path in paths) <= 4
        await Learner(there, "anna").read()
        assert sum(len(looks(course, path)) for path in paths) <= 8


async def test_nothing_is_asked_where_films_stay_as_they_are(tmp_path: Path) -> None:
    course, (path,) = a_course()
    async with served(tmp_path, course, policy="text-first") as there:
        await Learner(there, "anna").read()
    assert looks(course, path) == []


async def test_a_films_address_that_never_answers_does_not_hold_the_page(tmp_path: Path) -> None:
    course = MediaCourse().with_page('<video controls src="/pluginfile.php/71/mod_page/content/1/none.mp4"></video>')
    async with served(tmp_path, course) as there:
        page = await Learner(there, "anna").read()
    assert "tropa-card" in page
