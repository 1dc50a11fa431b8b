"""Two learners, the same addresses, every header that matters: what is one's reaches the other by no way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from multidict import CIMultiDict

from proxy.upstream.reply import Whose
from tests.caching import Got, Says, Told, cached

HASH = '"da39a3ee5e6b4b0d3255bfef95601890afd80709"'
ANNA = {"Cookie": "MoodleSession=anna"}
BORIS = {"Cookie": "MoodleSession=boris"}
PAGE = {"Content-Type": "text/html; charset=utf-8"}
FILE = {"Content-Type": "image/png"}


def name_of(told: Told) -> str:
    cookie, login = told.headers.get("Cookie", ""), told.headers.get("Authorization", "")
    return next((name for name in ("anna", "boris") if name in cookie or name in login), "nobody")


def personal(headers: Mapping[str, str], status: int = 200):  # type: ignore[no-untyped-def]
    """An origin that writes each one's name into what it answers."""

    def answers(told: Told) -> Says:
        return Says(status, CIMultiDict(headers), f"for {name_of(told)}".encode())

    return answers


def is_hers(got: Got, name: str) -> bool:
    return got.body == f"for {name}".encode()


@pytest.mark.parametrize("document", [True, False])
@pytest.mark.parametrize(
    "headers",
    [
        {**PAGE},
        {**PAGE, "Cache-Control": "private, max-age=600"},
        {**FILE, "Cache-Control": "private, max-age=600"},
        {**FILE, "Cache-Control": "private, max-age=600", "ETag": '"same-for-all"'},
        {**PAGE, "Cache-Control": "max-age=600"},
        {**PAGE, "Cache-Control": "max-age=600", "ETag": '"same-for-all"'},
        {**PAGE, "Cache-Control": "must-revalidate, max-age=600"},
        {**PAGE, "Expires": "Thu, 01 Jan 2099 00:00:00 GMT"},
        {**PAGE, "Last-Modified": "Thu, 01 Jan 2015 00:00:00 GMT"},
        {**FILE, "Last-Modified": "Thu, 01 Jan 2015 00:00:00 GMT"},
        {**PAGE, "Last-Modified": "Thu, 01 Jan 2015 00:00:00 GMT", "ETag": '"same-for-all"'},
        {**PAGE, "Cache-Control": "no-store"},
        {**PAGE, "Cache-Control": "no-cache", "ETag": 'W/"1"'},
        {**FILE, "Cache-Control": "public, max-age=600", "Set-Cookie": "MoodleSession=new"},
        {**FILE, "Cache-Control": "public, max-age=600", "Vary": "Cookie"},
        {**FILE, "Cache-Control": "public, max-age=600", "Vary": "Accept-Encoding, cookie"},
        {**FILE, "Cache-Control": "public, max-age=600", "Vary": "*"},
        {"Content-Type": "application/json", "Cache-Control": "max-age=600"},
        {"Cache-Control": "max-age=600"},
    ],
    ids=lambda headers: "; ".join(f"{n}: {v}" for n, v in headers.items()),
)
async def test_what_an_origin_makes_for_one_with_a_cookie_is_hers(
    headers: dict[str, str], document: bool, tmp_path: Path
) -> None:
    async with cached(tmp_path, personal(headers)) as there:
        for who, cookie in (("anna", ANNA), ("boris", BORIS), ("nobody", {}), ("anna", ANNA)):
            got = await there.get("/my/", headers=cookie, learner=who, document=document)
            assert is_hers(got, who), got.way


@pytest.mark.parametrize(
    "headers", [PAGE, FILE, {**PAGE, "Cache-Control": "max-age=600"}, {"Cache-Control": "private"}]
)
async def test_what_is_asked_for_with_a_login_is_hers(headers: dict[str, str], tmp_path: Path) -> None:
    async with cached(tmp_path, personal(headers)) as there:
        for who in ("anna", "boris", "nobody", "anna"):
            login = {"Authorization": f"Bearer {who}"} if who != "nobody" else {}
            assert is_hers(await there.get("/api", headers=login, learner=who), who)


@pytest.mark.parametrize("status", [200, 203, 301, 302, 303, 307, 308, 401, 403, 404, 410, 500])
async def test_redirects_and_errors_are_hers_too(status: int, tmp_path: Path) -> None:
    headers = {**PAGE, "Cache-Control": "private, max-age=600", "Location": "/login"}
    async with cached(tmp_path, personal(headers, status)) as there:
        for who, cookie in (("anna", ANNA), ("boris", BORIS)):
            assert is_hers(await there.get("/view", headers=cookie, learner=who), who)


