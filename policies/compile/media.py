"""What is written of films and sound but can't be meant: keys that count for nothing, choices that contradict.

Laws of this file: a fault is whose who wrote both sides of it; what only a nearer place made idle is none, so that
`video: card` may stand on any policy.
"""

from __future__ import annotations

from policies.compile.spot import Spot
from policies.schema.media import ADAPT_KEYS
from policies.treatments import Form
from policies.units import parse_rate_bps
from policies.yaml_marks import Mark, MarkedList, MarkedMap


def check_media(spot: Spot, below: MarkedMap | None = None) -> None:
    """Reports what the kinds written at `spot` say wrongly.

    below: the kinds they stand on (those of the policy below a class, `save_data` or `slow_link`); None: nothing.
    """
    written = _at(spot)
    for kind, adapt_keys in ADAPT_KEYS.items():
        own = written.get(kind)
        if isinstance(own, MarkedMap):
            base = None if below is None else _longhand(below, kind)
            here = spot.at(kind)
            _report_idle(own, base, adapt_keys, here)
            _report_twice(own, base, here)
            _report_silent_film(own, here)


def _at(spot: Spot) -> MarkedMap:
    here: object = spot.raw
    for step in spot.path:
        here = here.get(str(step)) if isinstance(here, MarkedMap) else None
    return here if isinstance(here, MarkedMap) else MarkedMap(spot.mark)


def _longhand(below: MarkedMap, kind: str) -> MarkedMap | None:
    value = below.get(kind)
    if not isinstance(value, str):
        return value if isinstance(value, MarkedMap) else None
    result = MarkedMap(below.value_marks[kind])
    result.put("treatment", value, below.key_marks[kind], below.value_marks[kind])
    return result


def _report_idle(own: MarkedMap, base: MarkedMap | None, adapt_keys: tuple[str, ...], spot: Spot) -> None:
    deciding = own if own.get("treatment") is not None else base
    word = deciding.get("treatment", "keep") if deciding is not None else "keep"
    if word == "adapt":
        return
    for key in (key for key in adapt_keys if own.get(key) is not None):
        written = deciding is not None and deciding.get("treatment") is not None
        if deciding is None or not written or _same_hand(own, key, deciding, "treatment"):
            cure = f"write treatment: adapt instead of {word}" if written else "add treatment: adapt"
            spot.at(key).fault(f"{key} counts only for what is made smaller", f"{cure}, or remove it")


def _report_twice(own: MarkedMap, base: MarkedMap | None, spot: Spot) -> None:
    also = own.get("also")
    choosing = own if base is None or own.get("as") is not None else base
    if also is None or (choosing is base and not _same_hand(own, "also", choosing, "as")):
        return
    form = choosing.get("as") or Form.CAPPED.value
    for index, item in enumerate(also if isinstance(also, MarkedList) else [also]):
        if item == form:
            place = spot.at("also", index) if isinstance(also, MarkedList) else spot.at("also")
            place.fault(f"{item} is the recommended version already", "remove it here, or recommend another by as:")


def _report_silent_film(own: MarkedMap, spot: Spot) -> None:
    """A film whose sound takes half or more of all that it may have."""
    rate, sound = own.get("max_rate"), own.get("sound")
    if rate is not None and sound is not None and parse_rate_bps(rate) < 2 * parse_rate_bps(sound):
        problem = f"beside sound of {sound} little is left for the picture"
        spot.at("max_rate").fault(problem, "raise max_rate, lower sound, or write as: sound")


def _same_hand(own: MarkedMap, key: str, base: MarkedMap, base_key: str) -> bool:
    """Whether both were written in one policy: its part below, its own kinds above."""
    above, mine = base.value_marks.get(base_key, base.mark), own.key_marks[key]
    return above.file == mine.file and mine.key.startswith(_policy_of(above))


def _policy_of(mark: Mark) -> str:
    """Where the policy stands that says this of a kind: `policies.mine.` of `policies.mine.video.treatment`."""
    parts = mark.key.split(".")
    depth = next((n for n in reversed(range(len(parts))) if parts[n] in ADAPT_KEYS), 0)
    return "".join(f"{part}." for part in parts[:depth])
