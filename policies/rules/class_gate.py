"""The hours of a traffic class: always, in the tariff's free windows, in windows of its own, or never."""

from __future__ import annotations

from datetime import timedelta

from policies.decision import Alternative, Verdict
from policies.model import When, Windows
from policies.money import free_windows
from policies.rules.situation import Effect, Situation, local_text, source_of
from policies.values import Reason
from policies.windows import current_close, is_open, next_change, next_opening

# Where no change is in sight, tomorrow's search sees a day further.
_SEARCH_AGAIN = timedelta(days=1)


def class_gate(at: Situation) -> Effect | None:
    """DEFER until the class's next opening, REFUSE where it is never open, the closing time while it is open."""
    match at.rule.when:
        case When.ALWAYS:
            return None
        case When.NEVER:
            return _shut(at)
        case When.FREE:
            return None if at.always_free else _by_windows(at, free_windows(at.territory.tariff))
        case When.WINDOWS:
            return _by_windows(at, at.rule.windows)


def _shut(at: Situation) -> Effect:
    reason = Reason(rule="class-never", source=_source(at), params=_params(at))
    return Effect(reasons=(reason,), verdict=Verdict.REFUSE, alternatives=_alternatives(at))


def _by_windows(at: Situation, windows: Windows) -> Effect | None:
    if windows.always:
        return None
    valid_until = next_change(windows, at.now) or at.now + _SEARCH_AGAIN
    if is_open(windows, at.now):
        closes_at = current_close(windows, at.now)
        params = (*_params(at), ("closes_at", local_text(closes_at, at.territory)))
        reason = Reason(rule="window-open", source=_source(at), params=params)
        return Effect(reasons=(reason,), closes_at=closes_at, valid_until=valid_until)
    opens_at = next_opening(windows, at.now)
    params = (*_params(at), ("opens_at", local_text(opens_at, at.territory)))
    return Effect(
        reasons=(Reason(rule="window-closed", source=_source(at), params=params),),
        verdict=Verdict.DEFER,
        opens_at=opens_at,
        alternatives=_alternatives(at),
        valid_until=valid_until,
    )


def _params(at: Situation) -> tuple[tuple[str, str | int | float], ...]:
    return (("class", at.classification.traffic_class.value), ("when", at.rule.when.value))


def _source(at: Situation) -> str:
    name = at.classification.traffic_class.value
    return source_of(at.policy, f"classes.{name}.when", f"classes.{name}", default=at.rule.source)


def _alternatives(at: Situation) -> tuple[Alternative, ...]:
    """The policy's own and the origin's; an address of the origin's replaces a policy's that has none."""
    by_origin = at.origin.alternatives.get(at.classification.traffic_class, ()) if at.origin is not None else ()
    known = {alternative.what: alternative for alternative in by_origin}
    own = tuple(a if a.href else known.get(a.what, a) for a in at.rule.alternatives)
    named = {alternative.what for alternative in own}
    offered = own + tuple(alternative for alternative in by_origin if alternative.what not in named)
    return tuple(alternative for alternative in offered if alternative.href)
