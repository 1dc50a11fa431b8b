"""Pages and their parts while a link is down: what is kept goes out, marked with its age; else what else is here.

Laws: an assessment never comes from a store, and nothing stands for it; what a night brought of a course goes to whom
the course has let in; a kept page says on top that it is one and how
old it is, whichever store gave it, and is otherwise what was kept; a browser keeps none of it; a learner's own pages go
to the session that opened them and to no other; while the link is up nothing here is asked.
"""

from __future__ import annotations

import asyncio
import html
import re
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from policies.model import Origin
from policies.values import Audience, Place
from proxy.cache.asked import Asked
from proxy.cache.origin_cache import OriginCache
from proxy.deliver.answer import Answer
from proxy.deliver.codings import DECODABLE
from proxy.deliver.validators import Conditions
from proxy.errors import ExchangeError
from proxy.keeping import own_life_s
from proxy.link_state import Link
from proxy.night.texts.proof import CourseProofs
from proxy.night.texts.told import named_text
from proxy.obtain import NO_WISH, Obtainer, Wish, is_untouched
from proxy.opened import Opened, OpenedPages
from proxy.own.dressing import Dresser
from proxy.own.refusals import own_page
from proxy.pages import RESERVED
from proxy.pages.outage import KeptPage, kept_bar, missing_page
from proxy.stages.context import Exchange, Fetched, declared_charset
from proxy.stages.decoding import OriginDecoder
from proxy.tasks import TaskKeeper
from proxy.upstream.address import Target, target_of
from proxy.watch import NO_LINK, LinkWatch, link_down

_NO_CONDITIONS = Conditions(None, None)
_HTML = ("text/html", "application/xhtml+xml")
_BODY = re.compile(rb"<body\b[^>]{0,4000}>", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^>]{0,500}>([^<]{1,1000})", re.IGNORECASE)
_OF_THE_ORIGINS_OWN = ("ETag", "Last-Modified", "Expires", "Pragma", "Cache-Control", "Age", "Cache-Status", "Warning")
_REFUSED = frozenset((301, 302, 303, 307, 308, 401, 403, 404, 410))
_MOST_SHOWN, _TITLE_CHARS = 40, 150


