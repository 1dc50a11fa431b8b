"""What learners send: over a link that is cut, by the course's own scripts and by a plain form; photographs smaller."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.browser import PHONE, Visit, visiting
from tests.e2e.harness.cuts import Link, link_to
from tests.e2e.harness.tropa import TropaProcess

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


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cut_and_mended(link: Link, visit: Visit, times: int, after_bytes: int) -> None:
    """Cut it in mid-upload, see that the page says so, mend it."""
    lost = visit.page.get_by_text("Связь прервалась")
    for number in range(1, times + 1):
        link.cut_after(after_bytes, up=True)
        lost.wait_for()
        assert link.cuts == number
        link.mend()
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
