"""Caching, validators, codings and ranges, as an LMS has them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.unit.proxy.demo.browsing import LESSON, PHOTO, Browser, text_of


async def test_pages_are_private_and_no_transform_and_static_revisions_immutable(browser: Browser) -> None:
    async with browser.get(LESSON) as response:
        assert {"private", "no-cache", "no-transform"} <= set(response.headers["Cache-Control"].split(", "))
    async with browser.get("/theme/styles.php/boost/1732000000_1/all") as response:
        assert response.headers["Cache-Control"] == "public, max-age=7776000, immutable"


@pytest.mark.parametrize(
    ("accepts", "packed"), [("gzip, br", True), ("identity", False), ("gzip;q=0", False), ("*", True)]
)
async def test_gzip_is_used_only_where_it_is_accepted(browser: Browser, accepts: str, packed: bool) -> None:
    for path in (LESSON, "/theme/yui_combo.php?rollup/3.18.1/yui-moodlesimple-min.js"):
        async with browser.get(path, headers={"Accept-Encoding": accepts}) as response:
            assert (response.headers.get("Content-Encoding") == "gzip") is packed
            assert response.headers["Vary"] == "Accept-Encoding"
            await text_of(response)


async def test_a_stored_files_etag_is_its_sha1_and_a_match_answers_304(browser: Browser) -> None:
    async with browser.get(PHOTO) as response:
        body = await response.read()
        etag = response.headers["ETag"]
        assert response.headers["Cache-Control"] == "private, max-age=21600, no-transform"
        assert response.headers["Content-Type"] == "image/jpeg"
    assert etag == f'"{hashlib.sha1(body).hexdigest()}"'
    for sent in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        async with browser.get(PHOTO, headers={"If-None-Match": sent, "Range": "bytes=0-9"}) as response:
            assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", etag)


@pytest.mark.parametrize(
    ("asked", "status", "window"),
    [
        ("bytes=0-99", 206, (0, 100)),
        ("bytes=100-", 206, (100, None)),
        ("bytes=-50", 206, (-50, None)),
        ("bytes=5-999999999", 206, (5, None)),
        ("bytes=999999999-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=9-5", 200, (0, None)),
        ("bytes=0-1,4-5", 200, (0, None)),
        ("lines=1-2", 200, (0, None)),
    ],
)
async def test_ranges_are_answered_as_rfc_9110_says(
    browser: Browser, course_dir: Path, asked: str, status: int, window: tuple[int, int | None] | None
) -> None:
    whole = (course_dir / "documents" / "pamyatka-podpisana.pdf").read_bytes()
    async with browser.get(
        "/pluginfile.php/1172/mod_resource/content/3/pamyatka-podpisana.pdf", headers={"Range": asked}
    ) as response:
        body = await response.read()
    assert response.status == status
    if window is None:
        assert response.headers["Content-Range"] == f"bytes */{len(whole)}"
        return
    assert body == whole[slice(*window)]
    if status == 206:
        first = window[0] % len(whole)
        assert response.headers["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(whole)}"


async def test_if_range_with_another_validator_gives_the_whole_file(browser: Browser) -> None:
    path = "/pluginfile.php/1173/mod_resource/content/3/plan-uroka.docx"
    async with browser.head(path) as response:
        size, etag = int(response.headers["Content-Length"]), response.headers["ETag"]
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert await response.read() == b""
    for condition, status, length in ((etag, 206, 10), ('"stale"', 200, size)):
        async with browser.get(path, headers={"Range": "bytes=0-9", "If-Range": condition}) as response:
            assert (response.status, len(await response.read())) == (status, length)
