"""What can be offered in place of something withheld, and which one thing is recommended.

Laws of this file: pure; nothing is promised that this place can't keep. "Tonight" needs a store on the learner's
side of the costly hop; waiting for a free hour is advised only where the original may then be taken at all.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from policies.decision import Decision, Verdict
from policies.frozen import Frozen
from policies.model import Windows
from policies.values import CostlyHop, Store
from policies.windows import current_close, next_opening
from proxy.pages.context import PageContext
from proxy.pages.figures import cost_of
from proxy.pages.versions import Version, allowed_forms, versions_for
from proxy.transforms.spec import Heavy

Span = tuple[datetime, datetime | None]
_QUICK_S = 180.0


class Advice(StrEnum):
    """The one recommended action."""

    LIGHTER = "lighter"  # a version that fits the link
    SHOW_FREE = "show_free"  # the original, now, without cost
    WAIT_OPEN = "wait_open"  # the thing itself opens at a known time
    TONIGHT = "tonight"  # fetched in the free window into the store on the learner's side
    WAIT_FREE = "wait_free"  # the original, in the free window
    ALTERNATIVE = "alternative"  # a recording, a forum …
    SHOW_PAID = "show_paid"  # the original, now, at its price
    ASK = "ask"  # the institute


class Offer(Frozen, frozen=True, kw_only=True):
    """What a card may say. cost None: unknown size, or nobody here pays by the megabyte.

    original, tonight  tokens; None: not offered
    versions           lighter versions, the recommended one first
    in_browser         the free window in which her own browser can fetch the first version; None: it can't
    free               the free window that is open or comes next, None if there is none to wait for
    """

    advice: Advice
    cost: Decimal | None
    priced: bool
    free_now: bool
    free: Span | None
    opens_at: datetime | None
    original: str | None
    tonight: str | None
    versions: tuple[Version, ...] = ()
    in_browser: Span | None = None


def offer_for(heavy: Heavy, context: PageContext) -> Offer:
    """The offer for this thing, here and now."""
    decision = context.decision
    priced = decision.costly_hop is not CostlyHop.NONE and decision.price.amount > 0 and not decision.free_now
    free = _free_span(context, priced=priced)
    original = context.token("original", heavy.url) if heavy.url and _allows(decision, heavy.size_bytes) else None
    later = free and _has_store(decision) and (_is_made_by_night(heavy, context) or _comes_by_night(heavy, context))
    tonight = context.token("tonight", heavy.url) if later else None
    opens_at = decision.opens_at if decision.verdict is Verdict.DEFER else None
    cost = None
    if heavy.size_bytes is not None and priced:
        cost = cost_of(heavy.size_bytes, decision.price.amount, context.territory.tariff.overhead_factor)
    versions = () if opens_at else versions_for(heavy, context)
    advice = _advise(context, original, tonight, opens_at, free if _allowed_when_free(heavy, context) else None)
    if versions and not (advice is Advice.SHOW_FREE and _is_quick(heavy, decision)):
        advice = Advice.LIGHTER
    return Offer(
        advice=advice,
        cost=cost,
        priced=priced,
        free_now=decision.free_now,
        free=free if advice is Advice.WAIT_FREE or tonight or _allowed_when_free(heavy, context) else None,
        opens_at=opens_at,
        original=original,
        tonight=tonight,
        versions=versions,
        in_browser=free if versions and _keeps(context) and not decision.free_now else None,
    )


def _advise(
    context: PageContext, original: str | None, tonight: str | None, opens_at: datetime | None, free: Span | None
) -> Advice:
    pays_nothing = context.decision.free_now or context.decision.price.amount == 0
    if opens_at:
        return Advice.WAIT_OPEN
    if original and pays_nothing:
        return Advice.SHOW_FREE
    if tonight:
        return Advice.TONIGHT
    if free:
        return Advice.WAIT_FREE
    if context.decision.alternatives:
        return Advice.ALTERNATIVE
    return Advice.SHOW_PAID if original else Advice.ASK


def _allows(decision: Decision, size_bytes: int | None) -> bool:
    """An unknown size is allowed where anything is: the page behind the button weighs it again."""
    limit = decision.original_max_bytes
    return limit is None or (limit > 0 and (size_bytes is None or size_bytes <= limit))


def _allowed_when_free(heavy: Heavy, context: PageContext) -> bool:
    """Whether the free window will let the original through: only a spent allowance stops it until then."""
    decision = context.decision
    if "original" not in context.tokens or not heavy.url or decision.verdict is not Verdict.ALLOW:
        return False
    if _allows(decision, heavy.size_bytes):
        return True
    by_policy = context.territory.policy.original_max_bytes
    counted = any(allowance.counts_when_free for allowance in context.territory.tariff.allowances)
    fits = by_policy is None or (by_policy > 0 and (heavy.size_bytes or 0) <= by_policy)
    return fits and not counted and _narrowed_by_allowance(context)


def _narrowed_by_allowance(context: PageContext) -> bool:
    """Whether the limit in force is what an allowance leaves, and so not one that a policy wrote."""
    territory, limit = context.territory, context.decision.original_max_bytes
    written = {territory.policy.original_max_bytes} | {e.policy.original_max_bytes for e in territory.exceptions}
    return bool(territory.tariff.allowances) and limit not in written


def _is_quick(heavy: Heavy, decision: Decision) -> bool:
    """Whether the original comes within a few minutes on this link: then nothing lighter needs to be recommended."""
    if heavy.size_bytes is None or not decision.link.down_bps:
        return False
    return heavy.size_bytes * 8 / decision.link.down_bps <= _QUICK_S


def _is_made_by_night(heavy: Heavy, context: PageContext) -> bool:
    """Whether a lighter version of it can be made in the free hours."""
    forms = allowed_forms(heavy, context)
    return bool(forms) and (context.by_night is None or context.by_night(heavy, forms))


def _comes_by_night(heavy: Heavy, context: PageContext) -> bool:
    """Whether the thing itself can be had in the free hours without her."""
    return bool(heavy.url) and context.nightly is not None and context.nightly(heavy.url)


def _keeps(context: PageContext) -> bool:
    return context.keeps and context.decision.store is Store.BROWSER and _has_store(context.decision)


def _has_store(decision: Decision) -> bool:
    return decision.store is not Store.NONE and decision.costly_hop is not CostlyHop.NONE


def _free_span(context: PageContext, *, priced: bool) -> Span | None:
    return free_span(context.territory.tariff.free, context.now) if priced else None


@lru_cache(maxsize=256)
def free_span(free: Windows, now: datetime) -> Span | None:
    """The free window that is open at `now` (as starting now), else the next one; None: none in sight."""
    closes = current_close(free, now)
    if closes is not None:
        return now, closes
    opens = next_opening(free, now)
    return (opens, current_close(free, opens)) if opens is not None else None
