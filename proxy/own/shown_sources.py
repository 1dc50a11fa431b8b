"""A film's or document's source as its origin shows it to a learner: what is made of it she gets only after that.

Laws: the origin's own yes to her, asked for again when it is old; without a link at a school's box what she was let
have before, what everybody has in a course that let her in, or what its origin lets anybody have; nothing else.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import unquote

from policies.frozen import Frozen
from policies.values import Place
from proxy.cache.sizes import SizeBook
from proxy.errors import ExchangeError
from proxy.keeping import keeps_for_her
from proxy.media.authorised import GRANTING
from proxy.media.desk import Desk
from proxy.media.refs import SourceRef
from proxy.media.views import Order
from proxy.night.sources import BY_NIGHT, url_by_night
from proxy.night.texts.proof import CourseProofs
from proxy.own.had import HadMedia
from proxy.pages import PageContext
from proxy.stages.context import Exchange
from proxy.stages.media_book import MediaBook, Seen
from proxy.stages.media_orders import order_of, recipe_of
from proxy.stages.media_origin import MediaOrigin
from proxy.transforms.spec import Heavy
from proxy.watch import NO_LINK


class Asked(Frozen, frozen=True, kw_only=True):
    """What a token stands for, as policy sees it now. exchange: with the decision for the thing's own address."""

    exchange: Exchange
    token: str
    heavy: Heavy
    context: PageContext

    @property
    def url(self) -> str:
        return self.heavy.url

    @property
    def title(self) -> str:
        return self.heavy.title or unquote(self.url.partition("?")[0].rpartition("/")[2])


class ShownSources:
    """Lives as long as the process."""

    def __init__(
        self, desk: Desk, origin: MediaOrigin, book: MediaBook, had: HadMedia, proofs: CourseProofs, sizes: SizeBook
    ) -> None:
        self._desk = desk
        self._origin = origin
        self._book = book
        self._had = had
        self._proofs = proofs
        self._sizes = sizes

    async def seen(self, asked: Asked) -> Seen | None:
        """The source as the origin shows it to her; None: it doesn't, and then she gets nothing made of it."""
        exchange, learner = asked.exchange, asked.exchange.who.learner
        seen = self._book.seen(learner, asked.url, exchange.now)
        if seen is not None and self._desk.authorised.allows(learner, seen.ref.key, exchange.now):
            await self._note_had(exchange, seen.ref, seen.content_type)
            return seen
        try:
            look = await self._origin.look(exchange, asked.url, page_url=asked.context.page_url)
        except ExchangeError as error:
            return await self._had_before(asked, error)
        if look.ref is None or look.status not in GRANTING:
            return None
        await self._note_had(exchange, look.ref, look.content_type)
        self._desk.authorised.note(learner, look.ref.key, look.status, exchange.now)
        self._book.saw(learner, asked.url, look.ref, look.content_type, exchange.now)
        self._book.titled(learner, asked.url, look.title)
        if look.duration_s is not None:
            self._book.lasts(look.ref, asked.url, look.duration_s)
        if look.ref.length_bytes:
            self._sizes.learn(asked.url, look.ref.length_bytes)
        return self._book.seen(learner, asked.url, exchange.now)

    async def _note_had(self, exchange: Exchange, ref: SourceRef, content_type: str) -> None:
        """For the hours without a link: at a school's box what she had; and what anybody may have, to be carried."""
        await self._desk.public.note(ref, content_type)
        if keeps_for_her(exchange):
            await self._had.note(ref, content_type, exchange.now, timedelta(days=exchange.limits.own_pages_days))

    async def _had_before(self, asked: Asked, error: ExchangeError) -> Seen | None:
        """Without a link: what she was let have while there was one, what everybody has in a course that let her in, or
        what its origin lets anybody have.

        Raises the error where that was nothing.
        """
        exchange, learner = asked.exchange, asked.exchange.who.learner
        if error.code not in NO_LINK or exchange.catalogue.settings.place is not Place.SCHOOL:
            raise error
        known = self._had.of(learner, asked.url, exchange.now)
        if known is None and await self._proofs.may_have(exchange, asked.url):
            known = self._had.of(BY_NIGHT, url_by_night(exchange.inbound.origin, asked.url), exchange.now)
        if known is None:
            known = await self._desk.public.of(asked.url, learner)
        if known is None:
            raise error
        ref, content_type = known
        self._desk.authorised.note(learner, ref.key, 200, exchange.now)
        self._book.saw(learner, asked.url, ref, content_type, exchange.now)
        return self._book.seen(learner, asked.url, exchange.now)

    def order(self, asked: Asked, version: str, seen: Seen) -> Order | None:
        """What the desk is asked for; None: this version can't be made of such a source."""
        exchange = asked.exchange
        found = recipe_of(version, exchange.decision, seen.content_type, exchange.inbound.request.headers)
        if found is None:
            return None
        return order_of(
            *found,
            seen.ref,
            region=exchange.decision.region,
            title=asked.title,
            media_s=self._book.known(exchange.who.learner, asked.url).duration_s,
            fetch=self._origin.fetcher(exchange, asked.url, page_url=asked.context.page_url),
        )

    async def forget(self, learner: str) -> None:
        """The origin's logout: nothing of what she had counts any more."""
        await self._had.forget(learner)
