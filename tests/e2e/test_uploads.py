"""What learners send: over a link that is cut, by the course's own scripts and by a plain form; photographs smaller."""

from __future__ import annotations

import hashlib
import random
import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.browser import DESKTOP, PHONE, SMALL_PHONE, Visit, visiting
from tests.e2e.harness.cuts import Link, link_to
from tests.e2e.harness.tropa import TropaProcess
from tests.e2e.harness.waiting import until

pytestmark = pytest.mark.browser
HER = USERS["teacher1"]
FORUM = "/mod/forum/discuss.php?d=11"
FILM_BYTES = 12_000_000


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 MB no two pieces of which are alike."""
    path = tmp_path_factory.mktemp("film") / "Урок географии.mp4"
    path.write_bytes(random.Random(7).randbytes(FILM_BYTES))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 MB, for what needs no more."""
    path = tmp_path_factory.mktemp("clip") / "Опыт.mp4"
    path.write_bytes(random.Random(8).randbytes(3_000_000))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cut_and_mended(link: Link, visit: Visit, times: int, after_bytes: int) -> None:
    """Cut it in mid-upload, see that the page says so, mend it."""
    lost = visit.page.get_by_text("Связь прервалась")
    link.cut_after(after_bytes, up=True)
    for number in range(1, times + 1):
        until(lambda number=number: link.cuts == number, what=f"cut {number}")  # type: ignore[misc]
        lost.wait_for()
        link.mend(cut_after=after_bytes if number < times else None)
    lost.wait_for(state="hidden")


