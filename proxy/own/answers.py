"""An answer that several parts of the reserved path give: what was asked for is elsewhere now."""

from __future__ import annotations

from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer


def see_other(location: str, cookie: str | None = None) -> Answer:
    """303 (RFC 9110, section 15.4.4): a reload of where it leads posts nothing. cookie: a Set-Cookie to go with it."""
    answer = plain_answer(303, b"", "text/plain", Location=location)
    if cookie is not None:
        answer.headers.add("Set-Cookie", cookie)
    return answer
