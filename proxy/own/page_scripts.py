"""Which of our scripts a page gets, and what each of them is told.

Laws: one element a page, and none where nothing is switched on; only pages that a person opens, in reverse mode; a page
reported as broken, observed or bypassed gets none; the page's own policy is obeyed. Pages where answers count get the
element too, and nothing else of them is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from multidict import CIMultiDict

from policies.decision import PassThrough, RewritePage
from policies.plan import HTML_TYPES, KNOWN_CODINGS
from policies.treatments import PASS_ALL, PageTreatment
from policies.values import Audience, Mode
from proxy.account.reports import BrokenPages
from proxy.own.csp import lets_scripts_in
from proxy.pages.page_script import page_script
from proxy.stages.context import Exchange, Fetched

# (exchange, the answer's head) -> what the loader is told; nothing where this part isn't wanted in this page.
Part = Callable[[Exchange, CIMultiDict[str]], Mapping[str, str]]

NO_POLICY: CIMultiDict[str] = CIMultiDict()
"""The head of a page of our own, as far as this file reads heads."""
AS_IT_IS = RewritePage(page=PageTreatment(), treatments=PASS_ALL)
"""The plan of a page that gets our script and is otherwise left as it came."""


class PageScripts:
    """Makes the script element of a page. parts: in the order in which they are told."""

    def __init__(self, broken_pages: BrokenPages, parts: tuple[Part, ...]) -> None:
        self._broken_pages = broken_pages
        self._parts = parts

    def element(self, exchange: Exchange, headers: CIMultiDict[str]) -> bytes:
        """The element for a page with this head; b"" for none."""
        inbound, decision = exchange.inbound, exchange.decision
        if inbound.mode is not Mode.REVERSE or exchange.facts.audience is not Audience.PAGE:
            return b""
        if decision.observe or decision.bypassed:
            return b""
        told = {name: value for part in self._parts for name, value in part(exchange, headers).items()}
        if not told or self._broken_pages.is_broken(exchange.who.learner, inbound.url, exchange.now):
            return b""
        return page_script(told) if lets_scripts_in(headers, host=inbound.host) else b""

    def for_passing(self, exchange: Exchange, fetched: Fetched, plan: PassThrough) -> bytes:
        """The element for a page that would pass as it is; b"" where it does pass as it is."""
        facts = fetched.facts
        if facts.content_type not in HTML_TYPES or facts.status != 200 or not plan.may_recompress:
            return b""
        if facts.partial or facts.attachment or facts.content_coding not in KNOWN_CODINGS:
            return b""
        if exchange.inbound.request.method not in ("GET", "POST"):
            return b""
        if facts.length_bytes is not None and facts.length_bytes > exchange.limits.max_html_rewrite_bytes:
            return b""
        return self.element(exchange, fetched.headers)
