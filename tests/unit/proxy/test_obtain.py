"""The request as an origin gets it, and the first look at its response."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from aiohttp import web

from policies.facts import ResponseFacts
from policies.values import MediaKind
from proxy.deliver.validators import Validator, adapted_etag
from proxy.obtain import names_of, with_sniffed
from tests.builders import an_origin
from tests.inbounds import an_inbound
from tests.serving import NIGHT, NOON, served
from tests.unit.proxy.stages.test_images_and_texts import ETAG, PHOTO, Served, as_learner, photo_origin, settled

BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document", "Accept-Language": "ru"}
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(3000)
PICTURE = "/pluginfile.php/1/mod_page/content/1/IMG_1.jpg"


class Seeing:
    """An origin that keeps what it was asked."""

    def __init__(self) -> None:
        self.seen: list[web.Request] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        return await photo_origin(request)


# -- what goes up --------------------------------------------------------------------------------------------------


async def test_an_origin_is_asked_in_codings_that_this_client_takes(tmp_path: Path) -> None:
    origin = Seeing()
    async with served(tmp_path, origin) as there:
        for accepts in ("gzip, deflate, br, zstd", "gzip", "identity", "compress"):
            await there.get("/a", headers=BROWSER | {"Accept-Encoding": accepts})
    got = [request.headers["Accept-Encoding"] for request in origin.seen]
    assert got == ["gzip, br, zstd", "gzip", "identity", "identity"]


async def test_a_tag_of_an_old_way_is_dropped_and_the_body_comes(tmp_path: Path) -> None:
    old = adapted_etag(Validator(etag=ETAG), "0" * 18)
    assert old is not None
    origin = Seeing()
    async with served(tmp_path, origin) as there:
        reply = await there.get(PICTURE, headers=as_learner("a") | {"If-None-Match": old})
    assert reply.status == 200 and 0 < len(reply.body) < len(PHOTO) / 4
    assert "If-None-Match" not in origin.seen[0].headers


async def test_our_tag_after_the_policy_has_opened_brings_the_original(tmp_path: Path) -> None:
    async with served(tmp_path, photo_origin) as there:
        first = await there.get(PICTURE, headers=as_learner("a"))
        ours = first.headers["ETag"]
    other = tmp_path / "open"
    other.mkdir()
    async with served(other, photo_origin, policy="open") as there:
        reply = await there.get(PICTURE, headers=as_learner("a") | {"If-None-Match": ours})
    assert reply.status == 200 and reply.body == PHOTO


async def confirmed(there: Served):  # type: ignore[no-untyped-def]
    first = await there.get(PICTURE, headers=as_learner("a"))
    await settled(there)
    return await there.get(PICTURE, headers=as_learner("a") | {"If-None-Match": first.headers["ETag"]})


async def test_a_confirmation_never_makes_a_variant_the_origins_again(tmp_path: Path) -> None:
    """A 304 renews the kept head: with the origin's Cache-Control a variant would be kept as the original."""

    async def lasting(request: web.Request) -> web.StreamResponse:
        answer = await photo_origin(request)
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        answer.headers["Expires"] = "Thu, 01 Jan 2037 00:00:00 GMT"
        return answer

    async with served(tmp_path, lasting) as there:
        reply = await confirmed(there)
    kept = reply.headers["Cache-Control"]
    assert reply.status == 304 and kept.startswith("private, max-age=") and "immutable" not in kept
    assert int(kept.rpartition("=")[2]) <= 8 * 3600 and "Expires" not in reply.headers
    assert {"Accept", "Save-Data"} <= {name.strip() for name in reply.headers["Vary"].split(",")}


async def test_an_ordinary_confirmation_stays_the_origins(tmp_path: Path) -> None:
    async with served(tmp_path, photo_origin, policy="open") as there:
        reply = await there.get(PICTURE, headers=as_learner("a") | {"If-None-Match": ETAG})
    assert (reply.status, reply.headers["ETag"]) == (304, ETAG)
    assert reply.headers["Cache-Control"] == "private, max-age=21600, no-transform"


