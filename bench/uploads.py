"""Twelve photographs sent directly and through Tropa, in bytes on the learner's link; CPU for a megabyte in pieces."""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from base64 import b64encode
from http.client import HTTPConnection
from pathlib import Path

import psutil
from playwright.sync_api import Browser

from bench.suite import Report, Table, Target
from proxy.demo.course import USERS
from tests.e2e.harness.browser import CHROMIUM, PHONE, chromium, visiting
from tests.e2e.harness.course import course_dir, running_course
from tests.e2e.harness.cuts import link_to
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process

METHOD = (
    "method: the sample course's photographs as a phone takes them, chosen one after the other in its assignment by a "
    "Chromium;\nbytes that the learner's side sends on its link from the first choice to the course's last word. CPU: "
    "Tropa's process and its children, for pieces of 1 MB each (CRC-32, fdatasync) and the form to a course in the "
    "same machine."
)
ASSIGNMENT = "/mod/assign/view.php?id=181"
FORUM = "/mod/forum/discuss.php?d=11"
DRAFT = "/repository/repository_ajax.php?action=upload"
HER = USERS["teacher1"]
_GOAL_BYTES_A_PHOTO = 750_000  # 9 MB for twelve


def run(*, quick: bool) -> Report:
    """Twelve photographs (quick: four); 1 GB of pieces (quick: 32 MB)."""
    count, megabytes = (4, 32) if quick else (12, 1000)
    if CHROMIUM is None:
        return Report(suite="uploads", method=METHOD, left_out=("photographs: no Chromium on this machine",))
    with tempfile.TemporaryDirectory() as name, running_course() as course:
        folder = Path(name)
        photos = _photos(folder, count)
        files = sum(photo.stat().st_size for photo in photos)
        places = {"metered": METERED}
        with tropa_process(Regions(course_port=course.port, places=places), folder / "tropa", forked=False) as tropa:
            with chromium() as browser:
                directly = _sent(browser, course.port, photos, choice=None)
                whole = _sent(browser, tropa.ports["metered"], photos, choice="Отправить как есть")
                smaller = _sent(browser, tropa.ports["metered"], photos, choice="Отправить меньше")
            before_bytes = _rss_bytes(tropa)
            pieces_s, form_s = _cpu(tropa, megabytes)
            grown_bytes = _rss_bytes(tropa) - before_bytes
    rows = (
        ("directly", files / 1e6, directly / 1e6, 100.0),
        ("through Tropa, as they are", files / 1e6, whole / 1e6, 100 * whole / directly),
        ("through Tropa, smaller", files / 1e6, smaller / 1e6, 100 * smaller / directly),
    )
    cost = (("pieces in", 1000 * pieces_s / megabytes), ("the form out", 1000 * form_s / megabytes))
    return Report(
        suite="uploads",
        method=METHOD,
        tables=(
            Table(title=f"{count} photographs", head=("way", "files MB", "sent MB", "%"), rows=rows),
            Table(title=f"{megabytes} MB in pieces", head=("part", "CPU ms/MB"), rows=cost),
        ),
        targets=(
            Target("kB sent for a photograph", smaller / count / 1e3, _GOAL_BYTES_A_PHOTO / 1e3),
            Target(f"MB that Tropa has grown by after {megabytes} MB", grown_bytes / 1e6, 16),
        ),
    )


def _photos(folder: Path, count: int) -> list[Path]:
    """Copies under names of a phone's; the course's own, the largest first, again where it has fewer."""
    own = sorted((course_dir() / "photos").glob("*.jpg"), key=lambda path: -path.stat().st_size)
    found = []
    for number in range(count):
        path = folder / f"IMG_20261112_{101500 + number}.jpg"
        shutil.copyfile(own[number % len(own)], path)
        found.append(path)
    return found


def _sent(browser: Browser, port: int, photos: list[Path], *, choice: str | None) -> int:
    with link_to(port) as link, visiting(browser, size=PHONE) as visit:
        base = f"http://127.0.0.1:{link.port}"
        visit.log_in(base, HER.login, HER.password)
        visit.page.goto(base + ASSIGNMENT)
        if choice is not None:
            visit.page.wait_for_function("window.tropaUploads")
        before = link.up_bytes
        for number, photo in enumerate(photos):
            visit.page.locator("#id_files").set_input_files(photo)
            if choice is not None:
                visit.page.get_by_role("button", name=choice).click()
            visit.page.get_by_text("загружен").nth(number).wait_for()
        return link.up_bytes - before


def _cpu(tropa: TropaProcess, megabytes: int) -> tuple[float, float]:
    """CPU seconds for the pieces, and for the form."""
    port = tropa.ports["metered"]
    with chromium() as browser, visiting(browser) as visit:
        base = f"http://127.0.0.1:{port}"
        visit.log_in(base, HER.login, HER.password)
        visit.page.goto(base + FORUM)
        told = visit.page.evaluate("Object.assign({}, document.getElementById('tropa-page').dataset)")
        cookies = "; ".join(f"{one['name']}={one['value']}" for one in visit.page.context.cookies())
    wire = HTTPConnection("127.0.0.1", port)
    length = megabytes * 1_000_000
    address = _created(wire, cookies, told["uploadToken"], length)
    started_s = _cpu_s(tropa)
    _pieces(wire, cookies, address, megabytes)
    pieces_s = _cpu_s(tropa) - started_s
    _handed_over(wire, cookies, address, length)
    return pieces_s, _cpu_s(tropa) - started_s - pieces_s


def _created(wire: HTTPConnection, cookies: str, token: str, length: int) -> str:
    heads = {
        "Cookie": cookies,
        "Tus-Resumable": "1.0.0",
        "Tropa-Token": token,
        "Upload-Length": str(length),
        "Upload-Metadata": f"target {b64encode(DRAFT.encode()).decode()},fingerprint QQ==",
    }
    wire.request("POST", "/.tropa/uploads", headers=heads)
    answer = wire.getresponse()
    answer.read()
    return str(answer.headers["Location"])


def _pieces(wire: HTTPConnection, cookies: str, address: str, megabytes: int) -> None:
    piece = os.urandom(1_000_000)
    digest = b64encode(zlib.crc32(piece).to_bytes(4, "big")).decode()
    heads = {
        "Cookie": cookies,
        "Tus-Resumable": "1.0.0",
        "Content-Type": "application/offset+octet-stream",
        "Upload-Checksum": f"crc32 {digest}",
    }
    for number in range(megabytes):
        wire.request("PATCH", address, body=piece, headers={**heads, "Upload-Offset": str(number * len(piece))})
        wire.getresponse().read()


def _handed_over(wire: HTTPConnection, cookies: str, address: str, length: int) -> None:
    head = '--x\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n'
    heads = {
        "Cookie": cookies,
        "Content-Type": "multipart/form-data; boundary=x",
        "Tropa-Upload": f"send {address.rpartition('/')[2]} 1 script",
    }
    wire.request("POST", DRAFT, body=f"{head}tropa-piece:0-{length}\r\n--x--\r\n".encode(), headers=heads)
    wire.getresponse().read()
    state = b'"sending"'
    while b'"sending"' in state:
        wire.request("GET", address, headers={"Cookie": cookies, "Prefer": "wait=20"})
        state = wire.getresponse().read()


def _cpu_s(tropa: TropaProcess) -> float:
    process = psutil.Process(tropa.process.pid)
    return sum(one.cpu_times().user + one.cpu_times().system for one in (process, *process.children(recursive=True)))


def _rss_bytes(tropa: TropaProcess) -> int:
    return int(psutil.Process(tropa.process.pid).memory_info().rss)
