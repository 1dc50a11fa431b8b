"""Two learners at the same addresses: nothing of one ever reaches the other, whatever the origin answers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

import pytest

from tests.e2e.harness.origins import Given, Origin, origin
from tests.e2e.harness.regions import METERED, OPEN, Regions
from tests.e2e.harness.tropa import TropaProcess, tropa_process
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Reply, ask
from tests.pictures import photo, saved

LEARNERS = ("anna", "boris")
PAGE = "<!doctype html><html><head><title>{who}</title></head><body><p>name:{who}</p><video src=/v.mp4></video></body>"
CACHES = ("public, max-age=3600", "private, max-age=3600", "no-store", "max-age=600, immutable", "")


def _who(asked: BaseHTTPRequestHandler) -> str:
    """By cookie, else by Authorization: as sites tell learners apart."""
    cookie = asked.headers.get("Cookie", "")
    for name in LEARNERS:
        if f"MoodleSession={name}" in cookie or asked.headers.get("Authorization") == f"Bearer {name}":
            return name
    return "nobody"


PICTURES = {name: saved(photo(640, 480, seed=number)) for number, name in enumerate((*LEARNERS, "nobody"))}


def _echo(asked: BaseHTTPRequestHandler, body: bytes) -> Given:
    """Says who asks, in every kind of answer. One ETag for all is what badly made sites send."""
    who, kind = _who(asked), asked.path.split("/")[1]
    rest = asked.path.split("/")[2:]
    cache = CACHES[int(rest[0])] if rest and rest[0].isdigit() else "private"
    common = [("Cache-Control", cache), ("Set-Cookie", f"mark={who}; Path=/"), ("X-Who", who), ("Vary", "Cookie")]
    match kind:
        case "page":
            html = PAGE.format(who=who).encode()
            return Given(headers=[*common, ("Content-Type", "text/html; charset=utf-8")], body=html)
        case "script":
            text = (f"var who = '{who}';\n" * 200).encode()
            return Given(headers=[*common, ("Content-Type", "text/javascript"), ("ETag", '"same"')], body=text)
        case "json":
            text = (f'{{"who": "{who}"}}' + " " * 3000).encode()
            return Given(headers=[*common, ("Content-Type", "application/json"), ("ETag", f'"{who}"')], body=text)
        case "picture":
            tags = [("ETag", f'"{who}-picture"'), ("Content-Type", "image/jpeg")]
            if asked.headers.get("If-None-Match") == f'"{who}-picture"':
                return Given(status=304, headers=[*common, tags[0]])
            return Given(headers=[*common, *tags], body=PICTURES[who])
        case "part":
            data = f"{who}:".encode() * 4000
            span = [("Content-Range", f"bytes 0-99/{len(data)}"), ("Content-Type", "application/octet-stream")]
            return Given(status=206, headers=[*common, *span], body=data[:100])
        case "away":
            return Given(status=302, headers=[*common, ("Location", f"/home/{who}")])
        case "echo":
            return Given(headers=[*common, ("Content-Type", "application/json")], body=who.encode() + b":" + body)
    return Given(status=404, headers=[*common, ("Content-Type", "text/html")], body=f"<p>no page, {who}</p>".encode())


@pytest.fixture(scope="module")
def site() -> Iterator[Origin]:
    with origin(_echo) as running:
        yield running


@pytest.fixture(scope="module")
def tropa(site: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TropaProcess]:
    regions = Regions(course_port=site.port, places={"metered": METERED, "open": OPEN}, forward="metered")
    with tropa_process(regions, tmp_path_factory.mktemp("separation")) as running:
        yield running


def _ask(
    port: int,
    who: str,
    target: str,
    *,
    method: str = "GET",
    by: str = "cookie",
    host: str = "localhost",
    **headers: str,
) -> Reply:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    fields["Cookie" if by == "cookie" else "Authorization"] = (
        f"MoodleSession={who}" if by == "cookie" else f"Bearer {who}"
    )
    body = who.encode() if method == "POST" else None
    return ask(port, target, method=method, headers=fields, body=body, host=host)


def _is_only(reply: Reply, who: str) -> None:
    other = next(name for name in LEARNERS if name != who)
    heads = " ".join(f"{name}: {value}" for name, value in reply.headers)
    assert other not in heads
    assert other.encode() not in reply.body
    assert other not in reply.text
    assert reply.get("X-Who") == who
    assert f"mark={who}; Path=/" in reply.all("Set-Cookie")


KINDS = ("page", "script", "json", "picture", "part", "away", "lost")


@pytest.mark.parametrize("place", ["metered", "open", "forward"])
def test_many_requests_of_two_learners_at_once_never_cross(tropa: TropaProcess, site: Origin, place: str) -> None:
    base = f"http://localhost:{site.port}" if place == "forward" else ""
    host = f"localhost:{site.port}" if place == "forward" else "localhost"
    lots = random.Random(7)
    jobs = [
        (lots.choice(LEARNERS), f"/{kind}/{cache}/thing", by)
        for kind in KINDS
        for cache in range(len(CACHES))
        for by in ("cookie", "authorization")
        for _ in range(4)
    ]
    lots.shuffle(jobs)
    with ThreadPoolExecutor(12) as pool:
        replies = list(
            pool.map(lambda job: _ask(tropa.ports[place], job[0], base + job[1], by=job[2], host=host), jobs)
        )
    for (who, target, _), reply in zip(jobs, replies, strict=True):
        _is_only(reply, who)
        assert reply.status == {"part": 206, "away": 302, "lost": 404}.get(target.split("/")[1], 200), target
        if target.startswith("/away"):
            assert reply.get("Location") == f"/home/{who}"
    assert tropa.alive


def _picture(tropa: TropaProcess, who: str, target: str) -> Reply:
    return _ask(tropa.ports["metered"], who, target, Accept="image/webp,*/*")


@pytest.mark.parametrize("first", LEARNERS)
def test_a_picture_of_ones_own_is_asked_for_again_and_never_the_others(
    tropa: TropaProcess, site: Origin, first: str
) -> None:
    second = next(name for name in LEARNERS if name != first)
    target = f"/picture/1/face-{first}"
    for who in LEARNERS:  # whom an encoder was too slow for gets the picture as it is, and a smaller one the next time
        until(
            lambda who=who: _picture(tropa, who, target).get("Content-Type") == "image/webp", what="a smaller picture"
        )
    before = len(site.journal)
    mine, hers, again = (_picture(tropa, who, target) for who in (first, second, first))
    assert mine.body == again.body != hers.body
    assert [line for line in site.journal[before:] if line[1] == target] == [("GET", target)] * 3
    for reply in (mine, hers, again):
        assert "public" not in reply.get("Cache-Control")
        assert len(reply.body) < len(PICTURES[first])


def test_anothers_validator_brings_no_304_of_hers(tropa: TropaProcess) -> None:
    target = "/picture/1/validators"
    mine = _ask(tropa.ports["metered"], "anna", target, Accept="image/webp")
    same = _ask(tropa.ports["metered"], "anna", target, Accept="image/webp", If_None_Match=mine.get("ETag"))
    hers = _ask(tropa.ports["metered"], "boris", target, Accept="image/webp", If_None_Match=mine.get("ETag"))
    assert same.status == 304
    assert hers.status == 200
    _is_only(hers, "boris")


def test_posts_of_two_learners_arrive_as_their_own_and_once(tropa: TropaProcess, site: Origin) -> None:
    before = len([line for line in site.journal if line[0] == "POST"])
    with ThreadPoolExecutor(8) as pool:
        replies = list(
            pool.map(lambda who: (who, _ask(tropa.ports["metered"], who, "/echo/x", method="POST")), LEARNERS * 20)
        )
    for who, reply in replies:
        assert reply.body == f"{who}:{who}".encode()
    assert len([line for line in site.journal if line[0] == "POST"]) - before == 40
