"""What goes out again at once is what the stages would make, whatever is asked in whatever order and by whom.

Each request of a random walk is made twice: as it is, and with a field that makes it nobody else's, so that it goes
through the stages. Both have to tell the same; and what an origin made for one learner is that learner's alone.
"""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from aiohttp import web

from proxy.clock import OffsetClock
from tests.serving import NOON, Reply, Served, served

WALK = 200
WIDE = "{down: 20 Mbit/s, up: 20 Mbit/s, rtt: 50 ms}"  # on a thin link styles and scripts wait for their turn
CONTROLS = {
    "public": "public, max-age=3600",
    "plain": "max-age=3600",
    "short": "public, max-age=1",
    "asked": "public, no-cache",
    "strict": "public, max-age=3600, must-revalidate",
    "unstored": "no-store",
    "private": "private, max-age=3600",
    "shared": "s-maxage=3600",
    "kept": "max-age=3600, no-transform",
}
TYPES = {"css": "text/css", "js": "text/javascript", "json": "application/json", "bin": "application/octet-stream"}
PEOPLE = ("anna", "boris", "")
PERSONAL = ("cookie", "login", "vary-cookie", "set-cookie")  # kinds of answers that an origin makes for one learner


def name_of(request: web.Request) -> str:
    told = request.headers.get("Cookie", "") + request.headers.get("Authorization", "")
    return next((name for name in PEOPLE if name and name in told), "nobody")


async def course(request: web.Request) -> web.Response:
    """/CONTROL/KIND/x.EXTENSION"""
    _, control, kind, file = request.path.split("/")
    headers = {"Cache-Control": CONTROLS[control], "ETag": '"1"', "Content-Type": TYPES[file.rpartition(".")[2]]}
    text = f"{request.path_qs} "
    match kind:
        case "vary-language":
            headers["Vary"] = "Accept-Language"
            text += request.headers.get("Accept-Language", "-")
        case "vary-cookie":
            headers["Vary"] = "Cookie"
            text += name_of(request)
        case "set-cookie":
            headers["Set-Cookie"] = f"s={name_of(request)}"
            text += name_of(request)
        case "cookie" | "login":
            headers["Cache-Control"] = "private, max-age=3600"
            text += name_of(request)
        case "odd-field":
            text += request.headers.get("X-Original-URL", "-")
    headers["ETag"] = f'"{abs(hash(text))}"'
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    return web.Response(text=(text + "\n") * 300, headers=headers)


def a_request(dice: random.Random) -> tuple[str, dict[str, str]]:
    control, extension = dice.choice(("public", "shared", "plain", *CONTROLS)), dice.choice(("bin", *TYPES))
    kind = dice.choice(("all", "all", "all", "odd-field", "vary-language", dice.choice(PERSONAL)))
    heads = {"Accept": "*/*", "Accept-Encoding": dice.choice(("identity", "gzip", "gzip"))}
    person = dice.choice(PEOPLE)
    if person:
        heads |= dice.choice(({"Cookie": f"MoodleSession={person}"}, {"Authorization": f"Bearer {person}"}))
    maybe = {
        "Accept-Language": dice.choice(("ru", "en")),
        "Save-Data": "on",
        "Cache-Control": dice.choice(("no-cache", "max-age=0", "no-store", "only-if-cached", "max-stale")),
        "X-Original-URL": "/evil",
        "Sec-Fetch-Dest": dice.choice(("style", "script", "empty")),
        "Priority": "u=1",
    }
    heads |= {name: value for name, value in maybe.items() if dice.random() < 0.1}
    return f"/{control}/{kind}/x.{extension}", heads


def told(reply: Reply) -> tuple[object, ...]:
    """What has to be the same; which coding is at hand, and how it was had, may differ."""
    headers = reply.headers
    coding = headers.get("Content-Encoding", "")  # type: ignore[union-attr]
    body = gzip.decompress(reply.body) if coding == "gzip" else reply.body
    names = ("Content-Type", "Set-Cookie")
    return reply.status, body, *(headers.get(name) for name in names)  # type: ignore[union-attr]


async def asked(there: Served, target: str, heads: dict[str, str]) -> Reply:
    return await there.get(target, headers=heads)


@pytest.mark.parametrize("seed", range(3))
async def test_the_quick_way_and_the_stages_tell_the_same_to_everybody(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    async with served(tmp_path, course, clock=OffsetClock(NOON), link=WIDE) as there:
        for _ in range(WALK):
            target, heads = a_request(dice)
            ways = [heads, heads | {"Service-Worker": "script"}]
            dice.shuffle(ways)
            first, second = [await asked(there, target, way) for way in ways]
            if 504 not in (first.status, second.status):  # only-if-cached: what the other one brought is there now
                assert told(first) == told(second), (target, heads)
            kind, name = target.split("/")[2], next((p for p in PEOPLE if p and p in str(heads)), "nobody")
            if kind in PERSONAL and first.status == 200:
                assert f" {name}\n".encode() in told(first)[1], (target, heads)  # type: ignore[operator]
            if kind == "odd-field" and "X-Original-URL" not in heads and first.status == 200:
                assert b"evil" not in told(first)[1], (target, heads)  # type: ignore[operator]
        assert there.tropa.parts.pipeline._parts.repeats.served > 0, "the quick way was walked"
