"""A quiz of twenty minutes by the server's clock: start, answer, autosave, submit, review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from proxy.demo.course.catalog import ACTIVITIES
from proxy.demo.course.pages import activity_of
from proxy.demo.course.state import Attempt
from proxy.demo.course.web import check_sesskey, json_reply, redirect, render, require_login, session_of, site

QUIZ = ACTIVITIES[191]
AUTOSAVE_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; without `choices` it is answered in words. `right` is the index of the right choice."""

    text: str
    choices: tuple[str, ...] = ()
    right: int | None = None
    picture: str = ""


QUESTIONS: tuple[Question, ...] = (
    Question(
        text="Чему равна площадь треугольника на рисунке?",
        choices=("84 см²", "42 см²", "38 см²", "19 см²"),
        right=1,
        picture="vopros1.png",
    ),
    Question(
        text="По диаграмме отметок класса определите, сколько работ оценено выше «3».",
        choices=("9", "11", "17", "24"),
        right=1,
        picture="vopros2.png",
    ),
    Question(
        text="Какой шаг пропущен в цепочке на рисунке?",
        choices=("Обратная связь", "Перекличка", "Домашнее чтение"),
        right=0,
        picture="vopros3.png",
    ),
    Question(
        text="Что в первую очередь получает ученик при слабой связи?",
        choices=("Запись видеоурока", "Текст задания с критериями", "Ссылку на видеоконференцию"),
        right=1,
    ),
    Question(text="Опишите одним-двумя предложениями, как вы дадите обратную связь по устному ответу на расстоянии."),
)


def _asked(request: web.Request, value: str) -> Attempt:
    user = require_login(request)
    found = site(request).state.attempt(int(value), user.login) if value.isdigit() else None
    if found is None:
        raise web.HTTPNotFound(text="notyourattempt")
    return found


def _answers(fields: dict[str, Any], attempt: Attempt) -> dict[str, str]:
    names = {f"q{attempt.id}:{slot}_answer" for slot in range(1, len(QUESTIONS) + 1)}
    return {key: str(value)[:20_000] for key, value in fields.items() if key in names}


async def view(request: web.Request) -> web.Response:
    """The quiz's front: rules, earlier tries, the start button."""
    user = require_login(request)
    activity_of(request, "quiz")
    mine = [a for a in site(request).state.attempts if a.login == user.login]
    return render(request, "quiz.html", title=QUIZ.title, activity=QUIZ, attempts=mine)


async def start(request: web.Request) -> web.Response:
    """Begin a try, or go on with the unfinished one."""
    user, form = require_login(request), await request.post()
    check_sesskey(request, str(form.get("sesskey", "")))
    attempt = site(request).state.start_attempt(user.login)
    raise redirect(request, f"/mod/quiz/attempt.php?attempt={attempt.id}&cmid={QUIZ.cmid}")


async def show(request: web.Request) -> web.Response:
    """The questions with what is answered so far."""
    attempt = _asked(request, request.query.get("attempt", ""))
    if attempt.finished is not None:
        raise redirect(request, f"/mod/quiz/review.php?attempt={attempt.id}&cmid={QUIZ.cmid}")
    left = max(0.0, attempt.deadline - site(request).clock())
    return render(
        request,
        "attempt.html",
        title=QUIZ.title,
        activity=QUIZ,
        attempt=attempt,
        questions=QUESTIONS,
        left_s=int(left),
        calls=(("mod_quiz/attempt", "init", (round(left, 3), AUTOSAVE_S)),),
    )


async def autosave(request: web.Request) -> web.Response:
    """Keep answers without leaving the page; the reply tells the time left by the server's clock."""
    form = await request.post()
    user = session_of(request).user
    if user is None or str(form.get("sesskey", "")) != session_of(request).sesskey:
        raise web.HTTPForbidden(text="invalidsesskey")
    attempt = _asked(request, str(form.get("attempt", "")))
    state = site(request).state
    if not state.save_answers(attempt, _answers(dict(form), attempt), how="autosave"):
        return json_reply(request, {"status": "ERROR", "error": "Время попытки истекло"})
    return json_reply(request, {"status": "OK", "timeleft": max(0, round(attempt.deadline - site(request).clock(), 1))})


async def process(request: web.Request) -> web.Response:
    """The form itself: save and finish, by the learner's button or by the timer."""
    form = await request.post()
    attempt = _asked(request, str(form.get("attempt", "")))
    check_sesskey(request, str(form.get("sesskey", "")))
    how = "timeup" if str(form.get("timeup", "0")) == "1" else "page" if form.get("next") else "submit"
    kept = site(request).state.save_answers(attempt, _answers(dict(form), attempt), how=how)
    late = "" if kept else "&late=1"
    target = "attempt" if how == "page" and kept else "review"
    raise redirect(request, f"/mod/quiz/{target}.php?attempt={attempt.id}&cmid={QUIZ.cmid}{late}")


async def review(request: web.Request) -> web.Response:
    """What was saved and how it is marked."""
    attempt = _asked(request, request.query.get("attempt", ""))
    right = sum(
        1
        for slot, q in enumerate(QUESTIONS, 1)
        if q.right is not None and attempt.answers.get(f"q{attempt.id}:{slot}_answer") == str(q.right)
    )
    closed = sum(1 for q in QUESTIONS if q.choices)
    return render(
        request,
        "review.html",
        title=QUIZ.title,
        activity=QUIZ,
        attempt=attempt,
        questions=QUESTIONS,
        right=right,
        closed=closed,
        late=request.query.get("late") == "1",
    )


def routes() -> list[web.RouteDef]:
    """All of them."""
    return [
        web.get("/mod/quiz/view.php", view),
        web.post("/mod/quiz/startattempt.php", start),
        web.get("/mod/quiz/attempt.php", show),
        web.post("/mod/quiz/autosave.ajax.php", autosave),
        web.post("/mod/quiz/processattempt.php", process),
        web.get("/mod/quiz/review.php", review),
    ]
