"""Refusals in the reader's own form: a person gets a page, a frame a card, a script problem+json, an app its own error.

Laws: 503 with Retry-After for what opens, 403 for what doesn't, never 200 for a refused page; cards and refusals are
`no-store`; a media element gets a bare status, never HTML; each refusal has a support code.
"""

from __future__ import annotations

import json
import random
from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import blake2b
from http import HTTPStatus
from urllib.parse import unquote

from policies.decision import Decision, Verdict, Withhold
from policies.values import Audience, Reason
from proxy.account.codes import Codes
from proxy.account.redact import redacted
from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer
from proxy.errors import ExchangeError, Fault
from proxy.own.dressing import Dresser
from proxy.pages import (
    PAGE_CSP,
    embed_card,
    error_page,
    gate_page,
    moodle_error_json,
    problem_json,
    refusal_page,
)
from proxy.stages.context import Exchange
from proxy.transforms.spec import Heavy

HTML = "text/html; charset=utf-8"
_ONCE_WITHIN, _MOST_REMEMBERED = timedelta(hours=6), 20_000
_MOST_URL_CHARS = 2000  # of an address, with a support code
_JITTER_S = 90  # forty schools knock within a minute and a half, not within a second


class Refusals:
    """Makes the answers that stand for what is withheld."""

    def __init__(self, dresser: Dresser, codes: Codes, *, jitter: random.Random) -> None:
        self._dresser = dresser
        self._codes = codes
        self._jitter = jitter
        self._withheld: OrderedDict[bytes, datetime] = OrderedDict()  # by learner and address

    # -- by decision ---------------------------------------------------------------------------------------

    def closed(self, exchange: Exchange) -> Answer:
        """The decision itself says no: DEFER or REFUSE."""
        decision = exchange.decision
        exchange.tally.treatment = "deferred" if decision.verdict is Verdict.DEFER else "refused"
        exchange.tally.reasons = decision.reasons
        code = self._code(exchange, decision.reasons)
        wait_s = self.retry_after_s(decision, exchange.now)
        status = 503 if decision.verdict is Verdict.DEFER else 403
        answer = self._closed_body(exchange, status, code, wait_s)
        if wait_s is not None:
            answer.headers["Retry-After"] = str(wait_s)
        return answer

    def _closed_body(self, exchange: Exchange, status: int, code: str, wait_s: int | None) -> Answer:
        if exchange.facts.audience not in (Audience.PAGE, Audience.EMBED):
            return self._machine_form(exchange, status, code, wait_s)
        context = self._dresser.context(exchange, support_code=code)
        if exchange.decision.verdict is not Verdict.DEFER:
            return own_page(status, refusal_page(context))
        jitter_s = self._jitter.randrange(_JITTER_S)
        href = self._dresser.calendar_href(exchange)
        return own_page(status, gate_page(context, retry_after_s=wait_s, jitter_s=jitter_s, ics_href=href))

    def retry_after_s(self, decision: Decision, now: datetime) -> int | None:
        """Seconds until it opens, with a jitter so that not everybody knocks at once; None: not known."""
        if decision.verdict is not Verdict.DEFER or decision.opens_at is None:
            return None
        wait_s = max(0.0, (decision.opens_at - now).total_seconds())
        return int(wait_s) + 1 + self._jitter.randrange(_JITTER_S)

    # -- by plan -------------------------------------------------------------------------------------------

    def withheld(self, exchange: Exchange, plan: Withhold) -> Answer:
        """The origin answered, but this body stays on this side."""
        tally = exchange.tally
        tally.treatment, tally.kind = "withheld", plan.kind
        if self._first_time(exchange):  # a player asks for a withheld film again and again: it is saved once
            tally.withheld_bytes = plan.size_bytes or 0
            tally.direct_bytes = plan.size_bytes
        tally.reasons = (*exchange.decision.reasons, plan.reason)
        audience = exchange.facts.audience
        if audience in (Audience.PAGE, Audience.EMBED):
            code = self._code(exchange, tally.reasons)
            context = self._dresser.context(exchange, support_code=code)
            heavy = Heavy(url=exchange.inbound.url, kind=plan.kind, size_bytes=plan.size_bytes, title=_name(exchange))
            page = refusal_page(context, heavy) if audience is Audience.PAGE else embed_card(heavy, context)
            return own_page(403, page)
        return self._machine_form(exchange, 403, None, None)

    def _first_time(self, exchange: Exchange) -> bool:
        """Whether this learner wasn't refused this very thing within the last hours."""
        asked, now = _digest(exchange.who.learner, exchange.inbound.url), exchange.now
        last = self._withheld.get(asked)
        if last is not None and now - last < _ONCE_WITHIN:
            return False
        self._withheld.pop(asked, None)
        self._withheld[asked] = now
        if len(self._withheld) > _MOST_REMEMBERED:
            self._withheld.popitem(last=False)
        return True

    # -- by error ------------------------------------------------------------------------------------------

    def failed(self, exchange: Exchange, error: ExchangeError) -> Answer:
        """The exchange can't be answered by the origin's bytes."""
        tally = exchange.tally
        tally.treatment, tally.error = "error", error.code
        tally.direct_bytes = tally.from_origin_bytes  # an error page of ours costs, and saves nothing
        code = self._code(exchange, (Reason(rule=error.code),), detail=error.detail)
        audience = exchange.facts.audience
        if audience in (Audience.PAGE, Audience.EMBED):
            answer = own_page(error.status, self._error_page(exchange, error, code))
        elif audience in (Audience.API, Audience.APP, Audience.SOCKET):
            answer = plain_answer(error.status, error_json(error, code), "application/problem+json")
        else:
            answer = plain_answer(error.status, b"", "text/plain")
        if error.retry_after_s is not None:
            answer.headers["Retry-After"] = str(error.retry_after_s)
        if error.fault is Fault.CLIENT:
            answer.headers["Connection"] = "close"
        return answer

    # -- forms ---------------------------------------------------------------------------------------------

    @staticmethod
    def _error_page(exchange: Exchange, error: ExchangeError, code: str) -> bytes:
        inbound, who = exchange.inbound, exchange.who
        return error_page(
            error,
            who.language,
            territory=who.territory,
            support_code=code,
            page_url=inbound.url if inbound.request.method in ("GET", "HEAD") else "",
            origin_title=inbound.origin.title.in_language(who.language) if inbound.origin else inbound.host,
        )

    def _machine_form(self, exchange: Exchange, status: int, code: str | None, wait_s: int | None) -> Answer:
        audience = exchange.facts.audience
        context = self._dresser.context(exchange, support_code=code)
        origin = exchange.inbound.origin
        if audience is Audience.APP and origin is not None and origin.preset.app_error == "moodle":
            # Moodle's web services answer errors with 200; files of its app with a status.
            is_service = exchange.inbound.path.endswith((".php", "/")) and "pluginfile" not in exchange.inbound.path
            body = moodle_error_json(context)
            return plain_answer(200 if is_service else status, body, "application/json; charset=utf-8")
        if audience in (Audience.API, Audience.APP, Audience.SOCKET):
            return plain_answer(status, problem_json(context, retry_after_s=wait_s), "application/problem+json")
        return plain_answer(status, b"", "text/plain")

    def page_code(self, exchange: Exchange) -> str:
        """The code that the cards of a page carry: one for all of them."""
        return self._code(exchange, exchange.decision.reasons)

    def _code(self, exchange: Exchange, reasons: tuple[Reason, ...], *, detail: str = "") -> str:
        decision = exchange.decision
        url = exchange.inbound.url
        facts = {
            "at": exchange.now.isoformat(timespec="seconds"),
            "region": decision.region,
            "site": decision.site,
            "origin": decision.origin,
            "url": redacted(url)[:_MOST_URL_CHARS],
            "learner": exchange.who.learner,
            "known_by": exchange.who.known_by,
            "class": decision.traffic_class.value,
            "verdict": decision.verdict.value,
            "opens_at": decision.opens_at.isoformat() if decision.opens_at else None,
            "detail": detail,
            "reasons": [[reason.rule, reason.source, dict(reason.params)] for reason in reasons],
        }
        about = "\x1f".join((exchange.who.learner, url, *(reason.rule for reason in reasons)))
        code = self._codes.issue(about, facts, exchange.now)
        exchange.tally.support_code = code
        return code


def _digest(learner: str, url: str) -> bytes:
    return blake2b(f"{learner}\n{url}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def own_page(status: int, body: bytes) -> Answer:
    """A page of Tropa's own, under a policy that lets nothing but its own style and script in."""
    return plain_answer(status, body, HTML, Content_Security_Policy=PAGE_CSP)


def error_json(error: ExchangeError, code: str) -> bytes:
    """RFC 9457, for programs; the detail is for IT staff and stays here."""
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "error": error.code,
        "support_code": code,
    }
    if error.retry_after_s is not None:
        problem["retry_after"] = error.retry_after_s
    return json.dumps(problem).encode()


def _name(exchange: Exchange) -> str:
    return unquote(exchange.inbound.path.rpartition("/")[2])
