"""From what pydantic found to faults with places.

Laws of this file: one pass shows every fault; what is faulty is left out and the rest read again, so that later checks
see all that could be understood.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from policies.faults import FaultList, Wrong, did_you_mean
from policies.schema.base import described
from policies.yaml_marks import MarkedList, MarkedMap, mark_at

Model = TypeVar("Model", bound=BaseModel)
Path = tuple[str | int, ...]

_MAX_ROUNDS = 8


def check(model: type[Model], raw: MarkedMap, faults: FaultList) -> tuple[Model, MarkedMap] | None:
    """The typed section and what of `raw` could be understood; None when nothing could."""
    found: set[Path] = set()
    for again in range(_MAX_ROUNDS):
        try:
            return model.model_validate(raw), raw
        except ValidationError as error:
            items = [item for item in error.errors(include_url=False) if not _is_noise(item)]
            wrong = [_written(raw, tuple(item["loc"])) for item in items]
            for item, path in zip(items, wrong, strict=True):
                if not (again and (item["type"] == "missing" or _holds(path, found))):
                    _report(model, raw, item, path, faults)
            if not all(wrong) or found.issuperset(wrong):
                return None
            found.update(wrong)
            raw = _pruned(raw, set(wrong))
    return None


def _holds(path: Path, found: set[Path]) -> bool:
    """Whether something below a path was left out for a fault of its own: what is missing there was written."""
    return any(other[: len(path)] == path for other in found)


def _is_noise(item: Any) -> bool:
    """A list that was faulty isn't one of the words that might stand in its place either."""
    return item["type"] == "literal_error" and isinstance(item["input"], list)


def _report(model: type[BaseModel], raw: MarkedMap, item: Any, path: Path, faults: FaultList) -> None:
    kind = item["type"]
    if kind == "missing":
        absent = str(item["loc"][-1])
        hint = _description(model, path, absent)
        faults.add(mark_at(raw, path).fault(f"{absent} is missing", f"add {absent}: ({hint})"))
        return
    mark = mark_at(raw, path, of_key=kind == "extra_forbidden")
    faults.add(mark.fault(*_words(model, item, path)))


def _words(model: type[BaseModel], item: Any, path: Path) -> tuple[str, str]:
    kind, got = item["type"], described(item.get("input"))
    if kind == "extra_forbidden":
        if item.get("input") is None and " " in str(path[-1]):
            return f"unknown key {path[-1]}", "put a text with a comma in quotes"
        return f"unknown key {path[-1]}", did_you_mean(str(path[-1]), _known_keys(model, path[:-1]))
    cause = item.get("ctx", {}).get("error")
    if isinstance(cause, Wrong):
        return cause.problem, cause.cure
    if kind == "dict_type":
        return f"expected names with keys below, got {got}", "write each name, a colon, and its keys indented below"
    if kind in ("model_type", "model_attributes_type"):
        return f"expected keys with values, got {got}", "indent the keys below it"
    if kind == "list_type":
        return f"expected a list, got {got}", "begin each item with - or write [a, b]"
    return f"{item['msg']}, got {got}", "write it as the reference of the policy language says"


def _written(raw: MarkedMap, location: Path) -> Path:
    """The part of a location that stands in the file: pydantic also names union members and long forms."""
    here: object = raw
    path: list[str | int] = []
    for step in location:
        if (isinstance(here, MarkedMap) and step in here) or (isinstance(here, MarkedList) and isinstance(step, int)):
            here = here[step]  # type: ignore[index]
            path.append(step)
        elif not isinstance(here, (MarkedMap, MarkedList)):
            break
    return tuple(path)


def _pruned(raw: MarkedMap, wrong: set[Path]) -> MarkedMap:
    pruned = _without(raw, wrong, ())
    assert isinstance(pruned, MarkedMap)
    return pruned


def _without(value: object, wrong: set[Path], here: Path) -> object:
    if isinstance(value, MarkedMap):
        kept = MarkedMap(value.mark)
        for key in value:
            if (*here, key) not in wrong:
                kept.put(key, _without(value[key], wrong, (*here, key)), value.key_marks[key], value.value_marks[key])
        return kept
    if isinstance(value, MarkedList):
        items = MarkedList(value.mark)
        for index, item in enumerate(value):
            if (*here, index) not in wrong:
                items.append(_without(item, wrong, (*here, index)))
                items.marks.append(value.marks[index])
        return items
    return value


def _known_keys(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys of the section at a path below a model."""
    annotation: Any = model
    for step in path:
        annotation = _below(annotation, step)
    sections = _sections(annotation) or _sections(_inside(annotation))  # one item may stand without its list
    return [field.alias or name for section in sections for name, field in section.model_fields.items()]


def _description(model: type[BaseModel], path: Sequence[str | int], key: str) -> str:
    annotation: Any = model
    for step in path:
        annotation = _below(annotation, step)
    for section in _sections(annotation) or _sections(_inside(annotation)):
        for name, field in section.model_fields.items():
            if (field.alias or name) == key:
                return (field.description or "").rstrip(".")
    return ""


def _below(annotation: Any, step: str | int) -> Any:
    for section in _sections(annotation):
        for name, field in section.model_fields.items():
            if (field.alias or name) == step:
                return field.annotation
    return _inside(annotation)


def _inside(annotation: Any) -> Any:
    """What a list or a mapping holds."""
    if get_origin(annotation) in (list, dict):
        return get_args(annotation)[-1]
    for part in get_args(annotation):
        found = _inside(part)
        if found is not None:
            return found
    return None


def _sections(annotation: Any) -> list[type[BaseModel]]:
    """The sections that a value of this type may be, without looking into lists."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (list, dict):
        return []
    return [section for part in get_args(annotation) for section in _sections(part)]