def test_twelve_megabytes_cut_three_times_arrive_once_by_the_courses_own_script(
    house: TropaProcess, browser: Browser, course: RunningCourse, film: Path
) -> None:
    posts, files = len(course.state.posts), len(course.state.uploads)
    with link_to(house.ports["metered"]) as link, visiting(browser, size=PHONE) as visit:
        base = f"http://127.0.0.1:{link.port}"
        visit.log_in(base, HER.login, HER.password)
        visit.page.goto(base + FORUM)
        visit.page.locator("#id_file").set_input_files(film)
        cut_and_mended(link, visit, 3, 2_500_000)
        visit.page.get_by_text("Урок географии.mp4: загружен").wait_for()
        assert len(course.state.uploads) == files + 1
        visit.page.fill("#id_message", "Смотрите запись.")
        visit.page.click("#id_submitbutton")
        visit.page.wait_for_url("**/mod/forum/discuss.php?d=11#p*")
    [post] = course.state.posts[posts:]
    [upload] = post.uploads
    assert (upload.filename, upload.size_bytes, upload.sha256) == (film.name, FILM_BYTES, sha256(film))
    assert list((house.state_dir / "uploads").glob("*/bytes")) == []


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph as a phone held upright takes it: 4:3, turned by a note in its head, with the place where it was."""
    path = tmp_path_factory.mktemp("photo") / "Доска 9 «Б».jpg"
    grain = Image.frombytes("RGB", (600, 450), random.Random(3).randbytes(600 * 450 * 3)).resize((2400, 1800))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (61.0, 2.0, 3.0), 3: "E", 4: (170.0, 1.0, 2.0)})
    grain.save(path, quality=92, exif=exif)
    return path


def in_forum(visit: Visit, base: str) -> None:
    visit.log_in(base, HER.login, HER.password)
    visit.page.goto(base + FORUM)


def arrived(visit: Visit, course: RunningCourse, name: str) -> tuple[str, bytes]:
    """The last file that the course has taken, once its page says so."""
    visit.page.get_by_text(f"{name}: загружен").wait_for()
    upload = course.state.uploads[-1]
    return upload.filename, upload.path.read_bytes()


def test_a_photograph_goes_smaller_upright_and_without_its_place_when_she_chooses_so(
    house: TropaProcess, browser: Browser, course: RunningCourse, photo: Path
) -> None:
    with visiting(browser, size=SMALL_PHONE) as visit:
        in_forum(visit, f"http://127.0.0.1:{house.ports['metered']}")
        wide_px = visit.too_wide_px()
        visit.page.locator("#id_file").set_input_files(photo)
        smaller = visit.page.get_by_role("button", name="Отправить меньше")
        smaller.wait_for()
        said = visit.page.locator(".tropa-send").inner_text()
        sizes = re.search(r"Доска 9 «Б».jpg: ([\d,]+)\sМБ → ([\d,]+)\sКБ", said)
        assert sizes and "Место и время съёмки" in said
        assert visit.too_wide_px() == wide_px
        visit.shot("uploads-photo-320-ru")
        assert not course.state.uploads or course.state.uploads[-1].filename != photo.name, "nothing goes unasked"
        smaller.click()
        name, data = arrived(visit, course, photo.name)
        assert name == photo.name and len(data) < photo.stat().st_size / 2
        with Image.open(BytesIO(data)) as picture:
            assert picture.size == (1200, 1600)
            assert not picture.getexif()

        visit.page.locator("#id_file").set_input_files(photo)
        visit.page.get_by_role("button", name="Отправить как есть").click()
        visit.page.get_by_text("загружен").nth(1).wait_for()
        assert course.state.uploads[-1].path.read_bytes() == photo.read_bytes()


def test_a_document_is_never_touched(
    house: TropaProcess, browser: Browser, course: RunningCourse, tmp_path: Path
) -> None:
    plan = tmp_path / "План урока.docx"
    plan.write_bytes(random.Random(5).randbytes(1_500_000))
    with visiting(browser, size=DESKTOP) as visit:
        in_forum(visit, f"http://127.0.0.1:{house.ports['metered']}")
        visit.page.locator("#id_file").set_input_files(plan)
        assert arrived(visit, course, plan.name) == (plan.name, plan.read_bytes())
        assert not visit.page.get_by_text("Отправить меньше").count()


def test_a_plain_form_goes_in_pieces_and_its_redirect_is_followed(
    house: TropaProcess, browser: Browser, course: RunningCourse, clip: Path
) -> None:
    """The course's scripts are left out here, so the form is the browser's own."""
    handed_in = len(course.state.submissions)
    with link_to(house.ports["text"]) as link, visiting(browser, size=PHONE) as visit:
        base = f"http://127.0.0.1:{link.port}"
        in_forum(visit, base)
        visit.page.locator("#id_file").set_input_files(clip)
        visit.page.fill("#id_message", "Запись урока, без скриптов курса")
        visit.page.click("#id_submitbutton")
        cut_and_mended(link, visit, 1, 1_000_000)
        visit.page.wait_for_url("**/mod/forum/discuss.php?d=11#p*")
        assert "Запись урока, без скриптов курса" in visit.page.inner_text("#region-main")
    assert course.state.uploads[-1].sha256 == sha256(clip)
    assert len(course.state.submissions) == handed_in


def test_without_scripts_the_form_works_as_ever(
    house: TropaProcess, browser: Browser, course: RunningCourse, tmp_path: Path
) -> None:
    work = tmp_path / "Работа.pdf"
    work.write_bytes(random.Random(9).randbytes(1_200_000))
    with visiting(browser, java_script_enabled=False) as visit:
        base = f"http://127.0.0.1:{house.ports['metered']}"
        visit.log_in(base, HER.login, HER.password)
        visit.page.goto(base + "/mod/assign/view.php?id=181")
        visit.page.locator("#id_files").set_input_files(work)
        visit.page.click("#id_submitbutton")
        visit.page.get_by_role("link", name=work.name).wait_for()
    assert course.state.uploads[-1].sha256 == sha256(work)


def test_after_a_reload_the_same_file_goes_on_and_the_logout_ends_what_is_left(
    house: TropaProcess, browser: Browser, course: RunningCourse, clip: Path
) -> None:
    folder = house.state_dir / "uploads"
    before, others = len(course.state.uploads), set(folder.glob("*/bytes"))
    with link_to(house.ports["metered"]) as link, visiting(browser, size=DESKTOP) as visit:
        base = f"http://127.0.0.1:{link.port}"
        in_forum(visit, base)
        link.cut_after(1_800_000, up=True)
        visit.page.locator("#id_file").set_input_files(clip)
        visit.page.get_by_text("Связь прервалась").wait_for()
        visit.shot("uploads-cut-desktop-ru")
        link.mend()
        visit.page.on("dialog", lambda dialog: dialog.accept())
        visit.page.get_by_role("button", name="Приостановить").click()
        visit.page.goto(base + FORUM)
        visit.page.get_by_text("Выберите тот же файл ещё раз").wait_for()
        visit.shot("uploads-again-desktop-ru")
        [held] = set(folder.glob("*/bytes")) - others
        there = int(held.with_name("offset").read_bytes())
        assert there > 500_000
        link.cut_after(clip.stat().st_size - there + 500_000, up=True)  # all of it anew would be cut again
        visit.page.locator("#id_file").set_input_files(clip)
        assert arrived(visit, course, clip.name)[1] == clip.read_bytes()
        assert len(course.state.uploads) == before + 1
        link.mend()
        before_hers = {path.parent for path in folder.glob("*/bytes")}
        link.cut_after(1_000_000, up=True)
        visit.page.locator("#id_file").set_input_files(clip)
        visit.page.get_by_text("Связь прервалась").wait_for()
        link.mend()
        visit.page.get_by_role("button", name="Приостановить").click()
        [begun] = {path.parent for path in folder.glob("*/bytes")} - before_hers
        visit.page.get_by_role("link", name="Выход").first.click()
        visit.page.wait_for_url(base + "/")
        assert not begun.exists()