async def test_a_cookie_that_an_answer_sets_reaches_its_own_learner_alone(tmp_path: Path) -> None:
    def answers(told: Told) -> Says:
        headers = CIMultiDict({**FILE, "Cache-Control": "private", "ETag": HASH, "Set-Cookie": f"seen={name_of(told)}"})
        return Says(304 if HASH in told.headers.get("If-None-Match", "") else 200, headers, b"the file")

    async with cached(tmp_path, answers) as there:
        first = await there.get(headers=ANNA, learner="anna")
        second = await there.get(headers=BORIS, learner="boris")
    assert first.headers.getall("Set-Cookie") == ["seen=anna"]
    assert second.headers.getall("Set-Cookie") == ["seen=boris"]
    assert second.body == b"the file" and second.way.whose is Whose.CONFIRMED and not second.from_origin


async def test_a_private_file_goes_to_who_the_origin_confirms_it_to_and_to_nobody_else(tmp_path: Path) -> None:
    def answers(told: Told) -> Says:
        if name_of(told) == "boris":
            return Says(303, CIMultiDict({"Location": "/login"}), b"")
        headers = CIMultiDict({**FILE, "Cache-Control": "private, no-transform", "ETag": HASH})
        return Says(304 if HASH in told.headers.get("If-None-Match", "") else 200, headers, b"the file")

    async with cached(tmp_path, answers) as there:
        assert (await there.get(headers=ANNA, learner="anna")).body == b"the file"
        refused = await there.get(headers=BORIS, learner="boris")
        assert (refused.status, refused.body) == (303, b"")
        assert (await there.get(headers=ANNA, learner="anna")).body == b"the file"
        ranged = await there.get(headers={**BORIS, "Range": "bytes=0-2"}, learner="boris")
        assert (ranged.status, ranged.body) == (303, b"")
        told = there.told[-1]
    assert told.headers["Cookie"] == BORIS["Cookie"]


async def test_every_question_goes_out_in_the_name_of_who_asks(tmp_path: Path) -> None:
    def answers(told: Told) -> Says:
        headers = CIMultiDict({**FILE, "Cache-Control": "private", "ETag": HASH})
        return Says(304 if HASH in told.headers.get("If-None-Match", "") else 200, headers, b"the file")

    async with cached(tmp_path, answers) as there:
        for cookie in (ANNA, BORIS, ANNA):
            await there.get(headers=cookie, learner=cookie["Cookie"])
    assert [told.headers["Cookie"] for told in there.told] == [ANNA["Cookie"], BORIS["Cookie"], ANNA["Cookie"]]


async def test_a_part_of_one_learners_file_never_completes_anothers(tmp_path: Path) -> None:
    """One validator for two contents is a lie about a private file: nothing is shared by it."""

    def answers(told: Told) -> Says:
        body = (name_of(told) * 40_000).encode()
        headers = CIMultiDict({**FILE, "Cache-Control": "private", "ETag": '"lie"'})
        if "Range" in told.headers:
            headers["Content-Range"] = f"bytes 0-99999/{len(body)}"
            return Says(206, headers, body[:100_000])
        return Says(200, headers, body)

    async with cached(tmp_path, answers) as there:
        await there.get(headers={**ANNA, "Range": "bytes=0-99999"}, learner="anna")
        got = await there.get(headers=BORIS, learner="boris")
    assert got.body == b"boris" * 40_000


async def test_an_assessment_is_neither_stored_nor_served(tmp_path: Path) -> None:
    headers = {**PAGE, "Cache-Control": "public, max-age=600"}
    async with cached(tmp_path, personal(headers)) as there:
        await there.get("/mod/quiz/attempt.php", headers=ANNA, learner="anna", untouched=True)
        assert is_hers(
            await there.get("/mod/quiz/attempt.php", headers=BORIS, learner="boris", untouched=True), "boris"
        )
        assert there.store.stats().objects == 0
        await there.get("/shared", headers=ANNA, learner="anna")
        assert is_hers(await there.get("/shared", headers=BORIS, learner="boris", untouched=True), "boris")


async def test_no_cookie_login_or_learner_is_in_anything_that_is_stored(tmp_path: Path) -> None:
    def answers(told: Told) -> Says:
        headers = CIMultiDict({**FILE, "Cache-Control": "public, max-age=9", "Vary": "X-Session", "ETag": HASH})
        return Says(200, headers, b"the file")

    async with cached(tmp_path, answers) as there:
        secret = {"Cookie": "MoodleSession=s3cret", "X-Session": "s3cret"}
        await there.get("/a?token=s3cret", headers=secret, learner="s3cret")
        private = {**secret, "Authorization": "Bearer s3cret"}
        await there.get("/b?token=s3cret", headers=private, learner="s3cret")
        await there.get("/tokenpluginfile.php/s3cret0123456789abcdef0123456789/1/a.png", learner="s3cret")
        assert there.store.stats().objects == 3
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"the file" in kept and b"s3cret" not in kept
