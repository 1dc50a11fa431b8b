"""The reserved path as a browser and a stranger meet it."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from aiohttp import web

from proxy.clock import OffsetClock
from proxy.pages import static_href
from tests.serving import NOON, Reply, Served, served

BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document", "Accept-Language": "ru"}
MORE = """
  chukotka:
    title: {ru: Чукотка, en: Chukotka}
    timezone: Asia/Anadyr
    selectable: true
    policy: text-first
"""
ACTIONS = ("original", "report", "place", "language")


async def origin(request: web.Request) -> web.Response:
    return web.Response(
        text='<!DOCTYPE html><html><head><title>x</title></head><body><video src="/film.mp4"></video></body></html>',
        content_type="text/html",
    )


def cookie_of(reply: Reply) -> str:
    return reply.headers["Set-Cookie"].partition(";")[0]


async def place_page(there: Served, cookie: str = "") -> str:
    headers = BROWSER | {"Cookie": cookie} | {"Referer": there.base_url + "/course"}
    return (await there.get("/.tropa/", headers=headers)).body.decode()


def token_for(action: str, page: str) -> str:
    form = re.search(rf'action="/\.tropa/{action}".*?name="token" value="([^"]+)"', page, re.DOTALL)
    assert form is not None, page
    return form[1]


async def test_it_is_never_asked_of_the_origin(tmp_path: Path) -> None:
    async def nobody(request: web.Request) -> web.Response:
        raise AssertionError(request.path)

    async with served(tmp_path, nobody) as there:
        for path in ("/.tropa/", "/.tropa/health", "/.tropa/nothing", "/.tropa/original"):
            for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
                reply = await there.get(path, method)
                assert reply.status in (200, 404, 405, 409), (method, path, reply.status)
                assert reply.headers["Cache-Control"] == "no-store"


async def test_health_is_a_line_that_a_front_can_read(tmp_path: Path) -> None:
    async with served(tmp_path, origin) as there:
        reply = await there.get("/.tropa/health")
    assert (reply.status, reply.body) == (200, b"ok\n")


async def test_wrong_methods_say_which_are_right(tmp_path: Path) -> None:
    async with served(tmp_path, origin) as there:
        put = await there.get("/.tropa/original", "PUT", data=b"x")
        posted = await there.get("/.tropa/health", "POST", data=b"x")
    assert (put.status, put.headers["Allow"]) == (405, "POST")
    assert (posted.status, posted.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("path", "method"), [("/.tropa/nothing", "GET"), ("/.tropa/original", "GET"), ("/.tropa/mine", "PUT")]
)
async def test_who_opens_what_isnt_there_reads_so_and_is_led_home(tmp_path: Path, path: str, method: str) -> None:
    async with served(tmp_path, origin) as there:
        opened = await there.get(path, method, headers=BROWSER)
        part = await there.get(path, method, headers=BROWSER | {"Sec-Fetch-Dest": "image"})
    assert opened.status == part.status == (404 if method == "GET" else 405)
    assert 'href="/"' in opened.body.decode() and opened.headers["Content-Security-Policy"]
    assert opened.headers.get("Allow") == part.headers.get("Allow")
    assert part.body == b"", "nobody reads a picture's error"


async def test_static_files_stay_with_the_browser_and_are_confirmed_without_a_body(tmp_path: Path) -> None:
    async with served(tmp_path, origin) as there:
        for name in ("tropa.css", "gate.js", "tropa.svg"):
            first = await there.get(static_href(name), headers={"Accept-Encoding": "br"})
            head = first.headers
            assert first.status == 200 and "immutable" in head["Cache-Control"]
            again = await there.get(static_href(name), headers={"If-None-Match": head["ETag"]})
            assert (again.status, again.body, again.headers["ETag"]) == (304, b"", head["ETag"])
        assert (await there.get("/.tropa/static/../routes.py")).status == 404
        assert (await there.get("/.tropa/static/")).status == 404


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_token_that_is_a_strangers_an_old_one_or_invented_changes_nothing(tmp_path: Path, action: str) -> None:
    async with served(tmp_path, origin, more=MORE) as there:
        hers = cookie_of(await there.get("/course", headers=BROWSER))
        page = await place_page(there, hers) if action != "original" else ""
        if action == "original":
            html = (await there.get("/course", headers=BROWSER | {"Cookie": hers})).body.decode()
            found = re.search(r'formaction="/\.tropa/original"[^>]*value="([^"]+)"', html)
            assert found is not None
            token = found[1]
        else:
            token = token_for(action, page)
        fields = {"place": "chukotka", "language": "en"}
        tokens = {"a stranger's": (token, ""), "invented": ("x" * 80, hers), "none": ("", hers)}
        tokens["another action's"] = (
            token_for("language" if action != "language" else "place", await place_page(there, hers)),
            hers,
        )
        for what, (sent, cookie) in tokens.items():
            reply = await there.get(
                f"/.tropa/{action}", "POST", data={"token": sent} | fields, headers=BROWSER | {"Cookie": cookie}
            )
            assert reply.status == 409, what
            kept = reply.headers.get("Set-Cookie", "")
            assert "chukotka" not in kept


class Moved:
    """The machine's clock, moved while something runs."""

    def __init__(self) -> None:
        self._clock, self.by = OffsetClock(NOON), timedelta(0)

    def now(self):
        return self._clock.now() + self.by

    def steady_s(self) -> float:
        return self._clock.steady_s()


