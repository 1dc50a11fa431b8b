"""A spent allowance: stop, throttle or pay on.

Laws of this file: what teachers need to read and to write stays open after a stop: the forum's and the
consultation's own pages as text, the shell of the origin (a quiz can't be told from the scripts it needs), a logout;
and what is stored on the near side of the hop that costs.
"""

from __future__ import annotations

from policies.classify import is_logout, matcher_of
from policies.decision import Verdict
from policies.model import After
from policies.money import free_windows
from policies.rules.situation import Effect, Situation, Spent, joined, local_text
from policies.treatments import (
    Action,
    AudioTreatment,
    DocumentTreatment,
    ImageTreatment,
    PageTreatment,
    SizedTreatment,
    Treatments,
    VideoTreatment,
)
from policies.values import Audience, CostlyHop, MediaKind, Mode, Reason, TrafficClass
from policies.windows import next_opening

_TEXT_CLASSES = frozenset({TrafficClass.FORUM, TrafficClass.CONSULTATION})
_TEXT_KINDS = frozenset({MediaKind.PAGE, MediaKind.DATA})
_SHELL_KINDS = frozenset({MediaKind.SCRIPT, MediaKind.STYLE})
_TEXT_AUDIENCES = frozenset({Audience.PAGE, Audience.EMBED, Audience.API, Audience.APP})

TEXT_ONLY = Treatments(
    page=PageTreatment(action=Action.ADAPT, lazy_images=True, show_sizes=True),
    image=ImageTreatment(action=Action.CARD),
    video=VideoTreatment(action=Action.CARD),
    stream=VideoTreatment(action=Action.CARD),
    embed=VideoTreatment(action=Action.CARD),
    audio=AudioTreatment(action=Action.CARD),
    document=DocumentTreatment(action=Action.CARD),
    archive=SizedTreatment(action=Action.CARD),
    font=Action.DROP,
)

# A tunnel to an LMS may hold a quiz, which nobody may cut; at this rate it goes on, and video isn't worth watching.
_TUNNEL_RATE_BPS = 64_000


def allowance(at: Situation) -> Effect | None:
    """The effects of every allowance that is spent; None while none is."""
    if not at.spent:
        return None
    return joined(_effect(at, spent) for spent in at.spent)


def _effect(at: Situation, spent: Spent) -> Effect:
    match spent.allowance.after:
        case After.STOP:
            return _stopped(at, spent)
        case After.THROTTLE:
            reason = _reason(at, spent, "throttled", ("rate_bps", spent.allowance.throttle_bps or 0))
            return Effect(reasons=(reason,), rate_bps=spent.allowance.throttle_bps, valid_until=spent.renews_at)
        case After.PAY:
            return Effect(reasons=(_reason(at, spent, "pays-on"),), valid_until=spent.renews_at)


def _stopped(at: Situation, spent: Spent) -> Effect:
    if _is_logout(at) or _is_shell(at):
        return Effect(reasons=(_reason(at, spent, "kept-open"),), valid_until=spent.renews_at)
    if _may_hold_assessment(at):
        reason = _reason(at, spent, "tunnel-kept", ("rate_bps", _TUNNEL_RATE_BPS))
        return Effect(reasons=(reason,), rate_bps=_TUNNEL_RATE_BPS, valid_until=spent.renews_at)
    if _is_text(at):
        reason = _reason(at, spent, "text-kept")
        return Effect(reasons=(reason,), treatments=TEXT_ONLY, valid_until=spent.renews_at)
    opens_at = spent.renews_at
    if not spent.allowance.counts_when_free:
        free_at = next_opening(free_windows(at.territory.tariff), at.now)
        opens_at = min(opens_at, free_at) if free_at is not None else opens_at
    reason = _reason(at, spent, "allowance-spent", ("opens_at", local_text(opens_at, at.territory)))
    return Effect(
        reasons=(reason,),
        verdict=Verdict.DEFER,
        opens_at=opens_at,
        valid_until=opens_at,
        stored_only=_has_store_here(at),
    )


def _has_store_here(at: Situation) -> bool:
    """Whether what Tropa has stored lies on the learner's side of the hop that costs: then it moves no dear byte."""
    return at.territory.costly_hop is CostlyHop.SITE_UPLINK and at.request.mode is not Mode.TUNNEL


def _reason(at: Situation, spent: Spent, rule: str, *more: tuple[str, str | int | float]) -> Reason:
    params = (
        ("scope", spent.allowance.scope.value),
        ("amount_bytes", spent.allowance.amount_bytes),
        ("renews_at", local_text(spent.renews_at, at.territory)),
        *more,
    )
    return Reason(rule=rule, source=spent.allowance.source or at.territory.tariff.source, params=params)


def _is_text(at: Situation) -> bool:
    if at.classification.traffic_class not in _TEXT_CLASSES or at.request.audience not in _TEXT_AUDIENCES:
        return False
    kind = at.request.kind or at.classification.kind
    return kind is None or kind in _TEXT_KINDS


def _is_shell(at: Situation) -> bool:
    return at.origin is not None and at.request.kind in _SHELL_KINDS


def _is_logout(at: Situation) -> bool:
    return at.origin is not None and is_logout(at.origin, at.request.path)


def _may_hold_assessment(at: Situation) -> bool:
    return at.request.mode is Mode.TUNNEL and at.origin is not None and matcher_of(at.origin).holds_assessment
