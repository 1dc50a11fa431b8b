"""The steps by which treatments narrow while an allowance runs out.

Laws of this file: a step narrows only the kinds that it names; a later step is never wider than an earlier one; the
pages of consultations and webinars stay whole, for a room without its scripts is no room.
"""

from __future__ import annotations

from dataclasses import replace

from policies.compile.merge import overlay
from policies.compile.spot import Spot
from policies.compile.treatments import treatments_of
from policies.model import Step
from policies.narrow import narrowest
from policies.schema.policy import KINDS
from policies.treatments import PASS_ALL, Action, Treatments
from policies.units import parse_percent
from policies.yaml_marks import MarkedMap


def compile_steps(kinds: MarkedMap, written: object, spot: Spot) -> tuple[Step, ...]:
    """kinds: the policy's own treatments as written, from which a step inherits key by key."""
    if not isinstance(written, MarkedMap):
        return ()
    steps: list[Step] = []
    so_far, treatments = MarkedMap(kinds.mark), PASS_ALL
    for key in sorted(written, key=lambda key: parse_percent(str(key))):
        step = written[key]
        if not isinstance(step, MarkedMap):
            continue
        so_far = overlay(overlay(_only(kinds, step), so_far), _only(step, step))
        treatments = narrowest(treatments, treatments_of(so_far))
        percent, source = parse_percent(str(key)), spot.at(key).source
        if steps and steps[-1].percent == percent:  # "80%" and "80 %": written twice, the narrower of both
            steps.pop()
        steps.append(Step(percent=percent, treatments=treatments, live=_live(treatments), source=source))
    return tuple(steps)


def _only(kinds: MarkedMap, named: MarkedMap) -> MarkedMap:
    """Of these kinds those that the step names."""
    return kinds.without(*(key for key in kinds if key not in named or key not in KINDS))


def _live(treatments: Treatments) -> Treatments:
    page = replace(treatments.page, text_first=False)
    return replace(treatments, page=page, script=Action.KEEP, style=Action.KEEP)
