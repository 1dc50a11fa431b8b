"""Login with a `logintoken`, a fresh session at login, logout by `sesskey`."""

from __future__ import annotations

import secrets

from aiohttp import web

from proxy.demo.course.state import USERS, Session
from proxy.demo.course.web import PAGE_CACHE, redirect, render, session_of, set_cookie, site, wwwroot

_MAX_TOKENS = 8


async def show(request: web.Request) -> web.Response:
    """The form; somebody who is in already goes home."""
    session = session_of(request)
    if session.user is not None:
        raise redirect(request, "/my/")
    return _form(request, session, wants=request.query.get("wantsurl", ""), fault="", name="")


def _form(request: web.Request, session: Session, *, wants: str, fault: str, name: str) -> web.Response:
    token = secrets.token_urlsafe(24)
    session.login_tokens[:] = [*session.login_tokens[1 - _MAX_TOKENS :], token]
    return render(
        request, "login.html", title="Вход", logintoken=token, wants=wants, fault=fault, name=name, users=USERS.values()
    )


def _safe(path: str) -> str:
    """Only a path of this portal: never another host's."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/my/"


async def enter(request: web.Request) -> web.StreamResponse:
    """Check the form; success begins another session, so that a key known before login is worth nothing after."""
    form, session = await request.post(), session_of(request)
    name, wants = str(form.get("username", "")), str(form.get("wantsurl", ""))
    if str(form.get("logintoken", "")) not in session.login_tokens:
        return _form(request, session, wants=wants, fault="Страница входа устарела. Введите данные ещё раз.", name=name)
    state = site(request).state
    user = state.check_password(name, str(form.get("password", "")), how="form")
    if user is None:
        return _form(request, session, wants=wants, fault="Неверный логин или пароль, попробуйте заново.", name=name)
    state.close_session(session)
    fresh = state.open_session(user)
    response = web.Response(
        status=303, headers={"Location": wwwroot(request) + _safe(wants), "Cache-Control": PAGE_CACHE}
    )
    set_cookie(response, fresh, secure=wwwroot(request).startswith("https:"))
    return response


async def leave(request: web.Request) -> web.StreamResponse:
    """End the session; without the right sesskey only ask."""
    session = session_of(request)
    form = await request.post() if request.method == "POST" else request.query
    if session.user is not None and str(form.get("sesskey", "")) != session.sesskey:
        return render(request, "logout.html", title="Выход")
    state = site(request).state
    state.close_session(session)
    response = web.Response(status=303, headers={"Location": wwwroot(request) + "/", "Cache-Control": PAGE_CACHE})
    set_cookie(response, state.open_session(), secure=wwwroot(request).startswith("https:"))
    return response


def routes() -> list[web.RouteDef]:
    """All of them."""
    return [
        web.get("/login/index.php", show),
        web.post("/login/index.php", enter),
        web.get("/login/logout.php", leave),
        web.post("/login/logout.php", leave),
    ]
