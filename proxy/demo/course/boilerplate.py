"""The part of each page that says nothing: configuration, strings, hidden drawers. Most of an LMS page's bytes."""

from __future__ import annotations

from typing import Any

from proxy.demo.course.catalog import COURSE_ID, SECTIONS, Activity
from proxy.demo.course.state import Session

ORDER: tuple[Activity, ...] = tuple(a for section in SECTIONS for a in section.activities)
PAGE_HEADERS = {
    "Content-Language": "ru",
    "Content-Script-Type": "text/javascript",
    "Content-Style-Type": "text/css",
    "Expires": "Mon, 20 Aug 1969 09:23:00 GMT",
    "Pragma": "no-cache",
    "Accept-Ranges": "none",
    "X-Frame-Options": "sameorigin",
    "X-UA-Compatible": "IE=edge",
}
_DEEDS = {
    "add": "Добавить",
    "edit": "Изменить",
    "delete": "Удалить",
    "show": "Показать",
    "hide": "Скрыть",
    "move": "Переместить",
    "open": "Открыть",
}
_THINGS = {
    "topic": "тему",
    "activity": "элемент курса",
    "file": "файл",
    "message": "сообщение",
    "discussion": "обсуждение",
    "question": "вопрос",
    "attempt": "попытку",
    "grade": "оценку",
    "event": "событие календаря",
    "group": "группу",
    "participant": "участника",
    "block": "блок",
    "section": "раздел",
    "folder": "папку",
    "category": "категорию",
}
STRINGS: dict[str, dict[str, str]] = {
    "moodle": {
        f"{deed}_{thing}": f"{words} {object_}" for deed, words in _DEEDS.items() for thing, object_ in _THINGS.items()
    },
    "error": {
        "serverconnection": "Ошибка при подключении к серверу. Проверьте связь и попробуйте ещё раз.",
        "sessiontimeout": "Сеанс работы завершён. Войдите в систему ещё раз.",
        "changesmadereallygoaway": "Вы внесли изменения. Вы действительно хотите уйти без сохранения?",
        "filenotuploaded": "Файл не загружен. Размер файла больше разрешённого или связь прервалась.",
    },
}
_KINDS = ("Личное сообщение", "Ответ в форуме", "Оценка", "Срок сдачи", "Консультация", "Вебинар", "Отзыв", "Новость")
_WAYS = ("Сразу", "Дайджест", "Почта", "Мобильное приложение", "Не уведомлять")
DRAWER_ROWS: tuple[tuple[str, str, str], ...] = tuple(
    (f"{k}-{w}", kind, way) for k, kind in enumerate(_KINDS) for w, way in enumerate(_WAYS)
)


def config(root: str, session: Session, players_base: str | None) -> dict[str, Any]:
    """M.cfg: what the page's scripts know. `root` stays empty, so that scripts call the host they came from."""
    return {
        "wwwroot": root,
        "root": "",
        "homeurl": {},
        "sesskey": session.sesskey,
        "sessiontimeout": "28800",
        "sessiontimeoutwarning": 1200,
        "themerev": "1732000000",
        "slasharguments": 1,
        "theme": "boost",
        "iconsystemmodule": "core/icon_system_fontawesome",
        "jsrev": "1732000000",
        "admin": "admin",
        "svgicons": True,
        "usertimezone": "Европа/Москва",
        "language": "ru",
        "courseId": COURSE_ID,
        "contextid": 1001,
        "contextInstanceId": COURSE_ID,
        "langrev": 1732000000,
        "templaterev": "1732000000",
        "siteId": 1,
        "userId": session.user.id if session.user else 0,
        "playersBase": players_base or "",
        "mathjax": {"delimiters": [["\\(", "\\)"], ["\\[", "\\]"]], "lang": "ru"},
    }


def body_class(activity: Activity | None) -> str:
    """The classes that themes hang their rules on."""
    where = f"path-mod-{activity.module} cmid-{activity.cmid}" if activity is not None else "path-site"
    skin = "chrome dir-ltr lang-ru yui-skin-sam yui3-skin-sam pagelayout-incourse"
    return f"format-topics {where} {skin} course-{COURSE_ID} limitedwidth"


def icon_map() -> list[dict[str, str]]:
    """The table of icon names that scripts ask for on a first visit."""
    areas = ("core", "mod_forum", "mod_quiz", "mod_assign", "tool_lp", "block_calendar", "theme")
    return [
        {"component": area, "pix": f"{deed}/{thing}", "to": f"fa-{thing}-{deed}"}
        for area in areas
        for deed in _DEEDS
        for thing in _THINGS
    ]
