"""The explicit proxy: its PAC file, tunnels that stay closed to us, and targets that nobody may reach through it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from playwright.sync_api import Browser

from proxy.demo.course import RunningCourse
from tests.e2e.harness.browser import visiting
from tests.e2e.harness.origins import Given, Origin, origin
from tests.e2e.harness.regions import METERED, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_at, tropa_process
from tests.e2e.harness.waiting import PATIENCE_S
from tests.e2e.harness.wire import Connection, ask

OPENS = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # 18:00 in Kamchatka
SECRET = b"<!doctype html><title>secret</title><video src=/film.mp4></video>" + b"s" * 2000


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secure(authority: trustme.CA) -> Iterator[Origin]:
    """An https site under the name localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with origin(lambda asked, body: Given(headers=[("Content-Type", "text/html")], body=SECRET), tls=context) as site:
        yield site


def _regions(course: RunningCourse, secure: Origin, **rules: object) -> Regions:
    meeting = {
        "title": "Meetings",
        "hosts": ["localhost"],
        "allow_private": True,
        "ports": [443, secure.port],
        **rules,
    }
    place = {**METERED, "consultations": {"when": [{"days": "daily", "from": "18:00", "to": "20:00"}]}}
    return Regions(
        course_port=course.port,
        places={"metered": place},
        forward="metered",
        origins={"meeting": meeting},
        course={"hosts": ["course.test"]},
    )


@pytest.fixture
def tropa(course: RunningCourse, secure: Origin, folder: Path) -> Iterator[TropaProcess]:
    with tropa_process(_regions(course, secure), folder) as running:
        yield running


def _connect(port: int, target: str) -> tuple[Connection, int, dict[str, str]]:
    connection = Connection(port)
    connection.send("CONNECT", target, [("Host", target)])
    status, headers = connection.read_head()
    return connection, status, {name.lower(): value for name, value in headers}


def test_a_tunnel_to_a_listed_site_passes_unread_and_is_metered(
    tropa: TropaProcess, secure: Origin, authority: trustme.CA
) -> None:
    target = f"localhost:{secure.port}"
    connection, status, _ = _connect(tropa.ports["forward"], target)
    assert status == 200
    context = ssl.create_default_context()
    authority.configure_trust(context)  # the site's own certificate comes through, nobody else's
    with context.wrap_socket(connection.socket, server_hostname="localhost") as tls:
        tls.sendall(f"GET /page HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n".encode())
        heard = b""
        while data := tls.recv(65536):
            heard += data
    assert heard.endswith(SECRET)
    line = tropa.logged(url=target, method="CONNECT")
    assert line["mode"] == "tunnel"
    assert line["bytes_to_learner"] > len(SECRET)
    assert "/page" not in str(tropa.log())


@pytest.mark.browser
def test_a_browser_reads_a_listed_https_site_through_the_proxy(
    tropa: TropaProcess, secure: Origin, browser: Browser
) -> None:
    proxy = {"server": f"http://127.0.0.1:{tropa.ports['forward']}", "bypass": "<-loopback>"}
    with visiting(browser, proxy=proxy, ignore_https_errors=True) as visit:
        visit.page.goto(f"https://localhost:{secure.port}/page")
        assert visit.page.title() == "secret"
        assert visit.page.locator("video").count() == 1


@pytest.mark.parametrize("minutes", [-30, 30], ids=["outside", "inside"])
def test_a_tunnel_to_a_consultation_is_open_in_its_hours_only(
    course: RunningCourse, secure: Origin, folder: Path, minutes: int
) -> None:
    regions = _regions(course, secure, rules=[{"path": "/", "class": "consultation"}])
    with tropa_at(OPENS + timedelta(minutes=minutes), regions, folder) as running:
        connection, status, headers = _connect(running.ports["forward"], f"localhost:{secure.port}")
        with connection:
            if minutes > 0:
                assert status == 200
            else:
                assert status == 503
                assert 1700 < int(headers["retry-after"]) < 2000


def test_a_tunnel_is_closed_at_its_consultations_end(course: RunningCourse, secure: Origin, folder: Path) -> None:
    regions = _regions(course, secure, rules=[{"path": "/", "class": "consultation"}])
    regions.places["metered"]["consultations"]["close_grace"] = "1 s"
    with tropa_at(OPENS + timedelta(hours=2) - timedelta(seconds=1), regions, folder, held=True) as running:
        connection, status, _ = _connect(running.ports["forward"], f"localhost:{secure.port}")
        assert status == 200
        with connection:
            running.clock.let_go()
            connection.socket.settimeout(PATIENCE_S)
            assert _ended(connection)


def _ended(connection: Connection) -> bool:
    try:
        return connection.read() == b""
    except ConnectionError:
        return True


UNLISTED = (
    "169.254.169.254:80",
    "127.0.0.1:22",
    "127.0.0.1:80",
    "[::ffff:127.0.0.1]:80",
    "[::1]:443",
    "10.0.0.1:443",
    "100.64.0.1:443",
    "2130706433:80",
    "0x7f.1:80",
    "0.0.0.0:80",
)


@pytest.mark.parametrize("target", UNLISTED)
def test_addresses_of_the_house_and_the_clouds_are_refused(tropa: TropaProcess, target: str) -> None:
    connection, status, _ = _connect(tropa.ports["forward"], target)
    connection.close()
    assert status in (400, 403)
    plain = ask(tropa.ports["forward"], f"http://{target}/", host=target)
    assert plain.status in (400, 403)


def test_a_name_that_leads_to_the_house_is_refused_too(tropa: TropaProcess) -> None:
    name = socket.gethostname()  # Debian and its likes resolve it to an address of this machine
    reply = ask(tropa.ports["forward"], f"http://{name}/", host=name)
    assert reply.status in (403, 502)


def test_ports_that_no_origin_lists_are_refused(tropa: TropaProcess, secure: Origin) -> None:
    for port in (22, 25, tropa.ports["forward"], tropa.ports["metered"]):
        connection, status, _ = _connect(tropa.ports["forward"], f"localhost:{port}")
        connection.close()
        assert status == 403, port


def test_the_proxy_settings_send_only_course_hosts_through_it(tropa: TropaProcess) -> None:
    port = tropa.ports["forward"]
    reply = ask(port, "/proxy.pac", host=f"127.0.0.1:{port}")
    assert reply.status == 200
    assert reply.get("Content-Type").startswith("application/x-ns-proxy-autoconfig")
    assert "FindProxyForURL" in reply.text
    assert "course.test" in reply.text
    assert f"PROXY 127.0.0.1:{port}; DIRECT" in reply.text


def test_a_stranger_may_not_use_it(course: RunningCourse, secure: Origin, folder: Path) -> None:
    regions = _regions(course, secure)
    regions.clients = ("10.41.0.0/16",)
    with tropa_process(regions, folder) as tropa, Connection(tropa.ports["forward"]) as connection:
        connection.send("GET", "http://course.test/", [("Host", "course.test")])
        assert _turned_away(connection)


def _turned_away(connection: Connection) -> bool:
    try:
        return connection.reply().status == 403
    except (EOFError, ConnectionError):
        return True
