"""The versions of a film, a recording or a document that policy allows: which one is recommended, and what each costs.

Laws of this file: pure; a version stands here only if policy allows it and this place can save with it; what is only
estimated says "about"; what can't be made of this source is not offered again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import field

from policies.frozen import Frozen
from policies.treatments import Action, Credit, Form, LightCopy, VideoTreatment
from policies.values import CostlyHop, MediaKind
from proxy.pages.figures import cost_of, duration_text, money_text, size_text, transfer_text
from proxy.pages.phrases import Phrases, phrases
from proxy.transforms.media.specs import likely_bytes, likely_light_bytes
from proxy.transforms.spec import Heavy

if TYPE_CHECKING:
    from proxy.pages.context import PageContext

_SHOWN = (Form.SLIDECAST, Form.SOUND, Form.SLIDES, Form.CAPPED)  # as most are glad of them
_WORTH = 0.8  # of the source's bytes: a version that saves less than a fifth is not worth a choice
# A recording of many files (BigBlueButton's) has a deck of its own, and no film.
PLAYBACK_PATH = "/playback/presentation/"
_OF_A_RECORDING = frozenset({Form.SLIDECAST, Form.SLIDES})
_LIGHT_SUFFIXES = (".pdf", ".docx", ".pptx", ".odt", ".odp")


class MediaKnown(Frozen, frozen=True, kw_only=True):
    """What is known of one source and its versions now.

    ready       version -> its bytes, for what can be had at once
    ready_in_s  version -> seconds until it is ready, for what is being made or would have to be
    impossible  versions that can't be made of this source
    names       version -> what the store knows it by, of those that are ready
    """

    duration_s: float | None = None
    ready: Mapping[str, int] = field(default_factory=dict)
    ready_in_s: Mapping[str, float] = field(default_factory=dict)
    impossible: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)


class MediaOffer(Frozen, frozen=True, kw_only=True):
    """What makes versions possible here: the token that asks for them, what is known, what this learner chose last.

    only_ready  nothing can be made here and now: what is made already is all there is
    """

    token: str
    known: MediaKnown = MediaKnown()
    chosen: str | None = None
    only_ready: bool = False


OfferFor = Callable[[Heavy], MediaOffer | None]


class Version(Frozen, frozen=True, kw_only=True):
    """One version as a card or page shows it. form: "slidecast", "sound", "slides", "capped", "read", "print".

    short_size  "~342 КБ", or without the sign where it is known; "" where nothing is known
    """

    form: str
    name: str
    figures: tuple[str, ...]
    when: str
    ready: bool
    token: str
    short_size: str = ""

    @property
    def action(self) -> str:
        return f"/.tropa/make/{self.form}"


def versions_for(heavy: Heavy, context: PageContext) -> tuple[Version, ...]:
    """Every version of this thing that is offered here, the recommended one first; () for none."""
    forms = allowed_forms(heavy, context)
    offer = context.media(heavy) if forms and context.media is not None else None
    if offer is None:
        return ()
    if offer.only_ready:
        forms = tuple(form for form in forms if form in offer.known.ready)
    if offer.chosen in forms:
        forms = (offer.chosen, *(form for form in forms if form != offer.chosen))
    return tuple(
        _version(form, heavy, context, offer) for form in forms if _is_worth(form, heavy, context, offer.known)
    )


def allowed_forms(heavy: Heavy, context: PageContext) -> tuple[str, ...]:
    """The versions that policy allows for a thing of this kind, its own recommendation first."""
    treatments = context.decision.treatments
    if heavy.host_name or not heavy.url:
        return ()
    match heavy.kind:
        case MediaKind.VIDEO if PLAYBACK_PATH in heavy.url:
            return tuple(form for form in film_forms(treatments.video) if form in _OF_A_RECORDING)
        case MediaKind.VIDEO:
            return film_forms(treatments.video)
        case MediaKind.DOCUMENT if urlsplit(heavy.url).path.lower().endswith(_LIGHT_SUFFIXES):
            return tuple(copy.value for copy in LightCopy if copy in treatments.document.light)
        case _:
            return ()


def film_forms(video: VideoTreatment) -> tuple[str, ...]:
    """A film's versions under this treatment."""
    if video.action is not Action.ADAPT:
        return ()
    return tuple(dict.fromkeys((video.form.value, *(form.value for form in _SHOWN if form in video.also))))


def credit_text(heavy: Heavy, context: PageContext, *, versions: bool) -> str:
    """What policy says of credit: whether a lighter version is enough; "" where it says nothing."""
    say, decision = phrases(context.language), context.decision
    if decision.player_must_stay and heavy.kind in (MediaKind.VIDEO, MediaKind.STREAM):
        return say("card.credit_player")
    if versions and heavy.kind is MediaKind.VIDEO:
        credit = decision.treatments.video.credit
        if credit is not Credit.UNSAID:
            return say("card.credit_enough" if credit is Credit.ENOUGH else "card.credit_full")
    return say("card.credit") if decision.required_for_credit else ""


def _is_worth(form: str, heavy: Heavy, context: PageContext, known: MediaKnown) -> bool:
    """Whether it can be made, and saves anything to speak of."""
    if form in known.impossible:
        return False
    size_bytes = known.ready.get(form) or _likely(form, heavy, context, known)
    return size_bytes is None or heavy.size_bytes is None or size_bytes <= _WORTH * heavy.size_bytes


def _version(form: str, heavy: Heavy, context: PageContext, offer: MediaOffer) -> Version:
    say = phrases(context.language)
    ready = offer.known.ready.get(form)
    size_bytes = ready if ready is not None else _likely(form, heavy, context, offer.known)
    return Version(
        form=form,
        name=say(f"version.{form}"),
        figures=_figures(size_bytes, context, say, exact=ready is not None),
        when=_when(form, offer.known, context.language),
        ready=ready is not None,
        token=offer.token,
        short_size="" if size_bytes is None else ("" if ready else "~") + size_text(size_bytes, context.language),
    )


def _likely(form: str, heavy: Heavy, context: PageContext, known: MediaKnown) -> int | None:
    """About how big it will be, None where that can't be told."""
    if form in (LightCopy.READ, LightCopy.PRINT):
        return likely_light_bytes(LightCopy(form), heavy.size_bytes) if heavy.size_bytes else None
    if known.duration_s is None:
        return None
    return likely_bytes(Form(form), context.decision.treatments.video, known.duration_s)


def _figures(size_bytes: int | None, context: PageContext, say: Phrases, *, exact: bool) -> tuple[str, ...]:
    """How big, how long on this link, what it costs and who pays."""
    if size_bytes is None:
        return ()
    decision, language = context.decision, context.language
    size = size_text(size_bytes, language)
    figures = [size if exact else say("version.about", size=size)]
    if decision.link.down_bps:
        figures.append(transfer_text(size_bytes, decision.link.down_bps, language))
    if decision.costly_hop is not CostlyHop.NONE and decision.price.amount > 0:
        if decision.free_now:
            figures.append(say("card.free_now"))
        else:
            cost = cost_of(size_bytes, decision.price.amount, context.territory.tariff.overhead_factor)
            money = money_text(cost, decision.price.currency, language)
            school = decision.costly_hop is CostlyHop.SITE_UPLINK
            figures.append(say("card.cost_school" if school else "card.cost", money=money))
    return tuple(figures)


def _when(form: str, known: MediaKnown, language: str) -> str:
    say = phrases(language)
    if form in known.ready:
        return say("version.ready")
    seconds = known.ready_in_s.get(form)
    if seconds is None:
        return say("version.to_make")
    return say("version.ready_in", time=duration_text(round(seconds), language))
