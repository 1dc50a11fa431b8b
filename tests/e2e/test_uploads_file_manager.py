"""The course's own file manager: its dialog, what is dropped into it, and its scripts, over a link that is cut."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.e2e.harness.browser import DESKTOP, Visit, visiting
from tests.e2e.harness.cuts import Link, link_to
from tests.e2e.harness.file_manager import API, PAGE, SESSKEY, FileManager, file_manager
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import until

pytestmark = pytest.mark.browser
CLIP_BYTES = 2_500_000
FIELDS = {
    "title": "",
    "license": "unknown",
    "sesskey": SESSKEY,
    "repo_id": "4",
    "itemid": "712",
    "env": "filemanager",
}
SENDS = "f => fetch(f.api, {method: 'POST', body: filled(f.file), signal: f.signal}).then(r => r.text())"


@pytest.fixture(scope="module")
def manager() -> Iterator[FileManager]:
    with file_manager() as running:
        yield running


@pytest.fixture(scope="module")
def there(manager: FileManager, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TropaProcess]:
    regions = Regions(course_port=manager.origin.port, places={"metered": METERED})
    with tropa_process(regions, tmp_path_factory.mktemp("manager")) as running:
        yield running


@pytest.fixture
def link(there: TropaProcess) -> Iterator[Link]:
    with link_to(there.ports["metered"]) as link:
        yield link


@pytest.fixture
def visit(browser: Browser, link: Link) -> Iterator[Visit]:
    with visiting(browser, size=DESKTOP) as visit:
        visit.page.goto(f"http://127.0.0.1:{link.port}{PAGE}")
        yield visit


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document too heavy for one go."""
    path = tmp_path_factory.mktemp("plan") / "Рабочая программа.pdf"
    path.write_bytes(random.Random(11).randbytes(CLIP_BYTES))
    return path


def cut_once(link: Link, page: Page) -> None:
    lost = page.get_by_text("Связь прервалась")
    lost.wait_for()
    link.mend()
    lost.wait_for(state="hidden")


def heard(page: Page) -> list[str]:
    """What the page's own scripts have had as answers."""
    page.wait_for_selector("#said li")
    return page.locator("#said li").all_inner_texts()


def dropped(page: Page, path: Path) -> None:
    """As a hand drops it."""
    box = page.locator(".filemanager-container").bounding_box()
    assert box is not None
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver"):
        session.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})
    page.wait_for_function("window.tropaUploads")  # whoever drags a file takes longer than a script to load
    session.send("Input.dispatchDragEvent", {"type": "drop", **at, "data": data})


def chosen_in_the_dialog(page: Page, plan: Path) -> None:
    page.get_by_role("button", name="Добавить…").click()
    page.wait_for_function("window.tropaUploads")
    page.locator("input[name=repo_upload_file]").set_input_files(plan)


def test_the_dialogs_form_goes_into_its_frame_in_pieces_and_its_answer_comes_once(
    visit: Visit, link: Link, manager: FileManager, plan: Path
) -> None:
    page, before = visit.page, len(manager.sent)
    chosen_in_the_dialog(page, plan)
    link.cut_after(1_200_000, up=True)
    page.get_by_role("button", name="Загрузить этот файл").click()
    cut_once(link, page)
    assert heard(page) == [f"{plan.name} id 712"]
    [sent] = manager.sent[before:]
    assert (sent.filename, sent.content) == (plan.name, plan.read_bytes())
    assert sent.fields == FIELDS
    page.wait_for_function("!document.querySelector('iframe')")


def test_what_is_dropped_goes_in_pieces_where_the_page_has_no_field_for_files(
    visit: Visit, link: Link, manager: FileManager, plan: Path
) -> None:
    page, before = visit.page, len(manager.sent)
    assert page.locator("input[type=file]").count() == 0
    link.cut_after(1_200_000, up=True)
    dropped(page, plan)
    cut_once(link, page)
    assert heard(page) == [f"{plan.name} id 712"]
    assert page.evaluate("window.progress") == 100
    [sent] = manager.sent[before:]
    assert (sent.filename, sent.content) == (plan.name, plan.read_bytes())
    assert sent.fields["author"] == "Учитель"


