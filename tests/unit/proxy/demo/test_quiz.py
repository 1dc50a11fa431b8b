"""A quiz of the sample course: answers are saved while they are typed, and count until the time is up."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from proxy.demo.course import RunningCourse
from tests.unit.proxy.demo.browsing import Browser, field, log_in, page, text_of


async def begin_quiz(browser: Browser) -> tuple[str, str]:
    await log_in(browser)
    html = await page(browser, "/mod/quiz/view.php?id=191")
    async with browser.post("/mod/quiz/startattempt.php", data={"sesskey": field(html, "sesskey")}) as response:
        attempt = await text_of(response)
    return field(attempt, "attempt"), field(attempt, "sesskey")


async def test_quiz_answers_are_autosaved_shown_again_and_marked(
    browser: Browser, course: RunningCourse, hands: Any
) -> None:
    number, key = await begin_quiz(browser)
    hands.now += 30
    answers = {"attempt": number, "sesskey": key, f"q{number}:1_answer": "1", f"q{number}:5_answer": "Голосом"}
    async with browser.post("/mod/quiz/autosave.ajax.php", data=answers) as response:
        assert json.loads(await text_of(response)) == {"status": "OK", "timeleft": 1170.0}
    shown = await page(browser, f"/mod/quiz/attempt.php?attempt={number}&cmid=191")
    assert "19:30" in shown and ">Голосом</textarea>" in shown
    async with browser.post("/mod/quiz/processattempt.php", data=answers) as response:
        review = await text_of(response)
    assert "1 из 4" in review and "42 см² ✓" in review and "Голосом" in review
    assert [save.how for save in course.state.quiz_saves] == ["autosave", "submit"]


async def test_after_the_time_and_the_grace_only_earlier_answers_count(
    browser: Browser, course: RunningCourse, hands: Any
) -> None:
    number, key = await begin_quiz(browser)
    answers = {"attempt": number, "sesskey": key, f"q{number}:1_answer": "1"}
    async with browser.post("/mod/quiz/autosave.ajax.php", data=answers):
        pass
    hands.now += 1261
    async with browser.post("/mod/quiz/processattempt.php", data={**answers, f"q{number}:1_answer": "0"}) as response:
        assert "Время попытки истекло" in await text_of(response)
    assert [dict(save.answers) for save in course.state.quiz_saves] == [{f"q{number}:1_answer": "1"}]


async def test_an_attempt_belongs_to_one_learner(browser: Browser, course: RunningCourse) -> None:
    number, _ = await begin_quiz(browser)
    async with aiohttp.ClientSession(
        course.base_url, cookie_jar=aiohttp.CookieJar(unsafe=True), auto_decompress=False
    ) as other:
        await log_in(other, "teacher2")
        async with other.get(f"/mod/quiz/attempt.php?attempt={number}&cmid=191") as response:
            assert response.status == 404
