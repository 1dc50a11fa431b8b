"""A message that a page's script posts as JSON: one call of a web service, understood or left alone.

Laws of this file: pure; only a single call whose name policy lists, with words in it, is a message; its body goes out
again byte for byte, with another token in its address; what an answer doesn't say plainly proves nothing.
Source: Moodle's lib/ajax/service.php: [{"index": 0, "methodname": …, "args": {…}}], answered by [{"error": …}];
core_message_send_instant_messages, which tells of a blocked message as [{"msgid": -1, "errormessage": …}].
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

from policies.model import OutboxForm
from proxy.outbox.form import Field, Form

_NAME = "methodname"
_MOST_FIELDS = 200
_LOGIN = frozenset(("servicerequireslogin", "requireloginerror", "sessiontimedout", "invalidsesskey"))


def is_call_of(query: str, rule: OutboxForm) -> bool:
    """Whether an address names one of the rule's calls, as Moodle's scripts do."""
    return any(name == "info" and value in rule.calls for name, value in parse_qsl(query))


def read_call(body: bytes, rule: OutboxForm) -> Form | None:
    """The call as a form: its body first, then its words by name; None: another thing, or several at once."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, list) or len(told) != 1 or not isinstance(told[0], dict):
        return None
    if told[0].get(_NAME) not in rule.calls:
        return None
    words = tuple(_words(told[0].get("args"), depth=0))[:_MOST_FIELDS]
    return Form(fields=(Field(name="", value=body), *words), is_call=True)


def _words(args: Any, depth: int) -> Iterator[Field]:
    if depth > 4:
        return
    if isinstance(args, list):
        for one in args:
            yield from _words(one, depth + 1)
    elif isinstance(args, dict):
        for name, value in args.items():
            if isinstance(value, str):
                yield Field(name=str(name), value=value.encode("utf-8", "surrogatepass"))
            else:
                yield from _words(value, depth + 1)


def with_token(target: str, name: str, token: str) -> str:
    """The address with this parameter renewed, the others as they were."""
    path, _, query = target.partition("?")
    pairs = [(key, token if key == name else value) for key, value in parse_qsl(query, keep_blank_values=True)]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def token_on(page: str, name: str) -> str | None:
    """The session's token as a page tells its scripts; None: it doesn't."""
    found = re.search(rf'"{re.escape(name)}":"([A-Za-z0-9._-]{{6,128}})"', page)
    return found[1] if found is not None else None


def _of_each(data: Any) -> str:
    """Some calls name what became of each message in an answer without an error: -1 for one that wasn't sent."""
    numbers = (
        [one["msgid"] for one in data if isinstance(one, dict) and "msgid" in one] if isinstance(data, list) else []
    )
    if -1 not in numbers:
        return "taken"
    return "refused" if set(numbers) == {-1} else ""


def answered(page: str) -> str:
    """ "taken", "login", "refused", or "" where the answer doesn't say."""
    try:
        told = json.loads(page)
    except (ValueError, RecursionError):
        return ""
    first = told[0] if isinstance(told, list) and len(told) == 1 else told
    if not isinstance(first, dict) or "error" not in first:
        return ""
    if first["error"] is False:
        return _of_each(first.get("data"))
    exception = first.get("exception")
    word = exception.get("errorcode") if isinstance(exception, dict) else first.get("errorcode")
    return "login" if word in _LOGIN else "refused"
