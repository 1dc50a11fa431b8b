"""Variants as a client gets them: sized, private, confirmed by the origin, never spliced."""

import asyncio
import hashlib
import io
import random
from pathlib import Path

import brotli
import pytest
from aiohttp import web
from PIL import Image

from tests.serving import NOON, Served, served

BROWSER = {"Accept": "image/avif,image/webp,*/*;q=0.8", "Sec-Fetch-Dest": "image"}


def photo(width: int = 1600, height: int = 1200) -> bytes:
    """Smooth colours with grain: what a camera's picture is to an encoder."""
    noise = Image.effect_noise((width // 4, height // 4), 40).resize((width, height), Image.Resampling.BICUBIC)
    ramp = Image.linear_gradient("L").resize((width, height))
    out = io.BytesIO()
    Image.merge("RGB", (noise, ramp, Image.blend(noise, ramp, 0.5))).save(out, "JPEG", quality=92)
    return out.getvalue()


PHOTO = photo()
ETAG = f'"{hashlib.sha1(PHOTO).hexdigest()}"'


async def photo_origin(request: web.Request) -> web.StreamResponse:
    """As Moodle sends stored files: private, no-transform, the content's own digest as its validator."""
    if request.headers.get("Cookie") == "MoodleSession=stranger":
        return web.Response(status=403)
    head = {"ETag": ETAG, "Cache-Control": "private, max-age=21600, no-transform", "Accept-Ranges": "bytes"}
    if request.headers.get("If-None-Match") == ETAG:
        return web.Response(status=304, headers=head)
    start = int((request.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
    if "Range" in request.headers:
        head["Content-Range"] = f"bytes {start}-{len(PHOTO) - 1}/{len(PHOTO)}"
        return web.Response(status=206, body=PHOTO[start:], content_type="image/jpeg", headers=head)
    return web.Response(body=PHOTO, content_type="image/jpeg", headers=head)


def as_learner(name: str) -> dict[str, str]:
    return {**BROWSER, "Cookie": f"MoodleSession={name}"}


async def settled(there: Served) -> None:
    for _ in range(600):
        if not there.tropa.busy:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("variants are still being made")


PATH = "/pluginfile.php/1/mod_page/content/1/IMG_1.jpg"


async def test_a_photo_comes_as_a_small_variant_and_opens(tmp_path: Path) -> None:
    async with served(tmp_path, photo_origin) as there:
        reply = await there.get(PATH, headers=as_learner("a"))
    assert reply.status == 200 and len(reply.body) < len(PHOTO) / 4
    assert Image.open(io.BytesIO(reply.body)).width == 800
    assert reply.headers["Content-Type"] == "image/webp"
    assert "private" in reply.headers["Cache-Control"] and "immutable" not in reply.headers["Cache-Control"]
    assert "Accept-Ranges" not in reply.headers and ".webp" in reply.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("asks", "is_small"),
    [
        ({"Accept": "image/avif,image/webp,*/*;q=0.8", "Sec-Fetch-Dest": "image"}, True),
        ({"Accept": "image/avif,image/webp,*/*;q=0.8"}, True),
        ({"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document"}, False),
    ],
)
async def test_a_picture_that_a_page_shows_is_no_download_though_its_origin_says_so(
    tmp_path: Path, asks: dict[str, str], is_small: bool
) -> None:
    """Moodle gives all that forums hold as an attachment, the pictures inside posts too."""

    async def origin(request: web.Request) -> web.StreamResponse:
        answer = await photo_origin(request)
        answer.headers["Content-Disposition"] = 'attachment; filename="IMG_1.jpg"'
        return answer

    async with served(tmp_path, origin) as there:
        await there.get(PATH, headers={"Cookie": "MoodleSession=a", **asks})
        await settled(there)  # a busy machine may send the original first
        reply = await there.get(PATH, headers={"Cookie": "MoodleSession=b", **asks})
        assert (len(reply.body) < len(PHOTO) / 4) is is_small
        told = reply.headers["Content-Disposition"]
        assert (".webp" in told) is is_small and told.startswith("attachment") is not is_small


async def test_the_same_learner_confirms_her_variant_without_a_body(tmp_path: Path) -> None:
    async with served(tmp_path, photo_origin) as there:
        first = await there.get(PATH, headers=as_learner("a"))
        again = await there.get(PATH, headers={**as_learner("a"), "If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])


async def test_a_stored_variant_goes_only_to_whom_the_origin_answers(tmp_path: Path) -> None:
    async with served(tmp_path, photo_origin) as there:
        await there.get(PATH, headers=as_learner("a"))
        await settled(there)
        known = await there.get(PATH, headers=as_learner("b"))
        stranger = await there.get(PATH, headers=as_learner("stranger"))
    assert known.status == 200 and len(known.body) < len(PHOTO) / 4
    assert stranger.status == 403 and not stranger.body


async def test_fifty_learners_cost_one_download(tmp_path: Path) -> None:
    bodies = 0

    async def counting(request: web.Request) -> web.StreamResponse:
        nonlocal bodies
        response = await photo_origin(request)
        bodies += response.status == 200
        return response

    async with served(tmp_path, counting) as there:
        await there.get(PATH, headers=as_learner("first"))
        await settled(there)
        replies = await asyncio.gather(*(there.get(PATH, headers=as_learner(f"l{n}")) for n in range(50)))
    assert bodies == 1 and len({reply.body for reply in replies}) == 1


async def test_a_range_after_a_variant_never_gets_the_originals_bytes(tmp_path: Path) -> None:
    async with served(tmp_path, photo_origin) as there:
        whole = await there.get(PATH, headers=as_learner("a"))
        part = await there.get(PATH, headers={**as_learner("a"), "Range": "bytes=5000-"})
    assert part.status == 200 and part.body == whole.body


async def test_a_client_without_modern_formats_gets_one_it_reads(tmp_path: Path) -> None:
    async with served(tmp_path, photo_origin) as there:
        reply = await there.get(PATH, headers={"Accept": "image/png,*/*", "Sec-Fetch-Dest": "image"})
    assert reply.headers["Content-Type"] == "image/jpeg" and len(reply.body) < len(PHOTO)


async def test_a_picture_that_is_not_ready_costs_no_metered_megabytes(tmp_path: Path) -> None:
    big = photo(4000, 3000)

    async def origin(request: web.Request) -> web.Response:
        return web.Response(body=big, content_type="image/jpeg")

    async with served(tmp_path, origin, tropa="limits: {hold: 1 ms}") as there:
        first = await there.get(PATH, headers=BROWSER)
        assert first.headers["Content-Type"] == "image/svg+xml" and first.headers["Cache-Control"] == "no-store"
        await settled(there)
        later = await there.get(PATH, headers=BROWSER)
        assert later.headers["Content-Type"] == "image/webp" and len(later.body) < 100_000


async def test_a_broken_picture_passes_unharmed(tmp_path: Path) -> None:
    broken = PHOTO[: len(PHOTO) // 2]

    async def origin(request: web.Request) -> web.Response:
        return web.Response(body=broken, content_type="image/jpeg")

    async with served(tmp_path, origin) as there:
        assert (await there.get(PATH, headers=BROWSER)).body == broken


async def test_two_private_files_under_one_validator_are_never_crossed(tmp_path: Path) -> None:
    """An origin that gives everybody's portrait the same validator must not make Tropa mix them."""
    pictures = {"a": photo(900, 900), "b": photo(1000, 700)}

    async def origin(request: web.Request) -> web.Response:
        who = request.headers["Cookie"].removeprefix("MoodleSession=")
        head = {"ETag": '"v1"', "Cache-Control": "private"}
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304, headers=head)
        return web.Response(body=pictures[who], content_type="image/jpeg", headers=head)

    async with served(tmp_path, origin) as there:
        sizes = {}
        for _ in range(2):
            for who in ("a", "b"):
                reply = await there.get("/user/portrait.jpg", headers=as_learner(who))
                sizes[who] = Image.open(io.BytesIO(reply.body)).size
            await settled(there)
        assert sizes["a"][0] == sizes["a"][1] and sizes["b"][0] > sizes["b"][1]


# -- texts ---------------------------------------------------------------------------------------------------------

WORDS = random.Random(3).choices(
    ["function", "return", "module", "export", "value", "index", "node", "{", "}"], k=40_000
)
SCRIPT = " ".join(WORDS).encode()
STATIC = {"Cache-Control": "public, max-age=7776000, immutable", "ETag": '"rev-1"'}
ASKS_SCRIPT = {"Sec-Fetch-Dest": "script", "Accept-Encoding": "gzip, br"}


async def static_origin(request: web.Request) -> web.Response:
    if request.headers.get("If-None-Match") == STATIC["ETag"]:
        return web.Response(status=304, headers=STATIC)
    if request.path.endswith(".css"):
        css = b"@font-face{font-family:x;src:url(/theme/font.php/x.woff2)}body{color:#222}" + b"p{margin:0}" * 500
        return web.Response(body=css, content_type="text/css", headers=STATIC)
    return web.Response(body=SCRIPT, content_type="text/javascript", headers=STATIC)


async def test_a_script_is_coded_live_first_and_at_its_best_from_then_on(tmp_path: Path) -> None:
    async with served(tmp_path, static_origin, tropa="place: school") as there:
        first = await there.get("/lib/javascript.php/1/first.js", headers=ASKS_SCRIPT)
        await settled(there)
        second = await there.get("/lib/javascript.php/1/first.js", headers=ASKS_SCRIPT)
    for reply in (first, second):
        assert reply.headers["Content-Encoding"] == "br" and brotli.decompress(reply.body) == SCRIPT
        assert reply.headers["Cache-Control"] == STATIC["Cache-Control"]  # it stays where the learner has it
        assert reply.headers["ETag"] == 'W/"rev-1"'
    assert len(second.body) < len(first.body)


async def test_on_a_thin_link_the_best_coding_is_waited_for_where_it_comes_sooner(tmp_path: Path) -> None:
    async with served(tmp_path, static_origin) as there:
        first = await there.get("/lib/javascript.php/1/first.js", headers=ASKS_SCRIPT)
        await settled(there)
        second = await there.get("/lib/javascript.php/1/first.js", headers=ASKS_SCRIPT)
    assert first.body == second.body and brotli.decompress(first.body) == SCRIPT
    assert first.headers["ETag"] == second.headers["ETag"] == 'W/"rev-1"'


async def test_where_waiting_is_not_allowed_the_quick_coding_goes(tmp_path: Path) -> None:
    async with served(tmp_path, static_origin, tropa="limits: {hold: 1 ms}") as there:
        first = await there.get("/lib/javascript.php/1/first.js", headers=ASKS_SCRIPT)
        await settled(there)
        second = await there.get("/lib/javascript.php/1/first.js", headers=ASKS_SCRIPT)
    assert brotli.decompress(first.body) == SCRIPT and len(second.body) < len(first.body)


async def test_a_weak_form_of_the_origins_tag_is_confirmed_by_the_origin(tmp_path: Path) -> None:
    async def origin(request: web.Request) -> web.Response:
        if "rev-1" in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=STATIC)
        return await static_origin(request)

    async with served(tmp_path, origin) as there:
        first = await there.get("/lib/javascript.php/1/first.js", headers=ASKS_SCRIPT)
        again = await there.get(
            "/lib/javascript.php/1/first.js", headers={**ASKS_SCRIPT, "If-None-Match": first.headers["ETag"]}
        )
    assert (again.status, again.body) == (304, b"")


async def test_a_style_sheet_loses_its_web_fonts_and_nothing_else(tmp_path: Path) -> None:
    asks = {"Sec-Fetch-Dest": "style", "Accept-Encoding": "br"}
    async with served(tmp_path, static_origin, now=NOON) as there:
        first = await there.get("/theme/x.css", headers=asks)
        await settled(there)
        second = await there.get("/theme/x.css", headers=asks)
        confirmed = await there.get("/theme/x.css", headers={**asks, "If-None-Match": second.headers["ETag"]})
    for reply in (first, second):
        css = brotli.decompress(reply.body)
        assert css.startswith(b"body{color:#222}p{margin:0}") and css.count(b"p{margin:0}") == 500
        kind, _, age = reply.headers["Cache-Control"].partition(", max-age=")
        assert kind == "private" and 28700 < int(age) <= 28800  # until the free hours, eight hours on
    assert confirmed.status == 304
