"""Films and sound that learners send, made smaller by their browsers: judged by what arrived at the course."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.browser import DESKTOP, SMALL_PHONE, Visit, visiting
from tests.e2e.harness.probing import played_s, probed
from tests.e2e.harness.tropa import TropaProcess
from tests.media_samples import film, sound
from tests.unit.proxy.transforms.media.benches import needs_ffmpeg

pytestmark = [pytest.mark.browser, needs_ffmpeg]
HER = USERS["teacher1"]
FORUM = "/mod/forum/discuss.php?d=11"
SECONDS = 8.0


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    """A film as a phone takes it, but short."""
    path = tmp_path / "Урок в 5 «А».mp4"
    shutil.copyfile(film(seconds=SECONDS, width=1280, height=720, kbps=3000), path)
    return path


def in_forum(visit: Visit, house: TropaProcess) -> None:
    base = f"http://127.0.0.1:{house.ports['metered']}"
    visit.log_in(base, HER.login, HER.password)
    visit.page.goto(base + FORUM)


def test_a_film_goes_smaller_and_whole_once_she_chose_so_and_may_be_stopped(
    house: TropaProcess, browser: Browser, course: RunningCourse, lesson: Path
) -> None:
    before = len(course.state.uploads)
    with visiting(browser, size=SMALL_PHONE) as visit:
        in_forum(visit, house)
        page, wide_px = visit.page, visit.too_wide_px()
        page.locator("#id_file").set_input_files(lesson)
        make = page.get_by_role("button", name="Уменьшить: около")
        make.wait_for()
        said = page.locator(".tropa-send").inner_text()
        assert "Видео можно отправить меньше" in said and "→ около" in said
        assert "меньше минуты на этом устройстве" in said
        assert visit.too_wide_px() == wide_px
        visit.shot("uploads-film-320-ru")
        make.click()
        page.get_by_text("Уменьшаем на вашем устройстве").wait_for()
        visit.shot("uploads-film-making-320-ru")
        page.get_by_role("button", name="Остановить").click()
        make.click()
        smaller = page.get_by_role("button", name="Отправить меньше")
        smaller.wait_for()
        visit.shot("uploads-film-made-320-ru")
        assert len(course.state.uploads) == before, "nothing goes unasked"
        smaller.click()
        page.get_by_text("загружен").wait_for()
    [upload] = course.state.uploads[before:]
    told = probed(upload.path)
    assert upload.filename in ("Урок в 5 «А».webm", "Урок в 5 «А».mp4")
    assert upload.size_bytes < lesson.stat().st_size / 3
    assert abs(told["seconds"] - SECONDS) < 1 and abs(played_s(upload.path) - SECONDS) < 1
    assert (told["video"]["width"], told["video"]["height"]) == (640, 360)
    assert told["audio"]["codec_name"] in ("opus", "aac")


# A browser tells a page that it is out of sight so; headless ones show every page that they have.
OUT_OF_SIGHT = """(hidden) => { Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });
document.dispatchEvent(new Event('visibilitychange')); }"""


def begun(visit: Visit, house: TropaProcess, lesson: Path) -> None:
    """Her film is being made smaller, a part of it is done."""
    in_forum(visit, house)
    visit.page.locator("#id_file").set_input_files(lesson)
    visit.page.get_by_role("button", name="Уменьшить: около").click()
    visit.page.wait_for_function("document.querySelector('.tropa-far').value > 0.2")


def test_a_page_out_of_sight_waits_and_the_film_comes_whole_all_the_same(
    house: TropaProcess, browser: Browser, course: RunningCourse, lesson: Path
) -> None:
    before = len(course.state.uploads)
    with visiting(browser, size=SMALL_PHONE) as visit:
        page = visit.page
        begun(visit, house, lesson)
        for _ in range(2):
            page.evaluate(OUT_OF_SIGHT, True)
            page.get_by_text("Ждём, пока вы вернётесь").wait_for()
            visit.shot("uploads-film-waits-320-ru")
            far = page.evaluate("document.querySelector('.tropa-far').value")
            page.evaluate(OUT_OF_SIGHT, False)
            page.wait_for_function(f"document.querySelector('.tropa-far').value > {far} + 0.05")
        page.get_by_role("button", name="Отправить меньше").click()
        page.get_by_text("загружен").wait_for()
    [upload] = course.state.uploads[before:]
    told = probed(upload.path)
    assert upload.size_bytes < lesson.stat().st_size / 3
    assert abs(told["seconds"] - SECONDS) < 1 and abs(played_s(upload.path) - SECONDS) < 1


ENDS_EARLY = """const start = MediaRecorder.prototype.start;
MediaRecorder.prototype.start = function (...given) { start.apply(this, given); window.recorder = this; };"""
NEVER_PLAYS_AGAIN = "() => { HTMLMediaElement.prototype.play = () => Promise.reject(new Error('not allowed')); }"


@pytest.mark.parametrize("ends", ["the browser ends the recording", "the film can't go on"])
def test_a_film_that_was_cut_short_out_of_sight_is_never_sent_for_the_whole(
    house: TropaProcess, browser: Browser, course: RunningCourse, lesson: Path, ends: str
) -> None:
    before = len(course.state.uploads)
    with visiting(browser, size=DESKTOP) as visit:
        page = visit.page
        page.add_init_script(ENDS_EARLY)
        begun(visit, house, lesson)
        page.evaluate(OUT_OF_SIGHT, True)
        page.evaluate("() => recorder.stop()" if ends.startswith("the browser") else NEVER_PLAYS_AGAIN)
        page.evaluate(OUT_OF_SIGHT, False)
        page.get_by_text("На этом устройстве уменьшить не получилось").wait_for()
        assert page.get_by_role("button", name="Отправить меньше").count() == 0
        page.get_by_role("button", name="Отправить как есть").click()
        page.get_by_text("загружен").wait_for()
    [upload] = course.state.uploads[before:]
    assert upload.path.read_bytes() == lesson.read_bytes()


@pytest.mark.parametrize("encodes_at_once", [True, False])
def test_sound_goes_smaller_whether_or_not_the_browser_encodes_it_at_once(
    house: TropaProcess, browser: Browser, course: RunningCourse, tmp_path: Path, encodes_at_once: bool
) -> None:
    recording = Path(shutil.copyfile(sound("wav", SECONDS), tmp_path / "Диктант.wav"))
    before = len(course.state.uploads)
    with visiting(browser, size=DESKTOP, locale="en-GB") as visit:
        if not encodes_at_once:  # as browsers without WebCodecs are
            visit.page.add_init_script("delete window.AudioEncoder")
        in_forum(visit, house)
        visit.page.locator("#id_file").set_input_files(recording)
        visit.page.get_by_role("button", name="Make it smaller").click()
        visit.page.get_by_role("button", name="Send it smaller").click()
        visit.page.get_by_text("загружен").wait_for()
        assert not visit.page.locator(".tropa-send").count()
    [upload] = course.state.uploads[before:]
    told = probed(upload.path)
    assert upload.filename == ("Диктант.ogg" if encodes_at_once else "Диктант.webm")
    assert upload.size_bytes < 24_000 / 8 * SECONDS * 1.5 + 5_000
    assert abs(told["seconds"] - SECONDS) < 0.5 and abs(played_s(upload.path) - SECONDS) < 0.5
    assert told["audio"]["codec_name"] == "opus" and "video" not in told


def test_the_original_is_one_tap_away_also_while_a_smaller_one_is_made(
    house: TropaProcess, browser: Browser, course: RunningCourse, lesson: Path
) -> None:
    before = len(course.state.uploads)
    with visiting(browser, size=DESKTOP) as visit:
        in_forum(visit, house)
        visit.page.locator("#id_file").set_input_files(lesson)
        visit.page.get_by_role("button", name="Уменьшить: около").click()
        visit.page.get_by_text("Уменьшаем на вашем устройстве").wait_for()
        visit.page.get_by_role("button", name="Отправить как есть").click()
        visit.page.get_by_text("загружен").wait_for()
    [upload] = course.state.uploads[before:]
    assert upload.path.read_bytes() == lesson.read_bytes()


def test_what_this_browser_cant_play_goes_as_it_is_without_a_question(
    house: TropaProcess, browser: Browser, course: RunningCourse, tmp_path: Path
) -> None:
    odd = tmp_path / "Старая запись.avi"
    odd.write_bytes(bytes(range(256)) * 2000)
    before = len(course.state.uploads)
    with visiting(browser, size=DESKTOP) as visit:
        in_forum(visit, house)
        visit.page.locator("#id_file").set_input_files(odd)
        visit.page.get_by_text("загружен").wait_for()
    [upload] = course.state.uploads[before:]
    assert upload.path.read_bytes() == odd.read_bytes()
