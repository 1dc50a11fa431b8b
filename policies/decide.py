"""What may happen to one exchange, before a byte is fetched.

Laws of this file: no clock, no I/O; total: any request gets a decision; `Decider` decides as `decide` does, only
faster: what it remembers it gives out until the decision's own `valid_until`, and never for an earlier instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from policies.classify import Classification, Classifier, classify
from policies.compose import composed, in_buckets
from policies.decision import Decision, Verdict
from policies.exceptions import matching, policy_for
from policies.facts import NO_HINTS, RequestFacts, Usage
from policies.model import Catalogue, Policy, Territory
from policies.money import MoneyNow, money_now, payload_of
from policies.narrow import lower
from policies.nowhere import UNKNOWN
from policies.rules.original import in_steps
from policies.rules.situate import situate
from policies.rules.slow_link import sign_of_slowness

_Key = tuple[object, ...]
_K = TypeVar("_K")
_V = TypeVar("_V")


def decide(catalogue: Catalogue, request: RequestFacts, usage: Usage, now: datetime) -> Decision:
    """The decision for a request at an instant. For a place that nobody knows everything passes, and it says so."""
    classification = classify(catalogue, catalogue.origins.get(request.origin), request)
    return _decided(catalogue, place_of(catalogue, request), classification, request, usage, now)


def enforced_verdict(decision: Decision) -> Verdict:
    """The verdict that the wire gets to feel: in observe mode and under bypass everything is allowed."""
    return Verdict.ALLOW if decision.observe or decision.bypassed else decision.verdict


def place_of(catalogue: Catalogue, request: RequestFacts) -> Territory:
    """The request's site, else its region, else the default region, else the built-in place of those without one."""
    territories = catalogue.territories
    found = territories.get((request.region, request.site)) or territories.get((request.region, None))
    return found or territories.get((catalogue.settings.default_region or "", None)) or UNKNOWN


def _decided(
    catalogue: Catalogue,
    territory: Territory,
    classification: Classification,
    request: RequestFacts,
    usage: Usage,
    now: datetime,
    money: MoneyNow | None = None,
) -> Decision:
    policy, source, dates_until = policy_for(territory, request, now)
    at = situate(catalogue, territory, classification, policy, source, request, usage, now, money)
    return composed(at, dates_until)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A remembered choice of policy."""

    policy: Policy
    made_at: datetime
    until: datetime | None


class Decider:
    """`decide` with a bounded memory, for one catalogue. Not for use from several threads."""

    def __init__(self, catalogue: Catalogue, *, max_entries: int = 32768) -> None:
        self._catalogue = catalogue
        self._max_entries = max_entries
        self._classifier = Classifier(catalogue, max_entries=max_entries)
        self._memo: dict[_Key, tuple[datetime, datetime | None, Decision]] = {}
        self._policies: dict[tuple[int, ...], _Chosen] = {}
        self._tariffs: dict[int, tuple[datetime, MoneyNow]] = {}

    def decide(self, request: RequestFacts, usage: Usage, now: datetime) -> Decision:
        """What `decide` says, with `valid_until` possibly from an earlier search, so never later than its."""
        territory = place_of(self._catalogue, request)
        seen = self._classifier.seen(request)
        policy = self._policy(territory, request, now) if territory.exceptions else territory.policy
        key: _Key = (
            id(territory),
            id(policy),
            id(seen.classification),
            seen.edited,
            seen.logout,
            request.origin,
            request.mode,
            request.kind,
            request.audience,
            request.direction,
            request.wants_original,
            _link_key(policy, request),
            _usage_key(territory, policy, usage, now) if usage.allowances else None,
        )
        known = self._memo.get(key)
        if known is not None and known[0] <= now and (known[1] is None or now < known[1]):
            return known[2]
        money = self._money(territory, now)
        decision = _decided(self._catalogue, territory, seen.classification, request, usage, now, money)
        _remember(self._memo, key, (now, decision.valid_until, decision), self._max_entries)
        return decision

    def _policy(self, territory: Territory, request: RequestFacts, now: datetime) -> Policy:
        key = (id(territory), *map(id, matching(territory, request)))
        known = self._policies.get(key)
        if known is None or now < known.made_at or (known.until is not None and now >= known.until):
            policy, _, until = policy_for(territory, request, now)
            known = _Chosen(policy, now, until)
            _remember(self._policies, key, known, self._max_entries)
        return known.policy

    def _money(self, territory: Territory, now: datetime) -> MoneyNow:
        known = self._tariffs.get(id(territory.tariff))
        if known is not None and known[0] <= now and (known[1].valid_until is None or now < known[1].valid_until):
            return known[1]
        money = money_now(territory.tariff, now)
        self._tariffs[id(territory.tariff)] = (now, money)
        return money


def _remember(memo: dict[_K, _V], key: _K, value: _V, max_entries: int) -> None:
    if key not in memo and len(memo) >= max_entries:
        del memo[next(iter(memo))]
    memo[key] = value


def _link_key(policy: Policy, request: RequestFacts) -> object:
    """What of hints and measurement can change the decision."""
    hints, measured_bps = request.hints, request.measured_bps
    if hints is NO_HINTS and measured_bps is None:
        return None
    bucket = None if measured_bps is None else in_buckets(measured_bps)
    return hints.save_data, sign_of_slowness(policy, request), bucket, hints.rtt_ms


def _usage_key(territory: Territory, policy: Policy, usage: Usage, now: datetime) -> object:
    """What of the allowances can change the decision: which are spent, and how large an original they still bear."""
    parts: list[object] = []
    limit = policy.original_max_bytes
    for use in usage.allowances:
        left = use.amount_bytes - use.used_bytes if use.renews_at > now else use.amount_bytes
        if left > 0 and limit != 0:
            bearable = lower(limit, in_steps(payload_of(left, territory.tariff)))
            parts.append((use.scope, use.amount_bytes, use.renews_at, bearable))
        else:
            parts.append((use.scope, use.amount_bytes, use.renews_at if use.renews_at > now else None, left > 0))
    return tuple(parts)