def test_a_dropped_photograph_is_offered_smaller_and_the_page_gets_what_she_chose(
    visit: Visit, manager: FileManager, tmp_path: Path
) -> None:
    photo, page, before = tmp_path / "Доска.jpg", visit.page, len(manager.sent)
    Image.frombytes("RGB", (600, 450), random.Random(3).randbytes(810_000)).resize((2400, 1800)).save(photo, quality=92)
    dropped(page, photo)
    page.get_by_role("button", name="Отправить меньше").click()
    assert heard(page) == ["Доска.jpg id 712"]
    dropped(page, photo)
    page.get_by_role("button", name="Отправить как есть").click()
    page.locator("#said li").nth(1).wait_for()
    smaller, whole = (sent.content for sent in manager.sent[before:])
    assert len(smaller) < len(whole) / 2 and whole == photo.read_bytes()


def test_a_script_that_fetches_hears_the_courses_own_answer(
    visit: Visit, link: Link, manager: FileManager, plan: Path
) -> None:
    page, before = visit.page, len(manager.sent)
    in_hand(page, plan)
    link.cut_after(1_200_000, up=True)
    page.evaluate(f"void ({SENDS})({{api: API, file}}).then(answered)")
    cut_once(link, page)
    assert heard(page) == [f"{plan.name} id 712"]
    assert [sent.content for sent in manager.sent[before:]] == [plan.read_bytes()]
    manager.refuse = "Слишком большой файл"
    try:
        page.evaluate(f"({SENDS})({{api: API, file}}).then(answered)")
        until(lambda: len(heard(page)) == 2, what="the second answer")
    finally:
        manager.refuse = ""
    assert heard(page)[1] == "error: Слишком большой файл"


# At once: from outside it may have gone before anybody looks.
WHEN_IT_BEGINS = (
    "new MutationObserver((_, me) => { if (document.querySelector('.tropa-send')) { me.disconnect(); stop.abort(); } })"
    ".observe(document, { childList: true, subtree: true });"
)


def test_a_fetch_that_is_given_up_ends_and_nothing_is_sent(visit: Visit, manager: FileManager, plan: Path) -> None:
    page, before = visit.page, len(manager.sent)
    in_hand(page, plan)
    page.evaluate(
        "window.stop = new AbortController();"
        f"void ({SENDS})({{api: API, file, signal: stop.signal}}).then(answered, (e) => hear(e.name));"
        f"{WHEN_IT_BEGINS}"
    )
    assert heard(page) == ["AbortError"]
    page.wait_for_selector(".tropa-send", state="detached")
    assert manager.sent[before:] == []


def test_a_dialog_whose_upload_she_stops_meets_its_own_error_and_may_be_used_again(
    visit: Visit, link: Link, manager: FileManager, plan: Path
) -> None:
    page, before = visit.page, len(manager.sent)
    chosen_in_the_dialog(page, plan)
    stopped_on_the_way(page, link, lambda: page.locator(".fp-upload-btn").click())
    assert heard(page) == ["error: Отправка остановлена. Файл не отправлен."]
    assert manager.sent[before:] == []
    page.wait_for_function("!document.querySelector('iframe')")
    page.get_by_role("button", name="Загрузить этот файл").click()
    page.locator("#said li").nth(1).wait_for()
    assert heard(page)[1] == f"{plan.name} id 712" and len(manager.sent) == before + 1


