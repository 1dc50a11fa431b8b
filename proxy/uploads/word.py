"""How a page's script says that a request is about an upload: a header, or, where a browser's own form can't carry one,
a parameter of its address.

    Tropa-Upload: send TOKEN 1 form     the form, with marks for its files: its first attempt, as a browser's own form
    Tropa-Upload: send TOKEN 1 script   the same, as a script of the course's sends it
    Tropa-Upload: answer TOKEN          what the origin said to it
    …?tropa-answer=TOKEN                the same, asked for by a form

Laws of this file: only POSTs; the parameter never reaches an origin, a decision or the log.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from policies.frozen import Frozen
from proxy.exchange import Inbound

HEADER = "Tropa-Upload"
_PARAMETER = re.compile(r"[?&]tropa-answer=([A-Za-z0-9._-]{1,8192})$")
_ATTEMPT = re.compile(r"[0-9]{1,6}")


class Send(Frozen, frozen=True):
    token: str
    attempt: int
    by_form: bool


class Claim(Frozen, frozen=True):
    token: str


class Nonsense(Frozen, frozen=True):
    """It speaks of an upload, but can't be understood."""


Word = Send | Claim | Nonsense


def word_of(inbound: Inbound) -> Word | None:
    """None: this request isn't about an upload."""
    request = inbound.request
    if request.method != "POST":
        return None
    said = request.headers.get(HEADER)
    if said is None:
        match = _PARAMETER.search(request.raw_path) if "tropa-answer=" in request.raw_path else None
        return None if match is None else Claim(match[1])
    match said.split():
        case ["send", token, attempt, "form" | "script" as by] if _ATTEMPT.fullmatch(attempt):
            return Send(token, int(attempt), by == "form")
        case ["answer", token]:
            return Claim(token)
        case _:
            return Nonsense()


def without_word(inbound: Inbound) -> Inbound:
    """The request under the address that it is about."""
    if "tropa-answer=" not in inbound.target or inbound.request.method != "POST":
        return inbound
    return replace(inbound, target=_PARAMETER.sub("", inbound.target))
