"""Pages about one film, recording or document: its versions, the wait for one that is being made, the viewer.

Laws of this file: everything works without scripts (the wait refreshes itself by a header that any browser knows); a
page that waits says how far it is and when it is likely to be ready; what failed says so and offers what is left.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from policies.frozen import Frozen
from policies.values import MediaKind
from proxy.pages.card import card_text
from proxy.pages.context import PageContext
from proxy.pages.figures import duration_text, size_text, transfer_text
from proxy.pages.full import full_page
from proxy.pages.moments import full_moment_text, moment_text, zone_text
from proxy.pages.phrases import phrases
from proxy.transforms.spec import Heavy

_OLDEST_REFRESH_S, _SOONEST_REFRESH_S = 60, 5


class Making(Frozen, frozen=True, kw_only=True):
    """How far a version is. ready_in_s None: not known; position: how many stand before it, 0 where it is under way.

    state  "asking" (the origin hasn't answered yet), "queued", "fetching", "making"
    """

    form: str
    state: str
    done: float = 0.0
    ready_in_s: float | None = None
    position: int = 0


class File(NamedTuple):
    """A file beside the page that asks for it."""

    href: str
    content_type: str
    size_bytes: int


class Track(NamedTuple):
    """Captions beside a film."""

    href: str
    language: str
    label: str


class Film(Frozen, frozen=True, kw_only=True):
    """What the viewer plays. sources: the browser takes the first that it knows; poster "": none.

    download  the file to keep for later, None where it isn't finished
    growing   the end is still being made: it plays, but can't be wound forward yet
    """

    form: str
    title: str
    sources: tuple[File, ...]
    poster: str = ""
    tracks: tuple[Track, ...] = ()
    download: File | None = None
    growing: bool = False


class Deferred(NamedTuple):
    """One request that waits for the free hours. state: "queued", "waiting", "fetching", "making", "ready", "failed",
    "cancelled", "expired"; token: cancels it, None where that is over."""

    title: str
    form: str
    state: str
    asked_at: datetime
    due_at: datetime | None
    why: str = ""
    href: str = ""
    token: str | None = None


def versions_page(heavy: Heavy, context: PageContext, *, full: bool = False) -> bytes:
    """Every version of one thing, what each costs, what is ready. full: one was asked for, and there is no room now."""
    return full_page("versions.html", context, card=card_text(heavy, context), full=full, buttons=True)


def making_page(heavy: Heavy, context: PageContext, making: Making) -> bytes:
    """The wait for a version: progress, time to readiness, and the way back. It comes again by itself."""
    say = phrases(context.language)
    left = duration_text(max(60, round(making.ready_in_s)), context.language) if making.ready_in_s is not None else ""
    return full_page(
        "making.html",
        context,
        card=card_text(heavy, context),
        making=making,
        version=say(f"version.{making.form}"),
        percent=round(100 * min(max(making.done, 0.0), 1.0)),
        left=left,
        refresh_s=refresh_s(making),
        buttons=True,
    )


def refresh_s(making: Making) -> int:
    """When the page comes again: a quarter of what is left, at least every minute and at most every five seconds."""
    if making.state == "asking":
        return _SOONEST_REFRESH_S
    if making.ready_in_s is None:
        return 15
    return round(min(max(making.ready_in_s / 4, _SOONEST_REFRESH_S), _OLDEST_REFRESH_S))


def impossible_page(heavy: Heavy, context: PageContext, form: str) -> bytes:
    """A version that couldn't be made of this source, and what is left."""
    say = phrases(context.language)
    name = say(f"version.{form}")
    said = say("media.impossible_document" if heavy.kind is MediaKind.DOCUMENT else "media.impossible")
    return full_page("impossible.html", context, card=card_text(heavy, context), version=name, said=said, buttons=True)


def film_page(film: Film, context: PageContext, heavy: Heavy) -> bytes:
    """The viewer for a film or for sound alone."""
    say, language = phrases(context.language), context.language
    download = ""
    if film.download is not None:
        download = say("media.download", size=size_text(film.download.size_bytes, language))
    took = ""
    if film.download is not None and context.decision.link.down_bps:
        took = transfer_text(film.download.size_bytes, context.decision.link.down_bps, language)
    return full_page(
        "film.html",
        context,
        film=film,
        card=card_text(heavy, context),
        version_name=say(f"version.{film.form}"),
        download=download,
        took=took,
        buttons=True,
    )


_SAID = {
    "filed": "deferred.filed",
    "full": "deferred.full",
    "only-you": "deferred.only-you",
    "noted": "deferred.noted",
    "no-address": "deferred.no-address",
}


def deferred_page(requests: tuple[Deferred, ...], context: PageContext, *, said: str = "", notify: str = "") -> bytes:
    """The receipt of what was asked for the free hours, and how far each is.

    said    what has just happened: "filed", "full" (too many are open), "only-you" (nobody else can have it),
            "noted" (a letter will come), "no-address"; "": nothing
    notify  the token of the form that asks for a letter; "": none is offered
    """
    say, language, zone = phrases(context.language), context.language, context.territory.zone
    rows = [
        {
            "title": request.title,
            "version": say(f"version.{request.form}"),
            "state": say(f"deferred.state.{request.state}"),
            "why": say.first(f"deferred.why.{request.why}", "deferred.why.other") if request.why else "",
            "asked": moment_text(request.asked_at, context.now, zone, language),
            "due": full_moment_text(request.due_at, context.now, zone, language) if request.due_at else "",
            "href": request.href,
            "token": request.token,
        }
        for request in requests
    ]
    return full_page(
        "deferred.html",
        context,
        rows=rows,
        said=say(_SAID[said]) if said else "",
        alert=said not in ("filed", "noted"),
        notify=notify,
        zone=zone_text(zone, context.now, language),
    )
