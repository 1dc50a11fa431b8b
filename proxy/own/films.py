"""Films in the place of moving pictures, as a learner's pages have them: which pages may, and under which address.

Laws: only where our script may run, since whoever asked for less motion must get a film that stands still; the page's
own policy is obeyed; an address is sealed for this learner, and names no film but the picture it was made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from multidict import CIMultiDict

from policies.values import MediaKind
from proxy.account.tokens import Tokens
from proxy.own.csp import lets_media_in
from proxy.stages.context import Exchange
from proxy.stages.media_origin import is_same_site
from proxy.stages.moving import MovingFilms, has_films
from proxy.transforms.spec import PictureFilm

MOVING = "moving"  # the version's name under /.tropa/media/TOKEN/
_TOKEN_LIFETIME = timedelta(hours=24)


def films_part(exchange: Exchange, headers: CIMultiDict[str]) -> Mapping[str, str]:
    """What our script is told: that films of this page stand still for whoever asked for less motion."""
    wanted = has_films(exchange) and lets_media_in(headers, host=exchange.inbound.host)
    return {"films": "calm"} if wanted else {}


class PageFilms:
    """Finds the film of a picture for a page."""

    def __init__(self, tokens: Tokens, films: MovingFilms) -> None:
        self._tokens = tokens
        self._films = films

    def of_page(self, exchange: Exchange, headers: CIMultiDict[str]) -> Callable[[str], PictureFilm | None] | None:
        """The look-up for this page's pictures; None: none of them may be a film."""
        return (lambda url: self._of(exchange, url)) if films_part(exchange, headers) else None

    def _of(self, exchange: Exchange, url: str) -> PictureFilm | None:
        film = self._films.film_of(exchange, url) if is_same_site(exchange, url) else None
        if film is None:
            return None
        payload = {"u": url, "k": MediaKind.IMAGE.value}
        expires = exchange.now + _TOKEN_LIFETIME
        token = self._tokens.seal("media", payload, learner=exchange.who.learner, expires=expires)
        return PictureFilm(src=f"/.tropa/media/{token}/{MOVING}", width_px=film.width_px, loops=film.loops)