async def test_a_head_of_an_adapted_picture_promises_nothing_of_the_originals(tmp_path: Path) -> None:
    async with served(tmp_path, photo_origin) as there:
        cold = await there.get(PICTURE, "HEAD", headers=as_learner("a"))
        whole = await there.get(PICTURE, headers=as_learner("a"))
        await settled(there)
        warm = await there.get(PICTURE, "HEAD", headers=as_learner("a"))
        again = await there.get(PICTURE, headers=as_learner("a"))
    for reply in (cold, warm):
        assert (reply.status, reply.body) == (200, b"")
        assert reply.headers.get("Content-Length", "0") != str(len(PHOTO)) and reply.headers.get("ETag") != ETAG
        assert "Accept-Ranges" not in reply.headers
    assert again.body == whole.body


async def test_a_range_of_a_picture_that_is_adapted_is_asked_for_whole(tmp_path: Path) -> None:
    origin = Seeing()
    async with served(tmp_path, origin) as there:
        reply = await there.get(PICTURE, headers=as_learner("a") | {"Range": "bytes=100-"})
    assert reply.status == 200 and "Range" not in origin.seen[0].headers


async def test_a_download_that_began_by_night_goes_on_by_its_range(tmp_path: Path) -> None:
    origin = Seeing()
    async with served(tmp_path, origin, now=NIGHT) as there:
        await there.get("/pluginfile.php/1/a.zip", headers={"Range": "bytes=100-", "Sec-Fetch-Dest": "document"})
    assert origin.seen[0].headers["Range"] == "bytes=100-"


# -- what comes down -----------------------------------------------------------------------------------------------


def facts(content_type: str, coding: str = "") -> ResponseFacts:
    return ResponseFacts(status=200, content_type=content_type, content_coding=coding)


@pytest.mark.parametrize(
    ("declared", "coding", "body"),
    [
        ("text/html", "", MP4),
        ("application/octet-stream", "", MP4),
        ("image/png", "", MP4),
        ("", "", MP4),
        ("text/plain", "gzip", gzip.compress(MP4, mtime=0)),
    ],
)
def test_bytes_prove_more_than_a_declared_type(declared: str, coding: str, body: bytes) -> None:
    assert with_sniffed(facts(declared, coding), body, from_start=True).sniffed is MediaKind.VIDEO


@pytest.mark.parametrize(
    ("coding", "body", "from_start"),
    [("", MP4, False), ("", b"", True), ("gzip", MP4, True), ("x-unheard-of", MP4, True), ("br", b"\xff" * 50, True)],
)
def test_what_can_not_be_looked_at_proves_nothing(coding: str, body: bytes, from_start: bool) -> None:
    assert with_sniffed(facts("text/html", coding), body, from_start=from_start).sniffed is None


def test_names_are_mapped_only_where_the_public_name_is_another() -> None:
    assert names_of(an_inbound()) is None
    assert names_of(an_inbound(origin=None)) is None
    assert an_origin().rename is False


async def test_under_another_name_a_coded_page_names_the_public_one(tmp_path: Path) -> None:
    async def origin(request: web.Request) -> web.Response:
        home = f"http://{request.headers['Host']}"
        page = f'<!DOCTYPE html><html><head><title>x</title></head><body><a href="{home}/b">b</a></body></html>'
        head = {"Content-Type": "text/html", "Content-Encoding": "gzip", "Location": f"{home}/moved"}
        return web.Response(body=gzip.compress(page.encode()), headers=head)

    async with served(tmp_path, origin, origin_keys="rename: true", now=NOON) as there:
        reply = await there.get("/a", headers=BROWSER | {"Accept-Encoding": "gzip"})
    assert reply.headers["Location"] == f"{there.base_url}/moved"
    assert f'href="{there.base_url}/b"' in gzip.decompress(reply.body).decode()
