"""`decide` with a memory, for the live path.

Laws of this file: it decides as `decide` does; what it remembers it gives out until the decision's own `valid_until`
and never for an earlier instant; its memory is bounded. What differs from one request to the next without changing
anything else (who reads, the measured link, how large an original the allowance still bears) is laid on top, so that
a place needs a few remembered decisions, not thousands.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from policies.classify import Classifier, Seen
from policies.compose import as_measured, decision_for, nominal_link
from policies.decision import Decision, LinkSpeed
from policies.exceptions import matching, policy_for
from policies.facts import RequestFacts, Usage
from policies.frozen import Frozen
from policies.memory import remember
from policies.model import After, Catalogue, Policy, Step, Territory
from policies.money import MoneyNow, money_now
from policies.place import territory_of
from policies.rules.nearly_spent import step_of
from policies.rules.original import original_max_bytes
from policies.rules.situate import binding_uses, left_bytes
from policies.rules.slow_link import sign_of_slowness

_MAX_FITS = 256  # per decision: readers and directions, a few links and sizes
_Key = tuple[object, ...]


class _Chosen(Frozen, frozen=True):
    """A remembered choice of policy."""

    policy: Policy
    made_at: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class _Known:
    """A remembered decision.

    link      the link without measurement
    limiting  which of the usage's allowances bound the original
    fits      the same for other readers, links and sizes of originals; bounded
    """

    made_at: datetime
    until: datetime | None
    decision: Decision
    link: LinkSpeed
    limiting: tuple[int, ...]
    fits: dict[_Key, Decision] = field(default_factory=dict)


class Decider:
    """`decide` for one catalogue, remembering. Not for use from several threads."""

    def __init__(self, catalogue: Catalogue, *, max_entries: int = 32768) -> None:
        self._catalogue = catalogue
        self._max_entries = max_entries
        self._classifier = Classifier(catalogue, max_entries=max_entries)
        self._memo: dict[_Key, _Known] = {}
        self._policies: dict[tuple[int, ...], _Chosen] = {}
        self._tariffs: dict[int, tuple[datetime, MoneyNow]] = {}

    def decide(self, request: RequestFacts, usage: Usage, now: datetime) -> Decision:
        """What `decide` says; `valid_until` may come from an earlier search and is never later than its."""
        territory = territory_of(self._catalogue, request)
        seen = self._classifier.seen(request)
        policy, until = territory.policy, None
        if territory.exceptions:
            chosen = self._policy(territory, request, now)
            policy, until = chosen.policy, chosen.until
        key = _key(territory, policy, until, seen, request, usage, now)
        known = self._memo.get(key)
        if known is None or known.made_at > now or (known.until is not None and now >= known.until):
            known = self._decided(territory, seen, request, usage, now)
            remember(self._memo, key, known, self._max_entries)
        return _fitted(known, territory, policy, request, usage, now)

    def _decided(self, territory: Territory, seen: Seen, request: RequestFacts, usage: Usage, now: datetime) -> _Known:
        money = self._money(territory, now)
        decision = decision_for(self._catalogue, territory, seen.classification, request, usage, now, money)
        binding = binding_uses(territory, request, usage, free_now=decision.free_now)
        stops = {id(use) for allowance, use in binding if allowance.after is After.STOP}
        limiting = tuple(n for n, use in enumerate(usage.allowances) if id(use) in stops)
        return _Known(now, decision.valid_until, decision, nominal_link(territory, money), limiting)

    def _policy(self, territory: Territory, request: RequestFacts, now: datetime) -> _Chosen:
        key = (id(territory), *map(id, matching(territory, request)))
        known = self._policies.get(key)
        if known is None or now < known.made_at or (known.until is not None and now >= known.until):
            policy, _, until = policy_for(territory, request, now)
            known = _Chosen(policy, now, until)
            remember(self._policies, key, known, self._max_entries)
        return known

    def _money(self, territory: Territory, now: datetime) -> MoneyNow:
        known = self._tariffs.get(id(territory.tariff))
        if known is not None and known[0] <= now and (known[1].valid_until is None or now < known[1].valid_until):
            return known[1]
        money = money_now(territory.tariff, now)
        self._tariffs[id(territory.tariff)] = (now, money)
        return money


# -- what a remembered decision depends on ---------------------------------------------------------------------


def _key(
    territory: Territory,
    policy: Policy,
    until: datetime | None,
    seen: Seen,
    request: RequestFacts,
    usage: Usage,
    now: datetime,
) -> _Key:
    """Places and policies are told by identity: the catalogue holds them as long as the memory lives.

    until: when the calendar may choose another policy, for one learner and not for the next.
    """
    spent, allowances = _spent_and_renewals(usage, policy.steps, now) if usage.allowances else (False, None)
    by_kind = None
    if spent or request.wants_original:
        by_kind = (request.kind, request.audience, request.wants_original)
    return (
        id(territory),
        id(policy),
        until,
        seen.token,
        request.origin,
        request.region if territory.region != request.region else "",
        request.mode,
        request.hints.save_data,
        sign_of_slowness(policy, request),
        allowances,
        by_kind,
        _original_key(usage, now) if request.wants_original else None,
    )


def _spent_and_renewals(usage: Usage, steps: tuple[Step, ...], now: datetime) -> tuple[bool, _Key]:
    """Whether any allowance is spent, and what the clock, the tariff and the policy's steps make of each."""
    any_spent = False
    parts: list[object] = []
    near = steps[0].percent if steps else 100
    for use in usage.allowances:
        running, reached, spent = use.renews_at > now, 0, False
        if running and use.used_bytes * 100 >= use.amount_bytes * near:
            spent = use.used_bytes >= use.amount_bytes
            any_spent = any_spent or spent
            step = step_of(steps, use, now)
            reached = 0 if step is None else step.percent
        parts.append((use.scope, use.amount_bytes, use.renews_at if running else None, spent, reached))
    return any_spent, tuple(parts)


def _original_key(usage: Usage, now: datetime) -> _Key:
    return tuple(left_bytes((use,), now) for use in usage.allowances)


# -- what is laid on top ---------------------------------------------------------------------------------------


def _fitted(
    known: _Known, territory: Territory, policy: Policy, request: RequestFacts, usage: Usage, now: datetime
) -> Decision:
    """The remembered decision for this reader, on this link, with what is left now."""
    decision = known.decision
    original = policy.original_max_bytes
    if known.limiting and original != 0:
        left = left_bytes([usage.allowances[n] for n in known.limiting], now)
        original = original_max_bytes(policy, territory.tariff, left)
    link = known.link
    if request.measured_bps is not None or link.rtt_ms is None:
        link = as_measured(link, request)
    fits = (
        decision.audience is request.audience
        and decision.direction is request.direction
        and decision.original_max_bytes == original
        and decision.link == link
    )
    if fits:
        return decision
    key = (request.audience, request.direction, original, link.down_bps, link.up_bps, link.rtt_ms)
    fitted = known.fits.get(key)
    if fitted is None:
        fitted = replace(
            decision, audience=request.audience, direction=request.direction, original_max_bytes=original, link=link
        )
        remember(known.fits, key, fitted, _MAX_FITS)
    return fitted
