"""What policy says of a ladder and of whoever watches it: what may stay, whether it is touched, whether it is paced.

Laws: pure; who is exempt, bypassed, observed or asks for the original gets everything as it is; where price is nothing,
nothing waits.
"""

from __future__ import annotations

import re

from policies.decision import Withhold
from policies.facts import ResponseFacts
from policies.treatments import Action, Form, NothingFits, VideoTreatment
from policies.values import MediaKind, Reason
from proxy.deliver.validators import fingerprint
from proxy.stages.context import Exchange
from proxy.transforms.ladder import LadderSpec, Rendition

NOT_FOUND_TO_FIT = "ladder-nothing-fits"
REMOVED_RUNG = "ladder-rung-removed"
_RANGE = re.compile(r"bytes 0-(\d{1,18})/(\d{1,18})")
_SEGMENT_KINDS = frozenset({MediaKind.VIDEO, MediaKind.AUDIO, MediaKind.OTHER, None})


def ladder_spec(stream: VideoTreatment, language: str) -> LadderSpec:
    """What the treatment lets through."""
    return LadderSpec(
        max_height_px=stream.max_height_px,
        max_bitrate_bps=stream.max_bitrate_bps,
        max_fps=stream.max_fps,
        sound_only=stream.form is not Form.CAPPED,
        nothing_fits_lowest=stream.nothing_fits is NothingFits.LOWEST,
        language=language,
    )


def way_of(spec: LadderSpec) -> str:
    """What tells manifests cut in different ways apart, in their validators."""
    return fingerprint("ladder", spec.fingerprint())


def adapts(exchange: Exchange) -> bool:
    """Whether policy cuts ladders here."""
    return exchange.decision.treatments.stream.action is Action.ADAPT and not passes(exchange)


def passes(exchange: Exchange) -> bool:
    """Whether everything goes as it is here."""
    decision = exchange.decision
    return decision.bypassed or decision.observe or decision.exempt or exchange.facts.wants_original


def is_paced(exchange: Exchange) -> bool:
    """Whether this may be a segment that comes no sooner than it can be watched."""
    decision, facts = exchange.decision, exchange.facts
    if decision.bypassed or decision.observe or decision.exempt or facts.method != "GET":
        return False
    return facts.kind in _SEGMENT_KINDS and decision.price.amount > 0 and not decision.free_now


def is_whole(facts: ResponseFacts) -> bool:
    """Whether a 206 has the whole thing in it, as media elements ask for it."""
    found = _RANGE.fullmatch(facts.headers.get("content-range", "").strip()) if facts.status == 206 else None
    return found is not None and int(found[1]) + 1 == int(found[2])


def nothing_fits(lowest: Rendition) -> Withhold:
    """What to say where even the lowest rung is beyond the policy."""
    told = (("height_px", lowest.height_px), ("bitrate_bps", lowest.bitrate_bps))
    params = tuple((name, value) for name, value in told if value is not None)
    return Withhold(kind=MediaKind.STREAM, reason=Reason(rule=NOT_FOUND_TO_FIT, params=params))