async def test_a_token_lives_a_day(tmp_path: Path) -> None:
    clock = Moved()
    async with served(tmp_path, origin, clock=clock) as there:
        hers = cookie_of(await there.get("/course", headers=BROWSER))
        token = token_for("language", await place_page(there, hers))
        form = {"token": token, "language": "en"}
        clock.by = timedelta(hours=23, minutes=59)
        fresh = await there.get("/.tropa/language", "POST", data=form, headers={"Cookie": hers})
        clock.by = timedelta(hours=24, minutes=1)
        old = await there.get("/.tropa/language", "POST", data=form, headers={"Cookie": hers})
    assert (fresh.status, old.status) == (303, 409)


async def test_a_chosen_language_is_kept_in_the_browser_and_holds_from_then_on(tmp_path: Path) -> None:
    async with served(tmp_path, origin) as there:
        hers = cookie_of(await there.get("/course", headers=BROWSER))
        token = token_for("language", await place_page(there, hers))
        done = await there.get(
            "/.tropa/language", "POST", data={"token": token, "language": "en"}, headers={"Cookie": hers}
        )
        assert (done.status, done.headers["Location"]) == (303, "/.tropa/")
        assert 'lang="en"' in await place_page(there, cookie_of(done))
        odd = await there.get(
            "/.tropa/language", "POST", data={"token": token, "language": "xx"}, headers={"Cookie": hers}
        )
        assert odd.status == 409


async def test_a_chosen_place_brings_its_own_policy_and_only_selectable_ones_can_be_chosen(tmp_path: Path) -> None:
    async with served(tmp_path, origin, more=MORE) as there:
        hers = cookie_of(await there.get("/course", headers=BROWSER))
        token = token_for("place", await place_page(there, hers))
        done = await there.get(
            "/.tropa/place", "POST", data={"token": token, "place": "chukotka"}, headers={"Cookie": hers}
        )
        assert done.status == 303
        page = await there.get("/course", headers=BROWSER | {"Cookie": cookie_of(done)})
        assert 'region="chukotka"' in page.headers["Tropa-Decision"]
        for place in ("koryak", "nowhere", "chukotka/school", quote("чукотка")):
            refused = await there.get(
                "/.tropa/place", "POST", data={"token": token, "place": place}, headers={"Cookie": hers}
            )
            assert refused.status == 409, place


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"token=" + b"x" * 20_000, "form-too-large"),
        (b"&".join(b"f%d=1" % n for n in range(50)), "form-malformed"),
    ],
)
async def test_a_form_that_no_page_of_ours_sends_is_refused(tmp_path: Path, body: bytes, why: str) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Dest": "empty"}
    async with served(tmp_path, origin) as there:
        reply = await there.get("/.tropa/place", "POST", data=body, headers=kind)
        assert (await there.get("/.tropa/health")).status == 200
    assert reply.status == 400 and why in reply.body.decode()


async def test_a_form_that_is_no_text_opens_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, origin) as there:
        reply = await there.get("/.tropa/place", "POST", data=bytes(range(256)), headers=BROWSER)
    assert reply.status == 409


async def test_a_calendar_entry_needs_its_own_token(tmp_path: Path) -> None:
    async with served(tmp_path, origin) as there:
        gate = (await there.get("/mod/chat/view.php?id=1", headers=BROWSER)).body.decode()
        href = re.search(r'href="(/\.tropa/opens/[^"]+\.ics)"', gate)
        assert href is not None
        entry = await there.get(href[1])
        assert entry.status == 200 and b"BEGIN:VEVENT" in entry.body
        assert "attachment" in entry.headers["Content-Disposition"]
        assert (await there.get("/.tropa/opens/x.ics")).status == 404
        assert (await there.get(href[1].replace(".ics", "x.ics"))).status == 404


