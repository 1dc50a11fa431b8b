"""What a night brought of a learner's courses in words, under the reserved path.

    GET texts                the courses that are here and that she has been let into
    GET texts/COURSE         one of them
    GET texts/COURSE/TEXT    one text of it

Laws: shown to whom the course's own site has let in, and otherwise as if it weren't here; nothing is asked of the site,
so nothing counts as seen; never kept by a browser.
"""

from __future__ import annotations

from datetime import timedelta

from policies.kinds import kind_of_path
from policies.values import MediaKind
from proxy.deliver.answer import Answer
from proxy.deliver.send import see_other
from proxy.night.texts.proof import CourseProofs
from proxy.night.texts.store import Beside, Head, TextStore
from proxy.night.texts.values import TextKind
from proxy.own.dressing import Dresser
from proxy.own.refusals import own_page
from proxy.pages.context import PageContext
from proxy.pages.texts import FilmHref, course_page, courses_page, film_name, text_page
from proxy.pages.versions import PLAYBACK_PATH
from proxy.stages.context import Exchange

PATH = "texts"
_TOKEN_LIFE = timedelta(days=1)


class TextRoutes:
    """Answers what `OwnRoutes` hands on."""

    def __init__(self, store: TextStore, proofs: CourseProofs, dresser: Dresser) -> None:
        self._store = store
        self._proofs = proofs
        self._dresser = dresser

    async def page(self, exchange: Exchange, rest: str, *, page_url: str) -> Answer:
        """rest: what follows "texts/" in the path."""
        context = self._dresser.context(exchange, page_url=page_url if not rest else "")
        heads = tuple(one.for_reader(context.language) for one in await self._proofs.heads(exchange))
        if not rest:
            return own_page(200, courses_page(heads, context))
        number, _, key = rest.partition("/")
        head = next((one for one in heads if str(one.course) == number), None)
        if head is None:
            return see_other(f"/.tropa/{PATH}")
        shown = self._text(exchange, head, key, context) if key else self._course(exchange, head, context)
        return await shown

    async def _course(self, exchange: Exchange, head: Head, context: PageContext) -> Answer:
        assert exchange.inbound.origin is not None, "has a head"
        told = await self._store.texts(exchange.inbound.origin.id, head.course)
        texts = tuple(text.for_reader(context.language) for text in told)
        return own_page(200, course_page(head, texts, context, self._film_href(exchange)))

    async def _text(self, exchange: Exchange, head: Head, key: str, context: PageContext) -> Answer:
        assert exchange.inbound.origin is not None, "has a head"
        text = await self._store.text(exchange.inbound.origin.id, head.course, key)
        if text is None:
            return see_other(f"/.tropa/{PATH}/{head.course}")
        beside = Beside()
        if text.kind is TextKind.CHAPTER:
            beside = await self._store.chapters_beside(exchange.inbound.origin.id, head.course, text)
        text, beside = text.for_reader(context.language), beside.for_reader(context.language)
        return own_page(200, text_page(head, text, context, self._film_href(exchange), beside))

    def _film_href(self, exchange: Exchange) -> FilmHref:
        """To the film's versions: what was made of it by night, or what can be had."""
        home = f"{exchange.inbound.scheme}://{exchange.inbound.authority}/"

        def href(url: str) -> str:
            url = home + url.split("/", 3)[-1]  # under the name that she calls the site by
            kind = MediaKind.VIDEO if PLAYBACK_PATH in url else kind_of_path(url) or MediaKind.VIDEO
            payload = {"u": url, "k": str(kind), "t": film_name(url)}
            return f"/.tropa/media/{self._dresser.sealed(exchange, 'media', payload, exchange.now + _TOKEN_LIFE)}/"

        return href