def test_scripts_whose_upload_she_stops_meet_a_request_that_failed(
    visit: Visit, link: Link, manager: FileManager, plan: Path
) -> None:
    page, before = visit.page, len(manager.sent)
    stopped_on_the_way(page, link, lambda: dropped(page, plan))
    assert heard(page) == ["status 0"]
    in_hand(page, plan)
    fetches = f"void ({SENDS})({{api: API, file}}).then(answered, (e) => hear(e.name))"
    stopped_on_the_way(page, link, lambda: page.evaluate(fetches))
    page.locator("#said li").nth(1).wait_for()
    assert heard(page) == ["status 0", "TypeError"] and manager.sent[before:] == []


def test_a_request_that_the_page_itself_gives_up_ends_as_the_browser_ends_one(
    visit: Visit, manager: FileManager, plan: Path
) -> None:
    page, before = visit.page, len(manager.sent)
    in_hand(page, plan)
    page.evaluate(
        """() => { window.x = new XMLHttpRequest();
        for (const type of ['readystatechange', 'abort', 'error', 'load', 'loadend']) {
          x.addEventListener(type, () => hear(type + ' ' + x.readyState));
        }
        x.open('POST', API); x.send(filled(file)); }"""
    )
    page.wait_for_selector(".tropa-send")
    page.evaluate("x.abort()")
    page.wait_for_selector(".tropa-send", state="detached")
    assert heard(page) == ["readystatechange 1", "readystatechange 4", "abort 4", "loadend 4"]
    assert manager.sent[before:] == []


def stopped_on_the_way(page: Page, link: Link, send: Callable[[], object]) -> None:
    """She stops it while the link is down."""
    link.cut_after(400_000, up=True)
    send()
    page.get_by_text("Связь прервалась").wait_for()
    page.get_by_role("button", name="Отменить").click()
    page.wait_for_selector(".tropa-send", state="detached")
    link.mend()


@pytest.mark.parametrize(
    "sends",
    [
        "fetch(new Request(API, {method: 'POST', body: filled(file)}))",
        "fetch(API, {method: 'POST', body: filled(file), keepalive: false})",
        "fetch(API, {method: 'POST', body: file})",
        "new Promise((done) => { const x = new XMLHttpRequest(); x.open('POST', API); x.onload = done; x.send(file) })",
    ],
)
def test_what_isnt_understood_goes_as_the_browser_sends_it(
    visit: Visit, manager: FileManager, plan: Path, sends: str
) -> None:
    page, before = visit.page, len(manager.origin.journal)
    in_hand(page, plan)
    page.evaluate(f"{sends}.then(() => 0)")
    assert manager.origin.journal[before:] == [("POST", API)]
    assert page.locator(".tropa-send").count() == 0


def test_where_tropa_has_no_room_the_dialogs_form_goes_as_it_was_when_it_was_submitted(
    browser: Browser, manager: FileManager, folder: Path, plan: Path
) -> None:
    limits = {"limits": {"uploads_per_learner": 0}}
    regions = Regions(course_port=manager.origin.port, places={"metered": METERED}, settings=limits)
    before = len(manager.sent)
    with tropa_process(regions, folder) as full, visiting(browser, size=DESKTOP) as visit:
        page = visit.page
        page.goto(f"http://127.0.0.1:{full.ports['metered']}{PAGE}")
        page.get_by_role("button", name="Добавить…").click()
        page.wait_for_function("window.tropaUploads")
        page.locator("input[name=repo_upload_file]").set_input_files(plan)
        page.get_by_role("button", name="Загрузить этот файл").click()
        assert heard(page) == [f"{plan.name} id 712"]
        dropped(page, plan)
        page.locator("#said li").nth(1).wait_for()
    form, script = manager.sent[before:]
    assert form.fields == FIELDS and (form.filename, form.content) == (plan.name, plan.read_bytes())
    assert script.content == form.content


def in_hand(page: Page, path: Path) -> None:
    """The file as a script of the page's holds it."""
    page.get_by_role("button", name="Добавить…").click()
    page.wait_for_function("window.tropaUploads")
    page.locator("input[name=repo_upload_file]").set_input_files(path)
    page.evaluate("window.file = document.querySelector('input[name=repo_upload_file]').files[0], 0")
