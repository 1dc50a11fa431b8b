"""The forum (after a post always a redirect), the assignment, and draft files."""

from __future__ import annotations

import secrets

from aiohttp import web

from proxy.demo.course.catalog import ACTIVITIES
from proxy.demo.course.discussions import DISCUSSIONS
from proxy.demo.course.pages import activity_of
from proxy.demo.course.receive import Form, accept, read_form
from proxy.demo.course.state import Post, Upload, User
from proxy.demo.course.web import check_sesskey, json_reply, redirect, render, require_login, session_of, site

FORUM, ASSIGNMENT = ACTIVITIES[102], ACTIVITIES[181]


def _thread(request: web.Request, number: int) -> list[dict[str, object]]:
    said = [
        {
            "id": number * 100 + i,
            "author": s.author,
            "subject": s.subject,
            "message": s.message,
            "face": s.face,
            "at": "ранее",
            "uploads": (),
            "first": i == 0,
        }
        for i, s in enumerate(DISCUSSIONS[number])
    ]
    posts = [
        {
            "id": p.id,
            "author": p.author,
            "subject": p.subject,
            "message": p.message,
            "face": 1 + len(p.author) % 8,
            "at": "только что",
            "uploads": p.uploads,
            "first": False,
        }
        for p in site(request).state.posts
        if p.discussion == number
    ]
    return said + posts


async def view(request: web.Request) -> web.Response:
    """The list of discussions."""
    if "f" not in request.query:
        activity_of(request, "forum")
    rows = [(n, _thread(request, n)) for n in DISCUSSIONS]
    return render(request, "forum.html", title=FORUM.title, activity=FORUM, rows=rows)


async def discuss(request: web.Request) -> web.Response:
    """One discussion and, for the logged in, the reply form."""
    number = int(request.query["d"]) if request.query.get("d", "").isdigit() else 0
    if number not in DISCUSSIONS:
        raise web.HTTPNotFound(text="invaliddiscussionid")
    thread = _thread(request, number)
    return render(
        request,
        "discussion.html",
        title=str(thread[0]["subject"]),
        activity=FORUM,
        thread=thread,
        discussion=number,
        itemid=_draft_number(),
        calls=(("core_form/filemanager", "init", ()),),
    )


def _draft_number() -> int:
    return 100_000_000 + secrets.randbelow(800_000_000)


def _taken(request: web.Request, user: User, form: Form) -> tuple[Upload, ...]:
    item = form.number("attachments") or form.number("itemid")
    direct = tuple(accept(request, user, received, item) for received in form.files)
    drafts = site(request).state.drafts(item, user.login) if item else ()
    return drafts if item else direct


async def reply(request: web.Request) -> web.Response:
    """Accept a message and redirect to it."""
    user, form = require_login(request), await read_form(request)
    check_sesskey(request, form.fields.get("sesskey", ""))
    number, message = form.number("d"), form.fields.get("message", "").strip()
    if number not in DISCUSSIONS:
        raise web.HTTPNotFound(text="invaliddiscussionid")
    if not message:
        raise redirect(request, f"/mod/forum/discuss.php?d={number}&error=empty#reply")
    state = site(request).state
    first = DISCUSSIONS[number][0]
    post = Post(
        id=state.next_id(),
        discussion=number,
        parent=form.number("reply"),
        login=user.login,
        author=user.name,
        subject=form.fields.get("subject", "").strip() or f"Re: {first.subject}",
        message=message,
        at=site(request).clock(),
        uploads=_taken(request, user, form),
    )
    state.add_post(post)
    raise redirect(request, f"/mod/forum/discuss.php?d={number}#p{post.id}")


async def draft_file(request: web.Request) -> web.Response:
    """A file goes to a draft area (`?action=upload`); errors are JSON with status 200, as Moodle's are."""
    user, form = session_of(request).user, await read_form(request)
    if user is None or form.fields.get("sesskey") != session_of(request).sesskey:
        return json_reply(request, {"error": "Сеанс работы завершён, войдите ещё раз", "errorcode": "invalidsesskey"})
    if not form.files:
        return json_reply(request, {"error": "Файл не получен", "errorcode": "nofile"})
    upload = accept(request, user, form.files[0], form.number("itemid"))
    url = f"/draftfile.php/{1000 + user.id}/user/draft/{upload.item_id}/{upload.filename}"
    return json_reply(request, {"url": url, "id": upload.item_id, "file": upload.filename, "size": upload.size_bytes})


async def assignment(request: web.Request) -> web.Response:
    """The assignment: what is handed in, and the form."""
    user = require_login(request)
    activity_of(request, "assign")
    mine = [u for u in site(request).state.submissions if u.login == user.login]
    return render(
        request,
        "assign.html",
        title=ASSIGNMENT.title,
        activity=ASSIGNMENT,
        submitted=mine,
        itemid=_draft_number(),
        calls=(("core_form/filemanager", "init", ()),),
    )


async def hand_in(request: web.Request) -> web.Response:
    """Accept files for the assignment and redirect."""
    user, form = require_login(request), await read_form(request)
    check_sesskey(request, form.fields.get("sesskey", ""))
    site(request).state.submit(_taken(request, user, form))
    raise redirect(request, ASSIGNMENT.path)


def routes() -> list[web.RouteDef]:
    """All of them."""
    return [
        web.get("/mod/forum/view.php", view),
        web.get("/mod/forum/discuss.php", discuss),
        web.post("/mod/forum/post.php", reply),
        web.post("/repository/repository_ajax.php", draft_file),
        web.get("/mod/assign/view.php", assignment),
        web.post("/mod/assign/view.php", hand_in),
    ]
