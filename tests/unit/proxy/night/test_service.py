"""An institute's own account: where its token may stand, what goes out by it, and what Moodle's errors become."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from policies.load import read_catalogue
from policies.model import Catalogue
from proxy.night.service import MoodleAccount, ServiceFailed, read_token, where_of
from proxy.upstream.upstream import Upstream
from tests.origins import Visit, raw_origin

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
TOKEN = "0123456789abcdef0123456789abcdef"


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "service.token"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_token_is_read_from_a_file_that_nobody_else_may_read(tmp_path: Path) -> None:
    assert read_token(written(tmp_path, f"{TOKEN}\n")) == TOKEN


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [(TOKEN, 0o640, "token-open"), (TOKEN, 0o604, "token-open"), ("two words", 0o600, "token-malformed")],
)
def test_a_token_that_others_may_read_or_that_is_none_is_not_used(
    tmp_path: Path, text: str, mode: int, why: str
) -> None:
    with pytest.raises(ServiceFailed) as failed:
        read_token(written(tmp_path, text, mode))
    assert failed.value.why == why and text not in str(failed.value)


def test_a_missing_token_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServiceFailed, match="token-missing"):
        read_token(tmp_path / "none")


def test_an_address_has_its_parts() -> None:
    where = where_of("https://lms.example.org/moodle/a.php?x=%2F")
    assert (where.scheme, where.host, where.port, where.target) == (
        "https",
        "lms.example.org",
        443,
        "/moodle/a.php?x=%2F",
    )
    with pytest.raises(ValueError, match="no address"):
        where_of("/a")


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    path = tmp_path / "regions.yaml"
    path.write_text(
        "origins: {lms: {hosts: [lms.example.org], upstream: 'http://127.0.0.1:9', allow_private: true}}\n"
        "regions: {a: {timezone: Europe/Moscow, networks: [10.0.0.0/8], policy: open}}\n"
    )
    return read_catalogue(path)


async def called(catalogue: Catalogue, answer: bytes, chapter: str = "") -> tuple[Any, bytes]:
    """What a call, or a chapter's file, answers where the origin says this, and what the origin got."""

    async def script(visit: Visit) -> None:
        head = await visit.head()
        if not chapter:
            await visit.body(head)
        await visit.send(answer)

    async with raw_origin(script) as origin:
        lms = replace(catalogue.origins["lms"], upstream=f"http://127.0.0.1:{origin.port}")
        upstream = Upstream(lambda: catalogue)
        account = MoodleAccount(upstream, lms, "http://lms.example.org/moodle", TOKEN, via="1.1 tropa")
        try:
            if chapter:
                told = await account.text(chapter, NOW)
            else:
                told = await account.call("core_course_get_contents", NOW, courseid=5)
        finally:
            await upstream.close()
        return told, bytes(origin.visits[0].received)


def said(body: bytes, head: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


async def test_a_call_goes_out_as_a_form_with_the_token_in_its_body_alone(catalogue: Catalogue) -> None:
    told, got = await called(catalogue, said(b'[{"id": 1}]'))
    head, _, body = got.partition(b"\r\n\r\n")
    assert told == [{"id": 1}]
    assert head.startswith(b"POST /moodle/webservice/rest/server.php HTTP/1.1\r\nHost: lms.example.org")
    assert TOKEN.encode() not in head and f"wstoken={TOKEN}".encode() in body and b"courseid=5" in body
    assert b"Cookie" not in head


@pytest.mark.parametrize(
    ("answer", "why", "retry_s"),
    [
        (said(b'{"exception": "x", "errorcode": "invalidtoken", "message": "m"}'), "invalidtoken", None),
        (said(b'{"exception": "x", "errorcode": "<b>"}'), "service-error", None),
        (said(b"<html>"), "service-malformed", None),
        (b"HTTP/1.1 503 No\r\nRetry-After: 90\r\nContent-Length: 0\r\n\r\n", "service-503", 90.0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "service-unreachable", None),
    ],
)
async def test_an_error_is_a_word_and_a_wait_that_was_asked_for_is_known(
    catalogue: Catalogue, answer: bytes, why: str, retry_s: float | None
) -> None:
    with pytest.raises(ServiceFailed) as failed:
        await called(catalogue, answer)
    assert (failed.value.why, failed.value.retry_s) == (why, retry_s)


CHAPTER = "http://lms.example.org/moodle/webservice/pluginfile.php/31/mod_book/chapter/8/index.html"


@pytest.mark.parametrize("code", ["invalidtoken", "accessexception", "filenotfound"])
async def test_the_error_of_a_stored_file_is_no_text(catalogue: Catalogue, code: str) -> None:
    """Moodle's script for files fails with status 200 in a form of its own, without a word "exception"."""
    fault = json.dumps({"error": "…", "errorcode": code, "stacktrace": None, "debuginfo": None})
    with pytest.raises(ServiceFailed, match=code):
        await called(catalogue, said(fault.encode()), CHAPTER)


async def test_a_text_that_looks_like_json_is_a_text(catalogue: Catalogue) -> None:
    told, got = await called(catalogue, said(b'{"a": 1} and so on'), CHAPTER)
    assert told == '{"a": 1} and so on'
    assert b"GET /moodle/webservice/pluginfile.php/31/mod_book/chapter/8/index.html?token=" in got
