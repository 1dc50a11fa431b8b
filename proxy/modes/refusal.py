"""Small plain answers to what never becomes an exchange: malformed, unknown, forbidden, too much.

Law: nothing of the request is repeated in them, so they carry nobody's words to anybody.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

_TEXTS: dict[int, tuple[str, str]] = {
    400: ("Запрос повреждён. Обновите страницу.", "The request is damaged. Reload the page."),
    403: ("Этот адрес здесь не открывается.", "This address can't be opened here."),
    405: ("Это действие здесь не поддерживается.", "This action isn't supported here."),
    408: ("Запрос шёл слишком долго. Повторите.", "The request took too long. Try again."),
    413: ("Файл слишком велик.", "The file is too large."),
    414: ("Адрес слишком длинный.", "The address is too long."),
    417: ("Запрос повреждён.", "The request asks for what can't be met."),
    421: ("По этому адресу здесь нет сайта.", "There is no site at this address here."),
    431: ("Запрос слишком велик. Очистите cookie этого сайта.", "The request is too large. Clear this site's cookies."),
    500: ("Внутренняя ошибка. Повторите позже.", "Internal error. Try again later."),
    501: ("Это действие здесь не поддерживается.", "This action isn't supported here."),
    502: ("Сайт курса не отвечает. Повторите позже.", "The course's site doesn't answer. Try again later."),
    503: ("Сейчас слишком много обращений. Повторите через минуту.", "Too busy now. Try again in a minute."),
    504: ("Сайт курса не ответил вовремя.", "The course's site didn't answer in time."),
    505: ("Программа говорит на незнакомом языке.", "The program speaks an unknown HTTP version."),
    508: ("Запрос ходит по кругу. Сообщите администратору.", "The request goes round in a loop. Tell your IT staff."),
}


def plain_body(status: int) -> bytes:
    """The text for a status, Russian first, English below."""
    russian, english = _TEXTS.get(status, _TEXTS[400 if status < 500 else 500])
    return f"{russian}\n{english}\n".encode()


def small_answer(status: int, *, code: str = "", retry_after_s: int | None = None) -> web.Response:
    """A complete answer that ends the connection."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Connection": "close"}
    if code:
        headers["Tropa-Error"] = code
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    answer = web.Response(
        status=status, body=plain_body(status), content_type="text/plain", charset="utf-8", headers=headers
    )
    answer.force_close()
    return answer


def raw_answer(status: int, *, headers: tuple[tuple[str, str], ...] = (), body: bytes | None = None) -> bytes:
    """The same as bytes for a socket, for connections that no HTTP server holds."""
    text = plain_body(status) if body is None else body
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    if not any(name.lower() == "content-type" for name, _ in headers):
        lines.append("Content-Type: text/plain; charset=utf-8")
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"Content-Length: {len(text)}", "Cache-Control: no-store", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + text
