"""What the web services tell of the forum, as Moodle's do: discussions by their last change, the newest post first."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

from aiohttp import web

from proxy.demo.course.api_texts import is_ours
from proxy.demo.course.catalog import ACTIVITIES, COURSE_ID
from proxy.demo.course.discussions import DISCUSSIONS
from proxy.demo.course.state import Post, Upload, User
from proxy.demo.course.web import site, wwwroot

FORUM = ACTIVITIES[102]
_BEGUN = 1725177600
_NO_RECORD = {"exception": "dml_missing_record_exception", "errorcode": "invalidrecord"}


def forums(request: web.Request, user: User, values: dict[str, str]) -> Any:
    """A list, with the number of the activity beside the forum's own."""
    return [{"id": FORUM.cmid, "cmid": FORUM.cmid, "type": "general", "name": FORUM.title}] if is_ours(values) else []


def discussions(request: web.Request, user: User, values: dict[str, str]) -> Any:
    """`id` is the first post's, `discussion` the discussion's own; -1 is the group of all participants."""
    if values.get("forumid") != str(FORUM.cmid):
        return _NO_RECORD | {"message": "Не удалось найти запись данных в таблице базы данных forum."}
    rows = [_row(request, number) for number in DISCUSSIONS]
    return {"discussions": sorted(rows, key=lambda row: -int(row["timemodified"])), "warnings": []}


def _row(request: web.Request, number: int) -> dict[str, Any]:
    said = DISCUSSIONS[number]
    written = [post for post in site(request).state.posts if post.discussion == number]
    return {
        "id": number * 100,
        "discussion": number,
        "name": said[0].subject,
        "subject": said[0].subject,
        "message": f"<p>{escape(said[0].message)}</p>",
        "created": _BEGUN,
        "modified": _BEGUN,
        "timemodified": max([_BEGUN, *(int(post.at) for post in written)]),
        "timestart": 0,
        "timeend": 0,
        "groupid": -1,
        "attachment": False,
        "numreplies": len(said) - 1 + len(written),
        "pinned": False,
        "locked": False,
    }


def posts(request: web.Request, user: User, values: dict[str, str]) -> Any:
    """A discussion's posts, the last one first, as Moodle sorts them where nothing else is asked for."""
    number = int(values["discussionid"]) if values.get("discussionid", "").isdigit() else 0
    if number not in DISCUSSIONS:
        return _NO_RECORD | {"message": "Не удалось найти запись данных в таблице базы данных forum_discussions."}
    said = [
        _post(number * 100 + index, number, one.author, one.subject, one.message, _BEGUN)
        for index, one in enumerate(DISCUSSIONS[number])
    ]
    written = [_written(request, post) for post in site(request).state.posts if post.discussion == number]
    told = [*said, *written][::-1]
    return {"posts": told, "forumid": FORUM.cmid, "courseid": COURSE_ID, "ratinginfo": {}, "warnings": []}


def _written(request: web.Request, post: Post) -> dict[str, Any]:
    told = _post(post.id, post.discussion, post.author, post.subject, post.message, int(post.at))
    return told | {"attachments": [_attachment(request, upload) for upload in post.uploads]}


def _post(number: int, discussion: int, author: str, subject: str, message: str, at: int) -> dict[str, Any]:
    return {
        "id": number,
        "discussionid": discussion,
        "subject": subject,
        "replysubject": f"Re: {subject}",
        "message": f"<p>{escape(message)}</p>",
        "messageformat": 1,
        "timecreated": at,
        "timemodified": at,
        "author": {"fullname": author, "isdeleted": False},
        "isdeleted": False,
        "isprivatereply": False,
        "capabilities": {"view": True},
        "attachments": [],
        "messageinlinefiles": [],
    }


def _attachment(request: web.Request, upload: Upload) -> dict[str, Any]:
    path = f"/pluginfile.php/1102/mod_forum/attachment/{upload.id}/{quote(upload.filename)}"
    return {
        "filename": upload.filename,
        "filesize": upload.size_bytes,
        "isimage": upload.content_type.startswith("image/"),
        "timemodified": int(upload.at),
        "url": f"{wwwroot(request)}{path}?forcedownload=1",
        "urls": {"export": None},
    }
