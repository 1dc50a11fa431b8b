"""Sites that are down, lie, stall or attack; a full disk; a killed worker: a clear answer, and life goes on."""

from __future__ import annotations

import functools
import gzip
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import brotli
import psutil
import pytest
import trustme
import zstandard

from proxy.demo.course import USERS, RunningCourse
from tests.e2e.harness.origins import Given, Origin, origin
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import free_port, until
from tests.e2e.harness.wire import Connection, Learner, Reply, ask
from tests.media_samples import kept
from tests.pictures import gif_bomb, photo, png_bomb, saved

QUICK = {"connect": "2 s", "tls": "2 s", "response_head": "2 s", "upstream_idle": "2 s"}
HTML = ("Content-Type", "text/html; charset=utf-8")
CODINGS = ("gzip", "br", "zstd")


def _bomb(coding: str) -> bytes:
    """Three hundred megabytes in a few kilobytes."""
    zeros = b"<p>" + bytes(300_000_000)
    if coding == "gzip":
        return gzip.compress(zeros, 9)
    return brotli.compress(zeros, quality=5) if coding == "br" else zstandard.compress(zeros, 3)


def bomb(coding: str) -> Given:
    body = kept(f"page-bomb.{coding}", lambda path: path.write_bytes(_bomb(coding))).read_bytes()
    return Given(headers=[HTML, ("Content-Encoding", coding)], body=body)


PHOTO = saved(photo(1200, 900, seed=5))


FILM = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(500_000)
PAGE = b"<!doctype html><html><body><p>words</p>" + b"".join(f"<img src=/photo/{n}.jpg>".encode() for n in range(8))


