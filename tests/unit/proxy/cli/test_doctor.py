"""What the doctor finds: on real sockets, real certificates and a real folder."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
import trustme

from policies.model import Catalogue, LearnerAddress, Limits, Listener, OwnStore, Settings, TrustedHeaders
from proxy.account.sqlite import FILE_NAME, SqliteState
from proxy.account.state import Mark, PutMark
from proxy.cli.checks.addresses import addresses
from proxy.cli.checks.finding import Finding, Level, Subject
from proxy.cli.checks.links import links
from proxy.cli.checks.machine import disk, ffmpeg, packages, pictures
from proxy.cli.checks.policy import policy
from proxy.cli.checks.ports import metrics_port, ports
from proxy.cli.checks.scripts import scripts
from proxy.cli.checks.upstreams import upstreams
from proxy.clock import Clock, SystemClock
from proxy.own.own_workers import OWN_WORKER
from proxy.transforms.media.tools import examined
from tests.builders import a_catalogue, a_territory, an_origin
from tests.clocks import HandClock
from tests.origins import answering, raw_origin
from tests.unit.proxy.cli.commands import NOON, REGIONS, regions_file, tropa
from tests.wire import FORWARD, LOOPBACK, catalogue_of, origin_of, wire

Check = Callable[[Subject], Iterable[Finding]]


def subject(catalogue: Catalogue | None = None, *, state: Path = Path("state"), clock: Clock | None = None) -> Subject:
    return Subject(
        regions_file=Path("regions.yaml"),
        state_dir=state,
        catalogue=catalogue or a_catalogue(),
        clock=clock or SystemClock(),
        deadline_s=3,
    )


async def found(check: Check, about: Subject) -> list[Finding]:
    return await asyncio.to_thread(lambda: list(check(about)))


def levels(findings: Iterable[Finding]) -> list[Level]:
    return [finding.level for finding in findings]


def listening(listener: Listener) -> Settings:
    return Settings(listeners=(listener,))


# -- ports -----------------------------------------------------------------------------------------------------


def test_a_port_that_nobody_has_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    listener = Listener(name="site", mode="reverse", host="127.0.0.1", port=port)
    (finding,) = ports(subject(a_catalogue(settings=listening(listener))))
    assert finding.level is Level.OK
    assert finding.what.en.endswith("free")


async def test_a_port_of_another_program_is_a_failure_that_names_the_port() -> None:
    async with raw_origin() as stranger:
        listener = Listener(name="site", mode="reverse", host="127.0.0.1", port=stranger.port)
        (finding,) = await found(ports, subject(a_catalogue(settings=listening(listener))))
    assert finding.level is Level.FAIL
    assert str(stranger.port) in finding.cure.en


@pytest.mark.parametrize("kind", ["reverse", "forward", "forward-for-others", "tls", "proxy-header"])
async def test_a_port_of_a_running_tropa_is_fine(kind: str, tmp_path: Path) -> None:
    listener = Listener(name="main", mode="reverse", host="127.0.0.1", port=0)
    if kind.startswith("forward"):
        listener = FORWARD if kind == "forward" else replace(FORWARD, clients=(ip_network("10.0.0.0/8"),))
    if kind == "tls":
        certificate = trustme.CA().issue_cert("lms.test")
        certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
        listener = replace(listener, tls_certificate=str(tmp_path / "both.pem"), tls_key=str(tmp_path / "both.pem"))
    if kind == "proxy-header":
        listener = replace(listener, proxy_protocol_from=LOOPBACK)
    async with wire(catalogue_of(), listener=listener) as running:
        told = replace(listener, port=running.port)
        (finding,) = await found(ports, subject(a_catalogue(settings=listening(told))))
    assert finding.level is Level.OK
    assert "running Tropa" in finding.what.en


def test_an_address_that_is_not_this_machine_s_says_so() -> None:
    listener = Listener(name="site", mode="reverse", host="203.0.113.7", port=8101)
    (finding,) = ports(subject(a_catalogue(settings=listening(listener))))
    assert finding.level is Level.FAIL
    assert "address of this machine" in finding.cure.en


def test_no_listener_at_all_is_a_failure() -> None:
    assert levels(ports(subject())) == [Level.FAIL]


def test_metrics_open_to_everybody_are_doubtful() -> None:
    assert levels(metrics_port(subject(a_catalogue(settings=Settings(metrics_listen="0.0.0.0:9101"))))) == [Level.WARN]
    assert levels(metrics_port(subject(a_catalogue(settings=Settings(metrics_listen="127.0.0.1:9101"))))) == []


# -- upstreams -------------------------------------------------------------------------------------------------


def answer(date: datetime | None = None, status: str = "200 OK") -> bytes:
    dated = f"Date: {format_datetime(date, usegmt=True)}\r\n" if date is not None else ""
    return f"HTTP/1.1 {status}\r\n{dated}Content-Length: 0\r\n\r\n".encode()


async def test_an_origin_that_answers_in_time_is_fine() -> None:
    async with raw_origin(answering(answer(datetime.now(UTC)))) as origin:
        findings = await found(upstreams, subject(catalogue_of(origin_of(origin.url))))
    assert levels(findings) == [Level.OK, Level.OK]
    assert b"Host: lms.test\r\n" in origin.received


@pytest.mark.parametrize(("ahead_s", "level"), [(0, Level.OK), (60, Level.WARN), (-60, Level.WARN), (600, Level.FAIL)])
async def test_a_clock_that_differs_from_the_site_s_is_told_by_how_much(ahead_s: int, level: Level) -> None:
    async with raw_origin(answering(answer(NOON - timedelta(seconds=ahead_s)))) as origin:
        findings = await found(upstreams, subject(catalogue_of(origin_of(origin.url)), clock=HandClock(NOON)))
    assert findings[-1].about == "clock"
    assert findings[-1].level is level
    if ahead_s == 60:
        assert "60 s ahead" in findings[-1].what.en or "59 s ahead" in findings[-1].what.en


async def test_an_origin_that_fails_is_doubtful() -> None:
    async with raw_origin(answering(answer(status="503 Service Unavailable"))) as origin:
        findings = await found(upstreams, subject(catalogue_of(origin_of(origin.url))))
    assert levels(findings) == [Level.WARN]


async def test_an_origin_that_is_down_is_a_failure() -> None:
    async with raw_origin() as origin:
        url = origin.url
    (finding,) = await found(upstreams, subject(catalogue_of(origin_of(url))))
    assert finding.level is Level.FAIL
    assert "refused" in finding.what.en


async def test_an_origin_that_our_own_guard_keeps_out_is_a_failure_with_the_key_that_lets_it_in() -> None:
    async with raw_origin() as origin:
        (finding,) = await found(upstreams, subject(catalogue_of(origin_of(origin.url, allow_private=False))))
    assert finding.level is Level.FAIL
    assert "allow_private: true" in finding.cure.en
    assert not origin.visits


async def secured(tmp_path: Path, *, name: str = "lms.test", days: int = 90, known: bool = True) -> list[Finding]:
    """The findings about an origin with a certificate of that name and life."""
    authority = trustme.CA()
    issued = authority.issue_cert(name, not_after=datetime.now(UTC) + timedelta(days=days, hours=1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with raw_origin(answering(answer(datetime.now(UTC))), tls=context) as origin:
        described = origin_of(origin.url, ca_file=str(tmp_path / "ca.pem") if known else None)
        return await found(upstreams, subject(catalogue_of(described)))


async def test_an_origin_behind_an_upstream_proxy_is_asked_through_it_with_its_login(tmp_path: Path) -> None:
    login = tmp_path / "login"
    login.write_text("user:se cret", "utf-8")
    login.chmod(0o600)
    tunnel_opened = b"HTTP/1.1 200 Connection established\r\n\r\n"
    async with raw_origin(answering(tunnel_opened, answer(datetime.now(UTC)))) as proxy:
        catalogue = catalogue_of(
            origin_of("http://lms.test:81", allow_private=False),
            upstream_proxy=f"http://127.0.0.1:{proxy.port}",
            upstream_proxy_login_file=str(login),
        )
        findings = await found(upstreams, subject(catalogue))
    assert levels(findings) == [Level.OK, Level.OK]
    assert proxy.received.startswith(b"CONNECT lms.test:81 HTTP/1.")
    assert b"Proxy-Authorization: Basic dXNlcjpzZSBjcmV0\r\n" in proxy.received


async def test_a_certificate_is_told_with_the_days_it_has_left(tmp_path: Path) -> None:
    findings = await secured(tmp_path)
    assert levels(findings) == [Level.OK, Level.OK, Level.OK]
    assert "90 days left" in findings[1].what.en


async def test_a_certificate_that_ends_soon_is_doubtful(tmp_path: Path) -> None:
    assert levels(await secured(tmp_path, days=5))[1] is Level.WARN


@pytest.mark.parametrize(
    ("changes", "cure"),
    [({"days": -1}, "renew"), ({"known": False}, "ca_file"), ({"name": "other.test"}, "a name that is in")],
)
async def test_a_certificate_that_does_not_hold_says_whose_turn_it_is(
    changes: dict[str, object], cure: str, tmp_path: Path
) -> None:
    (finding,) = await secured(tmp_path, **changes)  # type: ignore[arg-type]
    assert finding.level is Level.FAIL
    assert finding.about == "certificate"
    assert cure in finding.cure.en


# -- learners' addresses -------------------------------------------------------------------------------------------


def behind(settings: Settings, *, told: LearnerAddress = LearnerAddress.X_FORWARDED_FOR) -> list[Finding]:
    place = a_territory(networks=("10.41.0.0/16",))
    origin = replace(an_origin(), learner_address=told)
    return list(addresses(subject(a_catalogue(place, origins=(origin,), settings=settings))))


LOCAL = Listener(name="site", mode="reverse", host="127.0.0.1", port=8101)


@pytest.mark.parametrize(
    ("settings", "level", "part"),
    [
        (Settings(listeners=(LOCAL,), trusted_proxies=LOOPBACK), Level.OK, "as they should be"),
        (Settings(listeners=(replace(LOCAL, region="koryak"),)), Level.OK, "as they should be"),
        (Settings(listeners=(LOCAL,)), Level.WARN, "networks tell no region"),
        (Settings(trusted_proxies=(ip_network("10.41.7.0/24"),)), Level.OK, "as they should be"),
        (Settings(trusted_proxies=(ip_network("10.0.0.0/8"),)), Level.FAIL, "can forge"),
        (Settings(trusted_proxies=(ip_network("0.0.0.0/0"),)), Level.FAIL, "can forge"),
        (Settings(trusted_headers=TrustedHeaders(region="x-region")), Level.WARN, "nobody is trusted"),
        (Settings(listeners=(replace(FORWARD, clients=(ip_network("0.0.0.0/0"),)),)), Level.FAIL, "open proxy"),
    ],
)
def test_addresses_are_believed_from_fronts_alone(settings: Settings, level: Level, part: str) -> None:
    (finding,) = behind(settings)
    assert finding.level is level
    assert part in finding.what.en


def test_an_origin_that_never_learns_the_learner_s_address_is_doubtful() -> None:
    (finding,) = behind(Settings(), told=LearnerAddress.NONE)
    assert finding.level is Level.WARN
    assert "learner_address" in finding.cure.en


def test_a_proxy_that_nobody_may_use_is_a_failure() -> None:
    catalogue = a_catalogue(a_territory(), origins=(), settings=Settings(listeners=(replace(FORWARD, clients=()),)))
    (finding,) = addresses(subject(catalogue))
    assert finding.level is Level.FAIL
    assert "nobody may use it" in finding.what.en


# -- the machine ---------------------------------------------------------------------------------------------------


def test_a_state_folder_may_be_one_that_is_not_there_yet(tmp_path: Path) -> None:
    small = a_catalogue(settings=Settings(limits=Limits(variant_store_bytes=1, log_bytes=1)))
    assert levels(disk(subject(small, state=tmp_path / "a" / "b"))) == [Level.OK]
    assert list(tmp_path.iterdir()) == []


def test_a_disk_too_small_for_the_limits_is_doubtful(tmp_path: Path) -> None:
    huge = a_catalogue(settings=Settings(limits=Limits(variant_store_bytes=10**18)))
    (finding,) = disk(subject(huge, state=tmp_path))
    assert finding.level is Level.WARN
    assert "limits.variant_store" in finding.cure.en


def test_a_state_folder_that_is_a_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    assert levels(disk(subject(state=tmp_path / "state"))) == [Level.FAIL]


def test_our_own_packages_are_ours() -> None:
    (finding,) = packages(subject())
    assert finding.level is Level.OK


def test_a_machine_without_ffmpeg_still_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    assert levels(ffmpeg(subject())) == [Level.WARN]


def test_an_ffmpeg_without_the_encoders_names_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\necho 'ffmpeg version 9.9 of nobody'\necho ' V..... libx264 H.264'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    (finding,) = ffmpeg(subject())
    assert finding.level is Level.WARN
    assert "9.9 lacks aac" in finding.what.en


def test_a_fit_ffmpeg_is_told_with_its_jail() -> None:
    if not any(one.fit for one in examined()):
        pytest.skip("there is no fit ffmpeg here")
    tool, jail = ffmpeg(subject())
    assert tool.level is Level.OK
    assert "libx264" in tool.what.en
    assert jail.about == "jail"


def test_pictures_can_be_written() -> None:
    assert levels(pictures(subject())) == [Level.OK]


# -- policy and the command ------------------------------------------------------------------------------------


def test_a_file_that_differs_from_what_runs_is_told(tmp_path: Path) -> None:
    path, state = regions_file(tmp_path), tmp_path / "state"
    tropa("publish", path, "--state", state)
    about = replace(subject(state=state), regions_file=path)
    assert levels(policy(about)) == [Level.OK]
    regions_file(tmp_path, REGIONS + "# changed\n")
    assert levels(policy(about)) == [Level.OK, Level.WARN]


def test_a_faulty_file_is_the_only_finding(tmp_path: Path) -> None:
    ran = tropa("doctor", "--regions", regions_file(tmp_path, REGIONS.replace("07:00", "27:00")))
    assert ran.code == 1
    assert ran.out.startswith("fail  policy:")
    assert "tropa check" in ran.out


@pytest.mark.parametrize(("language", "word"), [("ru", "неисправности: 1"), ("en", "1 failures")])
async def test_one_failure_is_exit_code_one_with_what_to_do(language: str, word: str, tmp_path: Path) -> None:
    async with raw_origin() as gone:
        port = gone.port
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        free = [server.getsockname()[1] for server in (one, two)]
    text = REGIONS.replace('https://lms.example.org", preset', f'http://127.0.0.1:{port}", allow_private: true, preset')
    text = text.replace(":8101", f":{free[0]}").replace(":8110", f":{free[1]}")
    words = ["--lang", language, "doctor", "--regions", str(regions_file(tmp_path, text)), "--state", str(tmp_path)]
    ran = await asyncio.to_thread(tropa, *words)
    assert ran.code == 1
    assert word in ran.out.splitlines()[-1]
    failure = next(index for index, line in enumerate(ran.out.splitlines()) if line.startswith("fail"))
    assert ran.out.splitlines()[failure + 1].startswith("      → ")


def test_links_are_told_as_the_running_tropa_sees_them(tmp_path: Path) -> None:
    assert list(links(subject(state=tmp_path))) == []
    (tmp_path / "links.json").write_text("[]", "utf-8")
    assert [finding.level for finding in links(subject(state=tmp_path))] == [Level.OK]
    down = {"origin": "lms", "target": "http://10.0.0.5:80", "link": "down", "why": "overdue"}
    told = json.dumps([{**down, "since": "2026-11-24T12:05:00+00:00"}])
    (tmp_path / "links.json").write_text(told, "utf-8")
    (finding,) = links(subject(state=tmp_path))
    assert finding.level is Level.WARN and "2026-11-24 12:05" in finding.what.en and "нет связи" in finding.what.ru


# -- our scripts in their pages --------------------------------------------------------------------------------


def paged(body: str, **headers: str) -> bytes:
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 200 OK\r\n{fields}Content-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("page", "level", "told"),
    [
        (paged("<p>Course"), Level.OK, "nothing is in its way"),
        (
            paged("<p>", Content_Security_Policy="script-src 'nonce-1'"),
            Level.WARN,
            "keeps scripts of the site itself out",
        ),
        (paged("<p>", Content_Security_Policy="worker-src 'none'"), Level.WARN, "keeps the site's workers out"),
        (paged("<script>navigator.serviceWorker.register('/sw.js')"), Level.WARN, "a service worker of its own"),
    ],
)
async def test_what_keeps_our_scripts_out_of_a_site_is_told(
    tmp_path: Path, page: bytes, level: Level, told: str
) -> None:
    async with raw_origin(answering(page)) as origin:
        described = origin_of(origin.url, own_store=OwnStore(enabled=True))
        (finding,) = await found(scripts, subject(catalogue_of(described), state=tmp_path))
    assert finding.level is level
    assert told in finding.what.en


async def test_what_the_running_tropa_has_seen_of_a_site_counts_too(tmp_path: Path) -> None:
    state = SqliteState(tmp_path / FILE_NAME)
    await state.start()
    until = datetime.now(UTC) + timedelta(days=1)
    await state.commit([PutMark(Mark(kind=OWN_WORKER, owner="", key="lms", until=until))])
    await state.close()
    async with raw_origin(answering(paged("<p>Course"))) as origin:
        described = origin_of(origin.url, own_store=OwnStore(enabled=True))
        (finding,) = await found(scripts, subject(catalogue_of(described), state=tmp_path))
    assert finding.level is Level.WARN and "of its own" in finding.what.en


async def test_a_site_without_own_stores_is_not_asked_of_workers(tmp_path: Path) -> None:
    async with raw_origin(answering(paged("<p>", Content_Security_Policy="worker-src 'none'"))) as origin:
        assert await found(scripts, subject(catalogue_of(origin_of(origin.url)), state=tmp_path)) == []