class KeptStage:
    """One per process."""

    def __init__(
        self,
        *,
        obtainer: Obtainer,
        cache: OriginCache,
        watch: LinkWatch,
        opened: OpenedPages,
        proofs: CourseProofs,
        dresser: Dresser,
        keeper: TaskKeeper,
    ) -> None:
        self._obtainer = obtainer
        self._cache = cache
        self._watch = watch
        self._opened = opened
        self._proofs = proofs
        self._dresser = dresser
        self._keeper = keeper

    @staticmethod
    def serves(exchange: Exchange) -> bool:
        """Whether this place lies on her side of the link, so that something kept here helps her."""
        return exchange.catalogue.settings.place is Place.SCHOOL

    async def obtain(self, exchange: Exchange, wish: Wish = NO_WISH) -> tuple[Fetched, Conditions]:
        """As `Obtainer.obtain`; where the link is down or bad, what is kept. Raises ExchangeError."""
        is_page = self._is_hers(exchange)
        try:
            obtaining = self._in_time(exchange, wish) if is_page else self._obtainer.obtain(exchange, wish)
            found = await obtaining
        except ExchangeError as error:
            kept = await self._kept(exchange) if error.code in NO_LINK else None
            if kept is None:
                raise
            return kept, _NO_CONDITIONS
        if found[0].upstream.way.whose is not None:
            found = await self._of_a_store(exchange, *found)
        if is_page and found[0].age_s is None:
            await self._note(exchange, found[0])
        return found

    def _is_hers(self, exchange: Exchange) -> bool:
        """Whether this is a page that may be kept for her alone."""
        is_page = exchange.facts.audience is Audience.PAGE and not is_untouched(exchange.decision)
        return is_page and exchange.inbound.origin is not None and own_life_s(exchange) > 0

    async def _in_time(self, exchange: Exchange, wish: Wish) -> tuple[Fetched, Conditions]:
        """A page whose link lets her wait beyond the deadline comes from what is kept, if it is there."""
        origin, target = _way(exchange)
        task = self._keeper.start(self._tried(exchange, wish), name="page")
        try:
            done, _ = await asyncio.wait({task}, timeout=exchange.catalogue.settings.outage.deadline_s)
            if not done:
                self._watch.overdue(origin, target)
                kept = await self._kept(exchange)
                if kept is not None:
                    return kept, _NO_CONDITIONS
                await self._hoped(task, target)
            if not task.done():
                raise link_down(target, 5)
        finally:
            task.cancel()
        found: tuple[Fetched, Conditions] | ExchangeError = task.result()
        if isinstance(found, ExchangeError):
            raise found
        return found

    async def _hoped(self, task: asyncio.Task[Any], target: Target) -> None:
        """A slow page that isn't here is worth waiting for, until the link is known to be down."""
        hope = self._watch.hope_ends(target)
        try:
            await asyncio.wait({task, hope}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hope.cancel()

    async def _tried(self, exchange: Exchange, wish: Wish) -> tuple[Fetched, Conditions] | ExchangeError:
        try:
            return await self._obtainer.obtain(exchange, wish)
        except ExchangeError as error:
            return error

    # -- what is kept ----------------------------------------------------------------------------------------

    async def _kept(self, exchange: Exchange) -> Fetched | None:
        """What may be shown to her now; None: nothing, and then she is told."""
        if is_untouched(exchange.decision) or exchange.inbound.request.method not in ("GET", "HEAD"):
            return None
        asked = self._asked(exchange)
        reply = await self._cache.kept(asked, exchange.now)
        if reply is None and await self._proofs.may_have(exchange, exchange.inbound.url):
            reply = await self._cache.kept(asked, exchange.now, is_everybodys=True)
        if reply is None:
            return None
        try:
            return await self._marked(exchange, await self._obtainer.received(exchange, reply))
        except BaseException:
            reply.abort()
            raise

    async def _of_a_store(self, exchange: Exchange, fetched: Fetched, client: Conditions) -> tuple[Fetched, Conditions]:
        """What a store gave before the origin had a say: marked where it does so for want of a link."""
        is_page = exchange.facts.audience is Audience.PAGE and fetched.facts.content_type in (*_HTML, "")
        if not fetched.upstream.way.instead and not (is_page and self._is_down(exchange)):
            return fetched, client
        try:
            if fetched.facts.status != 304:
                return await self._marked(exchange, fetched), _NO_CONDITIONS
            # To "is mine still right?" a page says what it is itself: the one in the browser tells no age.
            whole = await self._kept(exchange) if is_page else None
        except BaseException:
            fetched.upstream.abort()
            raise
        if whole is None:
            return fetched, client
        await fetched.close()
        return whole, _NO_CONDITIONS

    def _is_down(self, exchange: Exchange) -> bool:
        """Whether the way to this exchange's origin is known to be down."""
        if not self._watch.troubled or exchange.inbound.origin is None:
            return False
        return self._watch.link(_way(exchange)[1]) is Link.DOWN

    async def _marked(self, exchange: Exchange, fetched: Fetched) -> Fetched:
        """The same with its age, and a page with the bar that tells it."""
        way = fetched.upstream.way
        fetched = replace(fetched, age_s=way.age_s, cache_status=way.cache_status)
        # A script that fetches a piece of a page gets the piece as it was: the bar stands in the page around it.
        is_read = exchange.facts.audience in (Audience.PAGE, Audience.EMBED)
        return await self._with_bar(exchange, fetched) if is_read and fetched.facts.content_type in _HTML else fetched

    def _asked(self, exchange: Exchange) -> Asked:
        return self._obtainer.asked(exchange, _NO_CONDITIONS, NO_WISH)

    async def _with_bar(self, exchange: Exchange, fetched: Fetched) -> Fetched:
        """The page with its age on top; one that can't be read goes as it is, its age in its head alone."""
        coding = fetched.facts.content_coding
        if not exchange.body_wanted or coding not in ("", *DECODABLE):
            return fetched
        decoder = OriginDecoder(coding, max_bytes=exchange.limits.max_html_rewrite_bytes)
        text = b"".join([decoder.feed(chunk) async for chunk in fetched.chunks(exchange.tally)])
        decoder.finish()
        charset = fetched.facts.charset or declared_charset(text)
        context = self._dresser.context(exchange, charset=charset)
        bar = kept_bar(context, exchange.now - timedelta(seconds=fetched.age_s or 0))
        body = _BODY.search(text)
        at = body.end() if body is not None else 0
        for name in ("Content-Encoding", "Content-Length"):
            fetched.headers.popall(name, None)
        facts = replace(fetched.facts, content_coding="", length_bytes=None)
        return replace(fetched, facts=facts, prefix=text[:at] + bar + text[at:], complete=True, mapped=None)

    @staticmethod
    def mark(answer: Answer, fetched: Fetched) -> None:
        """The head of what is kept: how old, from where (RFC 9111 section 5.1, RFC 9211), and not for keeping."""
        for name in _OF_THE_ORIGINS_OWN:
            answer.headers.popall(name, None)
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Age"] = str(fetched.age_s or 0)
        if fetched.cache_status:
            answer.headers["Cache-Status"] = fetched.cache_status

    # -- what isn't ------------------------------------------------------------------------------------------

    async def missing(self, exchange: Exchange, error: ExchangeError) -> Answer | None:
        """The page that says there is no link and what else is here; None: another kind of trouble, or of reader."""
        asked_for_page = exchange.facts.audience is Audience.PAGE and exchange.inbound.request.method == "GET"
        if error.code not in NO_LINK or not self.serves(exchange) or is_untouched(exchange.decision):
            return None
        if not asked_for_page or exchange.inbound.origin is None:
            return None
        _, target = _way(exchange)
        way = self._watch.way(target)
        context = self._dresser.context(exchange)
        is_ours = exchange.inbound.path.startswith(f"{RESERVED}/")
        key = named_text(exchange.inbound.target)
        course = await self._proofs.text_here(exchange, key)
        page = missing_page(
            context,
            await self._here(exchange),
            text_href=f"/.tropa/texts/{course}/{key}" if course is not None else "",
            texts=bool(await self._proofs.heads(exchange)),
            down_since=way.since if way is not None else None,
            can_queue=not is_ours and context.nightly is not None and context.nightly(exchange.inbound.url),
        )
        answer = own_page(error.status, page)
        if error.retry_after_s is not None:
            answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer

    async def _here(self, exchange: Exchange) -> tuple[KeptPage, ...]:
        """Her pages that are here; each is looked up, so that none is promised that went meanwhile."""
        origin, inbound = exchange.inbound.origin, exchange.inbound
        assert origin is not None, "asked by `missing`"
        found: list[KeptPage] = []
        for page in await self._opened.of(exchange.who.learner, origin.id):
            if page.target == inbound.target or len(found) >= _MOST_SHOWN:
                continue
            asked = replace(self._asked(exchange), target=page.target)
            reply = await self._cache.kept(asked, exchange.now)
            if reply is not None:
                found.append(KeptPage(href=page.target, title=page.title, at=page.at))
                reply.abort()
        return tuple(found)

    # -- what is opened --------------------------------------------------------------------------------------

    async def _note(self, exchange: Exchange, fetched: Fetched) -> None:
        """She opened it; or the origin says that it isn't hers to open, and then she never did."""
        origin = exchange.inbound.origin
        if origin is not None and fetched.facts.status in _REFUSED:
            await self._opened.withdraw(exchange.who.learner, origin.id, exchange.inbound.target)
        if origin is None or fetched.facts.status != 200 or fetched.facts.content_type not in _HTML:
            return
        title = title_of(fetched)
        page = Opened(exchange.inbound.target, title or exchange.inbound.path, exchange.now)
        self._opened.note(exchange.who.learner, origin.id, page)


def title_of(fetched: Fetched) -> str:
    """The page's title as far as its first bytes tell it; "" where they don't."""
    coding = fetched.facts.content_coding
    if coding not in ("", *DECODABLE):
        return ""
    try:
        text = OriginDecoder(coding, max_bytes=1 << 20).feed(fetched.prefix) if coding else fetched.prefix
    except ExchangeError:
        return ""
    charset = fetched.facts.charset or declared_charset(text)
    try:
        found = _TITLE.search(text.decode(charset, "replace"))
    except LookupError:
        return ""
    return " ".join(html.unescape(found[1]).split())[:_TITLE_CHARS] if found is not None else ""


def _way(exchange: Exchange) -> tuple[Origin, Target]:
    inbound = exchange.inbound
    assert inbound.origin is not None, "only listed origins are asked for here"
    target = target_of(inbound.origin, scheme=inbound.scheme, host=inbound.host, port=inbound.port)
    return inbound.origin, target