async def test_where_she_came_from_is_only_ever_a_page_of_the_same_site(tmp_path: Path) -> None:
    async with served(tmp_path, origin) as there:
        for referer in ("https://evil.example/x", there.base_url + ".evil.example/", there.base_url + "/.tropa/", ""):
            page = (await there.get("/.tropa/", headers=BROWSER | {"Referer": referer})).body.decode()
            assert "/.tropa/report" not in page and "evil" not in page


async def test_what_a_reporter_types_is_one_line_of_plain_signs_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path, origin) as there:
        cookie = cookie_of(await there.get("/.tropa/", headers=BROWSER))
        token = token_for("report", await place_page(there, cookie))
        typed = {"token": token, "what": "\x1b]0;owned\x07\r\n2026-01-01 ERROR \x9b31mforged\u202e"}
        headers = BROWSER | {"Cookie": cookie}
        assert (await there.get("/.tropa/report", "POST", data=typed, headers=headers)).status == 200
    (said,) = [record.getMessage() for record in caplog.records if "reported as broken" in record.getMessage()]
    assert said.isprintable() and said.endswith(": ]0;owned 2026-01-01 ERROR 31mforged")


@pytest.mark.parametrize("path", ["", "mine", "outbox", "deferred", "night", "nothing-here", "static/x.css", "health"])
async def test_no_other_site_lays_its_page_over_her_own(tmp_path: Path, path: str) -> None:
    async with served(tmp_path, origin) as there:
        reply = await there.get(f"/.tropa/{path}", headers=BROWSER)
    framed = "frame-ancestors 'self'" not in ", ".join(reply.headers.getall("Content-Security-Policy", ()))
    assert framed is (path in ("nothing-here", "static/x.css", "health"))
    assert framed is ("X-Frame-Options" not in reply.headers)


async def test_pages_of_ours_let_nothing_of_the_courses_in(tmp_path: Path) -> None:
    async with served(tmp_path, origin) as there:
        reply = await there.get("/.tropa/", headers=BROWSER)
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy


# -- an explicit proxy ---------------------------------------------------------------------------------------------

FORWARD = ', proxy: {mode: forward, listen: "127.0.0.1:0"}'


async def test_an_explicit_proxy_hands_out_its_configuration(tmp_path: Path) -> None:
    async with served(tmp_path, origin, listeners=FORWARD) as there:
        port = there.tropa.ports["proxy"]
        for path in ("/proxy.pac", "/wpad.dat"):
            async with there.session.get(f"http://127.0.0.1:{port}{path}") as reply:
                text = await reply.text()
                assert reply.status == 200 and reply.headers["Cache-Control"] == "no-store"
                assert reply.headers["Content-Type"] == "application/x-ns-proxy-autoconfig"
            assert f"PROXY 127.0.0.1:{port}" in text and "FindProxyForURL" in text


async def test_the_configured_address_goes_before_the_one_that_was_used(tmp_path: Path) -> None:
    pac = "pac: {proxy_address: proxy.koryak.example:3128}"
    async with (
        served(tmp_path, origin, listeners=FORWARD, tropa=pac) as there,
        there.session.get(f"http://127.0.0.1:{there.tropa.ports['proxy']}/proxy.pac") as reply,
    ):
        assert "PROXY proxy.koryak.example:3128" in await reply.text()


async def test_a_sites_own_proxy_pac_is_the_sites(tmp_path: Path) -> None:
    async def own(request: web.Request) -> web.Response:
        return web.Response(text=f"the site's {request.path}")

    async with served(tmp_path, own, listeners=FORWARD, origin_keys="ports: [80, 1, 65535]") as there:
        assert (await there.get("/proxy.pac")).body == b"the site's /proxy.pac"
        assert (await there.get("/.tropa//proxy.pac")).status == 404


async def test_through_an_explicit_proxy_plain_sites_have_their_reserved_path(tmp_path: Path) -> None:
    async with served(tmp_path, origin, listeners=FORWARD) as there:
        proxy = f"http://127.0.0.1:{there.tropa.ports['proxy']}"
        async with there.session.get("http://127.0.0.1/.tropa/", proxy=proxy, headers=BROWSER) as reply:
            page = await reply.text()
        assert reply.status == 200 and "/.tropa/language" in page
        async with there.session.get("http://127.0.0.1/.tropa/health", proxy=proxy) as reply:
            assert await reply.text() == "ok\n"
        assert urlsplit(proxy).port
