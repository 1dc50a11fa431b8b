"""Key-by-key inheritance of what was written, before it is typed.

Laws of this file: the more specific value wins, key by key through mappings; a list or a word replaces; every value
keeps the mark of the place that wrote it, so that a reason names the line that is responsible.
"""

from __future__ import annotations

from policies.schema.policy import CLASS_SHORTHANDS, KINDS
from policies.yaml_marks import Mark, MarkedList, MarkedMap

_OF_ANY_TREATMENT = frozenset({"credit", "light"})


def overlay(base: MarkedMap, over: MarkedMap) -> MarkedMap:
    """`over` on top of `base`, both left as they are. A key without a value inherits."""
    result = base.copied()
    for key, value in over.items():
        if value is None and key in base:
            continue
        if isinstance(value, MarkedMap) and not _replaces(key, value):
            below = _longhand(base, key)
            if below is not None:
                value = overlay(_still_meant(key, below, value), value)
        result.put(key, value, over.key_marks[key], over.value_marks[key])
    return result


def _replaces(key: str, value: MarkedMap) -> bool:
    """A policy that names what it extends takes nothing from the one it stands on."""
    return key == "policy" and "extends" in value


def _longhand(base: MarkedMap, key: str) -> MarkedMap | None:
    """The inherited mapping below a key, also where it was written as one word."""
    value = base.get(key)
    if isinstance(value, MarkedMap):
        return value
    word = "extends" if key == "policy" else "treatment" if key in KINDS else None
    if isinstance(value, str) and word is not None:
        return wrapped(word, value, base.value_marks[key])
    return None


def _still_meant(key: str, below: MarkedMap, over: MarkedMap) -> MarkedMap:
    """What a kind inherits. From another treatment only what its cards say: limits mean something else there.

    (`max` of a film that is kept is where cards begin; of one that is made smaller, what is taken in at all.)
    A version that is recommended now isn't offered beside itself.
    """
    if key not in KINDS or key == "images":
        return below
    if over.get("treatment") is not None and over["treatment"] != below.get("treatment", "keep"):
        return below.without(*(name for name in below if name not in _OF_ANY_TREATMENT))
    also = below.get("also")
    if over.get("as") is None or over.get("also") is not None or not isinstance(also, (MarkedList, str)):
        return below
    result = below.without("also")
    if isinstance(also, MarkedList):
        result.put("also", _without_item(also, over["as"]), below.key_marks["also"], below.value_marks["also"])
    elif also != over["as"]:
        result.take(below, "also")
    return result


def _without_item(items: MarkedList, gone: object) -> MarkedList:
    result = MarkedList(items.mark)
    for item, mark in zip(items, items.marks, strict=True):
        if item != gone:
            result.append(item)
            result.marks.append(mark)
    return result


def wrapped(key: str, value: object, mark: Mark) -> MarkedMap:
    """A mapping of one key that stands where its value stands."""
    result = MarkedMap(mark)
    result.put(key, value, mark, mark)
    return result


def class_refinements(place: MarkedMap) -> MarkedMap | None:
    """What a place's `consultations:`, `webinars:`, `classes:` and `observe:` say, as keys of a policy."""
    result = MarkedMap(place.mark)
    if isinstance(place.get("classes"), MarkedMap):
        result.take(place, "classes")
    for shorthand, name in CLASS_SHORTHANDS.items():
        value = place.get(shorthand)
        if isinstance(value, MarkedMap):
            mark = place.value_marks[shorthand]
            result = overlay(result, wrapped("classes", wrapped(name, value, mark), mark))
    if place.get("observe") is not None:
        result.take(place, "observe")
    return result or None
