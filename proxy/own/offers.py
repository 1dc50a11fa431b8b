"""What makes lighter versions of a thing possible for one learner: a token, what is known, what she chose last.

Laws: offered only for addresses of the site itself that aren't an editor's, and where this place can save, or what a
night has made already; memory look-ups only, since every card of a page asks.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from urllib.parse import urlsplit

from policies.classify import is_edited
from policies.decision import Decision
from policies.values import MediaKind
from proxy.account.tokens import Tokens
from proxy.night.sources import BY_NIGHT, url_by_night
from proxy.own.choices import Choices
from proxy.pages.versions import MediaOffer
from proxy.stages.context import Exchange
from proxy.stages.media_book import MediaBook
from proxy.stages.media_origin import is_same_site
from proxy.stages.places import saves_here
from proxy.transforms.spec import Heavy

TOKEN_LIFETIME = timedelta(hours=24)
_TITLE_CHARS = 60  # a card may carry the token five times


class MediaOffers:
    """Makes `MediaOffer`s. films False: there is nothing here to make a film smaller with."""

    def __init__(self, tokens: Tokens, book: MediaBook, choices: Choices, *, films: bool = True) -> None:
        self._films = films
        self._tokens = tokens
        self._book = book
        self._choices = choices

    def offer(self, exchange: Exchange, decision: Decision, page_url: str, heavy: Heavy) -> MediaOffer | None:
        """The offer for this thing, None where none of its versions can be had."""
        if not self._can_be(exchange, heavy):
            return None
        learner, now = exchange.who.learner, exchange.now
        known, saves = self._book.known(learner, heavy.url), saves_here(exchange.catalogue.settings.place, decision)
        if not saves and not known.ready:  # what a night made lies on her side already
            known = self._book.known(BY_NIGHT, url_by_night(exchange.inbound.origin, heavy.url))
        if not saves and not known.ready:
            return None
        self._book.titled(learner, heavy.url, heavy.title[:_TITLE_CHARS])
        payload = {"u": heavy.url, "k": heavy.kind.value}
        if page_url and page_url != heavy.url:
            payload["p"] = page_url
        if heavy.title:
            payload["t"] = heavy.title[:_TITLE_CHARS]
        return MediaOffer(
            token=self._tokens.seal("media", payload, learner=learner, expires=now + TOKEN_LIFETIME),
            known=known,
            only_ready=not saves,
            chosen=self._choices.of(learner, heavy.kind.value, now),
        )

    def can_come(self, exchange: Exchange, heavy: Heavy, forms: Collection[str]) -> bool:
        """Whether one of these versions can be made of this thing in the free hours, as far as is known by now."""
        impossible = self._book.known(exchange.who.learner, heavy.url).impossible
        return self._can_be(exchange, heavy) and any(form not in impossible for form in forms)

    def _can_be(self, exchange: Exchange, heavy: Heavy) -> bool:
        """Whether anything is made of this thing at all."""
        if not is_same_site(exchange, heavy.url) or _is_edited(exchange, heavy.url):
            return False
        duration_s = self._book.known(exchange.who.learner, heavy.url).duration_s
        too_long = duration_s is not None and duration_s > exchange.limits.max_media_s
        return heavy.kind is not MediaKind.VIDEO or (self._films and not too_long)


def _is_edited(exchange: Exchange, url: str) -> bool:
    """Whether the address is one of an editor's, and so gives nothing but the whole."""
    origin = exchange.inbound.origin
    return origin is not None and is_edited(origin, urlsplit(url).path)
