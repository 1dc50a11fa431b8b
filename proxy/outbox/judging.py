"""What an origin's answer means for a message.

Laws of this file: pure; "done" only where the origin did what it does after taking a form of this kind; a server's own
error proves nothing, so it is never taken for a refusal.
"""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from policies.frozen import Frozen
from policies.model import OutboxForm
from proxy.outbox.call import answered
from proxy.outbox.reading import is_a_guests


class Verdict(StrEnum):
    TAKEN = "taken"
    REFUSED = "refused"
    NEEDS_LOGIN = "needs-login"
    UNKNOWN = "unknown"


class Said(Frozen, frozen=True, kw_only=True):
    """An origin's answer as far as it is judged: the redirect's address raw, "" where there is none."""

    status: int
    location: str = ""
    page: str = ""


_OF_A_CALL = {
    "taken": Verdict.TAKEN,
    "login": Verdict.NEEDS_LOGIN,
    "refused": Verdict.REFUSED,
    "": Verdict.UNKNOWN,
}


def of_post(said: Said, rule: OutboxForm) -> Verdict:
    """What became of a form that was posted, or of a script's call."""
    if rule.calls and said.status == 200:
        return _OF_A_CALL[answered(said.page)]
    if said.status in (301, 302, 303, 307, 308):
        return _of_redirect(said.location, rule)
    if said.status == 401:
        return Verdict.NEEDS_LOGIN
    if said.status >= 500 or said.status in (408, 425, 429) or said.status < 200:
        return Verdict.UNKNOWN
    return Verdict.REFUSED  # 200: the form came back with a complaint


def _of_redirect(location: str, rule: OutboxForm) -> Verdict:
    parts = _split(location)
    if parts is None:
        return Verdict.UNKNOWN
    path, names, fragment = parts
    if _any(rule.login, path):
        return Verdict.NEEDS_LOGIN
    if names & set(rule.refused_with):
        return Verdict.REFUSED
    is_done = _any(rule.done, path) or (fragment and _any(rule.done, f"{path}#{fragment}"))
    return Verdict.TAKEN if is_done else Verdict.UNKNOWN


def of_page(said: Said, rule: OutboxForm) -> Verdict:
    """Whether a page that was asked for is the page: TAKEN means it is there to be read by who is logged in.

    A form that leads to where a message would stand isn't there: nobody can write any more.
    """
    if said.status == 200:
        return Verdict.NEEDS_LOGIN if is_a_guests(said.page, rule) else Verdict.TAKEN
    if said.status in (301, 302, 303, 307, 308):
        parts = _split(said.location)
        if parts is None:
            return Verdict.UNKNOWN
        if _any(rule.login, parts[0]):
            return Verdict.NEEDS_LOGIN
        return Verdict.REFUSED if _looks_at(rule, parts[0]) else Verdict.UNKNOWN
    if said.status == 401:
        return Verdict.NEEDS_LOGIN
    return Verdict.REFUSED if said.status in (403, 404, 410) else Verdict.UNKNOWN


def _split(location: str) -> tuple[str, set[str], str] | None:
    """(path, names of the query, fragment)."""
    try:
        parts = urlsplit(location)
        return parts.path, {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}, parts.fragment
    except ValueError:
        return None


def _looks_at(rule: OutboxForm, path: str) -> bool:
    return any(path == template.partition("?")[0] for template in rule.look)


def _any(patterns: tuple[re.Pattern[str], ...], path: str) -> bool:
    return any(pattern.search(path) for pattern in patterns)
