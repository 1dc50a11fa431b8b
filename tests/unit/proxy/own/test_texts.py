"""What a night brought of a course in words: to whom the course has let in, and to nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from proxy.night.texts.values import Sheet, Text, TextKind
from tests.media_course import Moved
from tests.serving import NOON, Served, served
from tests.unit.proxy.stages.test_kept import BOX, Course, Teacher, kept

COURSE_PAGE, LECTURE = "/course/view.php?id=5", "/mod/page/view.php?id=7"
HOME, HERS = "/.tropa/texts", "/.tropa/texts/5"
PICTURE = "/pluginfile.php/7/mod_page/content/1/a.png"


def text(key: str, markup: str, kind: TextKind = TextKind.PAGE) -> Text:
    return Text(
        key=key,
        kind=kind,
        section="Тема 3",
        title="Лекция",
        html=markup,
        target=LECTURE,
        films=("http://course.example/pluginfile.php/7/mod_page/content/1/l.mp4",),
    )


SHEET = Sheet(
    title="Связь в школе",
    texts=(
        text("section-3", "<p>Кратко о теме</p>", TextKind.SECTION),
        text("page-7", '<p>Слова лекции</p><a href="/.tropa/film/0">l.mp4</a>'),
    ),
    apart=("Тест",),
    modules=frozenset({7}),
    files=frozenset({f"http://course.example{PICTURE}"}),
)


@dataclass
class School:
    """A box with one course's texts, and its course."""

    there: Served
    course: Course
    clock: Moved

    async def let_in(self, name: str, page: str = COURSE_PAGE) -> Teacher:
        """Somebody to whom the course has just given one of its pages."""
        teacher = Teacher(self.there, name)
        assert (await teacher.get(page)).status == 200
        await kept(self.there)
        return teacher


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[School]:
    course, clock = Course(), Moved(NOON)
    async with served(tmp_path, course, clock=clock, **BOX) as there:
        await there.tropa.parts.halves.texts.store.replace("course", 5, SHEET, NOON - timedelta(hours=5))
        yield School(there, course, clock)


@pytest.mark.parametrize("page", [COURSE_PAGE, LECTURE])
async def test_whom_the_course_has_let_in_reads_it(school: School, page: str) -> None:
    anna = await school.let_in("anna", page)
    listed, course = await anna.read(HOME), await anna.read(HERS)
    assert "Связь в школе" in listed and "2 текста" in listed
    assert "Кратко о теме" in course and "5 часов назад" in course and "Тест" in course
    assert "Слова лекции" not in course
    page_read = await anna.read(f"{HERS}/page-7")
    assert "Слова лекции" in page_read and "/.tropa/film/" not in page_read and "/.tropa/media/" in page_read
    assert "открывали" not in page_read and f'href="{LECTURE}"' in page_read


@pytest.mark.parametrize("page", ["/mod/page/view.php?id=9", "/my/"])
async def test_another_page_of_the_site_proves_nothing(school: School, page: str) -> None:
    boris = Teacher(school.there, "boris")
    await boris.get(page)
    await kept(school.there)
    assert "Связь в школе" not in await boris.read(HOME)
    reply = await boris.get(f"{HERS}/page-7")
    assert (reply.status, reply.headers["Location"]) == (303, HOME)


async def test_what_one_opened_lets_no_other_in(school: School) -> None:
    await school.let_in("anna")
    assert (await Teacher(school.there, "boris").get(HERS)).status == 303


async def test_a_refusal_of_the_course_since_then_ends_it(school: School) -> None:
    anna = await school.let_in("anna")
    school.course.refuses = True
    assert (await anna.get(COURSE_PAGE)).status == 403
    assert (await anna.get(HERS)).status == 303


async def test_it_ends_with_the_days_that_pages_are_kept(school: School) -> None:
    anna = await school.let_in("anna")
    school.clock.by += timedelta(days=14, seconds=1)
    assert (await anna.get(HERS)).status == 303


async def test_without_a_link_a_page_that_she_never_opened_leads_to_its_text(school: School) -> None:
    anna = await school.let_in("anna")
    school.course.cut = True
    page = await anna.until(LECTURE, lambda reply: reply.status in (502, 503, 504))
    assert f'href="{HERS}/page-7"' in page.body.decode() and HOME in page.body.decode()
    assert "Слова лекции" in await anna.read(f"{HERS}/page-7")
    other = await Teacher(school.there, "boris").read(LECTURE)
    assert HERS not in other and HOME not in other


async def test_nothing_of_it_is_kept_by_a_browser_or_asked_of_the_course(school: School) -> None:
    anna = await school.let_in("anna")
    asked = len(school.course.asked)
    reply = await anna.get(f"{HERS}/page-7")
    assert reply.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert len(school.course.asked) == asked


async def test_a_course_in_several_languages_is_read_in_hers(school: School) -> None:
    """Titles are kept as they came, words in each language that Tropa's pages have."""
    name = "{mlang ru}Лекция{mlang}{mlang en}Lecture{mlang}"
    spoken = (("ru", "<p>Слова лекции</p>"), ("en", "<p>Words of it</p>"))
    two = replace(text("page-7", "<p>Слова лекции</p>"), title=name, spoken=spoken)
    sheet = replace(SHEET, title=name, texts=(two,), apart=(name,))
    await school.there.tropa.parts.halves.texts.store.replace("course", 5, sheet, NOON)
    anna = await school.let_in("anna")
    for language, title, words in (("ru", "Лекция", "Слова лекции"), ("en", "Lecture", "Words of it")):
        pages = [(await anna.read(f"{HERS}{rest}", language=language)) for rest in ("", "/page-7")]
        assert all(title in page and "mlang" not in page for page in pages)
        assert words in pages[1] and not any(other in pages[1] for _, other in spoken if words not in other)
