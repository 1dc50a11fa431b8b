"""The learner's own store in her browser: what it is told, what it may keep, and its end.

    GET store/worker.js              the worker; where the store is off or may not be, the one that takes it away
    GET store/NAME-LANGUAGE.js       the scripts beside it, with their sentences
    GET store/hours.json             whether the store is on, and when the free hours begin
    GET store/, store/offline        what is kept on this device; the same for a page that isn't there without a link

Laws: a page is marked for keeping only for the learner it was made for, and never where answers count, where policy or
the preset says never, or where the operator stands aside; the mark is an id that says nothing of her; one origin's
switch, a bypass and a worker of the course's own each end it everywhere at the browser's next look.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from multidict import CIMultiDict

from policies.kinds import kind_of_type
from policies.model import Origin
from policies.paths import meant
from policies.values import Audience, MediaKind, Mode
from policies.windows import current_close, next_opening
from proxy.deliver.answer import Answer
from proxy.deliver.send import plain_answer
from proxy.own.csp import lets_workers_in
from proxy.own.dressing import Dresser
from proxy.own.own_workers import OwnWorkers
from proxy.own.refusals import own_page
from proxy.pages.device import (
    SCRIPTS,
    Script,
    device_script,
    script_href,
    undoing_script,
    worker_href,
    worker_script,
)
from proxy.pages.phrases import LANGUAGES
from proxy.pages.store import store_page
from proxy.stages.context import Exchange

KEPT_MARK = "Tropa-Store"
_JAVASCRIPT = "text/javascript; charset=utf-8"
_IMMUTABLE = "public, max-age=31536000, immutable"
_KNOWN_BY = frozenset({"header", "login", "session", "cookie"})  # a whole site or address is nobody's own
_JITTER_S = 300  # schools of one region don't begin within the same second


class OwnStores:
    """One process's answers about browsers' own stores."""

    def __init__(self, dresser: Dresser, workers: OwnWorkers) -> None:
        self._dresser = dresser
        self._workers = workers

    # -- pages ---------------------------------------------------------------------------------------------

    def told(self, exchange: Exchange, headers: CIMultiDict[str]) -> Mapping[str, str]:
        """What the loader of a page with this head is told; nothing where this page has no part in it."""
        inbound, who = exchange.inbound, exchange.who
        origin = self._on(exchange)
        if origin is None or who.learner_by not in _KNOWN_BY or _is_never(origin, inbound.path):
            return {}
        if not lets_workers_in(headers, host=inbound.host):
            self._workers.kept_out(origin.id, exchange.now)
            return {}
        told = {name: script_href(name, who.language) for name in ("keep", "shelf", "drafts")}
        told |= {"who": store_id(who.learner), "worker": worker_href(who.language)}
        if exchange.decision.exempt:
            told["answers"] = "1"
        if origin.preset.person_attribute:
            told["person"] = origin.preset.person_attribute
        return told

    async def passed(self, exchange: Exchange, answer: Answer) -> None:
        """An answer of an origin with own stores goes out: is it its own worker, may it be kept? Changes the answer."""
        await self._workers.note(exchange.inbound, exchange.now)
        self._mark(exchange, answer)

    def _mark(self, exchange: Exchange, answer: Answer) -> None:
        """Say in an answer's head that this learner's browser may keep it."""
        origin, who = self._on(exchange), exchange.who
        if origin is None or answer.status != 200 or exchange.facts.audience is not Audience.PAGE:
            return
        if exchange.inbound.request.method != "GET" or exchange.decision.exempt or who.learner_by not in _KNOWN_BY:
            return
        kind = kind_of_type(answer.headers.get("Content-Type", "").partition(";")[0].strip().lower())
        is_shown = exchange.tally.treatment == "page"  # only such a page can say of itself that it is an old one
        if (is_shown or kind is MediaKind.DOCUMENT) and not _is_never(origin, exchange.inbound.path):
            answer.headers[KEPT_MARK] = store_id(who.learner)

    def _on(self, exchange: Exchange) -> Origin | None:
        """The origin, where browsers may keep things of it now."""
        inbound, decision = exchange.inbound, exchange.decision
        origin = inbound.origin
        if origin is None or not origin.own_store.enabled or inbound.mode is not Mode.REVERSE:
            return None
        if decision.observe or decision.bypassed or self._workers.has(origin.id, exchange.now):
            return None
        return origin

    # -- the reserved path ---------------------------------------------------------------------------------

    def answer(self, exchange: Exchange, name: str) -> Answer:
        """What stands below `store/`."""
        if name == "worker.js":
            return self._worker(exchange)
        if name == "hours.json":
            return self._hours(exchange)
        if name in ("", "offline"):
            context = replace(self._dresser.context(exchange, page_url=""), language=_language(exchange))
            return own_page(200, store_page(context, offline=name == "offline"))
        script, _, language = name.removesuffix(".js").partition("-")
        if script in SCRIPTS and language in LANGUAGES and name.endswith(".js"):
            return _script(exchange, device_script(script, language), keep=_IMMUTABLE)
        return plain_answer(404, b"", "text/plain")

    def _worker(self, exchange: Exchange) -> Answer:
        origin = self._on(exchange)
        script = undoing_script() if origin is None else worker_script(origin, _language(exchange))
        answer = _script(exchange, script, keep="private, no-cache")
        answer.headers["Service-Worker-Allowed"] = "/"
        return answer

    def _hours(self, exchange: Exchange) -> Answer:
        """Seconds from now, not times of the day: the clocks of old phones are often wrong."""
        tariff, now = exchange.who.territory.tariff, exchange.now
        free = exchange.decision.free_now or tariff.price_per_mb == 0 or current_close(tariff.free, now) is not None
        opens, closes = next_opening(tariff.free, now), current_close(tariff.free, now)
        told = {
            "on": self._on(exchange) is not None,
            "free": free,
            "opens_in_s": None if opens is None else round((opens - now).total_seconds()),
            "closes_in_s": None if closes is None else round((closes - now).total_seconds()),
            "jitter_s": _JITTER_S,
        }
        return plain_answer(200, json.dumps(told).encode(), "application/json")


def _language(exchange: Exchange) -> str:
    """What the address says, else the learner's own."""
    told = exchange.inbound.query.removeprefix("l=")
    return told if told in LANGUAGES else exchange.who.language


def store_id(learner: str) -> str:
    """What a browser knows this learner's store by: nothing that is told elsewhere can be made of it."""
    return hashlib.sha256(f"own store\x1f{learner}".encode()).hexdigest()[:24]


def _is_never(origin: Origin, path: str) -> bool:
    return any(pattern.search(meant(path)) for pattern in origin.own_store.never)


def _script(exchange: Exchange, script: Script, *, keep: str) -> Answer:
    if exchange.inbound.request.headers.get("If-None-Match") == script.etag:
        return Answer(status=304, headers=CIMultiDict({"ETag": script.etag, "Cache-Control": keep}))
    return plain_answer(200, script.body, _JAVASCRIPT, ETag=script.etag, Cache_Control=keep)
