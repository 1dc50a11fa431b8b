"""Refusals for programs: scripts' fetches, native apps, WebSockets.

Laws of this file: the same reasons as on a card; instants in UTC (RFC 3339); nothing of a policy's file names.
"""

from __future__ import annotations

import json
from datetime import UTC
from http import HTTPStatus

from policies.decision import Verdict
from proxy.pages.context import PageContext
from proxy.pages.moments import moment_text, zone_text
from proxy.pages.phrases import phrases
from proxy.pages.reasons import why_withheld

MAX_CLOSE_BYTES = 123  # RFC 6455 section 5.5: a control frame holds 125, two of them the code


def status_of(context: PageContext) -> HTTPStatus:
    """503 for what opens later, 403 for what does not."""
    deferred = context.decision.verdict is Verdict.DEFER
    return HTTPStatus.SERVICE_UNAVAILABLE if deferred else HTTPStatus.FORBIDDEN


def problem_json(context: PageContext, *, retry_after_s: int | None = None) -> bytes:
    """An application/problem+json body (RFC 9457); absent members are not known."""
    status = status_of(context)
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": plain_sentence(context),
        "reasons": [reason.rule for reason in context.decision.reasons],
    }
    if context.decision.opens_at:
        problem["opens_at"] = context.decision.opens_at.astimezone(UTC).isoformat(timespec="seconds")
    if retry_after_s is not None:
        problem["retry_after"] = retry_after_s
    if context.support_code:
        problem["support_code"] = context.support_code
    return json.dumps(problem, ensure_ascii=False).encode("utf-8")


def moodle_error_json(context: PageContext) -> bytes:
    """What Moodle's app shows as a message instead of taking a page for a lecture."""
    code = "tropa_deferred" if context.decision.verdict is Verdict.DEFER else "tropa_refused"
    message = plain_sentence(context)
    if context.support_code:
        message += f" {phrases(context.language)('institute.code', code=context.support_code)}"
    error = {"exception": "moodle_exception", "errorcode": code, "message": message}
    return json.dumps(error, ensure_ascii=False).encode("utf-8")


def close_reason(context: PageContext) -> str:
    """A WebSocket's close reason: at most 123 bytes of UTF-8, cut between characters."""
    opening = _opening(context)
    text = opening or why_withheld(None, context.decision, context.language)
    return text.encode("utf-8")[:MAX_CLOSE_BYTES].decode("utf-8", "ignore")


def plain_sentence(context: PageContext) -> str:
    """Why, and when it opens, in one or two sentences."""
    why = why_withheld(None, context.decision, context.language)
    return " ".join(part for part in (why, _opening(context)) if part)


def _opening(context: PageContext) -> str:
    decision, zone, say = context.decision, context.territory.zone, phrases(context.language)
    if decision.verdict is not Verdict.DEFER:
        return ""
    if decision.opens_at is None:
        return say("machine.not_soon")
    when = moment_text(decision.opens_at, context.now, zone, context.language)
    return say("machine.deferred", when=when, zone=zone_text(zone, decision.opens_at, context.language))
