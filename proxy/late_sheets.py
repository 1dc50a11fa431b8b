"""Which style sheets may come after a page's text, and the parts of them that stand in for them until then.

Laws: only sheets that Tropa had from the origin by itself, without anybody's cookies, and only such as never change
under their address; a page gets a part made for the names in it; a learner who has had the whole sheet gets her page as
it is; where anything is doubtful (a page's own security policy, a foreign base), the page stays as it is.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
import logging
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from multidict import CIMultiDict

from policies.decision import RewritePage
from policies.frozen import Frozen
from policies.treatments import LATE_STYLES, Action
from proxy.clock import Clock
from proxy.deliver.answer import Answer
from proxy.deliver.codings import best_encoder, compress
from proxy.order import is_thin
from proxy.pages import RESERVED
from proxy.stages.context import Exchange
from proxy.transforms.critical import Names, Sheet, Unreadable, names_in, read_sheet

logger = logging.getLogger("tropa.styles")

PARTS_PATH = "styles/"  # behind the reserved path
KEPT_FOR_S = 31_536_000
_MAX_SHEETS = 64
_MAX_PARTS_BYTES = 16 * 1024 * 1024
_MAX_LEARNERS = 20_000
_READ_WITHIN_S = 0.15  # a page waits no longer for its parts than for sizes
_ON_THE_WAY_S = 60.0  # a page that names a sheet brings it within a minute, or the learner left
_WORTH = 0.5  # a part that is more than half of its sheet saves nothing
_DOUBTFUL = re.compile(rb"<base[\s/]|http-equiv\s*=\s*[\"']?\s*content-security-policy", re.IGNORECASE)
_BODY = re.compile(rb"<body[\s>]", re.IGNORECASE)
_TELLS_LEARNERS_APART = frozenset({"header", "login", "session", "cookie"})

Address = tuple[str, str, str]  # origin, public host, target


@dataclass(slots=True)
class _Known:
    """One sheet as it was had. names: those of its own that pages of this site were seen to hold."""

    etag: str
    sheet: Sheet
    content_type: str
    names: set[bytes] = field(default_factory=set)
    parts: OrderedDict[Names, str] = field(default_factory=OrderedDict)


class _Part(Frozen, frozen=True):
    css: bytes
    content_type: str


class LateSheets:
    """Knows sheets, makes parts, remembers who has had what. Bounded; begins anew with the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[Address, _Known] = OrderedDict()
        self._parts: OrderedDict[str, _Part] = OrderedDict()
        self._parts_bytes = 0
        self._coded: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._had_at_s: OrderedDict[tuple[str, Address], float] = OrderedDict()

    # -- learning ---------------------------------------------------------------------------------------------

    async def learn(self, address: Address, css: bytes, *, etag: str, content_type: str) -> None:
        """A sheet as the origin gives it to anybody."""
        try:
            sheet = await asyncio.to_thread(read_sheet, css, f"https://{address[1]}{address[2]}")
        except Unreadable as why:
            logger.info("the style sheet %s always comes before the text: %s", address[2].partition("?")[0], why)
            return
        self._known[address] = _Known(etag, sheet, content_type)
        if len(self._known) > _MAX_SHEETS:
            self._known.popitem(last=False)

    def sent(self, exchange: Exchange, etag: str) -> None:
        """The whole sheet goes out to this learner; with another validator it isn't the one we know."""
        address = _address(exchange)
        known = self._known.get(address)
        if known is None:
            return
        if known.etag != etag:
            del self._known[address]
        elif exchange.who.learner_by in _TELLS_LEARNERS_APART:
            self._note(exchange.who.learner, address, self._clock.steady_s())

    def forget(self, learner: str) -> int:
        """Which sheets went to this learner is forgotten. Returns how many."""
        hers = [key for key in self._had_at_s if key[0] == learner]
        for key in hers:
            del self._had_at_s[key]
        return len(hers)

    def _note(self, learner: str, address: Address, at_s: float) -> None:
        self._had_at_s[learner, address] = at_s
        self._had_at_s.move_to_end((learner, address))
        if len(self._had_at_s) > _MAX_LEARNERS:
            self._had_at_s.popitem(last=False)

    # -- a page ------------------------------------------------------------------------------------------------

    async def for_page(
        self, exchange: Exchange, plan: RewritePage, headers: CIMultiDict[str], look_ahead: bytes, *, complete: bool
    ) -> Mapping[str, str]:
        """Absolute address of a sheet -> path of the part that stands in for it, for the sheets that may wait.

        look_ahead  the page's first bytes, decoded; complete says that they are the whole page
        """
        wanted = self._wanted(exchange, plan, look_ahead)
        if not wanted or not _may_be_styled(headers) or _DOUBTFUL.search(look_ahead) or not _BODY.search(look_ahead):
            return {}
        try:
            async with asyncio.timeout(_READ_WITHIN_S):
                names = await asyncio.to_thread(names_in, look_ahead)
                made = {url: await self._part_of(known, names, complete) for url, known in wanted.items()}
        except TimeoutError:
            return {}
        return {url: f"{RESERVED}/{PARTS_PATH}{part}.css" for url, part in made.items() if part}

    def _wanted(self, exchange: Exchange, plan: RewritePage, look_ahead: bytes) -> dict[str, _Known]:
        origin, page = exchange.inbound.origin, plan.page
        if origin is None or LATE_STYLES not in page.diet or page.text_first or not is_thin(exchange):
            return {}
        if plan.treatments.style is not Action.KEEP:
            return {}
        patterns = [item.pattern for item in origin.preset.diet if item.name == LATE_STYLES]
        found = {}
        for address, known in self._known.items():
            url = f"{exchange.inbound.scheme}://{exchange.inbound.authority}{address[2]}"
            if address[:2] != (origin.id, exchange.inbound.host) or not any(one.search(url) for one in patterns):
                continue
            if _names(look_ahead, address[2]) and not self._has_had(exchange, address):
                found[url] = known
        return found

    def _has_had(self, exchange: Exchange, address: Address) -> bool:
        """Whether her browser holds it by now. A page that lets it come late brings it to her as well."""
        learner, now_s = exchange.who.learner, self._clock.steady_s()
        if exchange.who.learner_by not in _TELLS_LEARNERS_APART:
            return False
        at_s = self._had_at_s.get((learner, address))
        if at_s is None:
            self._note(learner, address, now_s + _ON_THE_WAY_S)
        return at_s is not None and at_s <= now_s

    async def _part_of(self, known: _Known, names: Names, complete: bool) -> str:
        """The name of the part for these names, "" where it isn't worth it."""
        relevant = names & known.sheet.names
        known.names |= relevant
        if not complete:  # what stands further down is likely what stood on other pages
            relevant = frozenset(known.names)
        part = known.parts.get(relevant)
        if part is None or (part and part not in self._parts):
            css = await asyncio.to_thread(known.sheet.critical, relevant)
            part = self._keep(css, known.content_type) if len(css) <= _WORTH * known.sheet.size_bytes else ""
            known.parts[relevant] = part
            if len(known.parts) > 256:
                known.parts.popitem(last=False)
        return part

    def _keep(self, css: bytes, content_type: str) -> str:
        name = hashlib.sha256(content_type.encode() + b"\n" + css).hexdigest()[:24]
        if name not in self._parts:
            self._parts[name] = _Part(css, content_type)
            self._parts_bytes += len(css)
            while self._parts_bytes > _MAX_PARTS_BYTES:
                _, oldest = self._parts.popitem(last=False)
                self._parts_bytes -= len(oldest.css)
        self._parts.move_to_end(name)
        return name

    # -- the parts ---------------------------------------------------------------------------------------------

    async def answer(self, name: str, codings: tuple[str, ...]) -> Answer | None:
        """The part of that name (as in `styles/NAME.css`); None if there is none."""
        name = name.removesuffix(".css")
        part = self._parts.get(name)
        if part is None:
            return None
        coding = codings[0] if codings else ""
        body = self._coded.get((name, coding)) if coding else part.css
        if body is None:
            body = await asyncio.to_thread(lambda: compress(part.css, best_encoder(coding)))
            self._coded[name, coding] = body
            if len(self._coded) > 512:
                self._coded.popitem(last=False)
        headers = CIMultiDict(
            {
                "Content-Type": part.content_type,
                "Cache-Control": f"public, max-age={KEPT_FOR_S}, immutable",
                "Vary": "Accept-Encoding",
                "Content-Length": str(len(body)),
            }
        )
        if coding:
            headers["Content-Encoding"] = coding
        return Answer(status=200, headers=headers, body=body)


def _address(exchange: Exchange) -> Address:
    return exchange.decision.origin, exchange.inbound.host, exchange.inbound.target


def _names(look_ahead: bytes, target: str) -> bool:
    """Whether the page may name that address, written plainly or with character references."""
    return target.encode() in look_ahead or html.escape(target).encode() in look_ahead


def _may_be_styled(headers: CIMultiDict[str]) -> bool:
    """Whether the page's own policy lets a sheet of the page's own site apply (CSP Level 3, section 6.6)."""
    for policy in ",".join(headers.getall("Content-Security-Policy", ())).split(","):
        directives: dict[str, list[str]] = {}
        for directive in policy.split(";"):
            name, *sources = directive.split() or [""]
            directives.setdefault(name.lower(), [source.lower() for source in sources])
        for name in ("style-src-elem", "style-src", "default-src"):
            if name in directives:
                if not {"'self'", "*"} & set(directives[name]):
                    return False
                break
    return True
