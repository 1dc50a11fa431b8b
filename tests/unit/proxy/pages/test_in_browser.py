"""Cards and pages in a real Chromium: narrow, with large text, without styles, inside a page's own form."""

from urllib.parse import parse_qs

import pytest

from proxy.pages import card, gate_page, head_link, page_bar, static_file
from proxy.pages.full import PAGE_CSP
from proxy.pages.gallery import CLOSED, SAVINGS, VIDEO, context_in, course_page, pages
from tests.e2e.harness.browser import CHROMIUM
from tests.page_server import QuietHandler, page_server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def site():
    """A site of fixed pages under Tropa's content policy; posts are noted."""
    bodies: dict[str, bytes] = {}
    posts: list[tuple[str, dict[str, list[str]]]] = []

    class Handler(QuietHandler):
        def do_GET(self):
            path = self.path.partition("?")[0]
            found = static_file(path.removeprefix("/.tropa/static/"))
            body, kind = (found[0], found[1]) if found else (bodies.get(path, b"gone"), "text/html; charset=utf-8")
            self._answer(body, kind)

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            posts.append((self.path, parse_qs(self.rfile.read(length).decode())))
            self._answer(b"<!doctype html><title>done</title>", "text/html")

        def _answer(self, body, kind):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            if self.path.startswith("/own/"):
                self.send_header("Content-Security-Policy", PAGE_CSP)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with page_server(Handler) as address:
        yield address, bodies, posts


def _everything(language):
    yield f"/course-{language}", course_page(language)
    for name, body in pages(language):
        yield f"/own/{name}-{language}", body


SCREENS = ((320, 100), (320, 200), (1280, 100))  # width in pixels, text in percent
LARGER = """percent => {
    document.getElementById('larger')?.remove();
    const style = document.createElement('style');
    style.id = 'larger';
    style.textContent = `html{font-size:${percent}%!important}`
        + `.tropa-card.tropa-card.tropa-card{font-size:${0.16 * percent}px!important}`;
    document.head.append(style);
    document.querySelectorAll('details').forEach(one => { one.open = true });
}"""


@pytest.mark.parametrize("language", ["ru", "en"])
def test_nothing_is_wider_than_the_screen(site, browser, language):
    base, bodies, _ = site
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    for path, body in _everything(language):
        bodies[path] = body
        page.goto(base + path)
        for width, percent in SCREENS:
            page.set_viewport_size({"width": width, "height": 640})
            page.evaluate(LARGER, percent)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width, percent)
    context.close()


def test_own_pages_break_no_rule_of_their_content_policy(site, browser):
    base, bodies, _ = site
    page = browser.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    for path, body in (*_everything("ru"), *_everything("en")):
        if path.startswith("/own/"):
            bodies[path] = body
            page.goto(base + path)
            assert page.evaluate("getComputedStyle(document.body).margin") in ("0px",), path
    assert complaints == []
    page.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_button_inside_a_courses_form_takes_the_original_and_not_the_form(site, browser, scripts):
    base, bodies, posts = site
    here = context_in("ru")
    form = b'<form id="answer" method="post" action="/post.php"><p><input name="text" value="draft">'
    body = b"<!doctype html><html><head>" + head_link() + b"</head><body>" + form + card(VIDEO, here)
    body += b'</p><input name="after" value="kept"></form>' + page_bar(here, SAVINGS) + b"</body></html>"
    bodies["/quiz"] = body
    posts.clear()
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(base + "/quiz")
    page.get_by_text("Другие возможности").click()
    page.get_by_role("button", name="Показать полностью").press("Enter")
    page.wait_for_url("**/.tropa/original")
    assert posts == [("/.tropa/original", {"token": [here.token("original", VIDEO.url)]})]
    context.close()


def test_the_courses_own_form_still_sends_all_its_fields_around_a_card(site, browser):
    base, bodies, posts = site
    here = context_in("ru")
    form = b'<form method="post" action="/post.php"><p><input name="text" value="draft">'
    body = b"<!doctype html><body>" + form + card(VIDEO, here) + b'</p><input name="after" value="kept">'
    bodies["/forum"] = body + b"<button>Send</button></form>" + page_bar(here, SAVINGS) + b"</body>"
    posts.clear()
    page = browser.new_page()
    page.goto(base + "/forum")
    page.locator("input[name=after]").press("Enter")
    page.wait_for_url("**/post.php")
    assert posts == [("/post.php", {"text": ["draft"], "after": ["kept"]})]
    page.close()


def test_loud_styles_of_a_course_do_not_reach_into_a_card(site, browser):
    base, bodies, _ = site
    bodies["/loud"] = course_page("ru")
    page = browser.new_page()
    page.goto(base + "/loud")
    style = page.evaluate(
        "(() => { const one = getComputedStyle(document.querySelector('.tropa-card')); const p ="
        " getComputedStyle(document.querySelector('.tropa-card p')); const b ="
        " getComputedStyle(document.querySelector('.tropa-card button'));"
        " return [one.paddingTop, one.textAlign, p.textIndent, b.textTransform] })()"
    )
    assert style == ["14px", "start", "0px", "none"]
    page.close()


def test_the_gate_opens_by_itself_after_its_jitter(site, browser):
    base, bodies, _ = site
    from dataclasses import replace
    from datetime import timedelta

    gate = context_in("ru", CLOSED, now=CLOSED.opens_at - timedelta(seconds=90))
    bodies["/own/gate"] = gate_page(replace(gate, language="ru"), retry_after_s=97, jitter_s=7)
    context = browser.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(base + "/own/gate")
    countdown = page.locator("#tropa-countdown")
    assert countdown.inner_text().replace("\u00a0", " ").startswith("До открытия 1 мин")
    bodies["/own/gate"] = b"<!doctype html><title>open</title>"
    page.clock.run_for(93_000)
    assert countdown.inner_text() == "Открываем"
    page.clock.run_for(10_000)
    page.wait_for_function("document.title === 'open'")
    context.close()