RAW: dict[str, bytes] = {
    # more is promised than sent
    "short": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9999\r\n\r\n<p>half",
    "short-picture": b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b"
    % (len(PHOTO), PHOTO[: len(PHOTO) // 2]),
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "nonsense": b"220 smtp.example ready\r\n",
    "hang-up": b"",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\nabc",
    "mute": b"",
    "stall": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\n<p>begun",
}
SILENT_S = {"mute": 4.0, "stall": 4.0}  # longer than Tropa waits here
ANSWERS: dict[str, Given] = {
    "not-gzip": Given(headers=[HTML, ("Content-Encoding", "gzip")], body=b"<p>plain words</p>"),
    "picture-bomb": Given(headers=[("Content-Type", "image/png")], body=png_bomb()),
    "gif-bomb": Given(headers=[("Content-Type", "image/gif")], body=gif_bomb()),
    "not-a-picture": Given(headers=[("Content-Type", "image/png")], body=b"<p>no picture at all</p>" * 900),
    "photo": Given(headers=[("Content-Type", "image/jpeg"), ("Cache-Control", "no-store")], body=PHOTO),
    "film": Given(headers=[("Content-Type", "text/plain")], body=FILM),  # a film under another name
    "page": Given(headers=[HTML], body=PAGE),
}
FINE = Given(headers=[HTML], body=b"<!doctype html><p>fine</p>")


def _mischief(answers: Mapping[str, Given], asked: BaseHTTPRequestHandler, body: bytes) -> Given | None:
    """What the first part of the path asks for."""
    kind = asked.path.split("/")[1]
    if kind not in RAW:
        return answers.get(kind, FINE)
    asked.wfile.write(RAW[kind])
    asked.wfile.flush()
    time.sleep(SILENT_S.get(kind, 0))
    asked.connection.close()
    return None


@pytest.fixture(scope="module")
def site() -> Iterator[Origin]:
    bombs = {f"bomb-{coding}": bomb(coding) for coding in CODINGS}
    with origin(functools.partial(_mischief, {**ANSWERS, **bombs})) as running:
        yield running


@pytest.fixture(scope="module")
def tropa(site: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TropaProcess]:
    regions = Regions(
        course_port=site.port, places={"metered": METERED}, forward="metered", settings={"timeouts": QUICK}
    )
    with tropa_process(regions, tmp_path_factory.mktemp("trouble"), forked=False) as running:
        yield running
        assert running.alive
        assert ask(running.ports["metered"], "/").status == 200
        assert "Traceback" not in running.said()


def _page(tropa: TropaProcess, target: str, language: str = "ru", **headers: str) -> Reply:
    return Learner(tropa.ports["metered"]).ask(target, Accept_Language=language, **headers)


UNANSWERABLE = {
    "chunks": 502, "nonsense": 502, "hang-up": 502, "two-lengths": 502, "mute": 504,
}  # fmt: skip


@pytest.mark.parametrize("kind", UNANSWERABLE)
def test_a_site_that_talks_nonsense_is_explained_in_the_learners_language(tropa: TropaProcess, kind: str) -> None:
    target = f"/{kind}/page"
    for language, words in (("ru", "Вы ничего не сломали"), ("en", "ou broke nothing")):
        reply = _page(tropa, target, language)
        if kind == "chunks" and reply.status == 200:  # its head was sound and is on the wire
            assert not reply.whole
            continue
        assert reply.status == UNANSWERABLE[kind]
        assert words in reply.text, reply.text[-900:]
        assert "+7 000 000-00-00" in reply.text
        assert reply.get("Cache-Control") == "no-store"
    assert tropa.logged(url=target)["error"]


def test_a_program_is_told_of_trouble_in_its_own_form(tropa: TropaProcess) -> None:
    reply = _page(tropa, "/hang-up/api", Accept="application/json", Sec_Fetch_Dest="empty")
    assert reply.status == 502
    assert reply.get("Content-Type") == "application/problem+json"
    assert reply.json["support_code"]


@pytest.mark.parametrize("kind", ["short", "stall", "short-picture"])
def test_a_body_that_ends_too_soon_never_looks_whole(tropa: TropaProcess, kind: str) -> None:
    reply = _page(tropa, f"/{kind}/x", Accept="image/webp" if "picture" in kind else "text/html")
    assert reply.status >= 500 or not reply.whole


@pytest.mark.parametrize("coding", CODINGS)
def test_a_page_that_unpacks_without_end_costs_neither_memory_nor_the_process(tropa: TropaProcess, coding: str) -> None:
    process = psutil.Process(tropa.process.pid)
    before = process.memory_info().rss
    reply = _page(tropa, f"/bomb-{coding}/x", Accept_Encoding="gzip, br, zstd")
    assert reply.status in (200, 502)
    assert process.memory_info().rss - before < 120_000_000
    assert ask(tropa.ports["metered"], "/").status == 200


@pytest.mark.parametrize("kind", ["picture-bomb", "gif-bomb", "not-a-picture"])
def test_a_picture_that_is_none_passes_unharmed_or_becomes_a_stand_in(tropa: TropaProcess, kind: str) -> None:
    reply = _page(tropa, f"/{kind}/x.png", Accept="image/avif,image/webp,*/*", Sec_Fetch_Dest="image")
    assert (reply.status == 200 and reply.body == ANSWERS[kind].body) or reply.status == 403
    assert tropa.alive


def test_a_page_that_only_says_it_is_packed_reaches_the_learner_as_it_came(tropa: TropaProcess) -> None:
    reply = _page(tropa, "/not-gzip/x", Accept_Encoding="gzip")
    assert reply.status in (200, 502)
    if reply.status == 200:
        assert reply.body == b"<p>plain words</p>"


def test_a_film_under_another_name_is_withheld_all_the_same(tropa: TropaProcess) -> None:
    reply = _page(tropa, "/film/notes.txt")
    assert reply.status == 403
    assert FILM[:100] not in reply.body


def test_a_learner_who_leaves_in_mid_body_leaves_no_traceback(tropa: TropaProcess) -> None:
    for _ in range(20):
        with Connection(tropa.ports["metered"]) as connection:
            connection.send("GET", "/photo/1.jpg", [("Host", "localhost")])
    assert ask(tropa.ports["metered"], "/").status == 200
    assert "Traceback" not in tropa.said()


def test_a_killed_worker_costs_no_picture_and_no_page(tropa: TropaProcess) -> None:
    learner = Learner(tropa.ports["metered"])
    assert _is_whole(learner.ask("/photo/warm-up.jpg", Accept="image/webp,*/*"))
    killed = _kill_workers(tropa)
    assert killed > 0
    page = learner.ask("/page/x")
    assert page.status == 200
    assert page.text.count("<img") == 8
    for number in range(8):
        assert _is_whole(learner.ask(f"/photo/{number}.jpg", Accept="image/webp,*/*", Sec_Fetch_Dest="image"))
        if number == 3:
            _kill_workers(tropa)
    smaller = until(lambda: _smaller(learner.ask("/photo/after.jpg", Accept="image/webp,*/*")), what="a new worker")
    assert smaller.get("Content-Type") == "image/webp"


def _kill_workers(tropa: TropaProcess) -> int:
    children = psutil.Process(tropa.process.pid).children(recursive=True)
    for child in children:
        child.send_signal(signal.SIGKILL)
    return len(children)


def _is_whole(reply: Reply) -> bool:
    return reply.status == 200 and reply.whole and reply.body[:4] in (b"RIFF", PHOTO[:4])


def _smaller(reply: Reply) -> Reply | None:
    return reply if len(reply.body) < len(PHOTO) else None


# -- sites that can't be reached ----------------------------------------------------------------------------------


def _expired(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    past = datetime.now(UTC) - timedelta(days=2)
    authority.issue_cert("127.0.0.1", not_after=past).configure_cert(context)
    return context


def _stranger(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.parametrize("certificate", [_expired, _stranger])
def test_a_certificate_that_proves_nothing_is_explained_and_nothing_is_sent(
    certificate: Callable[[trustme.CA], ssl.SSLContext], folder: Path
) -> None:
    authority = trustme.CA()
    folder.mkdir()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    with origin(functools.partial(_mischief, ANSWERS), tls=certificate(authority)) as site:
        rules = {"upstream": f"https://127.0.0.1:{site.port}", "ca_file": "ca.pem", "preset": ["web"]}
        regions = Regions(course_port=site.port, places={"metered": METERED}, course=rules)
        with tropa_process(regions, folder) as tropa:
            reply = Learner(tropa.ports["metered"]).ask("/page/x")
            assert reply.status == 502
            assert "Вы ничего не сломали" in reply.text
            assert tropa.logged(url="/page/x")["error"] == "upstream-certificate"
            assert site.journal == []


@pytest.mark.parametrize(
    ("upstream", "error"),
    [("http://127.0.0.1:{port}", "upstream-unreachable"), ("http://no-such-host.invalid", "upstream-name")],
    ids=["down", "no-such-name"],
)
def test_a_site_that_is_down_or_has_no_address_is_explained(folder: Path, upstream: str, error: str) -> None:
    port = free_port()
    rules = {"upstream": upstream.format(port=port), "preset": ["web"]}
    regions = Regions(course_port=port, places={"metered": METERED}, course=rules)
    with tropa_process(regions, folder) as tropa:
        reply = Learner(tropa.ports["metered"]).ask("/page/x")
        assert reply.status == 502
        assert "Вы ничего не сломали" in reply.text
        assert int(reply.get("Retry-After")) > 0
        assert tropa.logged(url="/page/x")["error"] == error
        assert tropa.alive


# -- the app --------------------------------------------------------------------------------------------------------


def test_an_app_gets_its_own_errors_and_never_a_page(course: RunningCourse, folder: Path) -> None:
    shut = {"when": [{"days": "daily", "from": "00:00", "to": "24:00", "dates": "2020-01-01..2020-01-02"}]}
    rules = [
        {"path": "/webservice/rest/server.php", "class": "consultation", "query": {"wsfunction": "mod_chat_login"}}
    ]
    place = {**METERED, "consultations": shut, "policy": {"extends": "satellite-metered", "video": "card"}}
    regions = Regions(course_port=course.port, places={"metered": place}, course={"rules": rules})
    with tropa_process(regions, folder) as tropa:
        app = Learner(tropa.ports["metered"], headers={"User-Agent": "MoodleMobile 4.5"})
        user = USERS["teacher1"]
        reply = app.post("/login/token.php", {"username": user.login, "password": user.password, "service": "x"})
        token = reply.json["token"]
        refused = app.post("/webservice/rest/server.php?wsfunction=mod_chat_login", {"wstoken": token})
        assert refused.get("Content-Type").startswith("application/json")
        assert {"exception", "errorcode", "message"} <= set(refused.json)
        film = app.ask(f"/tokenpluginfile.php/{token}/1151/mod_page/content/3/lekciya.mp4")
        assert film.status == 403
        assert "html" not in film.get("Content-Type")
        assert b"<" not in film.body[:20]
        listed = app.post(
            "/webservice/rest/server.php?wsfunction=core_course_get_contents",
            {"wstoken": token, "wsfunction": "core_course_get_contents", "courseid": "2"},
        )
        assert listed.status == 200
        assert len(listed.json) >= 12


# -- a full disk -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Three megabytes of disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("a disk of one's own needs root")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tropa-test", folder], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("this machine doesn't let a test mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


@pytest.mark.namespace
def test_pages_are_served_from_a_machine_whose_disk_is_full(
    course: RunningCourse, small_disk: Path, folder: Path
) -> None:
    regions = Regions(course_port=course.port, places={"metered": METERED})
    with tropa_process(regions, folder, state_dir=small_disk / "state") as tropa:
        learner = Learner(tropa.ports["metered"])
        learner.log_in(USERS["teacher1"].login, USERS["teacher1"].password)
        with (small_disk / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                pass
        for _ in range(3):
            for number in (121, 131, 151):
                page = learner.ask(f"/mod/page/view.php?id={number}")
                assert page.status == 200
                assert page.whole
        html = learner.ask("/mod/page/view.php?id=131").text
        pictures = [part.split('"')[0] for part in html.split('src="')[1:] if ".jpg" in part.split('"')[0]]
        for picture in pictures[:4]:
            got = learner.ask("/" + picture.split("/", 3)[3] if "://" in picture else picture, Accept="image/webp,*/*")
            assert got.status == 200
            assert got.whole
        until(lambda: "space" in tropa.said() or "full" in tropa.said(), what="a line for IT staff")
        assert tropa.alive
